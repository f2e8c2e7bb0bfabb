package terminal_test

import (
	"context"
	"testing"

	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/internal/terminal"
	"google.golang.org/grpc"
)

// Of three interceptors on each side the third is the last.
func TestTheLastInterceptorIsKnown(t *testing.T) {
	var unary, stream, handlers []bool
	invoker := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		unary = append(unary, terminal.IsGRPC(invoker))
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	streamer := func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream = append(stream, terminal.IsGRPC(streamer))
		return streamer(ctx, desc, cc, method, opts...)
	}
	handler := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		handlers = append(handlers, terminal.IsChain(handler))
		return handler(ctx, req)
	}
	conn := rpctest.Start(t, rpctest.Echo,
		[]grpc.ServerOption{grpc.ChainUnaryInterceptor(handler, handler, handler)},
		grpc.WithChainUnaryInterceptor(invoker, invoker, invoker), grpc.WithChainStreamInterceptor(streamer, streamer, streamer))
	for _, shape := range rpctest.Shapes[:2] {
		if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for name, got := range map[string][]bool{"invoker": unary, "streamer": stream} {
		if len(got) != 3 || got[0] || got[1] || !got[2] {
			t.Errorf("%s: gRPC itself: %v", name, got)
		}
	}
	if len(handlers) != 3 || !handlers[0] || !handlers[1] || handlers[2] {
		t.Errorf("a chain: %v", handlers)
	}
}

func TestAFakeStandsForGRPC(t *testing.T) {
	fake := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }
	another := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }
	terminal.Stands(fake)
	if !terminal.IsGRPC(fake) || terminal.IsGRPC(another) {
		t.Errorf("the fake: %t, another: %t", terminal.IsGRPC(fake), terminal.IsGRPC(another))
	}
}
