package interceptors

import (
	"context"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/metadata"
)

// client is everything that does not change between calls.
type client struct {
	onFailure func(context.Context, Failure)
	policies  []Policy
}

// outgoing hands the id of the call being served on to the service behind this
// one, so that one id finds a failure on every hop.
func outgoing(ctx context.Context) context.Context {
	c, ok := ctx.Value(callKey{}).(*serverCall)
	if !ok {
		return ctx
	}
	if md, ok := metadata.FromOutgoingContext(ctx); ok && len(md[requestIDKey]) > 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, requestIDKey, c.requestID())
}

// read makes a *status.Error of whatever a call ended with. Where no answer came,
// the id that the call was sent with is the one to quote.
func read(ctx context.Context, err error, method string, trailer metadata.MD) *status.Error {
	ids := trailer[requestIDKey]
	if len(ids) == 0 {
		sent, _ := metadata.FromOutgoingContext(ctx)
		ids = sent[requestIDKey]
	}
	id := usableID(ids)
	if id == "" && len(ids) > 0 {
		id = ids[0] // of a server that is less strict
	}
	return status.Received(err, method, id, len(trailer) == 0 && deadlinePassed(ctx))
}

// fail ends a call that went wrong.
func (c *client) fail(ctx context.Context, call Call, err error, trailer metadata.MD) error {
	err = status.Finite(err)
	e := read(ctx, err, call.Method, trailer)
	if c.onFailure == nil {
		return e // undecoded: its reader may want one detail, or only the code
	}
	report(ctx, c.onFailure, Failure{Call: call, Err: e, Cause: err, RequestID: e.RequestID(), Elided: e.Elided()})
	return e
}
