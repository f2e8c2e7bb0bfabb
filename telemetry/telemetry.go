package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Config says where telemetry goes. The zero value uses what is global: OpenTelemetry's
// providers and propagator, and slog.Default.
type Config struct {
	// TracerProvider makes spans; nil stands for otel.GetTracerProvider. With that of
	// package trace/noop there are none, and no trace is passed on.
	TracerProvider trace.TracerProvider
	// MeterProvider makes metrics; nil stands for otel.GetMeterProvider. With that of
	// package metric/noop there are none.
	MeterProvider metric.MeterProvider
	// Propagator carries the trace from client to server, in the metadata; nil stands
	// for otel.GetTextMapPropagator, which does nothing unless it was set.
	Propagator propagation.TextMapPropagator
	// Beside names another instrumentation of gRPC on the same server or connection.
	Beside Instrumentation

	// Logger gets a record for each call that failed, and for each that a repeat or a
	// fallback has saved: as errors those that are the server's fault, as warnings
	// outages, timeouts and the answers of fallbacks, as information the rest. A
	// client writes warnings at most. The policy may leave some out, and stacks, see
	// policy.Policy. One with a method Enabled(context.Context, logging.Level) bool is
	// asked before a record is put together. Nil stands for slog.Default; with
	// [Discard] there are none.
	Logger logging.Logger
	// Mask are words: what stands behind one of them, as in "word=..." or
	// "word: ...", is not written to the log or a span, nor is the metadata of an error whose
	// key has one in it. They come on top of those that are always masked, such as
	// "password" and "token". Case does not matter.
	Mask []string
	// Merge is for how long failures of one method with the same code, error code and
	// cause are counted rather than written, after the first. The request ids of those
	// that were not written are in the trace, not in the log. Zero merges only those of
	// one request, its repeats, for a minute; less than zero nothing.
	Merge time.Duration
}

// Instrumentation is what else makes telemetry of the same calls.
type Instrumentation uint8

const (
	// Alone: the spans of calls are made here, on both sides, and the trace is passed
	// on. A call on a server that has a span already, whoever made it, gets no other.
	Alone Instrumentation = iota
	// BesideOtelgrpc is for clients and servers with the stats handlers of otelgrpc.
	// These make a span of every attempt and pass the trace on. What is made here is the
	// one around the attempts of a call; a server's gets its events and attributes.
	BesideOtelgrpc
	// BesideGRPC is for those with grpc-go's own stats/opentelemetry. Its dial option
	// has to come before those of this library: then its span of the call is the
	// parent of all attempts, and gets the events and attributes. After them, or not
	// there at all, it leaves these to whatever span the caller has. The metrics that
	// it has, of calls and attempts, are left to it.
	BesideGRPC
)

// Telemetry is an interceptors.Observer, for any number of servers and clients. Make
// one with [New]. It is safe for concurrent use.
type Telemetry struct {
	methods methods
	traces  *traces  // nil: none
	metrics *metrics // nil: none
	log     *failureLog
	idle    bool // nothing is kept of calls, unless they fail
}

var _ interceptors.Observer = (*Telemetry)(nil)

// New makes the instruments. An error is that of a MeterProvider; the instruments that
// it did make work.
func New(c Config) (*Telemetry, error) {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.Propagator == nil {
		c.Propagator = otel.GetTextMapPropagator()
	}
	t := &Telemetry{traces: newTraces(&c), log: newFailureLog(&c)}
	t.methods.besideOtelgrpc = c.Beside == BesideOtelgrpc
	var err error
	t.metrics, err = newMetrics(&c, &t.methods)
	t.idle = t.traces == nil && t.metrics == nil && c.Logger == Discard
	return t, err
}

// scope names who has measured.
const scope = "github.com/recourse-dev/recourse/telemetry"

// call is what is known of a call in progress.
type call struct {
	began    time.Duration // on the process' own clock
	method   *method       // nil with a log alone
	span     trace.Span    // of the call, whoever made it; nil: none
	own      bool          // it was made here
	attempt  trace.Span    // of the present attempt, nil if it has none of its own
	attempts int
	delay    time.Duration // between attempts, all together
	waits    bool          // for the next attempt, since then:
	failed   time.Duration
	asked    string   // the fallback that was asked last
	left     bool     // the handler was left behind and may still be at work
	incoming incoming // what came with it
}

// waited ends a wait for the next attempt, which the end of the call may have cut short.
func (c *call) waited() {
	if c.waits {
		c.delay += elapsed() - c.failed
		c.waits = false
	}
}

var calls = sync.Pool{New: func() any { return new(call) }}

var start = time.Now()

// elapsed reads the process' own clock.
func elapsed() time.Duration { return time.Since(start) }

// Attach is part of interceptors.Observer.
func (t *Telemetry) Attach(side interceptors.Side, read func() (interceptors.Levels, bool)) {
	if t.metrics != nil {
		t.metrics.attach(side, read)
	}
}

// Begin is part of interceptors.Observer.
func (t *Telemetry) Begin(ctx context.Context, o *interceptors.Observation) context.Context {
	if t.idle {
		return ctx
	}
	c := calls.Get().(*call)
	o.State = c
	c.began = elapsed()
	if t.traces == nil && t.metrics == nil {
		return ctx
	}
	c.method = t.methods.of(o)
	if t.metrics != nil {
		t.metrics.begin(o, c)
	}
	if t.traces != nil {
		ctx = t.traces.begin(ctx, o, c)
	}
	return ctx
}

// Attempt is part of interceptors.Observer.
func (t *Telemetry) Attempt(ctx context.Context, o *interceptors.Observation, n int) context.Context {
	c, ok := o.State.(*call)
	if !ok {
		return ctx
	}
	c.attempts++
	c.waited()
	if t.metrics != nil {
		alone(func() { t.metrics.attempt(ctx, o, c) })
	}
	if t.traces != nil && n > 1 {
		ctx = t.traces.again(ctx, o, c)
	}
	return ctx
}

// Event is part of interceptors.Observer.
func (t *Telemetry) Event(ctx context.Context, o *interceptors.Observation, e interceptors.Event) {
	var c *call
	if o != nil {
		c, _ = o.State.(*call)
		if c == nil && t.idle && e.Kind == interceptors.EventAbandoned { // the end has to know
			c = calls.Get().(*call)
			o.State = c
		}
	}
	if c != nil {
		switch e.Kind {
		case interceptors.EventRepeat:
			c.waits, c.failed = true, elapsed()
		case interceptors.EventFallback:
			c.asked = e.Reason
		case interceptors.EventAbandoned:
			c.left = true
		}
		if t.traces != nil {
			alone(func() { t.traces.event(ctx, o, c, e) })
		}
	}
	if t.metrics != nil {
		alone(func() { t.metrics.event(ctx, o, c, e) })
	}
	if e.Kind == interceptors.EventReturned && e.Failure != nil {
		t.log.late(ctx, e.Failure)
	}
}

// End is part of interceptors.Observer.
func (t *Telemetry) End(ctx context.Context, o *interceptors.Observation, f *interceptors.Failure) {
	c, ok := o.State.(*call)
	if !ok {
		if !t.idle || f == nil {
			return
		}
		c = calls.Get().(*call) // somebody else's log may get its fields all the same
	}
	c.waited()
	if t.traces != nil {
		alone(func() { t.traces.end(o, c, f) })
	}
	if t.metrics != nil {
		alone(func() { t.metrics.end(ctx, o, c, f) })
	}
	if f != nil {
		t.log.end(ctx, o, c, f)
	}
	o.State = nil
	*c = call{}
	calls.Put(c)
}

// alone calls a part that may panic, as what others have made of a tracer or a meter
// may: the parts that follow are not lost.
func alone(part func()) {
	defer func() { _ = recover() }()
	part()
}

// Flush writes what the log still counts (see [Config.Merge]). Call it when the
// program ends.
func (t *Telemetry) Flush() { t.log.flush() }

// succeeded reports whether the caller got an answer.
func succeeded(f *interceptors.Failure) bool { return f == nil || f.Err == nil || f.Saved }
