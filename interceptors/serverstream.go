package interceptors

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// run runs the handler within the method's policy, if there is any.
func (s *serverStream) run() error {
	if s.serving.policy == nil {
		s.ctx = s.serving.observed().attempt(s.ctx, 1)
		return s.handler(s.srv, s)
	}
	s.serving.prepare()
	if p := s.serving.policy; p.FirstMessageTimeout > 0 || p.IdleTimeout > 0 {
		w := newWatchdog(p.FirstMessageTimeout, p.IdleTimeout, s)
		w.silence = make(chan error, 1)
		defer w.stop()
		s.serving.needs().watch = w
	}
	return s.serving.within(s.ctx, s)
}

// bark ends a call whose client is silent for too long.
func (s *serverStream) bark() {
	select {
	case s.watch().silence <- silent():
	default: // nobody listens any more
	}
}

// serverStream gives the handler the call's context and the hooks its messages.
type serverStream struct {
	grpc.ServerStream
	serving handling
	ctx     context.Context // the handler's
	srv     any
	handler grpc.StreamHandler

	gate   sync.Mutex  // decides between the handler and what takes its place
	sent   atomic.Bool // a message, or headers
	again  bool        // the handler has not asked for the request of another run yet
	marked bool        // the first message was looked at
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) SendMsg(m any) error {
	if err := s.unusable(true); err != nil {
		return err
	}
	return s.deliver(m)
}

// deliver sends a message of whoever answers the call.
func (s *serverStream) deliver(m any) error {
	if rs := s.serving.runs(); rs != nil {
		if err := rs.message(ServerSide, false, m); err != nil {
			return s.serving.refuse(err)
		}
	}
	if !s.marked {
		s.marked = true
		if d := s.serving.degraded.Load(); d != nil {
			_ = s.ServerStream.SetHeader(degradedMetadata(d, s.serving.server.rendering.Domain)) // fails where the handler has sent its own
		}
	}
	if s.serving.policy == nil {
		return s.ServerStream.SendMsg(m)
	}
	s.watch().begin()
	err := s.ServerStream.SendMsg(m)
	s.watch().end(false)
	return err
}

func (s *serverStream) handle(ctx context.Context) (any, error) {
	s.ctx = ctx
	return nil, s.handler(s.srv, s)
}

func (s *serverStream) substitute(_ context.Context, m proto.Message) error { return s.deliver(m) }

func (s *serverStream) answer(any) {} // it was sent

func (s *serverStream) silence() <-chan error {
	if w := s.watch(); w != nil {
		return w.silence
	}
	return nil
}

func (s *serverStream) watch() *watchdog {
	if m := s.serving.more; m != nil {
		return m.watch
	}
	return nil
}

func (s *serverStream) rerun() { s.again = true }

// leave leaves the handler behind. What it has not begun to send by now it never
// will.
func (s *serverStream) leave() {
	s.gate.Lock()
	s.serving.left.Store(true)
	s.gate.Unlock()
}

func (s *serverStream) hasSent() bool {
	s.gate.Lock()
	defer s.gate.Unlock()
	return s.sent.Load() || !s.serving.left.Load() && headersSet(s.serving.Context)
}

func (s *serverStream) RecvMsg(m any) error {
	if err := s.unusable(false); err != nil {
		return err
	}
	err := s.receive(m)
	if rs := s.serving.runs(); rs != nil && err == nil {
		if err := rs.message(ServerSide, true, m); err != nil {
			return s.serving.refuse(err)
		}
	}
	return err
}

// receive keeps the request of a call that has one.
func (s *serverStream) receive(m any) error {
	if s.serving.policy == nil {
		return s.ServerStream.RecvMsg(m)
	}
	again := s.again
	s.again = false
	if into, ok := m.(proto.Message); ok && again && s.serving.req != nil {
		proto.Merge(into, s.serving.req)
		return nil
	}
	s.watch().begin()
	err := s.ServerStream.RecvMsg(m)
	s.watch().end(err == nil)
	if err == nil && s.serving.req == nil && s.serving.keeps() {
		s.keep(m)
	}
	return err
}

func (s *serverStream) keep(m any) {
	s.gate.Lock()
	defer s.gate.Unlock()
	if req, ok := m.(proto.Message); ok && !s.serving.left.Load() {
		s.serving.req = proto.Clone(req)
	}
}

func (s *serverStream) SetHeader(md metadata.MD) error {
	if err := s.unusable(false); err != nil {
		return err
	}
	return s.ServerStream.SetHeader(md)
}

func (s *serverStream) SendHeader(md metadata.MD) error {
	if err := s.unusable(true); err != nil {
		return err
	}
	return s.ServerStream.SendHeader(md)
}

func (s *serverStream) SetTrailer(md metadata.MD) {
	if s.unusable(false) == nil {
		s.ServerStream.SetTrailer(md)
	}
}

// unusable tells a handler that the call is over, as far as this side goes.
func (s *serverStream) unusable(sends bool) error {
	if err := s.serving.refusal(); err != nil {
		return err
	}
	if s.serving.policy == nil {
		return nil
	}
	if s.serving.mayBeLeft(s) {
		s.gate.Lock()
		defer s.gate.Unlock()
		if s.serving.left.Load() {
			return errLeft
		}
	}
	if sends && !s.sent.Load() {
		s.sent.Store(true)
	}
	return nil
}
