package interceptors

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"math"
	mathrand "math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
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

// RequestID returns the id of the call that ctx belongs to, on a server: the
// caller's, from the metadata x-request-id, or one made here. It is what the
// caller of a failed call is told to quote, so log it. It is empty outside of a
// call.
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(callKey{}).(*serverCall); ok {
		return c.requestID()
	}
	return ""
}

const requestIDKey = "x-request-id"

func (c *serverCall) requestID() string {
	c.once.Do(func() {
		if outer, ok := c.Context.Value(callKey{}).(*serverCall); ok { // installed twice
			c.id = outer.requestID()
			return
		}
		for _, v := range metadata.ValueFromIncomingContext(c.Context, requestIDKey) {
			if validRequestID(v) {
				c.id = v
				return
			}
		}
		c.id = rand.Text()
	})
	return c.id
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
	if r := c.refusal.Load(); r != nil {
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
	st := grpcstatus.New(codes.Internal, "an unexpected error occurred")
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
	r.RequestID = c.requestID()
	if own := existing[requestIDKey]; len(own) > 0 && validRequestID(own[0]) {
		r.RequestID = own[0] // what the caller will read
	}
	r.Reserved = sizeOf(existing) + subtypeSize(stream) + fieldSize(requestIDKey, r.RequestID) + fieldSize(pushbackKey, "2147483647")
	enc := e.Encode(r)
	setTrailer(stream, existing, r.RequestID, enc)
	report(c, c.server.onFailure, Failure{Call: c.call, Err: e, Cause: cause, RequestID: r.RequestID, Elided: enc.Elided})
	return &sentError{whole: e, status: enc.Status}
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

// pushbackKey tells clients that retry without reading details how long to wait,
// or with -1 not to (gRFC A6).
const pushbackKey = "grpc-retry-pushback-ms"

// setTrailer sets trailers only: one header on an error, and no client of stock
// gRPC repeats the call. What the handler has set stays: with two values of
// pushback a client stops retrying.
func setTrailer(stream grpc.ServerTransportStream, existing metadata.MD, id string, enc status.Encoded) {
	if stream == nil || !enc.Fits {
		return // the code must arrive, whatever else the handler wants to say
	}
	md := make(metadata.MD, 2)
	if len(existing[requestIDKey]) == 0 {
		md[requestIDKey] = []string{id}
	}
	if p := pushback(enc); p != "" && len(existing[pushbackKey]) == 0 {
		md[pushbackKey] = []string{p}
	}
	// It fails only once the call is over, when nobody waits for an answer.
	_ = stream.SetTrailer(md)
}

// pushback spreads the delay by up to a quarter: stock clients wait exactly as
// long as they are told, and would come back together (gRFC A6).
func pushback(enc status.Encoded) string {
	if enc.RetryForbidden {
		return "-1"
	}
	if enc.RetryDelay < 0 {
		return ""
	}
	d := min(enc.RetryDelay, math.MaxInt32*time.Millisecond)
	if spread := int64(d / 4); spread > 0 {
		d += time.Duration(mathrand.Int64N(spread))
	}
	return strconv.FormatInt(min(int64((d+time.Millisecond-1)/time.Millisecond), math.MaxInt32), 10)
}

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

// trailerOf returns the trailers that the handler has set. Wrapping the stream to
// see them would break grpc.SetSendCompressor, which insists on grpc-go's type.
func trailerOf(stream grpc.ServerTransportStream) metadata.MD {
	if t, ok := stream.(interface{ Trailer() metadata.MD }); ok {
		return t.Trailer()
	}
	return nil
}

// subtypeSize is what the content type takes beyond "application/grpc".
func subtypeSize(stream grpc.ServerTransportStream) int {
	if s, ok := stream.(interface{ ContentSubtype() string }); ok && s.ContentSubtype() != "" {
		return len("+") + len(s.ContentSubtype())
	}
	return 0
}

func sizeOf(md metadata.MD) int {
	n := 0
	for k, values := range md {
		for _, v := range values {
			n += fieldSize(k, v)
		}
	}
	return n
}

// fieldSize is what HTTP/2 counts for a header field (RFC 9113, section 6.5.2).
func fieldSize(key, value string) int {
	n := len(value)
	if len(key) > 4 && key[len(key)-4:] == "-bin" {
		n = base64.RawStdEncoding.EncodedLen(n)
	}
	return len(key) + n + 32
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
