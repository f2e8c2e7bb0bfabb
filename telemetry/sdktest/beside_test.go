package sdktest

import (
	"context"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	experimental "google.golang.org/grpc/experimental/opentelemetry"
	"google.golang.org/grpc/stats/opentelemetry"
)

// flaky works at that attempt.
func flaky(at int) rpctest.Handler {
	n := 0
	return func(ctx context.Context, x rpctest.Exchange) error {
		if n++; n < at {
			// Where a stream ends before its message was sent, grpc-go tells stats handlers that it went well.
			if _, err := x.Recv(); err != nil {
				return err
			}
			return status.New(codes.Unavailable, "MODEL_BUSY", "busy", status.Domain("models.example.com"), status.RetryAfter(time.Second))
		}
		return rpctest.Echo(ctx, x)
	}
}

// Otelgrpc makes the spans of attempts and servers, and ours is around the attempts.
func TestBesideOtelgrpc(t *testing.T) {
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				beside := func(c *telemetry.Config) { c.Beside = telemetry.BesideOtelgrpc }
				opts := []otelgrpc.Option{otelgrpc.WithTracerProvider(r.tracer), otelgrpc.WithMeterProvider(r.meter),
					otelgrpc.WithPropagators(propagation.TraceContext{})}
				set := policies(t, nil)
				conn := rpctest.Start(t, flaky(3),
					append(interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(r.telemetry(t, beside))),
						grpc.StatsHandler(otelgrpc.NewServerHandler(opts...))),
					append(interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(r.telemetry(t, beside))),
						grpc.WithStatsHandler(otelgrpc.NewClientHandler(opts...)))...)
				if r := rpctest.Do(t.Context(), conn, shape, "q"); r.Err != nil {
					t.Fatal(r.Err)
				}
				synctest.Wait()
				name := "recourse.test.Echo/" + shape.Name
				const busy, ours = " rpc.response.status_code=UNAVAILABLE", " error.type=models.example.com/MODEL_BUSY"
				expect(t, "spans", r.tree(),
					name+" internal recourse.attempts=3 rpc.response.status_code=OK [backoff pushback 1s MODEL_BUSY] [backoff pushback 1s MODEL_BUSY]",
					"  "+name+" client Error"+busy,
					"    "+name+" server Error"+busy+ours,
					"  "+name+" client Error"+busy,
					"    "+name+" server Error"+busy+ours,
					"  "+name+" client rpc.response.status_code=OK",
					"    "+name+" server rpc.response.status_code=OK",
				)
			})
		})
	}
}

// grpc-go's own instrumentation, given first, has the span of the call and those of its
// attempts.
func TestBesideGRPC(t *testing.T) {
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				beside := func(c *telemetry.Config) { c.Beside = telemetry.BesideGRPC }
				opts := opentelemetry.Options{
					MetricsOptions: opentelemetry.MetricsOptions{MeterProvider: r.meter},
					TraceOptions:   experimental.TraceOptions{TracerProvider: r.tracer, TextMapPropagator: propagation.TraceContext{}},
				}
				set := policies(t, nil)
				conn := rpctest.Start(t, flaky(3),
					append(interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(r.telemetry(t, beside))),
						opentelemetry.ServerOption(opts)),
					append([]grpc.DialOption{opentelemetry.DialOption(opts)},
						interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(r.telemetry(t, beside)))...)...)
				if r := rpctest.Do(t.Context(), conn, shape, "q"); r.Err != nil {
					t.Fatal(r.Err)
				}
				synctest.Wait()
				name := "recourse.test.Echo." + shape.Name
				recv := "    Recv." + name + " server"
				expect(t, "spans", r.outline(),
					"Sent."+name+" client [backoff pushback 1s MODEL_BUSY] [backoff pushback 1s MODEL_BUSY]",
					"  Attempt."+name+" internal previous-rpc-attempts=0", recv,
					"  Attempt."+name+" internal previous-rpc-attempts=1", recv,
					"  Attempt."+name+" internal previous-rpc-attempts=2", recv,
				)
				of := "method=Echo/" + shape.Name
				got := regexp.MustCompile(`sum [23]\.\d+s`).ReplaceAllString(without(r.sums(t), "message_size", "attempt.duration", "error.size"), "sum 2s")
				expect(t, "metrics", got,
					"grpc.client.attempt.started{method=other} 3", // theirs: a generated client would have told them the method
					"grpc.client.call.duration{method=other status=OK} count 1 sum 2s",
					"grpc.client.call.retries{"+of+"} count 1 sum 2",
					"grpc.client.call.retry_delay{"+of+"} count 1 sum 2s",
					"grpc.server.call.duration{"+of+" status=OK} count 1 sum 0s",
					"grpc.server.call.duration{"+of+" status=UNAVAILABLE} count 2 sum 0s",
					"grpc.server.call.started{"+of+"} 3",
					"recourse.client.retry_budget.level{service=Echo} 0.96",
					"recourse.server.handlers.stuck{} 0",
				)
			})
		})
	}
}

// Two spans of one call are no harm where nothing was said of the other.
func TestBesideOthersUnsaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		opts := []otelgrpc.Option{otelgrpc.WithTracerProvider(r.tracer), otelgrpc.WithMeterProvider(r.meter),
			otelgrpc.WithPropagators(propagation.TraceContext{})}
		conn := rpctest.Start(t, rpctest.Echo,
			append(interceptors.ServerOptions(interceptors.Observe(r.telemetry(t))), grpc.StatsHandler(otelgrpc.NewServerHandler(opts...))),
			append(interceptors.DialOptions(interceptors.Observe(r.telemetry(t))), grpc.WithStatsHandler(otelgrpc.NewClientHandler(opts...)))...)
		if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q"); r.Err != nil {
			t.Fatal(r.Err)
		}
		synctest.Wait()
		expect(t, "spans", r.outline(),
			"recourse.test.Echo/Unary client", "  recourse.test.Echo/Unary client", "    recourse.test.Echo/Unary server")
	})
}
