package interceptors

import (
	"context"
	"errors"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
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

// read makes a *status.Error of whatever a call ended with.
func read(err error, method string, trailer metadata.MD) *status.Error {
	if e, ok := err.(*status.Error); ok && e != nil {
		return e // a policy refused the call
	}
	id := ""
	if v := trailer[requestIDKey]; len(v) > 0 {
		id = v[0]
	}
	return status.Received(innerStatus(err), err, method, id)
}

// innerStatus reads the status without the text that wrapping put around it.
func innerStatus(err error) (st *grpcstatus.Status) {
	defer func() {
		if recover() != nil { // in a method of an error that an interceptor made
			st = grpcstatus.New(codes.Unknown, "an error that cannot be read")
		}
	}()
	s, ok := errors.AsType[interface {
		error
		GRPCStatus() *grpcstatus.Status
	}](err)
	if ok {
		if st := s.GRPCStatus(); st != nil {
			return st
		}
	}
	return grpcstatus.FromContextError(err)
}

// fail ends a call that went wrong.
func (c *client) fail(ctx context.Context, call Call, err error, trailer metadata.MD) error {
	e := read(err, call.Method, trailer)
	if c.onFailure == nil {
		return e // undecoded: its reader may want one detail, or only the code
	}
	report(ctx, c.onFailure, Failure{Call: call, Err: e, Cause: err, RequestID: e.RequestID(), Elided: e.Elided()})
	return e
}
