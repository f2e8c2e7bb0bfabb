package sdktest

import (
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// A run of a handler that ends with its call is no more of a fault than that.
func TestTheLastRunOfAHandler(t *testing.T) {
	r := newRig()
	tel := r.telemetry(t)
	o := &interceptors.Observation{Call: interceptors.Call{Method: "/a.B/C"}}
	ctx := tel.Attempt(tel.Begin(t.Context(), o), o, 1)
	down := status.New(codes.Unavailable, "DOWN", "down")
	tel.Event(ctx, o, interceptors.Event{Kind: interceptors.EventRepeat, Reason: "backoff", Err: down, Attempt: 1})
	ctx = tel.Attempt(ctx, o, 2)
	none := status.New(codes.NotFound, "NONE", "no such thing")
	tel.End(ctx, o, &interceptors.Failure{Call: o.Call, Err: none, Cause: none})
	for line := range strings.Lines(r.tree()) {
		if strings.Contains(line, "NOT_FOUND") && strings.Contains(line, "Error") {
			t.Errorf("a caller's fault is an error of the server: %s", line)
		}
	}
}
