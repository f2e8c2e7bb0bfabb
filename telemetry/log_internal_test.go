package telemetry

import (
	"context"
	"errors"
	"testing"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
)

// end runs a call to its end, with a logger, and returns what is left of it.
func end(t *testing.T, c Config, begun func(*call), f *interceptors.Failure) *interceptors.Observation {
	t.Helper()
	c.TracerProvider, c.MeterProvider = tracenoop.NewTracerProvider(), noop.NewMeterProvider()
	tel, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	o := &interceptors.Observation{Call: interceptors.Call{Method: "no slash"}}
	ctx := tel.Begin(t.Context(), o)
	begun(o.State.(*call))
	tel.End(ctx, o, f)
	return o
}

// The state of a call is given back whatever its logger does.
func TestALoggerThatPanicsKeepsNothing(t *testing.T) {
	logger := logging.LoggerFunc(func(context.Context, logging.Level, string, ...any) { panic("logger") })
	f := &interceptors.Failure{Err: status.New(codes.Internal, "SOME_CODE", "")}
	if o := end(t, Config{Logger: logger}, func(*call) {}, f); o.State != nil {
		t.Error("the state is kept")
	}
}

func TestFieldsOfOtherLoggers(t *testing.T) {
	cause := errors.New("disk full")
	tests := []struct {
		name   string
		counts int
		f      *interceptors.Failure
		want   map[string]any // nil: no record
	}{
		{"of a failure", 2, &interceptors.Failure{
			Err: status.New(codes.Internal, "SOME_CODE", ""), Cause: cause, Attempts: 3, Elided: 4, Caller: status.Partner,
		}, map[string]any{
			"attempts": int64(3), "elided": int64(4), "caller": "partner", "cause": "disk full", "grpc.service": "unknown", "grpc.method": "unknown",
		}},
		{"without a cause", 2, &interceptors.Failure{
			Err: status.New(codes.Internal, "SOME_CODE", ""), Attempts: 1, Caller: status.Internal,
		}, map[string]any{"attempts": int64(2), "elided": nil, "caller": "internal", "cause": nil}},
		{"of a degraded answer", 1, &interceptors.Failure{}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got map[string]any
			logger := logging.LoggerFunc(func(_ context.Context, _ logging.Level, _ string, fields ...any) {
				got = map[string]any{}
				for i := logging.Fields(fields).Iterator(); i.Next(); {
					key, value := i.At()
					got[key] = value
				}
			})
			end(t, Config{Logger: logger}, func(c *call) { c.attempts = test.counts }, test.f)
			if (got == nil) != (test.want == nil) {
				t.Errorf("record %v", got)
			}
			for key, want := range test.want {
				if got[key] != want {
					t.Errorf("%s is %v, want %v", key, got[key], want)
				}
			}
		})
	}
}
