package sdktest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The id that a user is shown finds the record of every hop and the trace, and that
// has the cause.
func TestTheRequestIDFindsAll(t *testing.T) {
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				front, back, user := newRig(), newRig(), newRig()
				front.tracer, back.tracer = user.tracer, user.tracer
				set := policies(t, nil)
				behind := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return errors.New("disk /dev/sda1 is full") },
					interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(back.telemetry(t))),
					interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(front.telemetry(t)))...)
				conn := rpctest.Start(t,
					func(ctx context.Context, x rpctest.Exchange) error { return rpctest.Do(ctx, behind, shape, "q").Err },
					interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(front.telemetry(t))),
					interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(user.telemetry(t)))...)
				r := rpctest.Do(t.Context(), conn, shape, "q")
				synctest.Wait()

				e, _ := status.From(r.Err)
				if e.RequestID() == "" || strings.Contains(r.Err.Error(), "sda1") {
					t.Fatalf("the user is shown %q, %v", e.RequestID(), r.Err)
				}
				id := " request_id=" + e.RequestID()
				trace := ""
				for _, s := range user.spans.Ended() {
					if has(s, "recourse.request_id", e.RequestID()) {
						trace = " trace_id=" + s.SpanContext().TraceID().String()
					}
				}
				if trace == "" {
					t.Fatalf("no span has the id:\n%s", user.tree())
				}
				for name, hop := range map[string]struct {
					*rig
					records int
				}{"user": {user, 1}, "front": {front, 2}, "back": {back, 1}} { // front is a client and a server
					if len(hop.lines.kept) != hop.records {
						t.Errorf("%s: %d records, want %d", name, len(hop.lines.kept), hop.records)
					}
					for _, line := range hop.lines.kept {
						if !strings.Contains(line, id) || !strings.Contains(line, trace) {
							t.Errorf("%s: without%s or%s: %s", name, id, trace, line)
						}
					}
				}
				if !strings.Contains(strings.Join(back.lines.kept, ""), "disk /dev/sda1 is full") {
					t.Errorf("the cause is in no record: %s", back.lines.kept)
				}
				for _, s := range user.spans.Ended() {
					if " trace_id="+s.SpanContext().TraceID().String() != trace {
						t.Errorf("%s is in another trace", s.Name())
					}
				}
			})
		})
	}
}

func has(s sdktrace.ReadOnlySpan, key, value string) bool {
	for _, a := range s.Attributes() {
		if string(a.Key) == key && a.Value.AsString() == value {
			return true
		}
	}
	return false
}
