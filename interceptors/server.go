package interceptors

import (
	"cmp"
	"context"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/catalog/locale"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/escalation"
	"github.com/recourse-dev/recourse/internal/limit"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
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
	logs        bool     // by itself, unless somebody observes
	observer    Observer // nil: nobody
	undeclared  UndeclaredMode
	texts       *locale.Texts // nil: none
	hooks       []Hook
	policies    *policy.Set // nil: nothing is done but to answer errors
	fallbacks   map[string][]*Substitute
	calls       *limit.Limiter // of one reply to one request; nil: no limit
	streams     *limit.Limiter
	caller      func(context.Context) string
	support     string

	abandoned atomic.Int64 // handlers that were left behind
	methods   sync.Map     // of *serverMethod, by name
	met       atomic.Int64
	others    serverMethod // those beyond maxMethods, whose names callers may invent
	failures  *escalation.Table
}

// anyServer is set once this process serves, so that clients elsewhere need not look for
// the call that they are made for.
var anyServer atomic.Bool

// engages reports whether there is more to do than to answer errors.
func (s *server) engages() bool {
	return s.policies != nil || len(s.fallbacks) > 0 || s.calls != nil || s.streams != nil
}

func (s *server) policyOf(method string) *policy.Policy {
	if s.policies == nil {
		return idle()
	}
	return s.policies.For(method)
}

// method returns what is known of a method, if anything has a use for it.
func (s *server) method(name string, p *policy.Policy) *serverMethod {
	if len(s.fallbacks) == 0 && s.calls == nil && s.streams == nil && p.HandlerAttempts < 2 {
		return &s.others
	}
	if m, ok := s.methods.Load(name); ok {
		return m.(*serverMethod)
	}
	if s.fallbacks[name] == nil && s.met.Add(1) > maxMethods {
		return &s.others
	}
	m, _ := s.methods.LoadOrStore(name, &serverMethod{facts: factsOf(name), fallbacks: s.fallbacks[name]})
	return m.(*serverMethod)
}

// serverCall is the state of one call, whatever its shape.
type serverCall struct {
	context.Context // as the transport made it
	server          *server
	call            Call
	more            *serverMore            // nil: there is none of it
	key             uintptr                // of the stream, 0 for none
	named           atomic.Pointer[string] // its id

	policy *policy.Policy // nil: none

	degraded atomic.Pointer[recoursev1.Degraded]
	learnt   atomic.Pointer[recoursev1.RetryAdvice] // from a call further down that was given up

	// The small ones together: a stream may be open for long, and many are.
	runsOfHandler int32       // 0 without a policy
	left          atomic.Bool // the handler was left behind
	entered       bool        // in the table of calls
	probe         uint8       // that found a slot there
	own           bool        // what the code of others gets is the call itself
	returned      bool        // the handler came back, neither by panic nor by Goexit
	settled       bool        // outcome is done, and what it returns reaches grpc-go
	refused       bool        // by this server, for what is not its own fault, or known to it
	kept          bool        // something may hold on to the call when it is over
	needed        bool        // there is something in more
}

// serverMore is what few streams have.
type serverMore struct {
	observed observed
	runs     runs
	refusal  atomic.Pointer[error] // of a hook, in the middle of a stream
	deadline time.Time             // that this server has set; zero: none
	watch    *watchdog             // of a stream; nil: nobody watches its client
}

// needs makes room for it, before the handler runs.
func (c *serverCall) needs() *serverMore {
	if c.needed = true; c.more == nil {
		c.more = new(serverMore)
	}
	return c.more
}

func (c *serverCall) observed() *observed {
	if c.more == nil {
		return nil
	}
	return &c.more.observed
}

func (c *serverCall) runs() runs {
	if c.more == nil {
		return nil
	}
	return c.more.runs
}

// outer is what the code of others gets: the transport's context, or the call itself.
func (c *serverCall) outer() context.Context {
	if c.own {
		return c
	}
	return c.Context
}

// Value answers for this package, and for the context below for all others. It is
// asked only where the call is its handler's context.
func (c *serverCall) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// enter prepares a call.
func (c *serverCall) enter(ctx context.Context, s *server, call Call) {
	c.Context, c.server, c.call = ctx, s, call
	if c.key = streamKey(ctx); c.key == 0 {
		raise(&streamless)
	}
	if s.engages() {
		c.policy = s.policyOf(call.Method)
	}
}

// observe tells an observer of the call, which gets the context that it returns.
func (c *serverCall) observe() {
	if o := c.server.observer; o != nil {
		c.Context = c.needs().observed.begin(c.Context, o, c.call, "")
	}
}

// startHooks returns the context for the handler.
func (c *serverCall) startHooks() (context.Context, error) {
	ctx, rs, err := begin(c.outer(), c.server.hooks, c.call)
	if rs != nil {
		c.needs().runs = rs
	}
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
	if r := c.refusal(); r != nil && c.returned {
		*err = r
	}
	if *err == nil && reply != nil && isNothing(*reply) {
		*err = errNoReply
	}
	if *err = c.runs().end(*err); *err == nil {
		c.succeed(reply != nil)
		c.observed().marked(c.degraded.Load())
	} else {
		if reply != nil {
			*reply = nil
		}
		answer := c.answer(*err)
		*err = answer
		if goexit {
			c.writeStatus(answer.status)
		}
	}
	c.observed().end()
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
	c.observed().failed(Failure{Call: c.call, Err: status.Classify(status.Panicked(v)), Domain: c.server.rendering.Domain, Cause: *err, RequestID: c.requestID(), Policy: c.policy})
	c.observed().end()
	if v == nil {
		c.writeStatus(st)
	}
}

// refuse remembers what a hook said in the middle of a stream: the handler
// may ignore the error that its stream returned.
func (c *serverCall) refuse(err error) error {
	c.more.refusal.CompareAndSwap(nil, &err)
	return err
}

func (c *serverCall) refusal() error {
	if c.more == nil {
		return nil
	}
	if r := c.more.refusal.Load(); r != nil {
		return *r
	}
	return nil
}

// answer makes of any error the one that is sent.
func (c *serverCall) answer(cause error) *sentError {
	e, undeclared := c.held(c.passOn(c.classify(cause)))
	e = c.translated(e)
	r := c.server.rendering
	if c.policy != nil {
		r.OmitGuidance, r.TechnicalDetails = !c.policy.Guidance, c.policy.TechnicalDetails
	}
	r.Trust = c.trust()
	r.OmitErrorDetail = slices.Contains(c.server.omitDetail, r.Trust)
	stream := grpc.ServerTransportStreamFromContext(c.Context)
	var existing metadata.MD
	if !c.left.Load() { // else they may be written at this moment
		existing = trailerOf(stream)
	}
	// What the caller will read: the handler's, or recourse's, installed twice.
	if r.RequestID = usableID(existing[requestIDKey]); r.RequestID == "" {
		r.RequestID = c.requestID()
	}
	e = c.escalate(e, r.RequestID)
	r.Reserved = sizeOf(existing) + subtypeSize(stream) + fieldSize(requestIDKey, r.RequestID) + fieldSize(pushbackKey, "2147483647")
	enc := e.Encode(r)
	setTrailer(stream, existing, r.RequestID, enc, timeLeft(c.outer()))
	f := Failure{
		Call: c.call, Err: e, Domain: c.domainOf(e), Cause: cause, RequestID: r.RequestID, Attempts: int(c.runsOfHandler),
		Elided: enc.Elided, Undeclared: undeclared, Size: enc.Size, Caller: r.Trust, Policy: c.policy,
	}
	c.observed().failed(f)
	report(c.outer(), c.server.onFailure, f)
	return &sentError{whole: e, status: overwriting(existing, enc.Status)}
}

// domainOf is the error's domain once it is sent.
func (c *serverCall) domainOf(e *status.Error) string {
	return cmp.Or(e.Domain(), c.server.rendering.Domain)
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
	case deadline.Passed(c.Context) || c.more != nil && !c.more.deadline.IsZero() && time.Until(c.more.deadline) <= 0:
		return status.Timeout(cause)
	case c.Context.Err() != nil:
		return status.Classify(context.Canceled).With(status.Cause(cause))
	case e.ErrorCode() == status.CodeTimeout && e.Operation() != c.call.Method && strings.HasPrefix(e.Operation(), "/"):
		// Of a call further down, whose server might as well have been the one to say so.
		return status.Classify(os.ErrDeadlineExceeded).With(status.Cause(cause))
	}
	return e
}

// passOn adds what a call further down has learnt to an error that would otherwise
// invite its caller to repeat what was given up there: a hop whose budget is empty,
// or that met an overload, ends the repeats of all hops above, and one that has made
// its attempts leaves one more chance to the next.
func (c *serverCall) passOn(e *status.Error) *status.Error {
	learnt := c.learnt.Load()
	if learnt == nil {
		return e
	}
	own := e.RetryAdvice()
	if e.Verdict() != status.SameRequest && (own.GetVerdict() != status.Never || own.GetExhaustedBy() != "") {
		return e
	}
	learnt = proto.CloneOf(learnt)
	if learnt.GetExhaustedBy() == "" {
		learnt.ExhaustedBy = cmp.Or(c.server.rendering.Domain, serviceOf(c.call.Method))
	}
	return e.With(status.Advice(learnt))
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
	return c.server.trust(c.outer())
}

// sentError is an error as grpc-go sends it: the status is encoded for this
// caller, the Error behind it is whole.
type sentError struct {
	whole  *status.Error
	status *grpcstatus.Status
}

// Error is what is sent: if an interceptor around this one wraps the error, grpc-go sends its text.
func (s *sentError) Error() string {
	if e, ok := status.From(s.status.Err()); ok {
		return e.Error()
	}
	return s.whole.Error()
}

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
