package errorpath

import (
	"context"
	"sync/atomic"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/rig"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	service = "recourse.bench.Errors"
	method  = "/" + service + "/Fail"
)

// consumed is the sink of what callers read, of whom there may be many.
var consumed atomic.Int64

// start connects a client to a server in memory whose handler does nothing but fail.
func start(fail func() error, server []grpc.ServerOption, client []grpc.DialOption) (*grpc.ClientConn, func(), error) {
	return serve(func(_ any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(emptypb.Empty)
		if err := dec(in); err != nil {
			return nil, err
		}
		handler := func(ctx context.Context, _ any) (any, error) {
			err := fail()
			if s, ok := err.(sender); ok {
				return nil, s.send(ctx)
			}
			return nil, err
		}
		if interceptor == nil {
			return handler(ctx, in)
		}
		return interceptor(ctx, in, &grpc.UnaryServerInfo{FullMethod: method}, handler)
	}, server, client)
}

// A sender has something to say beside its status.
type sender interface{ send(context.Context) error }

// send sends the bytes as grpc-go lets a handler do it: they are kept where the
// status itself has no details.
func (w *wireError) send(ctx context.Context) error {
	if err := grpc.SetTrailer(ctx, metadata.Pairs("grpc-status-details-bin", string(w.status))); err != nil {
		return err
	}
	return grpcstatus.Error(code, message)
}

func serve(handler grpc.MethodHandler, server []grpc.ServerOption, client []grpc.DialOption) (*grpc.ClientConn, func(), error) {
	register := func(s *grpc.Server) {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: service, HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{MethodName: "Fail", Handler: handler}},
		}, struct{}{})
	}
	return rig.Connect(rig.Memory, register, contender.Installed{Server: server, Dial: client})
}
