package sdktest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// brokenSpans is a span processor that panics.
type brokenSpans struct{}

func (brokenSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (brokenSpans) OnEnd(sdktrace.ReadOnlySpan)                     { panic("of the span processor") }
func (brokenSpans) Shutdown(context.Context) error                  { return nil }
func (brokenSpans) ForceFlush(context.Context) error                { return nil }

// noCounters is a provider of meters that make no counters.
type noCounters struct{ metric.MeterProvider }

func (n noCounters) Meter(name string, o ...metric.MeterOption) metric.Meter {
	return noCounter{n.MeterProvider.Meter(name, o...)}
}

type noCounter struct{ metric.Meter }

func (noCounter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("there are no counters")
}

// What is broken takes nothing else along: the rest is measured, and the failure logged.
func TestBrokenParts(t *testing.T) {
	for name, breaks := range map[string]func(*rig, *telemetry.Config){
		"spans":    func(r *rig, _ *telemetry.Config) { r.tracer.RegisterSpanProcessor(brokenSpans{}) },
		"counters": func(_ *rig, c *telemetry.Config) { c.MeterProvider = noCounters{c.MeterProvider} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				c := r.config()
				breaks(r, &c)
				tel, _ := telemetry.New(c)
				conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return errors.New("no") },
					interceptors.ServerOptions(interceptors.Observe(tel)), interceptors.DialOptions(interceptors.Observe(tel))...)
				rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q")
				synctest.Wait()
				if len(r.lines.kept) != 2 {
					t.Errorf("%d records, want 2: %v", len(r.lines.kept), r.lines.kept)
				}
				for _, m := range []string{"grpc.server.call.duration{", "grpc.client.call.duration{"} {
					if !strings.Contains(r.sums(t), m) {
						t.Errorf("%s} is missing:\n%s", m, r.sums(t))
					}
				}
				if n := len(r.spans.Ended()); n != 2 {
					t.Errorf("%d spans, want 2", n)
				}
			})
		})
	}
}

// pickyLines is a logger that panics at what was counted.
type pickyLines struct{ *lines }

func (l pickyLines) Log(ctx context.Context, level logging.Level, msg string, fields ...any) {
	if strings.HasSuffix(msg, " again") {
		panic("of the logger")
	}
	l.lines.Log(ctx, level, msg, fields...)
}

// A record is written even if that of others before it cannot be.
func TestALoggerThatPanicsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		tel := r.telemetry(t, func(c *telemetry.Config) { c.Logger, c.Merge = pickyLines{r.lines}, time.Second })
		texts := []string{"a", "a", "b"}
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
			defer func() { texts = texts[1:] }()
			return errors.New(texts[0])
		}, interceptors.ServerOptions(interceptors.Observe(tel)))
		for range 3 {
			rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q")
			time.Sleep(600 * time.Millisecond)
		}
		synctest.Wait()
		if len(r.lines.kept) != 2 {
			t.Errorf("%d records, want 2", len(r.lines.kept))
		}
	})
}

// goexit is a hook that ends its goroutine at the end of a call.
type goexit struct{}

func (goexit) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, goexit{}, nil
}
func (goexit) Message(bool, any) error { return nil }
func (goexit) End(error) error         { runtime.Goexit(); return nil }

// A client's call ends, whatever its hooks do, in a span, a metric and a record.
func TestAHookThatEndsTheGoroutine(t *testing.T) {
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				conn := rpctest.Start(t, rpctest.Echo, nil, interceptors.DialOptions(interceptors.Use(goexit{}), interceptors.Observe(r.telemetry(t)))...)
				done := make(chan struct{})
				go func() {
					defer close(done)
					rpctest.Do(t.Context(), conn, shape, "q")
				}()
				<-done
				synctest.Wait()
				if n := len(r.spans.Ended()); n != 1 || len(r.lines.kept) != 1 || !strings.Contains(r.sums(t), "grpc.client.call.duration{error.type") {
					t.Errorf("%d spans, records %v, metrics\n%s", n, r.lines.kept, r.sums(t))
				}
			})
		})
	}
}
