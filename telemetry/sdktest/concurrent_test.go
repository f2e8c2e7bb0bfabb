package sdktest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
)

// Calls at once, of methods and with errors that are new, are all counted.
func TestCallsAtOnceAreAllCounted(t *testing.T) {
	const workers, calls, kinds = 8, 500, 20
	r := newRig()
	tel := r.telemetry(t, func(c *telemetry.Config) { c.TracerProvider, c.Logger = noop.NewTracerProvider(), telemetry.Discard })
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range calls {
				o := &interceptors.Observation{Call: interceptors.Call{Method: fmt.Sprintf("/a.B/%02d", i%kinds)}}
				ctx := tel.Attempt(tel.Begin(t.Context(), o), o, 1)
				e := status.New(codes.Internal, fmt.Sprintf("ERROR_%02d", i%kinds), "")
				tel.End(ctx, o, &interceptors.Failure{Call: o.Call, Err: e, Cause: e})
			}
		})
	}
	all.Wait()
	var want []string
	for i := range kinds {
		want = append(want, fmt.Sprintf(
			"grpc.server.call.duration{error.type=ERROR_%02d method=a.B/%02d status=INTERNAL} count %d", i, i, workers*calls/kinds))
	}
	for i := range kinds {
		want = append(want, fmt.Sprintf("grpc.server.call.started{method=a.B/%02d} %d", i, workers*calls/kinds))
	}
	var got strings.Builder
	for line := range strings.Lines(r.sums(t)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " sum ")
		got.WriteString(line + "\n")
	}
	expect(t, "metrics", got.String(), want...)
}
