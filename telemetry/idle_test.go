package telemetry_test

import (
	"testing"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
)

// Who has all of it turned off still finds the fields of a failure in somebody else's log,
// but for that of a handler that may be at work.
func TestTurnedOffItStillAddsFields(t *testing.T) {
	tel, err := telemetry.New(telemetry.Config{
		TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noopmetric.NewMeterProvider(), Logger: telemetry.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	failure := &interceptors.Failure{Err: status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy")}
	for _, left := range []bool{false, true, false} {
		ctx := logging.InjectFields(t.Context(), logging.Fields{"a", "b"})
		o := &interceptors.Observation{Call: interceptors.Call{Method: "/a.B/C"}}
		of := tel.Attempt(tel.Begin(ctx, o), o, 1)
		if left {
			tel.Event(of, o, interceptors.Event{Kind: interceptors.EventAbandoned, Reason: "deadline"})
		}
		tel.End(of, o, failure)
		var found bool
		for i := logging.ExtractFields(ctx).Iterator(); i.Next(); {
			k, _ := i.At()
			found = found || k == "error_code"
		}
		if found == left || o.State != nil {
			t.Errorf("left behind: %v, has fields: %v, state %v", left, found, o.State)
		}
	}
}
