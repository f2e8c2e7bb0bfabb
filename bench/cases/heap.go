package cases

import (
	"context"
	"strings"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
)

// idleStreams keeps streams open that have had their first message: what they hold is
// both sides', grpc-go's own share included. Whoever repeats streams and does not let
// go of the request shows with a large one. Callers set a deadline, as of other streams.
func idleStreams(name string, requestBytes int) harness.Case {
	c := harness.Case{Name: name, Baseline: contender.BareName, Heap: true}
	for _, each := range contender.All() {
		if each.Telemetry {
			continue
		}
		c.Contenders = append(c.Contenders, harness.Contender{Name: each.Name, Setup: func() (func(int), func(), error) {
			in, err := each.New()
			if err != nil {
				return nil, nil, err
			}
			r, err := rig.Open(rig.Memory, idle{}, in)
			if err != nil {
				return nil, nil, err
			}
			ctx, cancel := context.WithCancel(context.Background())
			var held []openStream // as an application would that reads on
			one := func() {
				s, err := leaveOpen(ctx, r, hasDeadline(each), requestBytes)
				must(err)
				held = append(held, s)
			}
			return share(1, one), func() { cancel(); r.Stop(); clear(held) }, nil
		}})
	}
	return c
}

// openStream is a stream, and what an application defers to let go of it.
type openStream struct {
	stream any
	cancel context.CancelFunc
}

// leaveOpen opens a stream that ends with the context.
func leaveOpen(ctx context.Context, r *rig.Rig, deadline bool, requestBytes int) (openStream, error) {
	cancel := func() {}
	if deadline {
		ctx, cancel = context.WithTimeout(ctx, contender.Timeout)
	}
	s, err := r.Generate(ctx, &assistantv1.GenerateRequest{Prompt: strings.Repeat("x", requestBytes)})
	if err == nil {
		_, err = s.Recv()
	}
	return openStream{s, cancel}, err
}
