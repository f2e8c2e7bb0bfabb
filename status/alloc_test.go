//go:build !race

// The race detector allocates by itself; make test runs this file without it.

package status_test

import (
	"encoding/base64"
	"fmt"
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

func TestAllocations(t *testing.T) {
	p := threeDetails(t)
	received, plainErr := remote(p), plain(p)
	wrapped := fmt.Errorf("a: %w", received)
	made := status.New(codes.Unavailable, "SHELF_LOCKED", "the shelf is locked", status.Domain(domain), status.RetryAfter(time.Second))
	declared := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Domain(domain))
	declared.Encode(status.Rendering{})
	declared.Encode(status.Rendering{})
	ready := ourError().Encode(status.Rendering{}).Status.Proto()
	received.ErrorCode() // decoded once
	unread := map[int]*status.Error{}
	for _, n := range []int{0, 1, 3, 5} {
		unread[n] = remote(grpcstatus.New(codes.Unavailable, "the shelf is locked").Proto())
		if n > 0 {
			unread[n] = remote(arrived(t, makeOurs(n, "17").Encode(status.Rendering{})))
		}
	}
	tests := []struct {
		name string
		most float64
		run  func()
	}{
		{"build 1 detail", 2, func() { sink = makeOurs(1, "17") }},
		{"build 3 details", 5, func() { sink = makeOurs(3, "17") }},
		{"build 5 details", 10, func() { sink = makeOurs(5, "17") }},
		{"build, encode, marshal, base64", 11, func() { // without the copy that Status.Proto makes for us, not for grpc-go
			sink = ourError().Encode(status.Rendering{}).Status
			sinkText = encode(ready)
		}},
		{"Encode of a ready error", 6, func() { made.Encode(status.Rendering{}) }}, // all of them in grpc-go's FromProto
		{"Encode of an error that is returned again", 0, func() { declared.Encode(status.Rendering{}) }},
		{"Received", 1, func() { sink = status.Received(plainErr, "/shelf.v1.Shelf/Find", "17", false) }},
		{"Detail of a received error", 2, func() { status.Detail[*errdetails.RetryInfo](received) }},
		{"Detail of grpc-go's error", 2, func() { status.Detail[*errdetails.RetryInfo](plainErr) }},
		{"Detail that is not there", 0, func() { status.Detail[*errdetails.BadRequest](received) }},
		{"From of an Error", 0, func() { status.From(received) }},
		{"From of a wrapped Error", 1, func() { status.From(wrapped) }},
		{"Finite", 0, func() { sink = status.Finite(wrapped) }},
		{"Classify of our own", 0, func() { status.Classify(made) }},
		{"Panicked", 4, func() { sink = status.Panicked(17) }},
		{"what programs read, undecoded", 0, func() {
			for _, e := range unread {
				e.Code()
				e.Verdict()
				e.RetryDelay()
				e.Outcome()
			}
		}},
		{"first reader of 3 details", 18, func() { sink = remoteOf(plainErr).ErrorCode() }},
		{"readers", 0, func() {
			received.Code()
			received.ErrorCode()
			received.Verdict()
			received.RetryDelay()
			received.Outcome()
		}},
	}
	for _, test := range tests {
		if got := testing.AllocsPerRun(200, test.run); got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, got, test.most)
		} else {
			t.Logf("%s: %v allocations of %v", test.name, got, test.most)
		}
	}
}

func remoteOf(err error) *status.Error { return status.Received(err, "/shelf.v1.Shelf/Find", "", false) }

// The results are kept, so that the compiler keeps the work.
var (
	sink     any
	sinkText string
)

func BenchmarkBuild(b *testing.B) {
	for name, build := range map[string]func() string{"recourse": buildOurs, "WithDetails": buildWithDetails} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sinkText = build()
			}
		})
	}
}

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

func BenchmarkRead(b *testing.B) {
	p := threeDetails(b)
	err := plain(p)
	received := remote(p)
	for name, read := range map[string]func() *errdetails.RetryInfo{
		"Details of grpc-go":   func() *errdetails.RetryInfo { return detailsRetryInfo(err) },
		"Detail of grpc-go's":  func() *errdetails.RetryInfo { d, _ := status.Detail[*errdetails.RetryInfo](err); return d },
		"Detail of a received": func() *errdetails.RetryInfo { d, _ := status.Detail[*errdetails.RetryInfo](received); return d },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = read()
			}
		})
	}
	b.Run("all fields of a received", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = remote(p).ErrorCode()
		}
	})
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
