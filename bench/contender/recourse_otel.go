package contender

import (
	"cmp"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry is measured on top of the policies and nothing else, with the SDK of
// otelgrpc's contender: all spans are sampled, and go nowhere.
var _ = add(Contender{
	Name: OtelName, About: "this library with policies and telemetry: the SDK, every call sampled, nothing exported; no log", Kind: Ours,
	Bounds: true, Retries: true, HoldsBack: true, Telemetry: true,
	New: func() (Installed, error) { return observedBySDK(sdktrace.AlwaysSample(), telemetry.Discard) },
})

func observedBySDK(root sdktrace.Sampler, logger logging.Logger) (Installed, error) {
	traces, metrics, stop := sdk(root)
	in, err := observed(traces, metrics, logger)
	in.Stop = stop
	return in, err
}

// observed has policies and telemetry: of a client and a server in two processes, so
// that each has its own.
func observed(traces trace.TracerProvider, metrics metric.MeterProvider, logger logging.Logger) (Installed, error) {
	set, err := policies()
	if err != nil {
		return Installed{}, err
	}
	c := telemetry.Config{TracerProvider: traces, MeterProvider: metrics, Propagator: propagation.TraceContext{}, Logger: logger}
	server, err := telemetry.New(c)
	client, other := telemetry.New(c)
	return Installed{
		Server: interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(server)),
		Dial:   interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(client)),
	}, cmp.Or(err, other)
}
