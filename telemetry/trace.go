package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
)

// traces makes the spans: one for a call, and one for each of its attempts from when
// there is a second. Until then the call is its only attempt, and most calls are that.
type traces struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	known      atomic.Pointer[[]string] // the propagator's fields
	beside     Instrumentation
	mask       masker
}

func newTraces(c *Config) *traces {
	if _, none := c.TracerProvider.(noop.TracerProvider); none {
		return nil
	}
	tracer := c.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	return &traces{tracer: tracer, propagator: c.Propagator, beside: c.Beside, mask: newMasker(c.Mask)}
}

func (t *traces) begin(ctx context.Context, o *interceptors.Observation, c *call) context.Context {
	present := trace.SpanFromContext(ctx)
	if o.Side == interceptors.ServerSide {
		if sc := present.SpanContext(); t.beside != Alone || sc.IsValid() && !sc.IsRemote() {
			c.span = present
			return ctx
		}
		c.incoming.ctx = ctx
		ctx = t.propagator.Extract(ctx, &c.incoming)
		ctx, c.span = t.tracer.Start(ctx, c.method.span, c.method.options...)
		c.own = true
		return ctx
	}
	if t.beside == BesideGRPC {
		c.span = present
		return ctx
	}
	ctx, c.span = t.tracer.Start(ctx, c.method.span, c.method.options...)
	c.own = true
	if t.beside == Alone {
		ctx = t.inject(ctx)
	}
	return ctx
}

// again begins the span of an attempt after the first.
func (t *traces) again(ctx context.Context, o *interceptors.Observation, c *call) context.Context {
	if t.beside != Alone || !c.own {
		return ctx
	}
	endSpan(c.attempt)
	ctx, c.attempt = t.tracer.Start(trace.ContextWithSpan(ctx, c.span), c.method.attempt, c.method.again...)
	c.attempt.SetAttributes(attribute.Int(keyPrevious, c.attempts-1))
	if o.Side == interceptors.ClientSide {
		ctx = t.inject(ctx)
	}
	return ctx
}

// first makes the span of the first attempt, now that there will be a second: what was
// sent with it was the call's.
func (t *traces) first(ctx context.Context, c *call) {
	_, c.attempt = t.tracer.Start(trace.ContextWithSpan(ctx, c.span), c.method.attempt,
		append([]trace.SpanStartOption{trace.WithTimestamp(time.Now().Add(c.began - elapsed()))}, c.method.again...)...)
	c.attempt.SetAttributes(attribute.Int(keyPrevious, 0))
}

func (t *traces) event(ctx context.Context, o *interceptors.Observation, c *call, e interceptors.Event) {
	if c.span == nil || !c.span.IsRecording() {
		return
	}
	var name string
	attributes := make([]attribute.KeyValue, 0, 4)
	why := attribute.String(keyReason, e.Reason)
	switch e.Kind {
	case interceptors.EventRefused:
		name = "recourse.refused"
	case interceptors.EventRepeat:
		name = "recourse.backoff"
		if t.beside == Alone && c.own && e.Attempt == 1 {
			t.first(ctx, c)
		}
	case interceptors.EventGivenUp:
		name = "recourse.given_up"
	case interceptors.EventFallback:
		name, why = "recourse.fallback", attribute.String(keySource, e.Reason)
	case interceptors.EventAbandoned:
		name = "recourse.handler_abandoned"
	default:
		return
	}
	attributes = append(attributes, why)
	if e.Kind == interceptors.EventRepeat {
		attributes = append(attributes, attribute.Float64(keyDelay, e.Delay.Seconds()))
	}
	if e.Err != nil {
		attributes = append(attributes, attribute.String(keyErrorCode, clean(e.Err.ErrorCode())))
	}
	c.span.AddEvent(name, trace.WithAttributes(attributes...))
	if e.Kind == interceptors.EventRepeat || e.Kind == interceptors.EventGivenUp {
		t.failed(c.attempt, o.Side, e.Err, e.Err.Domain())
		endSpan(c.attempt)
		c.attempt = nil
	}
}

func (t *traces) end(o *interceptors.Observation, c *call, f *interceptors.Failure) {
	if c.attempt != nil {
		if succeeded(f) {
			c.attempt.SetAttributes(statusOK...)
		} else {
			t.failed(c.attempt, o.Side, f.Err, f.Domain)
		}
		c.attempt.End()
	}
	if c.span != nil && c.span.IsRecording() {
		if f != nil {
			t.describe(o, c, f)
		} else {
			c.span.SetAttributes(statusOK...)
		}
	}
	if c.own {
		c.span.End()
	}
}

var statusOK = []attribute.KeyValue{semconv.RPCResponseStatusCode("OK")}

// describe says what went wrong, and what was made of it.
func (t *traces) describe(o *interceptors.Observation, c *call, f *interceptors.Failure) {
	attributes := make([]attribute.KeyValue, 0, 6)
	if f.RequestID != "" {
		attributes = append(attributes, attribute.String(keyRequestID, f.RequestID))
	}
	if n := max(c.attempts, f.Attempts); n > 1 {
		attributes = append(attributes, attribute.Int(keyAttempts, n))
	}
	if f.Elided > 0 {
		attributes = append(attributes, attribute.Int(keyElided, f.Elided))
		c.span.AddEvent("recourse.trimmed", trace.WithAttributes(attribute.Int(keyElided, f.Elided)))
	}
	if f.Degraded != nil {
		c.span.AddEvent("recourse.degraded", trace.WithAttributes(
			attribute.String(keyKind, kindOf(f.Degraded)), attribute.String(keySource, clean(f.Degraded.GetSource()))))
	}
	c.span.SetAttributes(attributes...)
	if succeeded(f) {
		c.span.SetAttributes(statusOK...)
		return
	}
	t.failed(c.span, o.Side, f.Err, f.Domain)
}

// failed says of a span what it ended with. Not every failure is its server's fault.
func (t *traces) failed(span trace.Span, side interceptors.Side, e *status.Error, domain string) {
	if span == nil || e == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(semconv.RPCResponseStatusCode(canonical(e.Code())), semconv.ErrorTypeKey.String(errorType(e, domain)))
	if side == interceptors.ClientSide || blamesServer(e.Code()) {
		span.SetStatus(otelcodes.Error, t.mask.text(e.Message()))
	}
}

// blamesServer is the table of OpenTelemetry's conventions for gRPC.
func blamesServer(c codes.Code) bool {
	switch c {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

func endSpan(s trace.Span) {
	if s != nil {
		s.End()
	}
}
