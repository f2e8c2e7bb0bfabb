package contender

import (
	"fmt"

	"google.golang.org/grpc"
)

var _ = add(Contender{
	Name: GRPCTimedRetry, About: "grpc-go's own retry and timeout, by a service config", Kind: Peer,
	Bounds: true, BoundsStreams: true, Retries: true, OutsideChain: true,
	New: installed(nil, grpc.WithDefaultServiceConfig(serviceConfig(fmt.Sprintf(`"timeout":"%.0fs",`, Timeout.Seconds()), ""))),
})
