package errorpath

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// panicCase is a handler that panics, directly below the interceptor: what is
// measured is the interceptor alone, with the status that it hands to grpc-go. The
// stack is a short one, but the same for all.
func panicCase() harness.Case {
	c := harness.Case{Name: Panic, Baseline: Gomw}
	for _, g := range guards {
		c.Contenders = append(c.Contenders, harness.Contender{Name: g.name, Setup: g.setup})
	}
	return c
}

// A guard is an interceptor that turns panics into errors and sees their stack.
type guard struct {
	name   string
	server func() []grpc.ServerOption
}

var guards = []guard{
	// As the contender of this name has it. The answer is UNKNOWN with the whole stack.
	{Gomw, func() []grpc.ServerOption {
		return []grpc.ServerOption{grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor())}
	}},
	{GomwStack, func() []grpc.ServerOption {
		return []grpc.ServerOption{grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(recovered)))}
	}},
	{Answers, func() []grpc.ServerOption {
		return interceptors.ServerOptions(interceptors.Domain(domain), interceptors.OnFailure(keepStack))
	}},
}

// recovered answers as a server should, and keeps the stack for its log.
func recovered(any) error {
	sink.bytes = debug.Stack()
	return grpcstatus.Error(codes.Internal, "internal error")
}

func keepStack(_ context.Context, f interceptors.Failure) {
	if p, ok := f.Err.Unwrap().(*status.PanicError); ok {
		sink.bytes = p.Stack
	}
}

func (g guard) setup() (func(int), func(), error) {
	intercept, err := capture(g.server())
	if err != nil {
		return nil, nil, err
	}
	call := newFake(intercept)
	run := func(n int) {
		for range n {
			sink.err = call.status().Err()
		}
	}
	return run, func() {}, nil
}

// capture returns the interceptor that a server hands to its methods.
func capture(opts []grpc.ServerOption) (grpc.UnaryServerInterceptor, error) {
	var captured grpc.UnaryServerInterceptor
	conn, stop, err := serve(func(_ any, _ context.Context, dec func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
		captured = i
		return new(emptypb.Empty), dec(new(emptypb.Empty))
	}, opts, nil)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := conn.Invoke(context.Background(), method, new(emptypb.Empty), new(emptypb.Empty)); err != nil {
		return nil, err
	}
	if captured == nil {
		return nil, errors.New("the server has no interceptor")
	}
	return captured, nil
}

// A fake is a call as grpc-go hands it to an interceptor, of a handler that panics.
type fake struct {
	intercept grpc.UnaryServerInterceptor
	ctx       context.Context
	stream    stream
	info      grpc.UnaryServerInfo
	in        emptypb.Empty
}

func newFake(intercept grpc.UnaryServerInterceptor) *fake {
	f := &fake{intercept: intercept, info: grpc.UnaryServerInfo{FullMethod: method}}
	ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs(
		":authority", "memory", "content-type", "application/grpc", "user-agent", "grpc-go/1.85.0"))
	f.ctx = grpc.NewContextWithServerTransportStream(ctx, &f.stream)
	return f
}

// status is what grpc-go makes of the error that the interceptor returns.
func (f *fake) status() *grpcstatus.Status {
	f.stream.trailer = nil
	_, err := f.intercept(f.ctx, &f.in, &f.info, burst)
	return grpcstatus.Convert(err)
}

func burst(context.Context, any) (any, error) {
	panic("a handler with a fault")
}

// stream is a grpc.ServerTransportStream as far as interceptors look at it; its
// trailers are grpc-go's.
type stream struct{ trailer metadata.MD }

func (*stream) Method() string               { return method }
func (*stream) SetHeader(metadata.MD) error  { return nil }
func (*stream) SendHeader(metadata.MD) error { return nil }
func (s *stream) Trailer() metadata.MD       { return s.trailer.Copy() }
func (*stream) ContentSubtype() string       { return "" }

func (s *stream) SetTrailer(md metadata.MD) error {
	if md.Len() > 0 {
		s.trailer = metadata.Join(s.trailer, md)
	}
	return nil
}
