//go:build !race

package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// The race detector allocates on its own account; `make test` runs this file without it.

// What telemetry allocates for a call, exactly. Spans and instruments are fakes that
// allocate nothing, so that what an SDK does comes on top.
func TestACallAllocates(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	off := telemetry.Slog(slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1})))
	nothing := telemetry.Config{
		TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noopmetric.NewMeterProvider(), Logger: telemetry.Discard,
	}
	logOff, counting, tracing, unsampled := nothing, nothing, nothing, nothing
	logOff.Logger = off
	counting.MeterProvider = meters{}
	tracing.TracerProvider, tracing.Propagator = newTracers(true), propagation.TraceContext{}
	unsampled.TracerProvider, unsampled.Propagator = newTracers(false), propagation.TraceContext{}
	served := metadata.NewIncomingContext(t.Context(), metadata.Pairs("traceparent", parent, "user-agent", "test"))
	failure := &interceptors.Failure{
		Err: status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy"), Domain: "models.example.com",
	}
	server := interceptors.Observation{Call: interceptors.Call{Method: "/a.B/C"}}
	client := interceptors.Observation{Call: interceptors.Call{Method: "/a.B/C", Side: interceptors.ClientSide}, Target: "dns:///b:1"}
	for _, row := range []struct {
		name           string
		config         telemetry.Config
		server, client float64
		failure        *interceptors.Failure
	}{
		{name: "providers that do nothing", config: nothing},
		{name: "a logger that declines", config: logOff},
		{name: "metrics", config: counting},
		// Nobody has set a provider, but somebody may at any time: a span is made, twice, and its context.
		{name: "what is global", config: telemetry.Config{Logger: telemetry.Discard}, server: 3, client: 3},
		// A server reads one value and keeps the span of its caller; a client writes one
		// value, which grpc-go adds to the metadata in four pieces.
		{name: "traces", config: tracing, server: 3, client: 5},
		{name: "traces that are not sampled", config: unsampled, server: 3, client: 5},
		// Domain and code make one name.
		{name: "metrics of a failure", config: counting, failure: failure, server: 1, client: 1},
	} {
		tel, err := telemetry.New(row.config)
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range []struct {
			name string
			ctx  context.Context
			o    interceptors.Observation
			want float64
		}{
			{"server", served, server, row.server},
			{"client", t.Context(), client, row.client},
		} {
			if got := testing.AllocsPerRun(100, func() {
				ctx := tel.Begin(side.ctx, &side.o)
				tel.End(tel.Attempt(ctx, &side.o, 1), &side.o, row.failure)
			}); got != side.want {
				t.Errorf("%s, %s: %v allocations, want %v", row.name, side.name, got, side.want)
			}
		}
	}
}

// meters makes instruments that do nothing, but is not known to.
type meters struct{ noopmetric.MeterProvider }

var _ metric.MeterProvider = meters{}

// tracers hands out the same span again and again.
type tracers struct {
	nooptrace.TracerProvider
	tracer *tracer
}

type tracer struct {
	nooptrace.Tracer
	span span
	ctx  context.Context
}

type span struct {
	nooptrace.Span
	context   trace.SpanContext
	recording bool
}

func newTracers(recording bool) tracers {
	made := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	t := &tracer{span: span{recording: recording, context: made}}
	t.ctx = trace.ContextWithSpan(context.Background(), &t.span)
	return tracers{tracer: t}
}

func (t tracers) Tracer(string, ...trace.TracerOption) trace.Tracer { return t.tracer }

func (t *tracer) Start(context.Context, string, ...trace.SpanStartOption) (context.Context, trace.Span) {
	return t.ctx, &t.span
}

func (s *span) SpanContext() trace.SpanContext { return s.context }
func (s *span) IsRecording() bool              { return s.recording }
