package errorpath

import (
	"context"
	"io"
	"log/slog"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/telemetry"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	grpcstatus "google.golang.org/grpc/status"
)

// loggedCase is a call that fails with a plain error and is logged once on either side:
// calls that succeed are not. All write to the same kind of log, which encodes each record
// and throws it away.
func loggedCase() harness.Case {
	c := harness.Case{Name: Logged, Baseline: Bare}
	fail := func() error { return grpcstatus.Error(code, message) }
	for _, p := range []pair{
		{name: Bare, fail: fail},
		watched(Observed, telemetry.Discard),
		watched(ObservedLogging, telemetry.Slog(jsonLog(slog.LevelInfo))),
		watched(ObservedLogOff, telemetry.Slog(jsonLog(slog.LevelError+1))),
		gomwLogging(GomwLogging, jsonLog(slog.LevelInfo)),
		gomwLogging(GomwLogOff, jsonLog(slog.LevelError+1)),
	} {
		p.fail = fail
		c.Contenders = append(c.Contenders, p.contender(1))
	}
	return c
}

func jsonLog(least slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: least}))
}

// watched is a pair with policies, and telemetry on either side that has a log only.
func watched(name string, to logging.Logger) pair {
	observer := func() interceptors.Option {
		t, err := telemetry.New(telemetry.Config{
			TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noopmetric.NewMeterProvider(), Logger: to,
		})
		if err != nil {
			panic(err) // there is nothing that could fail
		}
		return interceptors.Observe(t)
	}
	return pair{
		name:   name,
		server: interceptors.ServerOptions(interceptors.Policies(policies()), interceptors.Domain(domain), observer()),
		client: interceptors.DialOptions(interceptors.Policies(policies()), observer()),
	}
}

func gomwLogging(name string, to *slog.Logger) pair {
	log := logging.LoggerFunc(func(ctx context.Context, level logging.Level, msg string, fields ...any) {
		to.Log(ctx, slog.Level(level), msg, fields...)
	})
	once := logging.WithLogOnEvents(logging.FinishCall)
	return pair{
		name:   name,
		server: []grpc.ServerOption{grpc.ChainUnaryInterceptor(logging.UnaryServerInterceptor(log, once))},
		client: []grpc.DialOption{grpc.WithChainUnaryInterceptor(logging.UnaryClientInterceptor(log, once))},
	}
}
