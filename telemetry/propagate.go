package telemetry

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/metadata"
)

// incoming reads a trace from a server's metadata, without copying all of it.
type incoming struct{ ctx context.Context }

func (c incoming) Get(key string) string {
	if v := metadata.ValueFromIncomingContext(c.ctx, key); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (c incoming) Values(key string) []string { return metadata.ValueFromIncomingContext(c.ctx, key) }

func (c incoming) Keys() []string {
	md, _ := metadata.FromIncomingContext(c.ctx)
	keys := make([]string, 0, len(md))
	for k := range md {
		keys = append(keys, k)
	}
	return keys
}

func (incoming) Set(string, string) {}

var (
	_ propagation.TextMapCarrier = incoming{}
	_ propagation.ValuesGetter   = incoming{}
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
func inject(ctx context.Context, p propagation.TextMapPropagator) context.Context {
	c := outgoings.Get().(*outgoing)
	defer func() {
		*c = outgoing{}
		outgoings.Put(c)
	}()
	c.pairs = c.room[:0]
	p.Inject(ctx, c)
	if len(c.pairs) == 0 {
		return ctx
	}
	if !slices.ContainsFunc(p.Fields(), func(key string) bool { return len(metadata.ValueFromOutgoingContext(ctx, key)) > 0 }) {
		return metadata.AppendToOutgoingContext(ctx, c.pairs...)
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	for _, key := range p.Fields() {
		md.Delete(key)
	}
	for i := 0; i+1 < len(c.pairs); i += 2 {
		md.Set(c.pairs[i], c.pairs[i+1])
	}
	return metadata.NewOutgoingContext(ctx, md)
}
