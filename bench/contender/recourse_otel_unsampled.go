package contender

import (
	"github.com/recourse-dev/recourse/telemetry"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var _ = add(Contender{
	Name: OtelUnsampledName, About: "the same with the SDK, no call sampled: metrics, and a trace that is passed on", Kind: Ours,
	Bounds: true, Retries: true, HoldsBack: true, Telemetry: true,
	New: func() (Installed, error) { return observedBySDK(sdktrace.NeverSample(), telemetry.Discard) },
})
