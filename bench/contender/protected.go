package contender

import (
	"slices"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/adaptivethrottler"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/failsafegrpc"
	"google.golang.org/grpc"
)

// Some peers have more against overload than they do by default. Who knows that turns it
// on; what it costs a call that succeeds is not measured, only what it does for a service
// that is down.
var protected = []Contender{
	{
		Name: "grpc-retry-throttled", About: "grpc-go's own retry with retryThrottling in the service config, as gRPC's documentation has it", Kind: Peer,
		Retries: true, OutsideChain: true, HoldsBack: true,
		New: installed(nil, grpc.WithDefaultServiceConfig(throttledConfig)),
	},
	{
		Name: "failsafe-budget", About: "failsafe-go with a retry budget, as it comes: it counts what is under way at once", Kind: Peer,
		Retries: true, UnaryOnly: true,
		New: func() (Installed, error) {
			again := failsafegrpc.NewRetryPolicyBuilder[any]().WithMaxAttempts(Attempts).WithBudget(budget.New()).Build()
			return failsafeClient(again), nil
		},
	},
	{
		Name: "failsafe-throttler", About: "failsafe-go with an adaptive throttler within the retries, as it comes: it refuses first calls too", Kind: Peer,
		Retries: true, UnaryOnly: true, HoldsBack: true,
		New: func() (Installed, error) {
			again := failsafegrpc.NewRetryPolicyBuilder[any]().WithMaxAttempts(Attempts).Build()
			return failsafeClient(again, adaptivethrottler.NewWithDefaults[any]()), nil
		},
	},
}

func failsafeClient(policies ...failsafe.Policy[any]) Installed {
	return Installed{Dial: []grpc.DialOption{grpc.WithChainUnaryInterceptor(failsafegrpc.NewUnaryClientInterceptor(policies...))}}
}

// Protected are those that are for nothing but outages.
func Protected() []Contender { return slices.Clone(protected) }

// ForOutages are all contenders but those whose telemetry makes no difference then, and
// the protected ones.
func ForOutages() []Contender {
	return append(slices.DeleteFunc(All(), func(c Contender) bool { return c.Telemetry }), protected...)
}
