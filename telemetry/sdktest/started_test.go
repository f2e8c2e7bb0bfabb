package sdktest

import (
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
)

// What several count in the same instruments is added up, of one method and of many.
func TestStartedIsAddedUp(t *testing.T) {
	r := newRig()
	for _, tel := range []interceptors.Observer{r.telemetry(t), r.telemetry(t)} {
		for _, method := range []string{"/a.B/C", "/a.B/D", "/a.B/D"} {
			for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
				o := &interceptors.Observation{Call: interceptors.Call{Method: method, Side: side}, Target: "dns:///b"}
				ctx := tel.Begin(t.Context(), o)
				for n := range 2 {
					tel.Attempt(ctx, o, n+1)
				}
				tel.End(ctx, o, nil)
			}
		}
	}
	for range 2 { // it goes on from one collection to the next
		expect(t, "metrics", without(r.sums(t), "duration", "retr", "repeats", "stuck"),
			"grpc.client.attempt.started{method=a.B/C} 4",
			"grpc.client.attempt.started{method=a.B/D} 8",
			"grpc.server.call.started{method=a.B/C} 2",
			"grpc.server.call.started{method=a.B/D} 4",
		)
	}
}
