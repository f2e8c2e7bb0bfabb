//go:build !race

// The race detector allocates by itself; make test runs this file without it.

package status_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

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
		{"build 1 detail", 1, func() { sink = makeOurs(1, "17") }},
		{"build 3 details", 4, func() { sink = makeOurs(3, "17") }},
		{"build 5 details", 9, func() { sink = makeOurs(5, "17") }},
		{"build, encode, marshal, base64", 10, func() { // without the copy that Status.Proto makes for us, not for grpc-go
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
		{"Panicked", 3, func() { sink = status.Panicked(17) }},
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

func TestDeclaredAllocates(t *testing.T) {
	d := status.Declare(declare(t, `code: CODE_UNAVAILABLE message: "the model {model} is busy" title: "Busy"
		params {key: "model" sensitivity: SENSITIVITY_PUBLIC} outcome: OUTCOME_NOT_APPLIED
		retry: VERDICT_SAME_REQUEST retry_delay {seconds: 2}
		actions {actor: ACTOR_CLIENT label: "Wait" retry_after {}}`), "MODEL_BUSY", readStock)
	r := status.Rendering{}
	encode := func() {
		e, _ := status.From(d.Make(nil, "large"))
		sinkStatus = e.Encode(r).Status
	}
	fixed := status.Declare(declare(t, `code: CODE_NOT_FOUND message: "nothing here"`), "NOTHING_HERE", readStock)
	made := d.Make(nil, "large")
	for _, test := range []struct {
		name string
		most float64
		run  func()
	}{
		{"make", 2, func() { sink = d.Make(nil, "large") }},
		{"make and encode", 8, encode}, // six of them in grpc-go's FromProto
		{"make and encode without parameters", 0, func() {
			e, _ := status.From(fixed.Make(nil))
			sinkStatus = e.Encode(r).Status
		}},
		{"From", 0, func() { status.From(made) }},
	} {
		for range 3 {
			test.run() // what is encoded once is
		}
		if got := testing.AllocsPerRun(200, test.run); got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, got, test.most)
		} else {
			t.Logf("%s: %v allocations of %v", test.name, got, test.most)
		}
	}
}

var sinkStatus *grpcstatus.Status
