package interceptors

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/recourse-dev/recourse/internal/terminal"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

// This file has the four interceptors, and only it knows their signatures.

func (s *server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
	u := unaryServings.Get().(*unaryServing)
	u.enter(ctx, s, Call{Method: info.FullMethod})
	defer u.release()
	defer u.lastResort(&err)
	defer u.outcome(&reply, &err)
	u.observe(s.observer, &u.watched)
	u.begin(req, handler)
	reply, err = u.serve()
	u.returned = true
	return reply, err
}

func (s *server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	w := &serverStream{ServerStream: ss, srv: srv, handler: handler}
	c := &w.serving.serverCall
	c.enter(ss.Context(), s, Call{Method: info.FullMethod, ClientStreams: info.IsClientStream, ServerStreams: info.IsServerStream})
	defer c.lastResort(&err)
	defer c.outcome(nil, &err)
	if s.observer != nil {
		c.observe(s.observer, new(observed))
	}
	c.outer = c
	raise(&ownContexts)
	if w.ctx, err = c.startHooks(); err == nil {
		err = w.run()
	}
	c.returned = true
	return err
}

func (c *client) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	u := unaryCalls.Get().(*unaryCall)
	u.client, u.cc, u.opts = c, cc, opts
	u.call.Method, u.call.Side = method, ClientSide
	u.req, u.reply, u.invoker, u.last = req, reply, invoker, terminal.IsGRPC(invoker)
	ctx, u.within = outgoing(ctx)
	over := false
	defer func() {
		if !over { // runtime.Goexit below
			_ = c.fail(ctx, u.call, status.Panicked(nil), nil, u.made(), u.observed)
			u.observed.end()
		}
	}()
	if c.observer != nil {
		u.observed = &u.watched
		ctx = u.observed.begin(ctx, c.observer, u.call, targetOf(cc))
	}
	err := u.hooked(ctx)
	if err != nil {
		err = c.fail(ctx, u.call, err, u.trailer, u.made(), u.observed)
	}
	over = true
	u.observed.end()
	u.release()
	return err
}

// hooked makes the call and shows it to the hooks.
func (u *unaryCall) hooked(ctx context.Context) (err error) {
	defer recovered(&err)
	if len(u.client.hooks) == 0 {
		return u.do(ctx)
	}
	ctx, rs, err := begin(ctx, u.client.hooks, u.call)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned && err == nil { // runtime.Goexit below
			err = status.Panicked(nil)
		}
		err = rs.end(err)
	}()
	defer recovered(&err)
	if err = rs.message(ClientSide, false, u.req); err == nil {
		err = u.do(ctx)
	}
	if err == nil {
		err = rs.message(ClientSide, true, u.reply)
	}
	returned = true
	return err
}

func (c *client) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	settings, rest, engaged := c.engaged(ctx, opts)
	var s *clientStream
	if engaged {
		both := &struct { // in one piece: every stream makes them
			clientStream
			streamCall
		}{streamCall: streamCall{desc: desc, streamer: streamer}}
		s = &both.clientStream
		s.repeated = &both.streamCall
		s.repeated.client, s.repeated.cc, s.repeated.settings, s.repeated.opts = c, cc, settings, rest
	} else {
		s = new(clientStream)
	}
	s.client = c
	if c.observer != nil {
		s.observed = new(observed)
	}
	s.call = Call{Method: method, Side: ClientSide, ClientStreams: desc.ClientStreams, ServerStreams: desc.ServerStreams}
	var within bool
	s.caller, within = outgoing(ctx)
	if engaged {
		s.repeated.call, s.repeated.within, s.repeated.observed = s.call, within, s.observed
	}
	opened := false
	defer func() {
		if !opened { // runtime.Goexit below
			_ = s.finish(status.Panicked(nil), nil)
		}
	}()
	if c.observer != nil {
		s.caller = s.observed.begin(s.caller, c.observer, s.call, targetOf(cc))
	}
	err := s.open(s.caller, desc, cc, streamer, opts)
	opened = true
	if err != nil {
		return nil, s.finish(err, nil)
	}
	return s, nil
}

// clientStream reads the errors of a stream and shows its messages and its end
// to the hooks.
type clientStream struct {
	grpc.ClientStream
	client *client
	caller context.Context // the application's: it tells who gave up
	call   Call
	// repeated has the attempts at the stream; nil without a policy.
	repeated *streamCall
	observed *observed // nil: nobody observes
	runs     runs
	cancel   context.CancelFunc // nil without hooks
	forget   func() bool        // stops waiting for the caller to give up; nil without hooks and observer

	receiving atomic.Bool // the application is in RecvMsg
	once      sync.Once
	outcome   error
	abandoned bool // by the caller, who may still read
}

func (s *clientStream) open(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, streamer grpc.Streamer, opts []grpc.CallOption) (err error) {
	defer recovered(&err)
	if len(s.client.hooks) > 0 {
		if ctx, s.runs, err = begin(ctx, s.client.hooks, s.call); err != nil {
			return err
		}
		ctx, s.cancel = context.WithCancel(ctx)
	}
	if err := s.start(ctx, desc, cc, streamer, opts); err != nil {
		return err
	}
	if s.runs != nil || s.observed.wanted() {
		// The caller's context, not the stream's: gRPC cancels that one before
		// RecvMsg has told the outcome.
		s.forget = context.AfterFunc(s.caller, func() {
			if !s.receiving.Load() { // else RecvMsg is about to know better
				s.abandon()
			}
		})
	}
	return nil
}

// start opens the stream, as one of many attempts where there is a policy.
func (s *clientStream) start(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, streamer grpc.Streamer, opts []grpc.CallOption) (err error) {
	if s.repeated != nil {
		s.ClientStream = s.repeated
		return s.repeated.openStream(ctx)
	}
	if s.ClientStream, err = streamer(s.observed.attempt(ctx, 1), desc, cc, s.call.Method, opts...); err == nil && s.ClientStream == nil {
		err = errNoStream
	}
	return err
}

// finish ends the call for the hooks, once, and returns the outcome. Where the
// caller had given up before, what RecvMsg sees after all is not lost.
func (s *clientStream) finish(err error, trailer metadata.MD) error {
	first := false
	s.forgetCaller()
	s.once.Do(func() { first = true; s.end(err, trailer) })
	if first || s.outcome != nil && !s.abandoned {
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
	s.once.Do(func() { s.abandoned = true; s.end(s.caller.Err(), nil) })
}

func (s *clientStream) forgetCaller() {
	if s.forget != nil {
		s.forget()
	}
}

// end is what happens once.
func (s *clientStream) end(err error, trailer metadata.MD) {
	over := false
	defer func() {
		if !over { // runtime.Goexit in a hook
			s.outcome = s.client.fail(s.caller, s.call, status.Panicked(nil), nil, 0, s.observed)
		}
		if s.cancel != nil {
			s.cancel()
		}
		s.observed.end()
	}()
	if out := s.runs.end(err); out != nil {
		attempts := 0
		if s.repeated != nil {
			attempts = int(s.repeated.attempts.Load())
		}
		s.outcome = s.client.fail(s.caller, s.call, out, trailer, attempts, s.observed)
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
	for s.ClientStream.RecvMsg(m) == nil {
	}
}

func (s *clientStream) RecvMsg(m any) error {
	if s.forget == nil {
		return s.recv(m)
	}
	s.receiving.Store(true)
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit, below
			s.receiving.Store(false)
			_ = s.finish(status.Panicked(nil), nil)
		}
	}()
	err := s.recv(m)
	returned = true
	s.receiving.Store(false)
	if err == nil && s.caller.Err() != nil { // it gave up meanwhile, and may not come back
		s.abandon()
	}
	return err
}

func (s *clientStream) recv(m any) error {
	switch err := s.ClientStream.RecvMsg(m); {
	case err == nil && s.runs != nil:
		if err := s.runs.message(ClientSide, true, m); err != nil {
			err = s.refuse(err)
			s.drain(m)
			return err
		}
		fallthrough
	case err == nil:
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

// marked tells an observer of a degraded answer, where nobody else looks for one.
func (s *clientStream) marked() {
	if s.repeated == nil && s.observed.wanted() {
		s.observed.marked(DegradedIn(s.Trailer()))
	}
}

func (s *clientStream) SendMsg(m any) error {
	if s.runs != nil {
		if err := s.runs.message(ClientSide, false, m); err != nil {
			err = s.refuse(err)
			if !s.call.ClientStreams {
				s.drain(new(emptypb.Empty)) // nobody receives before the request is sent
			}
			return err
		}
	}
	err := s.ClientStream.SendMsg(m)
	if err == nil || err == io.EOF { // EOF: RecvMsg has the outcome
		return err
	}
	return s.finish(err, nil)
}

func (s *clientStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	if err != nil {
		err = read(s.caller, err, s.call.Method, nil)
	}
	return md, err
}
