package interceptors_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// chain is a client, two services and a leaf, each hop with three attempts.
type chain struct {
	root  *grpc.ClientConn
	calls [3]int // of a, b and the leaf
}

func startChain(t *testing.T, shape rpctest.Shape, leaf rpctest.Handler) *chain {
	t.Helper()
	c := new(chain)
	set := policies(t, func(p *policy.Policy) { p.ContactSupportThreshold = 0 })
	dial := func() []grpc.DialOption { return interceptors.DialOptions(interceptors.Policies(set)) }
	serve := func(domain string) []grpc.ServerOption {
		return interceptors.ServerOptions(interceptors.Domain(domain), trusted(status.Internal), interceptors.Policies(set),
			interceptors.OnFailure(func(context.Context, interceptors.Failure) {}))
	}
	hop := func(n int, next *grpc.ClientConn) rpctest.Handler {
		return func(ctx context.Context, x rpctest.Exchange) error {
			c.calls[n]++
			m, err := x.Recv()
			if err != nil {
				return err
			}
			r := rpctest.Do(ctx, next, shape, m)
			for _, m := range r.Replies {
				if err := x.Send(m); err != nil {
					return err
				}
			}
			return r.Err
		}
	}
	last := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		c.calls[2]++
		return leaf(ctx, x)
	}, serve("leaf.test"), dial()...)
	b := rpctest.Start(t, hop(1, last), serve("b.test"), dial()...)
	c.root = rpctest.Start(t, hop(0, b), serve("a.test"), dial()...)
	return c
}

func dead(context.Context, rpctest.Exchange) error { return unavailable() }

func TestThreeHopsWithADeadLeaf(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		c := startChain(t, shape, dead)
		r := rpctest.Do(t.Context(), c.root, shape, "a")
		if c.calls != [3]int{1, 2, 6} {
			t.Errorf("calls of a, b and the leaf: %v, want 1, 2 and 6", c.calls)
		}
		e, _ := status.From(r.Err)
		want := &recoursev1.RetryAdvice{
			Verdict: status.Never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3, ExhaustedBy: "b.test",
		}
		if got := e.RetryAdvice(); e.Code() != codes.Unavailable || got.String() != want.String() {
			t.Errorf("%v with %v, want UNAVAILABLE with %v", e, got, want)
		}
	})
}

func TestAnOutageCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[0]
		down := true
		c := startChain(t, shape, func(ctx context.Context, x rpctest.Exchange) error {
			if down {
				return unavailable()
			}
			return rpctest.Echo(ctx, x)
		})
		const rate, seconds = 200, 8
		call := func() codes.Code {
			r := rpctest.Do(t.Context(), c.root, shape, "a")
			time.Sleep(time.Second / rate)
			e, _ := status.From(r.Err)
			return e.Code()
		}
		for range rate * seconds {
			if code := call(); code != codes.Unavailable {
				t.Fatalf("%v, want UNAVAILABLE for every call", code)
			}
		}
		if most := rate * seconds * 105 / 100; c.calls[2] > most {
			t.Errorf("%d calls of the leaf, want at most %d", c.calls[2], most)
		}
		t.Logf("%d user calls: a %d, b %d, leaf %d (%.3f each)", rate*seconds, c.calls[0], c.calls[1], c.calls[2], float64(c.calls[2])/(rate*seconds))
		down = false
		for range rate {
			if code := call(); code != codes.OK {
				t.Fatalf("%v once the leaf is back, want OK", code)
			}
		}
	})
}

func TestIndependentFailures(t *testing.T) {
	calls := 10_000
	if raceDetector {
		calls = 2_000
	}
	for _, share := range []float64{0.02, 0.1, 0.3} {
		synctest.Test(t, func(t *testing.T) {
			shape, random := rpctest.Shapes[0], rand.New(rand.NewPCG(1, 2))
			c := startChain(t, shape, func(ctx context.Context, x rpctest.Exchange) error {
				if random.Float64() < share {
					return unavailable()
				}
				return rpctest.Echo(ctx, x)
			})
			failed := 0
			for range calls {
				if r := rpctest.Do(t.Context(), c.root, shape, "a"); r.Err != nil {
					failed++
				}
				time.Sleep(5 * time.Millisecond)
			}
			each := float64(c.calls[2]) / float64(calls)
			t.Logf("%.0f %% fail: %.3f %% of %d calls succeed, %.3f calls of the leaf each", share*100, 100-float64(failed)/float64(calls)*100, calls, each)
			if failed > calls/1000 {
				t.Errorf("%.0f %% fail: %d of %d calls failed, want at most one in a thousand", share*100, failed, calls)
			}
			if most := 1 + share + share*share + 0.05; each > most {
				t.Errorf("%.0f %% fail: %.3f calls of the leaf each, want at most %.3f", share*100, each, most)
			}
		})
	}
}
