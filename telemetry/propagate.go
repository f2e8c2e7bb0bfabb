package telemetry

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/metadata"
)

// incoming reads a trace from a server's metadata, without copying all of it. It is part
// of what is kept of the call.
type incoming struct{ ctx context.Context }

func (c *incoming) Get(key string) string {
	if v := metadata.ValueFromIncomingContext(c.ctx, key); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (c *incoming) Values(key string) []string { return metadata.ValueFromIncomingContext(c.ctx, key) }

func (c *incoming) Keys() []string {
	md, _ := metadata.FromIncomingContext(c.ctx)
	keys := make([]string, 0, len(md))
	for k := range md {
		keys = append(keys, k)
	}
	return keys
}

func (*incoming) Set(string, string) {}

var (
	_ propagation.TextMapCarrier = (*incoming)(nil)
	_ propagation.ValuesGetter   = (*incoming)(nil)
	_ propagation.TextMapCarrier = (*outgoing)(nil)
)

// outgoing collects what a propagator says, so that it is added to the metadata of a
// call at once.
type outgoing struct {
	pairs []string
	room  [6]string
}

var outgoings = sync.Pool{New: func() any { return new(outgoing) }}

func (c *outgoing) Get(key string) string {
	for i := 0; i+1 < len(c.pairs); i += 2 {
		if c.pairs[i] == key {
			return c.pairs[i+1]
		}
	}
	return ""
}

func (c *outgoing) Set(key, value string) { c.pairs = append(c.pairs, key, value) }

func (c *outgoing) Keys() []string {
	var keys []string
	for i := 0; i+1 < len(c.pairs); i += 2 {
		keys = append(keys, c.pairs[i])
	}
	return keys
}

// inject sends the span of ctx on. What an attempt before has said is replaced.
func (t *traces) inject(ctx context.Context) context.Context {
	c := outgoings.Get().(*outgoing)
	defer func() {
		*c = outgoing{}
		outgoings.Put(c)
	}()
	c.pairs = c.room[:0]
	t.propagator.Inject(ctx, c)
	if len(c.pairs) == 0 {
		return ctx
	}
	fields := t.fields()
	if !slices.ContainsFunc(fields, func(key string) bool { return len(metadata.ValueFromOutgoingContext(ctx, key)) > 0 }) {
		return metadata.AppendToOutgoingContext(ctx, c.pairs...)
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	for _, key := range fields {
		if key != "baggage" { // it is no part of the trace: what the application has set there itself stays
			md.Delete(key)
		}
	}
	for i := 0; i+1 < len(c.pairs); i += 2 {
		md.Set(c.pairs[i], c.pairs[i+1])
	}
	return metadata.NewOutgoingContext(ctx, md)
}

// fields are the keys that the propagator may set: it makes a list of them each time. It
// is not asked before it has set one, since OpenTelemetry's global propagator has none until it
// is told which to be.
func (t *traces) fields() []string {
	if known := t.known.Load(); known != nil {
		return *known
	}
	fields := t.propagator.Fields()
	t.known.Store(&fields)
	return fields
}
