package contender

import (
	"context"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"google.golang.org/grpc"
)

// go-grpc-middleware as its documentation puts it together: the logger is the
// outermost interceptor. What is written goes nowhere, so this is the least that
// its logging can cost.
var _ = add(Contender{
	Name: GomwName, About: "go-grpc-middleware: timeout, retry, recovery, logging to a logger that does nothing", Kind: Peer,
	Bounds: true, Retries: true,
	New: func() (Installed, error) {
		quiet := logging.LoggerFunc(func(context.Context, logging.Level, string, ...any) {})
		rest := gomw()
		return Installed{
			Server: append([]grpc.ServerOption{
				grpc.ChainUnaryInterceptor(logging.UnaryServerInterceptor(quiet)),
				grpc.ChainStreamInterceptor(logging.StreamServerInterceptor(quiet)),
			}, rest.Server...),
			Dial: append([]grpc.DialOption{
				grpc.WithChainUnaryInterceptor(logging.UnaryClientInterceptor(quiet)),
				grpc.WithChainStreamInterceptor(logging.StreamClientInterceptor(quiet)),
			}, rest.Dial...),
		}, nil
	},
})
