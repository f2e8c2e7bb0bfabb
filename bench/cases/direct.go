package cases

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Interceptors are measured by themselves, through grpc-go's public API only: a probe
// that is installed before them keeps what it is given to call, and that is called
// again and again. What lies behind them is a fake. grpc-go makes a closure for each
// interceptor and call; one that does nothing, in the same place, has that too, and
// is what the others are compared with.

// Names of what is measured beside the contenders.
const (
	NoOp        = "no-op"
	WithTimeout = "context.WithTimeout"
)

// noOp is an interceptor a side that does nothing.
func noOp() (contender.Installed, error) {
	return contender.Installed{
		Server: []grpc.ServerOption{
			grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
				return handler(ctx, req)
			}),
			grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
				return handler(srv, ss)
			}),
		},
		Dial: []grpc.DialOption{
			grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				return invoker(ctx, method, req, reply, cc, opts...)
			}),
			grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
				return streamer(ctx, desc, cc, method, opts...)
			}),
		},
	}, nil
}

// direct is a case of interceptors without a network. prepare returns what one call is.
type direct struct {
	name    string
	timeout bool // compare with context.WithTimeout around the call too
	prepare func(c contender.Contender) (one func(context.Context) error, stop func(), err error)
	ctx     func() (context.Context, context.CancelFunc) // that all calls get
	without func(contender.Contender) bool
}

func (d direct) make() harness.Case {
	c := harness.Case{Name: d.name, Baseline: NoOp}
	contenders := []contender.Contender{{Name: NoOp, New: noOp}}
	if d.timeout {
		contenders = append(contenders, contender.Contender{Name: WithTimeout, New: noOp, CallerDeadline: true})
	}
	for _, each := range contender.All() {
		if !each.OutsideChain && (d.without == nil || !d.without(each)) {
			contenders = append(contenders, each)
		}
	}
	for _, each := range contenders {
		c.Contenders = append(c.Contenders, harness.Contender{Name: each.Name, Setup: func() (func(int), func(), error) {
			one, stop, err := d.prepare(each)
			if err != nil {
				return nil, nil, err
			}
			ctx, cancel := d.ctx()
			do := func() { must(one(ctx)) }
			if each.CallerDeadline {
				do = func() {
					ctx, cancel := context.WithTimeout(ctx, contender.Timeout)
					defer cancel()
					must(one(ctx))
				}
			}
			return share(1, do), func() { cancel(); stop() }, nil
		}})
	}
	return c
}

// background is the context of a call in a program that sets no deadline, and is not
// itself serving one.
func background() (context.Context, context.CancelFunc) {
	return context.Background(), func() {}
}

func withDeadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), contender.Timeout)
}

// serving is what grpc-go gives to a handler.
func serving(deadline bool) func() (context.Context, context.CancelFunc) {
	return func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.Background())
		if deadline {
			ctx, cancel = context.WithTimeout(context.Background(), contender.Timeout)
		}
		ctx = peer.NewContext(ctx, &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50051}})
		ctx = metadata.NewIncomingContext(ctx, metadata.Pairs(
			":authority", "localhost", "content-type", "application/grpc", "user-agent", "grpc-go/1.85.0", "grpc-accept-encoding", "gzip"))
		return grpc.NewContextWithServerTransportStream(ctx, &transportStream{"/assistant.v1.Assistant/ClassifyIntent"}), cancel
	}
}

// transportStream is what an interceptor reaches for to set headers and trailers.
type transportStream struct{ method string }

func (s *transportStream) Method() string               { return s.method }
func (s *transportStream) SetHeader(metadata.MD) error  { return nil }
func (s *transportStream) SendHeader(metadata.MD) error { return nil }
func (s *transportStream) SetTrailer(metadata.MD) error { return nil }

// directClient calls the unary interceptors of a client. Behind them is end.
func directClient(end func() error) func(contender.Contender) (func(context.Context) error, func(), error) {
	return func(c contender.Contender) (func(context.Context) error, func(), error) {
		var invoker grpc.UnaryInvoker
		conn, stop, err := nowhere(c,
			grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				invoker = next
				return nil
			}),
			grpc.WithChainUnaryInterceptor(func(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				err := end()
				finish(opts, err)
				return err
			}))
		if err != nil {
			return nil, nil, err
		}
		reply := new(assistantv1.ClassifyIntentResponse)
		const method = assistantv1.Assistant_ClassifyIntent_FullMethodName
		if err := conn.Invoke(context.Background(), method, classify, reply); err != nil {
			stop()
			return nil, nil, err
		}
		return func(ctx context.Context) error { return invoker(ctx, method, classify, reply, conn) }, stop, nil
	}
}

// nowhere is a connection that is never made, with the contender's interceptors
// between the first and the last.
func nowhere(c contender.Contender, first, last grpc.DialOption) (*grpc.ClientConn, func(), error) {
	in, err := c.New()
	if err != nil {
		return nil, nil, err
	}
	always := []grpc.DialOption{first, grpc.WithTransportCredentials(insecure.NewCredentials())}
	conn, err := grpc.NewClient("passthrough:///nowhere", slices.Concat(always, in.Dial, []grpc.DialOption{last})...)
	if err != nil {
		return nil, nil, err
	}
	return conn, func() {
		_ = conn.Close() // only a second Close fails
		if in.Stop != nil {
			in.Stop()
		}
	}, nil
}

// finish does what grpc-go does at the end of a call.
func finish(opts []grpc.CallOption, err error) {
	for _, o := range opts {
		if o, ok := o.(grpc.OnFinishCallOption); ok {
			o.OnFinish(err)
		}
	}
}

func succeed() error { return nil }

// failFirst fails every other time.
func failFirst() func() error {
	failed := false
	return func() error {
		if failed = !failed; failed {
			return errFlaky
		}
		return nil
	}
}

// directClientStream opens a stream of many replies and reads them.
func directClientStream(c contender.Contender) (func(context.Context) error, func(), error) {
	var streamer grpc.Streamer
	conn, stop, err := nowhere(c,
		grpc.WithStreamInterceptor(func(_ context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, next grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			streamer = next
			return nil, errProbed
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return &clientStream{ctx: ctx, opts: opts}, nil
		}))
	if err != nil {
		return nil, nil, err
	}
	desc := &grpc.StreamDesc{StreamName: "Generate", ServerStreams: true}
	const method = assistantv1.Assistant_Generate_FullMethodName
	if _, err := conn.NewStream(context.Background(), desc, method); !errors.Is(err, errProbed) {
		stop()
		return nil, nil, errors.New("the probe of a client's streams was not asked")
	}
	reply := new(assistantv1.GenerateResponse)
	return func(ctx context.Context) error {
		s, err := streamer(ctx, desc, conn, method)
		if err != nil {
			return err
		}
		if err := s.SendMsg(generate); err != nil {
			return err
		}
		if err := s.CloseSend(); err != nil {
			return err
		}
		for {
			if err := s.RecvMsg(reply); err != nil {
				return unlessEOF(err)
			}
		}
	}, stop, nil
}

var errProbed = errors.New("probed")

// clientStream has a number of messages and ends well.
type clientStream struct {
	ctx  context.Context
	opts []grpc.CallOption
	read int
}

func (s *clientStream) Header() (metadata.MD, error) { return nil, nil }
func (s *clientStream) Trailer() metadata.MD         { return nil }
func (s *clientStream) CloseSend() error             { return nil }
func (s *clientStream) Context() context.Context     { return s.ctx }
func (s *clientStream) SendMsg(any) error            { return nil }

func (s *clientStream) RecvMsg(any) error {
	if s.read++; s.read > Messages {
		finish(s.opts, nil)
		return io.EOF
	}
	return nil
}

// directServer calls the unary interceptors of a server, and a handler that does
// nothing.
func directServer(c contender.Contender) (func(context.Context) error, func(), error) {
	var handler grpc.UnaryHandler
	r, err := probed(c, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		handler = next
		return next(ctx, req)
	}))
	if err != nil {
		return nil, nil, err
	}
	if err := unary(context.Background(), r); err != nil {
		r.Stop()
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		_, err := handler(ctx, classify)
		return err
	}, r.Stop, nil
}

// directServerStream has a handler send many messages to nobody.
func directServerStream(c contender.Contender) (func(context.Context) error, func(), error) {
	var handler grpc.StreamHandler
	r, err := probed(c, grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		handler = next
		return next(srv, ss)
	}))
	if err != nil {
		return nil, nil, err
	}
	if err := serverStream(context.Background(), r); err != nil {
		r.Stop()
		return nil, nil, err
	}
	srv := canned{}
	return func(ctx context.Context) error { return handler(srv, &serverSide{ctx: ctx}) }, r.Stop, nil
}

// probed is a rig whose first interceptor is a probe. Connections have flow control
// and goroutines; nothing of it runs after the one call.
func probed(c contender.Contender, probe grpc.ServerOption) (*rig.Rig, error) {
	in, err := c.New()
	if err != nil {
		return nil, err
	}
	return rig.Open(rig.Memory, canned{}, in, probe)
}

// canned answers with what it has: a handler's own work is not measured here.
type canned struct{ steady }

var cannedReply = &assistantv1.ClassifyIntentResponse{Intent: "weather", Confidence: 0.9}

func (canned) ClassifyIntent(context.Context, *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	return cannedReply, nil
}

// serverSide is the server's end of a stream to nobody.
type serverSide struct{ ctx context.Context }

func (s *serverSide) Context() context.Context     { return s.ctx }
func (s *serverSide) SetHeader(metadata.MD) error  { return nil }
func (s *serverSide) SendHeader(metadata.MD) error { return nil }
func (s *serverSide) SetTrailer(metadata.MD)       {}
func (s *serverSide) SendMsg(any) error            { return nil }
func (s *serverSide) RecvMsg(any) error            { return nil }
