package sdktest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
)

// Whoever invents methods, targets, codes and error codes by the million makes no
// more than so many series, and keeps no more than so much memory here.
func TestAMillionOddNames(t *testing.T) {
	r := newRig()
	r.reader = metric.NewManualReader()
	r.meter = metric.NewMeterProvider(metric.WithReader(r.reader), metric.WithCardinalityLimit(0)) // the SDK has one of its own
	tel := r.telemetry(t, func(c *telemetry.Config) { c.TracerProvider, c.Logger = noop.NewTracerProvider(), telemetry.Discard })
	const calls = 1_000_000
	for i := range calls {
		odd := strconv.Itoa(i)
		o := &interceptors.Observation{Call: interceptors.Call{Method: "/odd.Service" + odd + "/M", Side: interceptors.Side(i % 2)}}
		if o.Side == interceptors.ClientSide {
			o.Target = "dns:///odd" + odd
		}
		ctx := tel.Attempt(tel.Begin(t.Context(), o), o, 1)
		e := status.New(codes.Code(uint32(i)|1), "ODD_"+odd, "odd", status.Domain("odd"+odd+".example.com"))
		if i%1000 == 0 {
			tel.Event(ctx, o, interceptors.Event{Kind: interceptors.EventRefused, Reason: "limit", Err: e})
		}
		tel.End(ctx, o, &interceptors.Failure{Call: o.Call, Err: e, Cause: e})
	}
	series := map[string]int{}
	total := 0
	for line := range strings.Lines(r.sums(t)) {
		name, _, _ := strings.Cut(line, "{")
		series[name]++
		if _, n, ok := strings.Cut(line, "duration{"); ok {
			_, n, _ = strings.Cut(n, "count ")
			n, _, _ = strings.Cut(n, " ")
			count, _ := strconv.Atoi(n)
			total += count
		}
	}
	t.Log(series)
	for name, n := range series {
		if n > 1600 { // the SDK's limit is 2000
			t.Errorf("%s: %d series", name, n)
		}
	}
	if total != calls {
		t.Errorf("%d calls were counted, want %d", total, calls)
	}
	if n := series["grpc.server.call.duration"]; n < 500 {
		t.Errorf("only %d series of failures", n)
	}
}
