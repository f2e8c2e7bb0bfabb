package contender

import (
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
)

var _ = add(Contender{
	Name: CoreName, About: "this library with policies and nothing else: deadlines of unary calls, repeats, budget, throttle, panics, details", Kind: Ours,
	Bounds: true, Retries: true, HoldsBack: true,
	New: func() (Installed, error) {
		set, err := policies()
		if err != nil {
			return Installed{}, err
		}
		return Installed{
			Server: interceptors.ServerOptions(interceptors.Policies(set)),
			Dial:   interceptors.DialOptions(interceptors.Policies(set)),
		}, nil
	},
})

// policies are the defaults but for what is equal for all contenders: no wait, no log.
func policies() (*policy.Set, error) {
	return policy.New(policy.Defaults(func(p *policy.Policy) {
		p.Timeout, p.MaxAttempts, p.Backoff = Timeout, Attempts, 0
		p.LogAllErrors, p.LogRecovery, p.StackTraces = false, false, false
	}))
}
