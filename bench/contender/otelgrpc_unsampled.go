package contender

import sdktrace "go.opentelemetry.io/otel/sdk/trace"

var _ = add(Contender{
	Name: OtelgrpcUnsampledName, About: "otelgrpc with the SDK, no call sampled; telemetry only", Kind: Peer,
	OutsideChain: true, Telemetry: true,
	New: func() (Installed, error) {
		traces, metrics, stop := sdk(sdktrace.NeverSample())
		in := otel(traces, metrics)
		in.Stop = stop
		return in, nil
	},
})
