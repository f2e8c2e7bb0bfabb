package contender

import (
	"github.com/recourse-dev/recourse/telemetry"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
)

var _ = add(Contender{
	Name: OtelNoopName, About: "this library with policies and telemetry: providers that do nothing, no log", Kind: Ours,
	Bounds: true, Retries: true, HoldsBack: true, Telemetry: true,
	New: func() (Installed, error) {
		return observed(nooptrace.NewTracerProvider(), noopmetric.NewMeterProvider(), telemetry.Discard)
	},
})
