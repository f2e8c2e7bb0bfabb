package interceptors

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/recourse-dev/recourse/internal/terminal"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

var _ grpc.ClientStream = (*clientStream)(nil)

// clientStream is what the application has of a stream: it reads the errors, and shows
// messages and end to the hooks.
//
// With a policy there may be many attempts at a stream until its first reply. What they
// need is let go of then, since an application may have many streams that are open for
// long, and is made again for one that fails.
type clientStream struct {
	stream   grpc.ClientStream          // gRPC's, where attempts is nil
	attempts atomic.Pointer[streamCall] // nil: no policy, or let go of
	mu       sync.Mutex                 // guards attempts, inside and over
	inside   uint16                     // how many are at the attempts
	over     bool                       // ended well, after the attempts were let go of

	once    sync.Once
	outcome error

	client *client
	cc     *grpc.ClientConn
	caller context.Context // the application's: it tells who gave up
	call   Call
	more   *streamMore

	// Of the attempts that were let go of.
	policy *policy.Policy // nil: there never were any
	told   *evidence      // nil: none, or not fit to be used again
}

// streamMore is what few streams have: hooks, an observer, options of ours, a deadline of
// ours, or an interceptor below.
type streamMore struct {
	observed  observed
	runs      runs
	undo      context.CancelFunc // of the hooks' context; nil without hooks
	forget    func() bool        // stops waiting for the caller to give up; nil without hooks and observer
	receiving atomic.Bool        // the application is in RecvMsg
	abandoned bool               // by the caller, who may still read

	lasting // of the attempts that were let go of
}

func (s *clientStream) observed() *observed {
	if s.more == nil {
		return nil
	}
	return &s.more.observed
}

func (s *clientStream) runs() runs {
	if s.more == nil {
		return nil
	}
	return s.more.runs
}

func (s *clientStream) open(desc *grpc.StreamDesc, streamer grpc.Streamer, within bool, opts []grpc.CallOption) (err error) {
	defer recovered(&err)
	ctx := s.caller
	settings, rest, engaged := s.client.engaged(ctx, opts)
	var c *streamCall
	if engaged {
		c = streamCalls.Get().(*streamCall)
		c.desc, c.streamer, c.opts, c.within = desc, streamer, rest, within
		c.client, c.cc, c.call, c.observed, c.settings = s.client, s.cc, s.call, s.observed(), settings
		s.attempts.Store(c)
	}
	if len(s.client.hooks) > 0 {
		if ctx, s.more.runs, err = begin(ctx, s.client.hooks, s.call); err != nil {
			return err
		}
		ctx, s.more.undo = context.WithCancel(ctx)
	}
	if engaged {
		err = c.openStream(ctx)
	} else if s.stream, err = streamer(s.observed().attempt(ctx, 1), desc, s.cc, s.call.Method, opts...); err == nil && s.stream == nil {
		err = errNoStream
	}
	if err != nil {
		return err
	}
	if engaged && s.more == nil && (c.settings != nil || c.limited || c.endsAttempts()) {
		s.more = new(streamMore)
	}
	if s.runs() != nil || s.observed().wanted() {
		// The caller's context, not the stream's: gRPC cancels that one before
		// RecvMsg has told the outcome.
		s.more.forget = context.AfterFunc(s.caller, func() {
			if !s.more.receiving.Load() { // else RecvMsg is about to know better
				s.abandon()
			}
		})
	}
	return nil
}

// streamCalls are used again: every stream needs one, for a moment.
var streamCalls = sync.Pool{New: func() any { return new(streamCall) }}

// enter returns the attempts at the stream, which are there until leave. Without any it
// returns nil, and gRPC's stream is to be used.
func (s *clientStream) enter() *streamCall {
	if s.attempts.Load() == nil {
		return nil
	}
	return s.join()
}

// join is apart so that enter is inlined: every message passes it.
func (s *clientStream) join() *streamCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.attempts.Load()
	if c != nil {
		s.inside++
	}
	return c
}

// leave lets go of the attempts if they are of no use any more. The last to leave does, so
// that nobody is there who could still look at them.
func (s *clientStream) leave(c *streamCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside--; s.inside > 0 || !c.done() {
		return
	}
	s.stream, s.policy = c.now.ClientStream, c.policy
	if terminal.IsGRPC(c.streamer) {
		s.told = c.told
	}
	if m := s.more; m != nil {
		m.lasting = c.lasting
		if c.endsAttempts() {
			attempt, call := c.now.cancel, c.cancel
			m.cancel = func() { attempt(); call() }
		}
	}
	if c.concluded {
		s.over = true
		s.letGo()
	}
	s.attempts.Store(nil) // whoever finds none sees all of the above
	*c = streamCall{}
	streamCalls.Put(c)
}

// recall makes the attempts again that were let go of, to tell what has ended the stream.
// Who calls it leaves. It returns nil of a stream that has ended well: nothing changes that.
func (s *clientStream) recall() *streamCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	s.inside++
	if c := s.attempts.Load(); c != nil {
		return c // whoever sends, or receives, has met the end too
	}
	c := new(streamCall)
	c.client, c.cc, c.call, c.observed = s.client, s.cc, s.call, s.observed()
	c.method, c.policy = s.client.method(s.cc, s.call.Method), s.policy
	c.lasting = lasting{caller: s.caller, ctx: s.caller, present: s.caller, cancel: nothing}
	if s.more != nil {
		c.lasting = s.more.lasting
	}
	c.initial.ClientStream, c.initial.cancel = s.stream, c.cancel
	c.now = &c.initial
	c.attempts.Store(1)
	c.delivered, c.moved = true, true
	s.attempts.Store(c)
	return c
}

// made is how many attempts there were, 0 without a policy.
func (s *clientStream) made() int {
	if c := s.enter(); c != nil {
		defer s.leave(c)
		return int(c.attempts.Load())
	}
	if s.policy != nil {
		return 1
	}
	return 0
}

// finish ends the call for the hooks, once, and returns the outcome. Where the
// caller had given up before, what RecvMsg sees after all is not lost.
func (s *clientStream) finish(err error, trailer metadata.MD) error {
	first := false
	s.forgetCaller()
	s.once.Do(func() { first = true; s.end(err, trailer) })
	if first || s.outcome != nil && (s.more == nil || !s.more.abandoned) {
		return s.outcome
	}
	if err == nil {
		return nil
	}
	e := read(s.caller, err, s.call.Method, trailer)
	if c := e.Code(); s.outcome != nil && (c == codes.Canceled || c == codes.DeadlineExceeded) {
		return s.outcome // the same, as the hooks have it
	}
	return e
}

// abandon ends the call because nobody waits for its outcome.
func (s *clientStream) abandon() {
	s.once.Do(func() { s.more.abandoned = true; s.end(s.caller.Err(), nil) })
}

func (s *clientStream) forgetCaller() {
	if s.more != nil && s.more.forget != nil {
		s.more.forget()
	}
}

// end is what happens once.
func (s *clientStream) end(err error, trailer metadata.MD) {
	over := false
	defer func() {
		if !over { // runtime.Goexit in a hook
			s.outcome = s.client.fail(s.caller, s.call, status.Panicked(nil), nil, 0, s.observed())
		}
		if s.more != nil && s.more.undo != nil {
			s.more.undo()
		}
		s.observed().end()
	}()
	if out := s.runs().end(err); out != nil {
		s.outcome = s.client.fail(s.caller, s.call, out, trailer, s.made(), s.observed())
	}
	over = true
}

// refuse ends the call because a hook said so.
func (s *clientStream) refuse(err error) error {
	s.forgetCaller()
	s.once.Do(func() { s.end(err, nil) })
	if s.outcome == nil { // the call was over, and well
		return read(s.caller, err, s.call.Method, nil)
	}
	return s.outcome
}

// drain reads what is left of a cancelled stream: after an error the application
// may look at trailers, and at the targets of its call options, which gRPC writes
// when the stream ends. The caller must be the one that may call RecvMsg. A codec
// may insist on messages of its own type.
func (s *clientStream) drain(m any) {
	defer func() { _ = recover() }()
	for s.receive(m) == nil {
	}
}

func (s *clientStream) RecvMsg(m any) error {
	if s.more == nil || s.more.forget == nil {
		return s.recv(m)
	}
	s.more.receiving.Store(true)
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit, below
			s.more.receiving.Store(false)
			_ = s.finish(status.Panicked(nil), nil)
		}
	}()
	err := s.recv(m)
	returned = true
	s.more.receiving.Store(false)
	if err == nil && s.caller.Err() != nil { // it gave up meanwhile, and may not come back
		s.abandon()
	}
	return err
}

func (s *clientStream) recv(m any) error {
	switch err := s.receive(m); {
	case err == nil:
		if rs := s.runs(); rs != nil {
			if err := rs.message(ClientSide, true, m); err != nil {
				err = s.refuse(err)
				s.drain(m)
				return err
			}
		}
		if s.call.ServerStreams {
			return nil
		}
		s.marked()
		return s.finish(nil, nil) // the only message is the end
	case err == io.EOF:
		s.marked()
		if err := s.finish(nil, nil); err != nil {
			return err
		}
		return io.EOF
	default:
		return s.finish(err, s.Trailer())
	}
}

// receive receives a message, or the end.
func (s *clientStream) receive(m any) error {
	if c := s.enter(); c != nil {
		defer s.leave(c) // after a panic too: the count is small
		return c.RecvMsg(m)
	}
	if s.over {
		return io.EOF // an interceptor below, whose end it was, may say something else now
	}
	err := s.stream.RecvMsg(m)
	if err != nil && s.policy != nil {
		return s.ends(m, err)
	}
	return err
}

// ends is the end of a stream whose attempts were let go of.
func (s *clientStream) ends(m any, err error) error {
	if err == io.EOF && (!s.call.ServerStreams || !s.degraded()) && s.wentWell() { // of one reply that was told with it
		return err
	}
	c := s.recall()
	defer s.leave(c)
	return c.receiveEnd(m, err)
}

// degraded reports whether somebody has to be told of that.
func (s *clientStream) degraded() bool {
	caller, watched := s.caller, false
	if m := s.more; m != nil {
		caller, watched = m.caller, m.settings.watches() || m.observed.wanted()
	}
	return (watched || watchIn(caller) != nil) && DegradedIn(s.stream.Trailer()) != nil
}

// wentWell lets go of what is left, unless the sender was faster to end the stream.
func (s *clientStream) wentWell() bool {
	s.mu.Lock()
	s.over = s.attempts.Load() == nil
	s.mu.Unlock()
	if s.over {
		s.letGo()
	}
	return s.over
}

// letGo is for a stream that has ended well.
func (s *clientStream) letGo() {
	if s.more != nil {
		s.more.cancel()
	}
	if s.told != nil && s.told.complete() {
		s.told.clear()
		evidences.Put(s.told)
	}
	s.told = nil
}

// marked tells an observer of a degraded answer, where nobody else looks for one.
func (s *clientStream) marked() {
	if s.attempts.Load() == nil && s.policy == nil && s.observed().wanted() {
		s.observed().marked(DegradedIn(s.Trailer()))
	}
}

func (s *clientStream) SendMsg(m any) error {
	if s.runs() != nil {
		if err := s.runs().message(ClientSide, false, m); err != nil {
			err = s.refuse(err)
			if !s.call.ClientStreams {
				s.drain(new(emptypb.Empty)) // nobody receives before the request is sent
			}
			return err
		}
	}
	err := s.send(m)
	if err == nil || err == io.EOF { // EOF: RecvMsg has the outcome
		return err
	}
	return s.finish(err, nil)
}

func (s *clientStream) send(m any) error {
	if c := s.enter(); c != nil {
		defer s.leave(c)
		return c.SendMsg(m)
	}
	err := s.stream.SendMsg(m)
	if err != nil && err != io.EOF && s.policy != nil {
		if c := s.recall(); c != nil {
			defer s.leave(c)
			c.cannotSend(c.attemptNow(), err)
		}
	}
	return err
}

func (s *clientStream) CloseSend() error {
	if c := s.enter(); c != nil {
		defer s.leave(c)
		return c.CloseSend()
	}
	return s.stream.CloseSend()
}

func (s *clientStream) Header() (metadata.MD, error) {
	md, err := s.header()
	if err != nil {
		err = read(s.caller, err, s.call.Method, nil)
	}
	return md, err
}

func (s *clientStream) header() (metadata.MD, error) {
	if c := s.enter(); c != nil {
		defer s.leave(c)
		return c.Header()
	}
	return s.stream.Header()
}

func (s *clientStream) Trailer() metadata.MD {
	if c := s.enter(); c != nil {
		defer s.leave(c)
		return c.Trailer()
	}
	return s.stream.Trailer()
}

// Context is the call's, of which an attempt has its own.
func (s *clientStream) Context() context.Context {
	if c := s.enter(); c != nil {
		defer s.leave(c)
		return c.Context()
	}
	switch {
	case s.policy == nil:
		return s.stream.Context()
	case s.more != nil:
		return s.more.ctx
	}
	return s.caller
}
