package interceptors

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// maxReplay is how much of what the application has sent is kept for another
// attempt: grpc-go's own default for its retries.
const maxReplay = 256 << 10

// streamCall is a stream with all its attempts. To the application it is one: it
// is opened again, and what was sent is sent again, until the first reply, or until
// too much was sent; then it is as gRPC made it.
//
// One goroutine may send and another receive. Only the receiver learns of the end
// of an attempt, so that it alone opens the next.
type streamCall struct {
	calling
	desc     *grpc.StreamDesc
	streamer grpc.Streamer
	progress progress     // nil: cannot be resumed
	made     atomic.Int32 // attempts

	// sending is held while a message is sent and while an attempt is replaced, so
	// that no message overtakes another.
	sending sync.Mutex
	closed  bool // by CloseSend

	mu        sync.Mutex // never held while anything may block
	now       *streamAttempt
	kept      []any // what has been sent, for the next attempt
	size      int
	repeating bool // kept is all that was sent, and no reply was delivered
	request   any  // the only one, of a stream that can be resumed

	// Of the receiver alone.
	into      any  // where the present RecvMsg wants its message
	delivered bool // a reply
	greeted   bool // its headers were looked at
	moved     bool // a reply of this attempt
	silent    bool // this attempt was ended for want of one
	ended     bool // in good order
	concluded bool
	outcome   error
	next      any         // the request for what is missing
	forget    func() bool // stops waiting for the end of the caller's context
	standIn   *standIn    // a fallback that answers
}

// streamAttempt is one attempt at a stream.
type streamAttempt struct {
	grpc.ClientStream
	cancel context.CancelFunc
	watch  *watchdog
	late   atomic.Bool           // it was silent for too long
	broken atomic.Pointer[error] // what could not be sent again
}

var (
	_ retry.Op          = (*streamCall)(nil)
	_ grpc.ClientStream = (*streamCall)(nil)
)

// openStream opens a stream, several times if need be.
func (s *streamCall) openStream(ctx context.Context) error {
	if err := s.begin(ctx, nil); err != nil {
		s.settings.finished(err)
		return err
	}
	s.repeating = s.policy.MaxAttempts > 1 || s.fallsBack() || len(s.client.handlers) > 0
	if s.settings.waited() { // which must hear of a stream that nobody reads to its end
		s.forget = context.AfterFunc(ctx, func() { s.settings.finished(ctx.Err()) })
	}
	if r := s.method.resume; r != nil {
		s.progress = r.start()
		s.run.Repeatable = true
	}
	err := throttled()
	if s.Admit() {
		err = s.reopen(1)
	}
	if err == nil {
		return nil
	}
	if err = s.run.Repeat(s.ctx, err, opening{s}); err == nil {
		return nil
	}
	s.conclude(err)
	if !s.fallsBack() {
		return s.outcome
	}
	return nil // the fallback answers once it knows the request
}

// opening repeats no more than the opening.
type opening struct{ *streamCall }

func (o opening) Again(_ context.Context, n int) error { return o.reopen(n) }

// reopen starts an attempt and sends what was sent before.
func (s *streamCall) reopen(n int) error {
	if old := s.attemptNow(); old != nil {
		old.leave() // before the lock: it lets a sender go that waits for the server
	}
	s.made.Add(1)
	s.sending.Lock()
	s.moved, s.silent = false, false
	ctx, opts, _ := s.attempt(n)
	a := new(streamAttempt)
	ctx, a.cancel = context.WithCancel(ctx)
	stream, err := s.streamer(ctx, s.desc, s.cc, s.call.Method, opts...)
	if err == nil && stream == nil {
		err = errNoStream
	}
	if err != nil {
		a.cancel()
		s.sending.Unlock()
		return err
	}
	a.ClientStream = stream
	a.watch = newWatchdog(s.policy.FirstMessageTimeout, s.policy.IdleTimeout, func() { a.late.Store(true); a.cancel() })
	s.mu.Lock()
	s.now = a
	kept := s.kept
	if s.delivered {
		kept = []any{s.next}
	}
	s.mu.Unlock()
	switch {
	case len(kept) == 0 && !s.closed:
		s.sending.Unlock()
	case s.call.ClientStreams: // a server may want to be heard before it listens on
		go func() {
			defer s.sending.Unlock()
			a.send(kept, s.closed)
		}()
	default:
		a.send(kept, s.closed)
		s.sending.Unlock()
	}
	return nil
}

// send sends again. Where that fails, the receiver learns why.
func (a *streamAttempt) send(kept []any, closed bool) {
	for _, m := range kept {
		if err := a.SendMsg(m); err != nil {
			if err != io.EOF {
				a.broken.Store(&err)
				a.cancel()
			}
			return
		}
	}
	if closed {
		_ = a.CloseSend() // it fails with the stream only
	}
}

// leave ends an attempt that nobody follows any more.
func (a *streamAttempt) leave() {
	a.cancel()
	a.watch.stop()
}

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
		s.size += proto.Size(pm)
	}
	if !ok || s.size > maxReplay { // pass through from here on
		s.repeating, s.kept = false, nil
		return
	}
	own := proto.Clone(pm) // the application may use its message again
	s.kept = append(s.kept, own)
	if s.progress != nil || s.fallsBack() && !s.call.ClientStreams {
		s.request = own
	}
}

// commit means that no other attempt may take the place of this one.
func (s *streamCall) commit() {
	s.mu.Lock()
	s.repeating, s.kept = false, nil
	if s.progress == nil {
		s.request = nil
	}
	s.mu.Unlock()
}

func (s *streamCall) mayRepeat() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repeating || s.delivered && s.progress != nil
}

func (s *streamCall) fallsBack() bool {
	return len(s.method.fallbacks) > 0 && s.policy.Fallback && !s.settings.refusesDegraded()
}

// SendMsg keeps m for another attempt, and sends it. That an attempt has ended is
// no concern of the sender as long as there may be another.
func (s *streamCall) SendMsg(m any) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.keep(m)
	a := s.attemptNow()
	if a == nil { // the stream was never opened: a fallback will answer
		return nil
	}
	a.watch.begin()
	err := a.ClientStream.SendMsg(m)
	a.watch.end(false)
	if err == io.EOF && s.mayRepeat() {
		return nil
	}
	return err
}

func (s *streamCall) CloseSend() error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.closed = true
	if a := s.attemptNow(); a != nil {
		return a.ClientStream.CloseSend()
	}
	return nil
}

// RecvMsg receives from the present attempt, or from the next.
func (s *streamCall) RecvMsg(m any) error {
	if s.standIn == nil && !s.concluded {
		s.into = m
		err := s.receive()
		if err != nil {
			err = s.run.Repeat(s.ctx, err, s)
		}
		switch {
		case err != nil:
			s.conclude(err)
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
	if s.standIn == nil && s.outcome != nil && !s.delivered && s.fallsBack() {
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
	a.watch.begin()
	err := a.ClientStream.RecvMsg(s.into)
	a.watch.end(err == nil)
	switch {
	case err == nil:
		s.got(s.into)
		return nil
	case err == io.EOF:
		s.trailer, s.ended = a.ClientStream.Trailer(), true
		return nil
	}
	s.trailer = a.ClientStream.Trailer()
	if s.silent = a.late.Load(); s.silent {
		return status.Timeout(err)
	}
	if broken := a.broken.Load(); broken != nil {
		return *broken
	}
	return err
}

// got notes that a reply has arrived.
func (s *streamCall) got(m any) {
	if !s.delivered {
		s.commit()
		s.delivered = true
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
		s.run.Progressed()
	} else {
		s.run.Worked()
	}
}

// greet looks at the headers, which have come with the first reply.
func (s *streamCall) greet() error {
	if s.greeted || !s.watched() {
		return nil
	}
	s.greeted = true
	md, _ := s.attemptNow().ClientStream.Header()
	d := degradedIn(md)
	switch {
	case d == nil:
		return nil
	case s.settings.refusesDegraded():
		s.conclude(refusedDegraded(d))
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
	f.GivenUp = f.GivenUp || !s.mayRepeat()
	if !f.GivenUp && s.delivered {
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
	if err == nil && s.watched() {
		if d := degradedIn(s.trailer); d != nil && s.settings.refusesDegraded() {
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
	if err != nil || !s.moved {
		s.settle(err)
	}
	if a := s.attemptNow(); a != nil {
		a.leave()
	}
	s.cancel()
	if err != nil && s.fallsBack() {
		return // it is not over yet
	}
	s.commit()
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

// substitute has the fallbacks answer in place of the server.
func (s *streamCall) substitute() *standIn {
	e, _ := status.From(s.outcome)
	req, _ := s.request.(proto.Message)
	t := &standIn{call: s, cause: e, replies: make(chan proto.Message), over: make(chan struct{})}
	f := rescue{
		chain: s.method.fallbacks, budget: s.policy.FallbackTimeout, single: !s.call.ServerStreams,
		call:  failedCall{method: s.call.Method, req: req, cause: e},
		begin: func(d *recoursev1.Degraded) { t.mark = d },
		send: func(ctx context.Context, m proto.Message) error {
			select {
			case t.replies <- m:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	go func() {
		defer close(t.over)
		_, t.err = f.run(s.caller)
	}()
	return t
}

// standIn is a stream of replies that a fallback makes.
type standIn struct {
	call    *streamCall
	cause   *status.Error
	replies chan proto.Message
	over    chan struct{}
	mark    *recoursev1.Degraded // set before the first reply, if any
	marked  bool
	err     error // set when over
}

func (t *standIn) recv(m any) error {
	select {
	case reply := <-t.replies:
		into, ok := m.(proto.Message)
		if !ok {
			return errNoReply
		}
		t.tell()
		proto.Reset(into)
		proto.Merge(into, reply)
		return nil
	case <-t.over:
	}
	t.tell()
	t.call.finish(t.err)
	if t.err == nil {
		return io.EOF
	}
	return t.err
}

func (t *standIn) tell() {
	if t.mark != nil && !t.marked {
		t.marked = true
		t.call.mark(t.mark)
		t.call.recovered(t.cause, t.mark)
	}
}

// Header returns the headers of the attempt that has got as far. An application
// that has seen them is bound to that attempt.
func (s *streamCall) Header() (metadata.MD, error) {
	for {
		a := s.attemptNow()
		if a == nil {
			return nil, nil
		}
		md, err := a.ClientStream.Header()
		if err == nil && md != nil {
			s.commit()
			return md, nil
		}
		if s.attemptNow() == a {
			return md, err
		}
	}
}

func (s *streamCall) Trailer() metadata.MD { return s.trailer }

func (s *streamCall) Context() context.Context { return s.ctx }
