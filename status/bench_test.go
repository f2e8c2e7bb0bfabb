package status_test

import (
	"encoding/base64"
	"reflect"
	"runtime"
	"strconv"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// One error in two ways, with 1, 3 or 5 details of google.rpc and an id that is
// new each time.

func freshID(n *int) string { *n++; return strconv.Itoa(4_000_000 + *n) }

func makeOurs(details int, id string) *status.Error {
	const code, message = "SHELF_LOCKED", "the shelf is locked for the inventory"
	switch details {
	case 1:
		return status.New(codes.Unavailable, code, message, status.Domain(domain), status.Meta("requestId", id))
	case 3:
		return status.New(codes.Unavailable, code, message, status.Domain(domain), status.Meta("requestId", id),
			status.RetryAfter(2*time.Second),
			status.Attach(&errdetails.LocalizedMessage{Locale: "de-CH", Message: "Das Regal ist wegen der Inventur gesperrt."}))
	default:
		return status.New(codes.Unavailable, code, message, status.Domain(domain), status.Meta("requestId", id),
			status.RetryAfter(2*time.Second),
			status.Attach(&errdetails.LocalizedMessage{Locale: "de-CH", Message: "Das Regal ist wegen der Inventur gesperrt."}),
			status.Help("When shelves are locked", "https://library.example.com/help/inventory"),
			status.Violation("shelf", "LOCKED", "choose another shelf"),
			status.Violation("items[0].copies", "TOO_MANY", "at most 3 copies while shelves are locked"))
	}
}

func makeTheirs(details int, id string, own bool) *grpcstatus.Status {
	all := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: "SHELF_LOCKED", Domain: domain, Metadata: map[string]string{"requestId": id}},
	}
	if details >= 3 {
		all = append(all,
			&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)},
			&errdetails.LocalizedMessage{Locale: "de-CH", Message: "Das Regal ist wegen der Inventur gesperrt."})
	}
	if details >= 5 {
		all = append(all,
			&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "When shelves are locked", Url: "https://library.example.com/help/inventory"}}},
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "shelf", Reason: "LOCKED", Description: "choose another shelf"},
				{Field: "items[0].copies", Reason: "TOO_MANY", Description: "at most 3 copies while shelves are locked"},
			}})
	}
	if own {
		d := &recoursev1.ErrorDetail{ErrorCode: "SHELF_LOCKED", Domain: domain}
		if details >= 3 {
			d.Retry = &recoursev1.RetryAdvice{Verdict: sameRequest}
		}
		all = append(all, d)
	}
	st, err := grpcstatus.New(codes.Unavailable, "the shelf is locked for the inventory").WithDetails(all...)
	if err != nil {
		panic(err)
	}
	return st
}

func BenchmarkBuildDetails(b *testing.B) {
	for _, details := range []int{1, 3, 5} {
		name := strconv.Itoa(details)
		b.Run("recourse/"+name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				sink = makeOurs(details, freshID(&n))
			}
		})
		b.Run("WithDetails/"+name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				sink = makeTheirs(details, freshID(&n), false)
			}
		})
	}
}

func BenchmarkBuildAndEncode(b *testing.B) {
	for _, details := range []int{1, 3, 5} {
		name := strconv.Itoa(details)
		for _, r := range []struct {
			name      string
			rendering status.Rendering
		}{{"recourse", status.Rendering{}}, {"recourse-own", status.Rendering{OmitGuidance: true}}, {"recourse-omit", status.Rendering{OmitErrorDetail: true}}} {
			b.Run(r.name+"/"+name, func(b *testing.B) {
				n := 0
				b.ReportAllocs()
				for b.Loop() {
					st := makeOurs(details, freshID(&n)).Encode(r.rendering).Status
					sinkText = encode(raw(st))
				}
			})
		}
		for _, own := range []bool{false, true} {
			b.Run(map[bool]string{false: "WithDetails/", true: "WithDetails-own/"}[own]+name, func(b *testing.B) {
				n := 0
				b.ReportAllocs()
				for b.Loop() {
					sinkText = encode(raw(makeTheirs(details, freshID(&n), own)))
				}
			})
		}
	}
}

// BenchmarkFind reads what has just been received, and what was read before.
func BenchmarkFind(b *testing.B) {
	for _, details := range []int{0, 1, 3, 5} {
		p := grpcstatus.New(codes.Unavailable, "the shelf is locked").Proto()
		if details > 0 {
			p = arrived(b, makeOurs(details, "17").Encode(status.Rendering{}))
		}
		err := plain(p)
		e := remoteOf(err)
		for _, reader := range []struct {
			name string
			read func()
		}{
			{"Received", func() { sink = remoteOf(err) }},
			{"Received and ErrorCode", func() { remoteOf(err).ErrorCode() }},
			{"RetryDelay", func() { e.RetryDelay() }},
			{"Verdict", func() { e.Verdict() }},
			{"Detail", func() { status.Detail[*errdetails.RetryInfo](e) }},
			{"Details of grpc-go", func() { sink = detailsRetryInfo(err) }},
		} {
			b.Run(reader.name+"/"+strconv.Itoa(details), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					reader.read()
				}
			})
		}
	}
}

func BenchmarkPanicked(b *testing.B) {
	b.Run("Panicked", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			panicking(func(v any) { sink = status.Panicked(v) })
		}
	})
	b.Run("gomw", func(b *testing.B) { // what its recovery does: a stack of 64 KiB, and a status
		b.ReportAllocs()
		for b.Loop() {
			panicking(func(v any) { sink = gomwRecover(v) })
		}
	})
}

// raw is the message inside a status, as grpc-go's transport reads it.
func raw(st *grpcstatus.Status) *spb.Status {
	return (*spb.Status)(reflect.ValueOf(st).Elem().Field(0).UnsafePointer())
}

// panicking recovers a panic as deep in a stack as a handler is.
func panicking(recovered func(any)) {
	defer func() { recovered(recover()) }()
	descend(12)
}

//go:noinline
func descend(n int) {
	var none []int
	if n == 0 {
		none[n]++
		return
	}
	descend(n - 1)
}

type gomwPanic struct {
	value any
	stack []byte
}

func gomwRecover(v any) *gomwPanic {
	stack := make([]byte, 64<<10)
	return &gomwPanic{v, stack[:runtime.Stack(stack, false)]}
}

func BenchmarkAmended(b *testing.B) {
	for _, details := range []int{3, 5} {
		err := plain(arrived(b, makeOurs(details, "17").Encode(status.Rendering{})))
		advice := &recoursev1.RetryAdvice{Verdict: never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3}
		b.Run("With/"+strconv.Itoa(details), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = remoteOf(err).With(status.Advice(advice))
			}
		})
		b.Run("With+Code/"+strconv.Itoa(details), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = grpcstatus.Code(remoteOf(err).With(status.Advice(advice)))
			}
		})
	}
}

// encode does what grpc-go does with a status: one marshal, one base64.
func encode(p *spb.Status) string {
	b, err := proto.Marshal(p)
	if err != nil {
		panic(err)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// Both make an error with ErrorInfo, RetryInfo and ErrorDetail.

func ourError() *status.Error {
	return status.New(codes.Unavailable, "SHELF_LOCKED", "the shelf is locked",
		status.Domain(domain), status.Meta("shelf", "B12"), status.RetryAfter(2*time.Second))
}

func buildOurs() string { return encode(ourError().Encode(status.Rendering{}).Status.Proto()) }

func buildWithDetails() string {
	st, err := grpcstatus.New(codes.Unavailable, "the shelf is locked").WithDetails(
		&errdetails.ErrorInfo{Reason: "SHELF_LOCKED", Domain: domain, Metadata: map[string]string{"shelf": "B12"}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)},
		&recoursev1.ErrorDetail{
			ErrorCode: "SHELF_LOCKED", Domain: domain, Suggestion: "Try again in a few moments or check system status.",
			Retry: &recoursev1.RetryAdvice{Verdict: sameRequest},
			RecoveryActions: []*recoursev1.RecoveryAction{{
				Actor: recoursev1.RecoveryAction_ACTOR_CLIENT, Label: "Try again",
				Action: &recoursev1.RecoveryAction_RetryAfter{RetryAfter: &recoursev1.RetryAfter{}},
			}},
		})
	if err != nil {
		panic(err)
	}
	return encode(st.Proto())
}

func threeDetails(t testing.TB) *spb.Status {
	return sent(t, ourError(), status.Rendering{})
}

func detailsRetryInfo(err error) *errdetails.RetryInfo {
	for _, d := range grpcstatus.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r
		}
	}
	return nil
}

func TestBothWaysOfBuildingGiveTheSameBytes(t *testing.T) {
	if ours, theirs := buildOurs(), buildWithDetails(); ours != theirs {
		t.Errorf("the benchmark compares different errors:\n%s\n%s", ours, theirs)
	}
}

func remoteOf(err error) *status.Error {
	return status.Received(err, "/shelf.v1.Shelf/Find", "", false)
}

// The results are kept, so that the compiler keeps the work.
var (
	sink     any
	sinkText string
)

func BenchmarkEncode(b *testing.B) {
	for name, e := range map[string]*status.Error{"bare": status.New(codes.NotFound, "X_Y", "m"), "everything": everything(), "cut down": laden()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = e.Encode(status.Rendering{RequestID: "4bf92f35-77b3"}).Status
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	for name, err := range map[string]error{"plain": errPlain, "grpc-go's": plain(threeDetails(b)), "received": remote(threeDetails(b))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = status.Classify(err)
			}
		})
	}
}
