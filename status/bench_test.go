package status_test

import (
	"encoding/base64"
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
	"google.golang.org/protobuf/types/known/durationpb"
)

// What errors cost beside others' is measured in bench/errorpath. Here is what nobody
// else has, and what the tests of allocations use.

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

// descend panics as deep in a stack as it is told.
//
//go:noinline
func descend(n int) {
	var none []int
	if n == 0 {
		none[n]++
		return
	}
	descend(n - 1)
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

func TestBothWaysOfBuildingGiveTheSameBytes(t *testing.T) {
	if ours, theirs := buildOurs(), buildWithDetails(); ours != theirs {
		t.Errorf("two ways to write the same error differ:\n%s\n%s", ours, theirs)
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
