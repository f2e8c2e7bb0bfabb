package interceptors

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

// This file is the only one that knows gRPC's four signatures.

func (s *server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
	c := &serverCall{Context: ctx, server: s, call: Call{Method: info.FullMethod}}
	defer c.lastResort(&err)
	defer c.outcome(&reply, &err)
	reply, err = c.handle(req, handler)
	c.returned = true
	return reply, err
}

func (c *serverCall) handle(req any, handler grpc.UnaryHandler) (any, error) {
	ctx, err := c.begin()
	if err != nil {
		return nil, err
	}
	if c.runs == nil {
		return handler(ctx, req)
	}
	if err := c.runs.message(ServerSide, true, req); err != nil {
		return nil, err
	}
	reply, err := handler(ctx, req)
	if err == nil && !isNothing(reply) {
		err = c.runs.message(ServerSide, false, reply)
	}
	return reply, err
}

func (s *server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	w := &serverStream{ServerStream: ss, serverCall: serverCall{
		Context: ss.Context(),
		server:  s,
		call:    Call{Method: info.FullMethod, ClientStreams: info.IsClientStream, ServerStreams: info.IsServerStream},
	}}
	c := &w.serverCall
	defer c.lastResort(&err)
	defer c.outcome(nil, &err)
	w.ctx, err = c.begin()
	if err == nil {
		err = handler(srv, w)
	}
	c.returned = true
	return err
}

// serverStream gives the handler the call's context and the policies its
// messages.
type serverStream struct {
	grpc.ServerStream
	serverCall serverCall
	ctx        context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) SendMsg(m any) error {
	if r := s.serverCall.refusal.Load(); r != nil {
		return *r
	}
	if rs := s.serverCall.runs; rs != nil {
		if err := rs.message(ServerSide, false, m); err != nil {
			return s.serverCall.refuse(err)
		}
	}
	return s.ServerStream.SendMsg(m)
}

func (s *serverStream) RecvMsg(m any) error {
	if r := s.serverCall.refusal.Load(); r != nil {
		return *r
	}
	err := s.ServerStream.RecvMsg(m)
	if rs := s.serverCall.runs; rs != nil && err == nil {
		if err := rs.message(ServerSide, true, m); err != nil {
			return s.serverCall.refuse(err)
		}
	}
	return err
}

func (c *client) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	call := Call{Method: method, Side: ClientSide}
	var trailer metadata.MD
	opts = append(opts[:len(opts):len(opts)], grpc.Trailer(&trailer))
	ctx = outgoing(ctx)
	err := c.invoke(ctx, call, req, reply, cc, invoker, opts)
	if err == nil {
		return nil
	}
	return c.fail(ctx, call, err, trailer)
}

func (c *client) invoke(ctx context.Context, call Call, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts []grpc.CallOption) (err error) {
	defer recovered(&err)
	if len(c.policies) == 0 {
		return invoker(ctx, call.Method, req, reply, cc, opts...)
	}
	ctx, rs, err := begin(ctx, c.policies, call)
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
	if err = rs.message(ClientSide, false, req); err == nil {
		err = invoker(ctx, call.Method, req, reply, cc, opts...)
	}
	if err == nil {
		err = rs.message(ClientSide, true, reply)
	}
	returned = true
	return err
}

func (c *client) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s := &clientStream{client: c, caller: outgoing(ctx), call: Call{
		Method: method, Side: ClientSide, ClientStreams: desc.ClientStreams, ServerStreams: desc.ServerStreams,
	}}
	opened := false
	defer func() {
		if !opened { // runtime.Goexit below
			_ = s.finish(status.Panicked(nil), nil)
		}
	}()
	err := s.open(s.caller, desc, cc, streamer, opts)
	opened = true
	if err != nil {
		return nil, s.finish(err, nil)
	}
	return s, nil
}

// clientStream reads the errors of a stream and shows its messages and its end
// to the policies.
type clientStream struct {
	grpc.ClientStream
	client *client
	caller context.Context // the application's: it tells who gave up
	call   Call
	runs   runs
	cancel context.CancelFunc // nil without policies
	forget func() bool        // stops waiting for the caller to give up

	receiving atomic.Bool // the application is in RecvMsg
	once      sync.Once
	outcome   error
	abandoned bool // by the caller, who may still read
}

func (s *clientStream) open(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, streamer grpc.Streamer, opts []grpc.CallOption) (err error) {
	defer recovered(&err)
	if len(s.client.policies) > 0 {
		if ctx, s.runs, err = begin(ctx, s.client.policies, s.call); err != nil {
			return err
		}
		ctx, s.cancel = context.WithCancel(ctx)
	}
	if s.ClientStream, err = streamer(ctx, desc, cc, s.call.Method, opts...); err != nil {
		return err
	}
	if s.ClientStream == nil {
		return errNoStream
	}
	if s.runs != nil {
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

// finish ends the call for the policies, once, and returns the outcome. Where the
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
		return s.outcome // the same, as the policies have it
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
	if out := s.runs.end(err); out != nil {
		s.outcome = s.client.fail(s.caller, s.call, out, trailer)
	}
	if s.cancel != nil {
		s.cancel()
	}
}

// refuse ends the call because a policy said so.
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
	if s.runs == nil {
		return s.recv(m)
	}
	s.receiving.Store(true)
	err := s.recv(m)
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
		return s.finish(nil, nil) // the only message is the end
	case err == io.EOF:
		if err := s.finish(nil, nil); err != nil {
			return err
		}
		return io.EOF
	default:
		return s.finish(err, s.Trailer())
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
