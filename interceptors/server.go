package interceptors

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// server is everything that does not change between calls.
type server struct {
	rendering   status.Rendering
	trust       func(context.Context) status.Trust
	omitDetail  []status.Trust
	classifiers []status.Classifier
	onFailure   func(context.Context, Failure)
	policies    []Policy
}

// serverCall is the state of one call. It is the context of the handler too, so
// that a call costs one allocation.
type serverCall struct {
	context.Context // as the transport made it
	server          *server
	call            Call
	runs            runs
	returned        bool // the handler came back, neither by panic nor by Goexit
	settled         bool // outcome is done, and what it returns reaches grpc-go

	once sync.Once
	id   string

	refusal atomic.Pointer[error] // of a policy, in the middle of a stream
}

type callKey struct{}

// Value answers for this package, and for the context below for all others.
func (c *serverCall) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// begin starts the policies. The context it returns is the handler's.
func (c *serverCall) begin() (context.Context, error) {
	ctx, rs, err := begin(c, c.server.policies, c.call)
	c.runs = rs
	return ctx, err
}

// outcome is the one place where a call on a server ends, however it does. It is
// deferred directly by the interceptor, since it recovers.
func (c *serverCall) outcome(reply *any, err *error) {
	goexit := false
	if !c.returned {
		v := recover()
		goexit = v == nil
		*err = status.Panicked(v)
	}
	if r := c.refusal.Load(); r != nil && c.returned {
		*err = *r
	}
	if *err == nil && reply != nil && isNothing(*reply) {
		*err = errNoReply
	}
	if *err = c.runs.end(*err); *err != nil {
		if reply != nil {
			*reply = nil
		}
		answer := c.answer(*err)
		*err = answer
		if goexit {
			c.writeStatus(answer.status)
		}
	}
	c.settled = true
}

// lastResort answers where outcome itself did not come to its end: somebody's
// hook ended the goroutine in the middle of it. It is deferred before outcome.
func (c *serverCall) lastResort(err *error) {
	if c.settled {
		return
	}
	v := recover()
	stream := grpc.ServerTransportStreamFromContext(c.Context)
	st := overwriting(trailerOf(stream), grpcstatus.New(codes.Internal, "an unexpected error occurred"))
	*err = st.Err()
	if v == nil {
		c.writeStatus(st)
	}
}

// refuse remembers what a policy said in the middle of a stream: the handler
// may ignore the error that its stream returned.
func (c *serverCall) refuse(err error) error {
	c.refusal.CompareAndSwap(nil, &err)
	return err
}

// answer makes of any error the one that is sent.
func (c *serverCall) answer(cause error) *sentError {
	e := c.classify(cause)
	r := c.server.rendering
	r.Trust = c.trust()
	r.OmitErrorDetail = slices.Contains(c.server.omitDetail, r.Trust)
	stream := grpc.ServerTransportStreamFromContext(c.Context)
	existing := trailerOf(stream)
	// What the caller will read: the handler's, or recourse's, installed twice.
	if r.RequestID = usableID(existing[requestIDKey]); r.RequestID == "" {
		r.RequestID = c.requestID()
	}
	r.Reserved = sizeOf(existing) + subtypeSize(stream) + fieldSize(requestIDKey, r.RequestID) + fieldSize(pushbackKey, "2147483647")
	enc := e.Encode(r)
	setTrailer(stream, existing, r.RequestID, enc)
	report(c, c.server.onFailure, Failure{Call: c.call, Err: e, Cause: cause, RequestID: r.RequestID, Elided: enc.Elided})
	return &sentError{whole: e, status: overwriting(existing, enc.Status)}
}

// classify decides what happened. Who gave up is told by the context of the
// call, not by the code that came out of it: a handler whose caller left returns
// whatever its last operation returned.
func (c *serverCall) classify(cause error) *status.Error {
	e := status.Classify(cause, c.server.classifiers...)
	if !isInterruption(e) {
		return e
	}
	switch {
	case deadlinePassed(c.Context):
		return status.Timeout(cause)
	case c.Context.Err() != nil:
		return status.Classify(context.Canceled).With(status.Cause(cause))
	}
	return e
}

// deadlinePassed asks the clock too: when time is up, the client's reset of the
// stream may arrive before the context's own timer. A client whose clock started
// earlier, as long as its request was under way, is still seen to cancel.
func deadlinePassed(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return ok && time.Until(d) <= 0
}

// isInterruption reports whether e may be the consequence of a context that
// ended.
func isInterruption(e *status.Error) bool {
	switch e.ErrorCode() {
	case status.CodeTimeout, status.CodeCancelled, status.CodeDependencyTimeout:
		return true
	case status.CodeDependencyFailed:
		behind, ok := status.From(e.Unwrap())
		return ok && behind.Code() == codes.Canceled
	}
	return false
}

// trust asks the operator's function, which may panic.
func (c *serverCall) trust() (t status.Trust) {
	if c.server.trust == nil {
		return status.Public
	}
	defer func() {
		if recover() != nil {
			t = status.Public
		}
	}()
	return c.server.trust(c)
}

// sentError is an error as grpc-go sends it: the status is encoded for this
// caller, the Error behind it is whole.
type sentError struct {
	whole  *status.Error
	status *grpcstatus.Status
}

func (s *sentError) Error() string                  { return s.whole.Error() }
func (s *sentError) GRPCStatus() *grpcstatus.Status { return s.status }
func (s *sentError) Unwrap() error                  { return s.whole }

// writeStatus answers a call whose goroutine is ending: nothing that it returns
// reaches grpc-go, and the client would wait for ever. grpc-go's stream has the
// method, without promising it; a test holds it to that.
func (c *serverCall) writeStatus(st *grpcstatus.Status) {
	stream := grpc.ServerTransportStreamFromContext(c.Context)
	if w, ok := stream.(interface {
		WriteStatus(*grpcstatus.Status) error
	}); ok {
		_ = w.WriteStatus(st) // fails if the connection is gone
	}
}

// isNothing reports whether a unary handler returned no reply. A nil pointer
// comes of the idiom that turns errors into empty successes:
//
//	st, _ = st.WithDetails(bad) // st is nil if bad cannot be encoded
//	return nil, st.Err()        // and its Err is nil
//
// A message without fields has no other value, so nil stands for it.
func isNothing(reply any) bool {
	if reply == nil {
		return true
	}
	v := reflect.ValueOf(reply)
	if v.Kind() != reflect.Pointer || !v.IsNil() {
		return false
	}
	return !hasNoFields(reply)
}

func hasNoFields(reply any) bool {
	m, ok := reply.(proto.Message)
	return ok && m.ProtoReflect().Descriptor().Fields().Len() == 0
}
