package sdktest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

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
