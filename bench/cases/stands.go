package cases

import (
	"context"

	"github.com/recourse-dev/recourse/internal/terminal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// What stands for gRPC in the cases without a network is an interceptor too, and so
// nothing that this library takes for gRPC itself: it would be on its guard, as it is
// against other interceptors below. Here it is told that grpc-go's way to the next
// interceptor is as good.
var _ = stands()

func stands() error {
	unary := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		terminal.Stands(invoker)
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	stream := func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		terminal.Stands(streamer)
		return streamer(ctx, desc, cc, method, opts...)
	}
	// The first of a chain is called in another way than those that follow.
	conn, err := grpc.NewClient("passthrough:///nowhere", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(unary, unary, func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return nil
		}),
		grpc.WithChainStreamInterceptor(stream, stream, func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, nil
		}))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err = conn.NewStream(context.Background(), &grpc.StreamDesc{}, "/a.B/C"); err != nil {
		return err
	}
	return conn.Invoke(context.Background(), "/a.B/C", nil, nil)
}
