package interceptors

import (
	"context"

	"github.com/recourse-dev/recourse/internal/terminal"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
)

// This file has the four interceptors, and only it knows their signatures.

func (s *server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
	u := unaryServings.Get().(*unaryServing)
	u.more = &u.few
	u.enter(ctx, s, Call{Method: info.FullMethod})
	defer u.release()
	defer u.lastResort(&err)
	defer u.outcome(&reply, &err)
	u.observe()
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
	c.observe()
	c.own = true
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
	s := &clientStream{client: c, cc: cc, call: Call{Method: method, Side: ClientSide, ClientStreams: desc.ClientStreams, ServerStreams: desc.ServerStreams}}
	if c.observer != nil || len(c.hooks) > 0 {
		s.more = new(streamMore)
	}
	var within bool
	s.caller, within = outgoing(ctx)
	opened := false
	defer func() {
		if !opened { // runtime.Goexit below
			_ = s.finish(status.Panicked(nil), nil)
		}
	}()
	if c.observer != nil {
		s.caller = s.more.observed.begin(s.caller, c.observer, s.call, targetOf(cc))
	}
	err := s.open(desc, streamer, within, opts)
	opened = true
	if err != nil {
		return nil, s.finish(err, nil)
	}
	return s, nil
}
