package contender

import (
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/failsafegrpc"
	"github.com/failsafe-go/failsafe-go/timeout"
	"google.golang.org/grpc"
)

// Its timeout cancels what runs in this process and puts no deadline on the wire.
var _ = add(Contender{
	Name: FailsafeName, About: "failsafe-go: timeout and retry on the client, timeout on the server; no deadline on the wire, no streams, no panics", Kind: Peer,
	Retries: true, UnaryOnly: true,
	New: func() (Installed, error) {
		again := failsafegrpc.NewRetryPolicyBuilder[any]().WithMaxAttempts(Attempts).Build()
		return Installed{
			Server: []grpc.ServerOption{grpc.ChainUnaryInterceptor(failsafegrpc.NewUnaryServerInterceptor(failsafe.Policy[any](timeout.New[any](Timeout))))},
			Dial: []grpc.DialOption{grpc.WithChainUnaryInterceptor(
				failsafegrpc.NewUnaryClientInterceptor(failsafe.Policy[any](timeout.New[any](Timeout)), again))},
		}, nil
	},
})
