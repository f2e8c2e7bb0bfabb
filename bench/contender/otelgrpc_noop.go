package contender

import (
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
)

var _ = add(Contender{
	Name: OtelgrpcNoopName, About: "otelgrpc with providers that do nothing; telemetry only", Kind: Peer, OutsideChain: true,
	New: func() (Installed, error) {
		return otel(nooptrace.NewTracerProvider(), noopmetric.NewMeterProvider()), nil
	},
})

// otel installs otelgrpc alone. It hands a trace on as most programs do.
func otel(traces trace.TracerProvider, metrics metric.MeterProvider) Installed {
	opts := []otelgrpc.Option{
		otelgrpc.WithTracerProvider(traces), otelgrpc.WithMeterProvider(metrics), otelgrpc.WithPropagators(propagation.TraceContext{}),
	}
	return Installed{
		Server: []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(opts...))},
		Dial:   []grpc.DialOption{grpc.WithStatsHandler(otelgrpc.NewClientHandler(opts...))},
	}
}
