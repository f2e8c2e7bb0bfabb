package status_test

import (
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

func BenchmarkFind(b *testing.B) {
	for _, details := range []int{0, 1, 3, 5} {
		p := grpcstatus.New(codes.Unavailable, "the shelf is locked").Proto()
		if details > 0 {
			p = arrived(b, makeOurs(details, "17").Encode(status.Rendering{}))
		}
		err := plain(p)
		name := strconv.Itoa(details)
		b.Run("received/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = status.Received(err, "/shelf.v1.Shelf/Find", "", false)
			}
		})
		b.Run("received+delay/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := status.Received(err, "/shelf.v1.Shelf/Find", "", false)
				e.RetryDelay()
			}
		})
		b.Run("received+verdict/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := status.Received(err, "/shelf.v1.Shelf/Find", "", false)
				e.Verdict()
			}
		})
		b.Run("received+code/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := status.Received(err, "/shelf.v1.Shelf/Find", "", false)
				e.ErrorCode()
			}
		})
		b.Run("received+Detail/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := status.Received(err, "/shelf.v1.Shelf/Find", "", false)
				status.Detail[*errdetails.RetryInfo](e)
			}
		})
		b.Run("Details-of-grpc/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = detailsRetryInfo(err)
			}
		})
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
	if n == 0 {
		var none []int
		none[n]++
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

func BenchmarkFindOnly(b *testing.B) {
	for _, details := range []int{0, 1, 3, 5} {
		p := grpcstatus.New(codes.Unavailable, "the shelf is locked").Proto()
		if details > 0 {
			p = arrived(b, makeOurs(details, "17").Encode(status.Rendering{}))
		}
		e := remote(p)
		name := strconv.Itoa(details)
		for what, read := range map[string]func(){
			"RetryDelay": func() { e.RetryDelay() },
			"Verdict":    func() { e.Verdict() },
			"Outcome":    func() { e.Outcome() },
		} {
			b.Run(what+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					read()
				}
			})
		}
	}
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
