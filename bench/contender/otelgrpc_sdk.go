package contender

import (
	"context"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// All spans are sampled and recorded, and go nowhere; instruments are aggregated, and
// nobody collects them. An exporter would come on top, the same for everybody.
var _ = add(Contender{
	Name: OtelSDKName, About: "otelgrpc with the SDK, every call sampled, nothing exported; telemetry only", Kind: Peer, OutsideChain: true,
	New: func() (Installed, error) {
		traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(dropSpans{}))
		metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
		in := otel(traces, metrics)
		in.Stop = func() {
			_ = traces.Shutdown(context.Background())
			_ = metrics.Shutdown(context.Background())
		}
		return in, nil
	},
})

type dropSpans struct{}

func (dropSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (dropSpans) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (dropSpans) Shutdown(context.Context) error                  { return nil }
func (dropSpans) ForceFlush(context.Context) error                { return nil }
