package telemetry

import (
	"context"
	"errors"
	"testing"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
)

// broken makes nothing.
type broken struct{ noop.MeterProvider }

type brokenMeter struct{ noop.Meter }

var errBroken = errors.New("no more instruments")

func (broken) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

func (brokenMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errBroken
}

func (brokenMeter) Int64Histogram(string, ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	return nil, errBroken
}

func (brokenMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, errBroken
}

// Who goes on after an error of New has all that could be made, the log too.
func TestInstrumentsThatAreNotMade(t *testing.T) {
	records := 0
	logger := logging.LoggerFunc(func(context.Context, logging.Level, string, ...any) { records++ })
	tel, err := New(Config{MeterProvider: broken{}, TracerProvider: tracenoop.NewTracerProvider(), Logger: logger})
	if !errors.Is(err, errBroken) || tel == nil {
		t.Fatalf("got %v, %v", tel, err)
	}
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		o := &interceptors.Observation{Call: interceptors.Call{Method: "/a.B/C", Side: side}}
		ctx := tel.Begin(t.Context(), o)
		for n := range 2 {
			ctx = tel.Attempt(ctx, o, n+1)
		}
		tel.Event(ctx, o, interceptors.Event{Kind: interceptors.EventRefused, Reason: "limit"})
		e := status.New(codes.Internal, "SHELF_LOST", "")
		tel.End(ctx, o, &interceptors.Failure{Call: o.Call, Err: e, Cause: e, Size: 100, Elided: 1})
	}
	if records != 2 {
		t.Errorf("%d records", records)
	}
}

// A program that dials again and again, and whose metrics nobody reads, keeps nothing of
// the connections that it has closed.
func TestConnectionsThatAreGoneAreForgotten(t *testing.T) {
	var m metrics
	there := func() (interceptors.Levels, bool) { return interceptors.Levels{}, true }
	gone := func() (interceptors.Levels, bool) { return interceptors.Levels{}, false }
	m.attach(interceptors.ClientSide, there)
	for range 10_000 {
		m.attach(interceptors.ClientSide, gone)
	}
	if n := len(m.attached[interceptors.ClientSide]); n > 8 {
		t.Errorf("%d are kept", n)
	}
	m.attach(interceptors.ClientSide, there)
	if n := len(m.levels(interceptors.ClientSide)); n != 2 {
		t.Errorf("%d are there, want 2", n)
	}
}
