package contender

import (
	"fmt"

	"google.golang.org/grpc"
)

var _ = add(Contender{
	Name: GRPCRetryName, About: "grpc-go's own retry, by a service config", Kind: Peer,
	Retries: true, OutsideChain: true,
	New: installed(nil, grpc.WithDefaultServiceConfig(serviceConfig(""))),
})

// serviceConfig has a retry policy that does not wait.
func serviceConfig(more string) string {
	return fmt.Sprintf(`{"methodConfig":[{"name":[{}],%s"retryPolicy":{"maxAttempts":%d,
		"initialBackoff":"0.000000001s","maxBackoff":"0.000000001s","backoffMultiplier":1,
		"retryableStatusCodes":["UNAVAILABLE"]}}]}`, more, Attempts)
}
