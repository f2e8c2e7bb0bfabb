package cases

import (
	"context"
	"errors"
	"io"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
)

// call is the work of a case, once.
type call func(ctx context.Context, r *rig.Rig) error

func unary(ctx context.Context, r *rig.Rig) error {
	_, err := r.ClassifyIntent(ctx, classify)
	return err
}

// unaryOnce is a call that may not be repeated.
func unaryOnce(ctx context.Context, r *rig.Rig) error {
	_, err := r.Process(ctx, process)
	return err
}

// byHand is what an application does whose interceptors repeat nothing.
func byHand(ctx context.Context, r *rig.Rig) error {
	if unary(ctx, r) == nil {
		return nil
	}
	return unary(ctx, r)
}

func serverStream(ctx context.Context, r *rig.Rig) error {
	s, err := r.Generate(ctx, generate)
	if err != nil {
		return err
	}
	for {
		if _, err := s.Recv(); err != nil {
			return unlessEOF(err)
		}
	}
}

// pingPong waits for the reply to each message.
func pingPong(ctx context.Context, r *rig.Rig) error {
	s, err := r.Chat(ctx)
	if err != nil {
		return err
	}
	for range Messages {
		if err := s.Send(turn); err != nil {
			return err
		}
		if _, err := s.Recv(); err != nil {
			return err
		}
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	_, err = s.Recv()
	return unlessEOF(err)
}

func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// overNetwork is a case of whole calls.
type overNetwork struct {
	name    string
	network rig.Network
	callers int // at once
	service func() assistantv1.AssistantServer
	do      call
	byHand  call                           // what is done where the contender repeats nothing; nil: the same
	client  bool                           // the contender is on the client only
	bounded bool                           // whoever calls sets a deadline, but for bare gRPC
	without func(contender.Contender) bool // leaves contenders out; nil: none
}

func (o overNetwork) make() harness.Case {
	c := harness.Case{Name: o.name, Baseline: contender.BareName}
	for _, each := range contender.All() {
		if o.without != nil && o.without(each) {
			continue
		}
		c.Contenders = append(c.Contenders, harness.Contender{Name: each.Name, Setup: func() (func(int), func(), error) {
			return o.setup(each)
		}})
	}
	return c
}

func (o overNetwork) setup(c contender.Contender) (run func(int), stop func(), err error) {
	in, err := c.New()
	if err != nil {
		return nil, nil, err
	}
	if o.client {
		in.Server = nil
	}
	r, err := rig.Open(o.network, o.service(), in)
	if err != nil {
		return nil, nil, err
	}
	do := o.do
	if o.byHand != nil && !c.Retries {
		do = o.byHand
	}
	deadline := c.CallerDeadline || o.bounded && hasDeadline(c)
	one := func() { must(inTime(deadline, func(ctx context.Context) error { return do(ctx, r) })) }
	return share(max(o.callers, 1), one), r.Stop, nil
}

// hasDeadline says of whom a stream's caller sets a deadline: all but who shows what it
// costs without. Policies bound unary calls only, but others bound streams too, and
// what a deadline costs is not to be taken for what they cost.
func hasDeadline(c contender.Contender) bool { return c.Name != contender.BareName }

// inTime is how an application makes a call: with a deadline of its own, or without.
func inTime(deadline bool, do func(context.Context) error) error {
	ctx := context.Background()
	if deadline {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, contender.Timeout)
		defer cancel()
	}
	return do(ctx)
}

// share has a number of callers do the work.
func share(callers int, do func()) func(n int) {
	return func(n int) {
		harness.Share(n, callers, func(n int) {
			for range n {
				do()
			}
		})
	}
}

// must ends a measurement in which a call failed: its numbers would be of something
// else.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
