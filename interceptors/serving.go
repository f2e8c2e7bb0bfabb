package interceptors

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/limit"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/internal/terminal"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// maxAbandoned is how many handlers are left behind at most, and from when on a
// server refuses more work: they still hold memory, and whatever they wait for.
const maxAbandoned = 100

// serverMethod is what does not change between the calls of a method.
type serverMethod struct {
	facts     methodFacts
	fallbacks []*Substitute
	budget    retry.Budget   // of runs of the handler
	typical   limit.Estimate // how long it takes
}

// handling is what a server does for one call, of any shape, around its handler.
type handling struct {
	serverCall
	method *serverMethod
	req    proto.Message // nil where the client streams, or the codec is not protobuf's
}

// shape is what differs between one reply and a stream of them.
type shape interface {
	handle(ctx context.Context) (any, error)                   // runs the handler once
	answer(reply any)                                          // of a run that was not left behind
	rerun()                                                    // prepares another run
	leave()                                                    // the handler is left behind
	silence() <-chan error                                     // tells of a client that is silent for too long; nil: nobody watches
	hasSent() bool                                             // something that cannot be taken back
	substitute(ctx context.Context, reply proto.Message) error // sends a fallback's reply
}

// within runs the handler within the limits of the method's policy.
func (h *handling) within(ctx context.Context, s shape) error {
	p := h.policy
	if err := h.tooLate(ctx, p); err != nil {
		return h.refuses("deadline", err)
	}
	l, err := h.admitted(ctx)
	if err != nil {
		return err
	}
	if l != nil {
		defer l.Release()
	}
	if l == nil {
		err = h.inTime(ctx, s, p)
	} else {
		began := time.Now()
		if err = h.inTime(ctx, s, p); !h.left.Load() && !h.call.streams() {
			h.method.typical.Observe(time.Since(began))
		}
	}
	if err == nil {
		return nil
	}
	if h.refused || !p.Fallback || len(h.method.fallbacks) == 0 || s.hasSent() || h.Context.Err() != nil {
		return err
	}
	h.kept = true
	return h.fallBack(ctx, s, err)
}

// inTime is the part of a call that has a deadline.
func (h *handling) inTime(ctx context.Context, s shape, p *policy.Policy) error {
	ctx, cancel := h.bounded(ctx, p)
	defer cancel()
	err := h.attempt(ctx, s, 1)
	switch {
	case p.HandlerAttempts < 2:
		return err
	case err == nil:
		h.method.budget.Earn()
		return nil
	}
	return h.repeat(ctx, s, err)
}

// refuses is a call that nothing was done for.
func (h *handling) refuses(why string, err error) error {
	h.refused = true
	if h.observed().wanted() {
		e, _ := status.From(err)
		h.observed().tell(Event{Kind: EventRefused, Reason: why, Err: e})
	}
	return err
}

// tooLate refuses what cannot be done in the time that the caller has left.
func (h *handling) tooLate(ctx context.Context, p *policy.Policy) error {
	end, ok := ctx.Deadline()
	if !ok || p.MinTimeout <= 0 || time.Until(end) >= p.MinTimeout {
		return nil
	}
	return status.New(codes.DeadlineExceeded, "DEADLINE_TOO_SHORT", "the time left for the call is too short to do anything",
		status.Suggest("Allow more time for the call."), status.Outcome(status.NotApplied), status.Retry(status.Never))
}

// bounded gives the call its deadline: the caller's, or the usual one where it set
// none, but no later than the latest.
func (h *handling) bounded(ctx context.Context, p *policy.Policy) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	usual, most := p.Timeout, p.MaxTimeout
	if h.call.streams() {
		usual = 0
	}
	if ok && most <= 0 || !ok && usual <= 0 && most <= 0 {
		return ctx, func() {}
	}
	now := time.Now()
	switch {
	case !ok && usual > 0 && (most <= 0 || usual < most):
		end = now.Add(usual)
	case !ok || end.Sub(now) > most:
		end = now.Add(most)
	default:
		return ctx, func() {}
	}
	h.needs().deadline = end
	return context.WithDeadline(ctx, end)
}

// admitted takes a place among the calls that run, where their number is limited.
func (h *handling) admitted(ctx context.Context) (*limit.Limiter, error) {
	s := h.server
	if s.abandoned.Load() >= maxAbandoned {
		return nil, h.refuses("stuck", overloaded("HANDLERS_STUCK", "too many handlers of this service do not return", time.Second))
	}
	l := s.calls
	if h.call.streams() {
		l = s.streams
	}
	if l == nil {
		return nil, nil
	}
	end, _ := ctx.Deadline()
	switch err := l.Acquire(ctx, end, h.method.typical.Typical()).(type) {
	case nil:
		return l, nil
	case limit.Refusal:
		return nil, h.refuses("limit", overloaded("SERVER_OVERLOADED", "the service has more calls than it can serve", err.RetryAfter))
	default:
		h.refused = true // its caller has given up
		return nil, err
	}
}

// overloaded is the answer to a call that nothing was done for.
func overloaded(code, message string, later time.Duration) *status.Error {
	return status.New(codes.Unavailable, code, message, status.Outcome(status.NotApplied),
		status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED), status.RetryAfter(later))
}

// attempt runs the handler. Where it may have to be left behind it has a goroutine of
// its own.
func (h *handling) attempt(ctx context.Context, s shape, n int) error {
	if h.runsOfHandler = int32(n); n > 1 {
		h.degraded.Store(nil)
		s.rerun()
	}
	ctx = h.observed().attempt(ctx, n)
	if h.mayBeLeft(s) {
		return h.stoppable(ctx, s)
	}
	return inline(ctx, s)
}

// mayBeLeft reports whether the handler may be left behind.
func (h *handling) mayBeLeft(s shape) bool { return h.policy.HardStop || s.silence() != nil }

func inline(ctx context.Context, s shape) (err error) {
	defer recovered(&err)
	reply, err := s.handle(ctx)
	s.answer(reply)
	return err
}

// stoppable runs the handler until it returns, or its time is up, or its client has
// been silent for too long. Returning to gRPC releases a handler that waits for its
// client; any other keeps its goroutine until it returns, but no longer its place
// among the streams of the connection.
func (h *handling) stoppable(ctx context.Context, s shape) error {
	run := &handlerRun{owner: h, done: make(chan struct{})}
	go run.do(ctx, s.handle)
	var stopped error
	select {
	case <-run.done:
	case stopped = <-s.silence():
		h.refused = true // the client's fault
	case <-h.endOf(ctx):
		stopped = ctx.Err()
		timer := time.NewTimer(deadline.Grace)
		defer timer.Stop()
		select {
		case <-run.done:
		case <-timer.C:
		}
	}
	if stopped != nil && run.abandon(h.server.observer) {
		why := "deadline"
		if h.refused {
			why = "silence"
		}
		s.leave()
		run.leftBehind(why)
		return stopped
	}
	<-run.done
	s.answer(run.reply)
	return run.err
}

// endOf is when a handler is stopped.
func (h *handling) endOf(ctx context.Context) <-chan struct{} {
	if !h.policy.HardStop {
		return nil
	}
	return ctx.Done()
}

// handlerRun is a handler in a goroutine of its own.
type handlerRun struct {
	owner    *handling
	observer Observer      // of a run that was abandoned
	told     chan struct{} // closed when the observer has been told of that
	state    atomic.Int32
	done     chan struct{}
	reply    any
	err      error
	panicked bool
}

const (
	running = iota
	returned
	abandoned
)

func (r *handlerRun) do(ctx context.Context, handler func(context.Context) (any, error)) {
	defer close(r.done)
	defer func() {
		if !r.state.CompareAndSwap(running, returned) {
			r.late()
		}
	}()
	back := false
	defer func() {
		if !back {
			r.reply, r.err, r.panicked = nil, status.Panicked(recover()), true
		}
	}()
	r.reply, r.err = handler(ctx)
	back = true
}

// abandon leaves the handler behind, counted until it returns, unless it has. Above
// the limit its call waits for it, as it would without a hard stop.
func (r *handlerRun) abandon(o Observer) bool {
	s := r.owner.server
	r.observer, r.told = o, make(chan struct{})
	if s.abandoned.Add(1) <= maxAbandoned && r.state.CompareAndSwap(running, abandoned) {
		return true
	}
	s.abandoned.Add(-1)
	return false
}

// leftBehind tells of a run that was abandoned, before its return can be told of.
func (r *handlerRun) leftBehind(why string) {
	defer close(r.told)
	r.owner.observed().tell(Event{Kind: EventAbandoned, Reason: why})
}

// late is the return of a handler that was left behind. What it returns nobody
// gets, but a panic is not hidden.
func (r *handlerRun) late() {
	h := r.owner
	h.server.abandoned.Add(-1)
	e := Event{Kind: EventReturned}
	if r.panicked {
		e.Err = status.Classify(r.err)
		e.Failure = &Failure{Call: h.call, Err: e.Err, Domain: h.domainOf(e.Err), Cause: r.err, RequestID: h.requestID(), Caller: h.trust(), Policy: h.policy}
		report(h.outer(), h.server.onFailure, *e.Failure)
	}
	if <-r.told; r.observer != nil {
		tell(h.outer(), r.observer, nil, e)
	}
}

// repeat runs the handler once more where that is safe. Whoever gets the error then
// is told not to repeat the call in turn, and a call that is a repeat itself, or has
// failed because of one further down, is left alone.
func (h *handling) repeat(ctx context.Context, s shape, err error) error {
	limits := *h.policy
	limits.MaxAttempts = limits.HandlerAttempts
	run := retry.Run{
		Policy: &limits, Budget: &h.method.budget,
		Repeatable: limits.Idempotent || h.method.facts.idempotent || h.method.facts.named(h.req),
	}
	run.Deadline, _ = ctx.Deadline()
	if h.observed().wanted() {
		run.Decided = h.observed().decided
	}
	if err = run.Repeat(ctx, err, &handlerRuns{h, s, ctx}); err == nil {
		run.Worked()
		if h.observed().wanted() {
			h.observed().failed(Failure{
				Call: h.call, Err: run.Last, Domain: h.domainOf(run.Last), Cause: run.Last.Unwrap(), RequestID: h.requestID(),
				Attempts: run.Made, Caller: h.trust(), Policy: h.policy, Saved: true,
			})
		}
		return nil
	}
	if run.Attempts < 2 {
		return err
	}
	e, _ := status.From(err)
	return e.With(status.Advice(&recoursev1.RetryAdvice{
		Verdict: status.Never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: uint32(run.Attempts),
	}))
}

// handlerRuns are what is repeated of a call.
type handlerRuns struct {
	*handling
	shape shape
	ctx   context.Context
}

var _ retry.Op = (*handlerRuns)(nil)

// Judge tells what became of a run of the handler.
func (r *handlerRuns) Judge(err error) retry.Failure {
	repeated := len(metadata.ValueFromIncomingContext(r.Context, attemptsKey)) > 0
	return retry.Failure{
		Err:     r.classify(err),
		GivenUp: repeated || r.call.ClientStreams || r.shape.hasSent() || r.learnt.Load() != nil || r.ctx.Err() != nil,
	}
}

func (r *handlerRuns) Again(ctx context.Context, n int) error { return r.attempt(ctx, r.shape, n) }

// Admit is true: the budget is limit enough.
func (r *handlerRuns) Admit() bool { return true }

// Remedy is false: on a server nobody carries out what is meant for a client.
func (r *handlerRuns) Remedy(context.Context, retry.Failure) bool { return false }

// fallBack asks the fallbacks for an answer.
func (h *handling) fallBack(ctx context.Context, s shape, err error) error {
	cause := h.classify(err)
	f := rescue{
		chain: h.method.fallbacks, budget: h.policy.FallbackTimeout, single: !h.call.ServerStreams,
		call:  failedCall{method: h.call.Method, req: h.req, cause: cause},
		begin: func(d *recoursev1.Degraded) { h.degraded.Store(d) }, send: s.substitute, observed: h.observed(),
	}
	mark, err := f.run(ctx)
	if mark != nil {
		saved := Failure{
			Call: h.call, Err: f.seen, Domain: h.domainOf(cause), Cause: f.seen.Unwrap(), RequestID: h.requestID(), Degraded: mark, Saved: err == nil,
			Attempts: int(h.runsOfHandler), Caller: h.trust(), Policy: h.policy,
		}
		h.observed().failed(saved)
		report(h.outer(), h.server.onFailure, saved)
	}
	return err
}

// remember shows a good answer to the fallbacks that remember them.
func (u *unaryServing) remember() {
	reply, ok := u.reply.(proto.Message)
	if !ok || u.req == nil || isNothing(reply) || u.degraded.Load() != nil {
		return
	}
	for _, s := range u.method.fallbacks {
		if s.learn != nil {
			s.learn(u.outer(), nil, u.call.Method, u.req, reply)
		}
	}
}

// headersSet reports whether the handler has set anything that its caller would get
// twice.
func headersSet(ctx context.Context) bool {
	stream := grpc.ServerTransportStreamFromContext(ctx)
	if len(trailerOf(stream)) > 0 {
		return true
	}
	h, ok := stream.(interface{ Header() (metadata.MD, error) })
	if !ok {
		return stream != nil
	}
	md, err := h.Header()
	return err != nil || len(md) > 0
}

// prepare looks up what there is to do for a call.
func (h *handling) prepare() { h.method = h.server.method(h.call.Method, h.policy) }

// keeps reports whether the request is needed later.
func (h *handling) keeps() bool {
	return !h.call.ClientStreams && (h.policy.HandlerAttempts > 1 || h.policy.Fallback && wantRequest(h.method.fallbacks))
}

// silent is the answer to a client that says nothing for too long.
func silent() error {
	return status.New(codes.DeadlineExceeded, "STREAM_IDLE", "nothing was heard from the client for too long", status.Retry(status.Never))
}

// unaryServing is a call with one request and one reply. It is used again for another
// call where nothing can hold on to it any more.
type unaryServing struct {
	unaryHandling
	few serverMore // so that it costs nothing
}

// unaryHandling is what every call has, and most calls have nothing else.
type unaryHandling struct {
	handling
	original any
	reply    any
	handler  grpc.UnaryHandler
}

var unaryServings = sync.Pool{New: func() any { return new(unaryServing) }}

func (u *unaryServing) begin(req any, handler grpc.UnaryHandler) {
	u.original, u.handler = req, handler
	// A handler that is left behind has a use for a context of the call's own, and an
	// interceptor below may wrap the stream.
	if u.policy != nil && u.policy.HardStop || terminal.IsChain(handler) || u.nested() || !inProgress.add(&u.serverCall) {
		u.own, u.kept = true, true
		raise(&ownContexts)
	}
}

// nested reports whether an interceptor further out has given the call a context of its
// own already.
func (u *unaryServing) nested() bool {
	return ownContexts.Load() && u.Context.Value(callKey{}) != nil
}

// release ends the call for good.
func (u *unaryServing) release() {
	if u.entered {
		inProgress.remove(&u.serverCall)
	}
	if u.settled && u.returned && !u.kept {
		if u.needed {
			u.few = serverMore{}
		}
		u.unaryHandling = unaryHandling{}
		unaryServings.Put(u)
	}
}

// serve shows the call to the hooks, and runs the handler.
func (u *unaryServing) serve() (any, error) {
	ctx, err := u.startHooks()
	if err != nil {
		return nil, err
	}
	if u.runs() == nil {
		return u.run(ctx)
	}
	if err := u.more.runs.message(ServerSide, true, u.original); err != nil {
		return nil, err
	}
	reply, err := u.run(ctx)
	if err == nil && !isNothing(reply) {
		err = u.more.runs.message(ServerSide, false, reply)
	}
	return reply, err
}

// run runs the handler within the method's policy, if there is any.
func (u *unaryServing) run(ctx context.Context) (any, error) {
	if u.policy == nil {
		return u.handler(u.observed().attempt(ctx, 1), u.original)
	}
	u.prepare()
	u.req, _ = u.original.(proto.Message)
	if u.keeps() && u.req != nil {
		u.req = proto.Clone(u.req) // a handler may change its own
	}
	if err := u.within(ctx, u); err != nil {
		return nil, err
	}
	if len(u.method.fallbacks) > 0 {
		u.remember()
	}
	return u.reply, nil
}

func (u *unaryServing) handle(ctx context.Context) (any, error) { return u.handler(ctx, u.original) }

func (u *unaryServing) answer(reply any) { u.reply = reply }

func (u *unaryServing) silence() <-chan error { return nil }

func (u *unaryServing) rerun() {
	if u.req != nil {
		u.original = proto.Clone(u.req)
	}
}

func (u *unaryServing) hasSent() bool { return !u.left.Load() && headersSet(u.Context) }

func (u *unaryServing) leave() { u.left.Store(true) }

func (u *unaryServing) substitute(_ context.Context, m proto.Message) error {
	u.reply = m
	return nil
}
