package interceptors

import (
	"context"
	"crypto/rand"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// RequestID returns the id of the call that ctx belongs to, on a server: the
// caller's, from the metadata x-request-id, or one made here. It is what the
// caller of a failed call is told to quote, so log it. It is empty outside of a
// call. Work that outlives its call still finds the caller's; one that was made
// here it has to take along.
func RequestID(ctx context.Context) (id string) {
	var named *string
	if !callIn(ctx, func(c *serverCall) { named = c.named.Load() }) {
		if grpc.ServerTransportStreamFromContext(ctx) == nil {
			return ""
		}
		return usableID(metadata.ValueFromIncomingContext(ctx, requestIDKey))
	}
	if named != nil {
		return *named
	}
	id = newRequestID(ctx)
	callIn(ctx, func(c *serverCall) { id = c.name(id) })
	return id
}

const requestIDKey = "x-request-id"

// requestID is for whoever has the call.
func (c *serverCall) requestID() string {
	if id := c.named.Load(); id != nil {
		return *id
	}
	return c.name(newRequestID(c.Context))
}

// name gives the call an id, unless it has one, which it returns.
func (c *serverCall) name(id string) string {
	c.named.CompareAndSwap(nil, &id)
	return *c.named.Load()
}

// newRequestID is the caller's id, or a new one.
func newRequestID(incoming context.Context) string {
	if id := usableID(metadata.ValueFromIncomingContext(incoming, requestIDKey)); id != "" {
		return id
	}
	return rand.Text()
}

// usableID returns the first of the values that may be an id, empty if none may.
func usableID(values []string) string {
	if i := slices.IndexFunc(values, validRequestID); i >= 0 {
		return values[i]
	}
	return ""
}

// validRequestID accepts what can stand in a header and in a log as it is.
func validRequestID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
