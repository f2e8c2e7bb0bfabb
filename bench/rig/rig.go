// Package rig connects a client to a server of the example service, with a contender
// on both.
package rig

import (
	"context"
	"errors"
	"net"
	"slices"

	"github.com/recourse-dev/recourse/bench/contender"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Network is what client and server are connected by.
type Network string

// Memory is within the process; Loopback is the kernel's.
const (
	Memory   Network = "bufconn"
	Loopback Network = "tcp"
)

// Rig is a server with a connection to it, and a contender on both.
type Rig struct {
	assistantv1.AssistantClient
	Stop func()
}

// Open starts a rig. The options of a probe go before those of the contender.
func Open(network Network, service assistantv1.AssistantServer, in contender.Installed, probe ...grpc.ServerOption) (*Rig, error) {
	in.Server = slices.Concat(probe, in.Server)
	conn, stop, err := Connect(network, func(s *grpc.Server) { assistantv1.RegisterAssistantServer(s, service) }, in)
	if err != nil {
		return nil, err
	}
	return &Rig{assistantv1.NewAssistantClient(conn), stop}, nil
}

// Connect starts a server with any service, and connects a client to it.
func Connect(network Network, register func(*grpc.Server), in contender.Installed) (*grpc.ClientConn, func(), error) {
	lis, dial, err := network.listen()
	if err != nil {
		if in.Stop != nil {
			in.Stop()
		}
		return nil, nil, err
	}
	server := grpc.NewServer(in.Server...)
	register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	opts := slices.Concat(in.Dial, []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), dial})
	conn, err := grpc.NewClient("passthrough:///"+lis.Addr().String(), opts...)
	stop := func() {
		if conn != nil {
			_ = conn.Close() // only a second Close fails
		}
		server.Stop()
		<-served
		if in.Stop != nil {
			in.Stop()
		}
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return conn, stop, nil
}

func (n Network) listen() (net.Listener, grpc.DialOption, error) {
	switch n {
	case Memory:
		lis := bufconn.Listen(1 << 20)
		return lis, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }), nil
	case Loopback:
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		return lis, grpc.EmptyDialOption{}, err
	}
	return nil, nil, errors.New("there is no such network: " + string(n))
}
