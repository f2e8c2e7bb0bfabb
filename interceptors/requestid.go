package interceptors

import (
	"context"
	"crypto/rand"
	"slices"

	"google.golang.org/grpc/metadata"
)

// RequestID returns the id of the call that ctx belongs to, on a server: the
// caller's, from the metadata x-request-id, or one made here. It is what the
// caller of a failed call is told to quote, so log it. It is empty outside of a
// call, and once the call has ended: what goes on in the background has to take
// it along.
func RequestID(ctx context.Context) (id string) {
	callIn(ctx, func(c *serverCall) { id = c.requestID() })
	return id
}

const requestIDKey = "x-request-id"

func (c *serverCall) requestID() string {
	c.once.Do(func() {
		if c.id = usableID(metadata.ValueFromIncomingContext(c.Context, requestIDKey)); c.id == "" {
			c.id = rand.Text()
		}
	})
	return c.id
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
