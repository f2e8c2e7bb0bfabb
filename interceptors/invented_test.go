package interceptors

import (
	"fmt"
	"testing"

	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Callers may invent names of methods, where a server has a handler for all: there is
// an end to what is kept of them. So it is for a client that calls what it is asked to.
func TestInventedMethods(t *testing.T) {
	s := newServer(Policies(nil), OnFailure(nil))
	lis := rpctest.Listen(t, func(*grpc.Server) {}, grpc.ChainStreamInterceptor(s.stream),
		grpc.UnknownServiceHandler(func(_ any, ss grpc.ServerStream) error { return ss.SendMsg(new(emptypb.Empty)) }))
	c := new(client)
	Policies(nil).applyClient(c)
	conn := rpctest.Dial(t, lis, grpc.WithChainUnaryInterceptor(c.unary))
	for i := range 5000 {
		err := conn.Invoke(t.Context(), fmt.Sprintf("/invented.S%d/M%d", i%2500, i), new(emptypb.Empty), new(emptypb.Empty))
		if grpcstatus.Code(err) != codes.OK {
			t.Fatal(err)
		}
	}
	n := 0
	s.methods.Range(func(any, any) bool { n++; return true })
	if n > maxMethods {
		t.Errorf("the server knows %d methods", n)
	}
	if n := len(*c.methods.known.Load()); n > maxMethods {
		t.Errorf("the client knows %d methods", n)
	}
	if n := len(c.methods.targets); n > maxMethods {
		t.Errorf("the client knows %d targets", n)
	}
}
