package contender

import (
	"context"
	"math/rand/v2"

	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc/metadata"
)

// What it takes to pass a trace on at all, in the place where telemetry does it: a header
// is added, travels, and is read. A call that is not sampled has that too, since the next
// service has to know.
var _ = add(Contender{
	Name: PassingName, About: "this library with policies, and a header of 55 bytes that each call carries and the server reads", Kind: Ours,
	Bounds: true, Retries: true, HoldsBack: true, Telemetry: true,
	New: func() (Installed, error) {
		set, err := policies()
		if err != nil {
			return Installed{}, err
		}
		return Installed{
			Server: interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(passing{})),
			Dial:   interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(passing{})),
		}, nil
	},
})

type passing struct{}

func (passing) Attach(interceptors.Side, func() (interceptors.Levels, bool)) {}

func (passing) Begin(ctx context.Context, o *interceptors.Observation) context.Context {
	if o.Side == interceptors.ServerSide {
		_ = metadata.ValueFromIncomingContext(ctx, "traceparent")
		return ctx
	}
	const digits = "0123456789abcdef"
	parent := [55]byte([]byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
	for i, id := 0, rand.Uint64(); i < 16; i++ { // one that repeats would be a number on the wire
		parent[36+i] = digits[id>>(4*i)&15]
	}
	return metadata.AppendToOutgoingContext(ctx, "traceparent", string(parent[:]))
}

func (passing) Attempt(ctx context.Context, _ *interceptors.Observation, _ int) context.Context {
	return ctx
}
func (passing) Event(context.Context, *interceptors.Observation, interceptors.Event)  {}
func (passing) End(context.Context, *interceptors.Observation, *interceptors.Failure) {}
