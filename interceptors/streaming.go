package interceptors

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/internal/terminal"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// maxReplay is how much of what the application has sent is kept for another
// attempt: grpc-go's own default for its retries.
const maxReplay = 256 << 10

// perMessage is what a message takes beside its content.
const perMessage = 64

// streamCall is a stream with all its attempts. To the application it is one: it
// is opened again, and what was sent is sent again, until the first reply, or until
// too much was sent; then it is as gRPC made it.
//
// One goroutine may send and another receive, and a third may ask for the headers.
// Whoever learns of the end of an attempt does so as the receiver, one at a time, and
// while the next attempt is awaited nothing is sent.
type streamCall struct {
	calling
	desc     *grpc.StreamDesc
	streamer grpc.Streamer
	progress progress // nil: cannot be resumed
	attempts atomic.Int32
	initial  streamAttempt // the first of them

	// sending is held while a message is sent, and from the decision to repeat until
	// what was sent has been sent again: no message overtakes another, and none is
	// missing from what is kept.
	sending baton
	closed  bool // by CloseSend

	mu        sync.Mutex    // never held while anything may block
	turned    chan struct{} // closed when now, pending or over change; nil: nobody waits
	now       *streamAttempt
	pending   bool  // a repeat is on its way
	over      bool  // there will be no other attempt
	kept      []any // what has been sent, for the next attempt
	first     [1]any
	size      int
	repeating bool // kept is all that was sent, and no reply was delivered
	delivered bool // a reply
	named     bool // the request has an id of its own
	request   any  // the only one, of a stream that can be resumed or has a fallback

	// receiving is held by whoever acts as the receiver, to whom all of this belongs.
	receiving baton
	peeked    *peeked // what the sender, or Header, has received instead of it
	into      any     // where the present RecvMsg wants its message
	greeted   bool    // its headers were looked at
	moved     bool    // a reply of this attempt
	silent    bool    // this attempt was ended for want of one
	ended     bool    // in good order
	concluded bool
	outcome   error
	next      any         // the request for what is missing
	forget    func() bool // stops waiting for the end of the caller's context
	standIn   *standIn    // a fallback that answers
}

// peeked is a reply, or an end, that was received before the application asked.
type peeked struct {
	reply proto.Message
	err   error
}

var (
	_ retry.Op          = (*streamCall)(nil)
	_ grpc.ClientStream = (*streamCall)(nil)
)

// openStream opens a stream, several times if need be.
func (s *streamCall) openStream(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		s.settings.finished(err)
		return err
	}
	s.kept = s.first[:0]
	s.repeating = s.policy.MaxAttempts > 1 || s.fallsBack() || len(s.client.handlers) > 0
	if s.settings.waited() { // which must hear of a stream that nobody reads to its end
		s.forget = context.AfterFunc(ctx, s.abandoned)
	}
	if r := s.method.resume; r != nil {
		s.progress = r.start()
	}
	var err error
	if s.Admit() {
		err = s.reopen(1)
	} else {
		err = s.throttled()
	}
	if err == nil || s.repeat(err, opening{s}) == nil {
		return nil
	}
	if !s.fallsBack() {
		return s.outcome
	}
	return nil // the fallback answers once it knows the request
}

// abandoned tells the application of the end of a call that nobody reads to its end.
// Whoever does learns more.
func (s *streamCall) abandoned() {
	err := s.caller.Err()
	if err == context.DeadlineExceeded && s.standsIn() || !s.receiving.tryTake() {
		return
	}
	s.receiving.drop()
	s.settings.finished(status.Classify(err))
}

// opening repeats no more than the opening.
type opening struct{ *streamCall }

func (o opening) Again(_ context.Context, n int) error { return o.reopen(n) }

// repeat makes further attempts. If there are none, or all fail, the call is over.
func (s *streamCall) repeat(err error, op retry.Op) error {
	if err = s.further(err, op); err != nil {
		s.conclude(err)
	}
	return err
}

// further makes the attempts. Whatever ends them, runtime.Goexit too, the sender goes on.
func (s *streamCall) further(err error, op retry.Op) error {
	defer s.release()
	return s.inTrouble().Repeat(s.ctx, err, op)
}

// inTrouble returns what the call needs as an attempt has failed.
func (s *streamCall) inTrouble() *trouble {
	if s.trouble == nil {
		s.trouble = new(trouble).enter(&s.calling, s.progress != nil)
	}
	s.mu.Lock()
	s.trouble.Repeatable = s.trouble.Repeatable || s.named
	s.mu.Unlock()
	return s.trouble
}

// turn wakes who waits for a change. It is called with mu held.
func (s *streamCall) turn() {
	if s.turned != nil {
		close(s.turned)
		s.turned = nil
	}
}

// nextTurn is closed at the next change. It is called with mu held.
func (s *streamCall) nextTurn() <-chan struct{} {
	if s.turned == nil {
		s.turned = make(chan struct{})
	}
	return s.turned
}

// hold keeps the sender from sending, if there may be another attempt.
func (s *streamCall) hold() bool {
	s.mu.Lock()
	held := s.pending
	s.mu.Unlock()
	if held { // the attempt before has not got anywhere
		return true
	}
	if a := s.attemptNow(); a != nil {
		a.leave() // it lets a sender go that waits for the server
	}
	s.sending.take()
	s.mu.Lock()
	s.pending = s.mayRepeat()
	s.trouble.Repeatable = s.trouble.Repeatable || s.named
	s.mu.Unlock()
	if !s.pending {
		s.sending.drop()
	}
	return s.pending
}

// release lets the sender go on.
func (s *streamCall) release() {
	s.mu.Lock()
	held := s.pending
	s.pending = false
	s.turn()
	s.mu.Unlock()
	if held {
		s.sending.drop()
	}
}

// reopen starts an attempt and sends what was sent before.
func (s *streamCall) reopen(n int) error {
	s.attempts.Add(1)
	s.moved, s.silent = false, false
	ctx, _ := s.attempt(n)
	a := &s.initial
	if n > 1 {
		a = new(streamAttempt)
	}
	opts := s.opts
	if s.told = nil; s.policy.MaxAttempts > 1 && !s.idempotent() && s.progress == nil { // it matters what was sent
		s.told = evidences.Get().(*evidence)
		opts = s.told.given(opts, true)
	}
	s.opened = false
	if a.cancel = nothing; s.endsAttempts() {
		ctx, a.cancel = context.WithCancel(ctx)
	}
	stream, err := s.streamer(ctx, s.desc, s.cc, s.call.Method, opts...)
	if err == nil && stream == nil {
		err = errNoStream
	}
	if err != nil {
		a.cancel()
		return err
	}
	s.opened = true
	a.ClientStream = stream
	a.watch = newWatchdog(s.policy.FirstMessageTimeout, s.policy.IdleTimeout, a)
	s.mu.Lock()
	s.now = a
	var kept []any
	if n > 1 {
		kept = slices.Clone(s.kept) // a reply may come before all is sent again
	}
	if s.delivered {
		kept = []any{s.next}
	}
	held := s.pending
	s.pending = false
	s.turn()
	s.mu.Unlock()
	switch {
	case !held: // the first attempt: nothing was sent
	case s.call.ClientStreams: // a server may want to be heard before it listens on
		go func() {
			defer s.sending.drop()
			a.send(kept, s.closed)
		}()
	default:
		a.send(kept, s.closed)
		s.sending.drop()
	}
	return nil
}

// endsAttempts reports whether an attempt may have to be ended here. One of gRPC's that
// has failed has ended by itself; what an interceptor below has failed may go on.
func (s *streamCall) endsAttempts() bool {
	return !terminal.IsGRPC(s.streamer) || s.policy.FirstMessageTimeout > 0 || s.policy.IdleTimeout > 0 || s.settings.refusesDegraded()
}

func nothing() {}

func (s *streamCall) attemptNow() *streamAttempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// keep remembers a message for the next attempt.
func (s *streamCall) keep(m any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.repeating {
		return
	}
	pm, ok := m.(proto.Message)
	if ok && s.call.ClientStreams {
		s.size += proto.Size(pm) + perMessage
	}
	if !ok || s.size > maxReplay { // pass through from here on
		s.bound()
		return
	}
	s.named = s.named || !s.call.ClientStreams && s.method.facts.named(pm)
	own := proto.Clone(pm) // the application may use its message again
	s.kept = append(s.kept, own)
	if s.progress != nil || s.fallsBack() && !s.call.ClientStreams {
		s.request = own
	}
}

// commit means that no other attempt may take the place of this one.
func (s *streamCall) commit(delivered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound()
	if s.delivered = s.delivered || delivered; s.delivered && s.progress == nil {
		s.request = nil
	}
}

// bound is commit for whoever holds mu, and has not received.
func (s *streamCall) bound() {
	s.repeating, s.kept, s.first[0] = false, nil, nil
}

// mayRepeat is asked with mu held.
func (s *streamCall) mayRepeat() bool { return s.repeating || s.delivered && s.progress != nil }

func (s *streamCall) hasDelivered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delivered
}

// standsIn reports whether a fallback answers if the call fails now.
func (s *streamCall) standsIn() bool { return s.fallsBack() && !s.hasDelivered() }

func (s *streamCall) fallsBack() bool {
	return len(s.method.fallbacks) > 0 && s.policy.Fallback && !s.settings.refusesDegraded()
}

// SendMsg keeps m for another attempt, and sends it. That an attempt has ended is
// no concern of the sender as long as there may be another.
func (s *streamCall) SendMsg(m any) error {
	a, err := s.sendNow(m)
	switch {
	case err == nil:
		return nil
	case err != io.EOF:
		s.cannotSend(a, err)
		return err
	case !s.receiving.tryTake():
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.now != a || s.mayRepeat() {
			return nil // it was sent again, or the receiver decides
		}
		return err
	}
	defer s.receiving.drop()
	if s.peek(a) {
		return nil
	}
	s.commit(false) // what the application does not send now must not be missing from another attempt
	return err
}

// cannotSend ends the call, of which another attempt could not send the message either.
func (s *streamCall) cannotSend(a *streamAttempt, err error) {
	a.broken.Store(&err)
	if s.receiving.tryTake() { // else the receiver is about to see it
		defer s.receiving.drop()
		s.conclude(err)
	}
	a.leave()
}

func (s *streamCall) sendNow(m any) (*streamAttempt, error) {
	s.sending.take()
	defer s.sending.drop()
	s.keep(m)
	a := s.attemptNow()
	if a == nil { // the stream was never opened: a fallback will answer
		return nil, nil
	}
	return a, a.sendNow(m)
}

func (s *streamCall) CloseSend() error {
	s.sending.take()
	defer s.sending.drop()
	s.closed = true
	if a := s.attemptNow(); a != nil {
		return a.ClientStream.CloseSend()
	}
	return nil
}

// RecvMsg receives from the present attempt, or from the next.
func (s *streamCall) RecvMsg(m any) error { return s.receiveEnd(m, nil) }

// receiveEnd is RecvMsg of an attempt that is known to have ended, unless with nil.
func (s *streamCall) receiveEnd(m any, ended error) error {
	s.receiving.take()
	defer func() {
		s.into = nil // the application's, who may let go of it
		s.receiving.drop()
	}()
	if s.standIn == nil && !s.concluded {
		if ended != nil {
			s.peeked = &peeked{err: ended}
		}
		s.into = m
		err := s.receive()
		if err != nil {
			err = s.repeat(err, s)
		}
		switch {
		case err != nil:
		case s.ended:
			s.conclude(nil)
		case !s.call.ServerStreams:
			s.trailer = s.attemptNow().ClientStream.Trailer()
			if s.conclude(nil); s.outcome == nil {
				return nil
			}
		default:
			return s.greet()
		}
	}
	if s.standIn == nil && s.outcome != nil && s.standsIn() {
		s.standIn = s.substitute()
	}
	if s.standIn != nil {
		return s.standIn.recv(m)
	}
	if s.outcome != nil {
		return s.outcome
	}
	return io.EOF
}

// receive takes one message off the present attempt. The orderly end of a stream is
// no failure.
func (s *streamCall) receive() error {
	a := s.attemptNow()
	err := s.take(a)
	switch {
	case err == nil:
		s.got(s.into)
		return nil
	case err != io.EOF:
		s.trailer, s.silent = a.ClientStream.Trailer(), a.late.Load()
		return a.failure(err)
	case !s.call.ServerStreams: // gRPC ends so when a connection breaks at the wrong moment
		s.trailer = a.ClientStream.Trailer()
		return errNoAnswer
	}
	if s.ended = true; s.watched() {
		s.trailer = a.ClientStream.Trailer()
	}
	return nil
}

// take receives, or hands over what was received already.
func (s *streamCall) take(a *streamAttempt) error {
	p := s.peeked
	if p == nil {
		a.watch.begin()
		err := a.ClientStream.RecvMsg(s.into)
		a.watch.end(err == nil)
		return err
	}
	s.peeked = nil
	if p.err != nil {
		return p.err
	}
	into, ok := s.into.(proto.Message)
	if !ok {
		return errNoReply
	}
	b, err := proto.Marshal(p.reply) // the application's type may be another
	if err != nil {
		return err
	}
	return proto.Unmarshal(b, into)
}

// got notes that a reply has arrived.
func (s *streamCall) got(m any) {
	if !s.moved {
		s.commit(true)
	}
	if s.progress != nil {
		s.progress.reached(m)
	}
	if s.moved {
		return
	}
	s.moved = true
	s.answered(true)
	if s.progress != nil {
		s.progressed()
	} else {
		s.worked()
	}
}

// done reports whether nothing can follow the present attempt, and nothing is to be watched
// or remembered: from then on the stream is as gRPC made it. Nobody may be at work on it.
//
// A reply has come, so that it is not repeated; nor is it resumed. No repeat was made, whose
// goroutine may still be sending, and whose end has to be told with it. What was received
// ahead of the application has been handed out, a message that cannot be sent has not ended
// the call behind the receiver's back, and nobody waits for silence, or to hear of the end.
func (s *streamCall) done() bool {
	over := s.concluded && s.call.ServerStreams // else the only reply is the end
	return s.moved && !over && s.peeked == nil && s.progress == nil && s.trouble == nil && s.forget == nil &&
		s.now.watch == nil && s.now.broken.Load() == nil
}

func (s *streamCall) progressed() {
	if s.trouble != nil {
		s.trouble.Progressed()
	} else {
		s.worked()
	}
}

// greet looks at the headers, which have come with the first reply.
func (s *streamCall) greet() error {
	if s.greeted || !s.watched() {
		return nil
	}
	s.greeted = true
	md, _ := s.attemptNow().ClientStream.Header()
	d := DegradedIn(md)
	switch {
	case d == nil:
		return nil
	case s.settings.refusesDegraded():
		a := s.attemptNow()
		s.conclude(refusedDegraded(d))
		a.drain(s.into)
		return s.outcome
	}
	s.mark(d)
	return nil
}

// Judge is that of a call; a stream that has given something away is not repeated,
// unless it is known how to go on.
func (s *streamCall) Judge(err error) retry.Failure {
	f := s.calling.Judge(err)
	f.TimedOut = s.silent && !f.GivenUp
	if f.GivenUp || !s.hold() {
		f.GivenUp = true
		return f
	}
	if s.hasDelivered() {
		var lost error
		if s.next, lost = s.progress.rest(s.request); lost != nil {
			f.Err, f.GivenUp = f.Err.With(status.Cause(errors.Join(f.Err.Unwrap(), lost))), true
		}
	}
	return f
}

// Again opens the stream again and receives.
func (s *streamCall) Again(_ context.Context, n int) error {
	if err := s.reopen(n); err != nil {
		return err
	}
	return s.receive()
}

// conclude ends the call, once. Nothing of it is left running.
func (s *streamCall) conclude(err error) {
	if s.concluded {
		return
	}
	s.concluded = true
	s.mu.Lock()
	s.over = true
	s.turn()
	s.mu.Unlock()
	if err == nil && s.watched() {
		if d := DegradedIn(s.trailer); d != nil && s.settings.refusesDegraded() {
			err = refusedDegraded(d)
		} else if d != nil {
			s.mark(d)
		}
	}
	s.outcome = err
	if err == nil {
		s.answered(true)
	} else if !s.call.ServerStreams {
		empty(s.into)
	}
	switch {
	case err != nil:
		s.inTrouble()
		s.settle(err)
	case !s.moved:
		s.worked()
	}
	if a := s.attemptNow(); a != nil {
		a.leave()
	}
	s.cancel()
	if err != nil && s.standsIn() {
		return // it is not over yet
	}
	s.commit(false)
	s.finish(err)
}

// finish tells the application, and the log, of the end.
func (s *streamCall) finish(err error) {
	if s.forget != nil {
		s.forget()
	}
	s.settings.finished(err)
	if s.standIn == nil {
		s.saved(err)
	}
}

// Trailer is asked for by few where all went well, and copied only then.
func (s *streamCall) Trailer() metadata.MD {
	if s.ended && s.trailer == nil {
		return s.attemptNow().ClientStream.Trailer()
	}
	return s.trailer
}

func (s *streamCall) Context() context.Context { return s.ctx }
