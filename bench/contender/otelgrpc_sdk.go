package contender

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// All spans are sampled and recorded, and go nowhere; instruments are aggregated, and
// nobody collects them. An exporter would come on top, the same for everybody.
var _ = add(Contender{
	Name: OtelSDKName, About: "otelgrpc with the SDK, every call sampled, nothing exported; telemetry only", Kind: Peer, OutsideChain: true,
	New: func() (Installed, error) {
		traces, metrics, stop := sdk(sdktrace.AlwaysSample())
		in := otel(traces, metrics)
		in.Stop = stop
		return in, nil
	},
})

// sdk is what a program has by default, but for what it does with a trace that nobody has
// begun, and for exporters.
func sdk(root sdktrace.Sampler) (traces trace.TracerProvider, metrics metric.MeterProvider, stop func()) {
	t := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(root)), sdktrace.WithSpanProcessor(dropSpans{}))
	m := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	return t, m, func() {
		_ = t.Shutdown(context.Background())
		_ = m.Shutdown(context.Background())
	}
}

type dropSpans struct{}

func (dropSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (dropSpans) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (dropSpans) Shutdown(context.Context) error                  { return nil }
func (dropSpans) ForceFlush(context.Context) error                { return nil }
