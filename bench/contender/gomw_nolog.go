package contender

import (
	"context"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/timeout"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

var _ = add(Contender{
	Name: GomwNoLogName, About: "go-grpc-middleware without logging: timeout, retry, recovery; no limit of time on the server, none for streams", Kind: Peer,
	Bounds: true, Retries: true,
	New: func() (Installed, error) { return gomw(), nil },
})

func gomw() Installed {
	again := []retry.CallOption{
		retry.WithMax(Attempts), retry.WithCodes(codes.Unavailable), retry.WithBackoff(retry.BackoffLinear(0)),
	}
	return Installed{
		Server: []grpc.ServerOption{
			grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor()),
			grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor()),
		},
		Dial: []grpc.DialOption{
			grpc.WithChainUnaryInterceptor(timeout.UnaryClientInterceptor(Timeout), retry.UnaryClientInterceptor(again...)),
			grpc.WithChainStreamInterceptor(serverStreams(retry.StreamClientInterceptor(again...))),
		},
	}
}

// serverStreams keeps from an interceptor the calls that it would refuse: its retry
// is for a single request only.
func serverStreams(only grpc.StreamClientInterceptor) grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		if desc.ClientStreams {
			return streamer(ctx, desc, cc, method, opts...)
		}
		return only(ctx, desc, cc, method, streamer, opts...)
	}
}
