package contender

import (
	"fmt"

	"google.golang.org/grpc"
)

var _ = add(Contender{
	Name: GRPCRetryName, About: "grpc-go's own retry, by a service config", Kind: Peer,
	Retries: true, OutsideChain: true,
	New: installed(nil, grpc.WithDefaultServiceConfig(serviceConfig("", ""))),
})

// throttledConfig has the numbers of gRFC A6.
var throttledConfig = serviceConfig("", `,"retryThrottling":{"maxTokens":10,"tokenRatio":0.1}`)

// serviceConfig has a retry policy that does not wait, and more for the method and for
// all.
func serviceConfig(method, more string) string {
	return fmt.Sprintf(`{"methodConfig":[{"name":[{}],%s"retryPolicy":{"maxAttempts":%d,
		"initialBackoff":"0.000000001s","maxBackoff":"0.000000001s","backoffMultiplier":1,
		"retryableStatusCodes":["UNAVAILABLE"]}}]%s}`, method, Attempts, more)
}
