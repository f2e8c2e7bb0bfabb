package overload

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
)

// run plays a scenario in virtual time.
func run(t *testing.T, s Scenario, c Contender) (r *Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = s.Run(c); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%s\n%s", Header, r.Row())
	return r
}

// The promise: with this library on both sides a burst costs what is above the
// capacity, and nothing else.
func TestBothSides(t *testing.T) {
	for seed := range uint64(4) {
		for _, clients := range []int{1, 20} {
			t.Run(fmt.Sprintf("seed %d, %d clients", seed, clients), func(t *testing.T) {
				s := Default(seed)
				s.Clients, s.Watch = clients, 10*time.Second
				r := run(t, s, Contender{"ours", Ours, Limited})
				if r.Goodput < .95 {
					t.Errorf("goodput in the burst is %.3f of the capacity, want 0.95", r.Goodput)
				}
				if r.Recovery != 0 {
					t.Errorf("recovered after %v, want at once: %.2f", r.Recovery, r.Seconds)
				}
				if r.WastedBurst >= .01 || r.Wasted >= .01 {
					t.Errorf("wasted %.3f of the work in the burst and %.3f in all, want less than 0.01", r.WastedBurst, r.Wasted)
				}
				if r.Attempts > 1.1 {
					t.Errorf("%.2f attempts a call, want 1.1 at most", r.Attempts)
				}
				if r.P99 > s.Attempt {
					t.Errorf("failures took up to %v, want less than %v", r.P99, s.Attempt)
				}
				for c := range r.Failed {
					if c != codes.Unavailable {
						t.Errorf("%d calls failed with %v, want none", r.Failed[c], c)
					}
				}
			})
		}
	}
}

// The scenario can show failure, and where it comes from.
func TestOthers(t *testing.T) {
	s := Default(1)
	s.Watch = 16 * time.Second
	none := run(t, s, Contender{"no retries", NoRetries, Naive})
	if none.Recovery < 8*time.Second || none.Recovery > 14*time.Second {
		t.Errorf("without retries a naive server recovers after %v, want 8s to 14s: so long it takes to empty the queue", none.Recovery)
	}
	ours := run(t, s, Contender{"ours", Ours, Naive})
	if ours.Recovery == Never || ours.Recovery > none.Recovery+none.Recovery/10+time.Second {
		t.Errorf("with our client a naive server recovers after %v, without retries after %v", ours.Recovery, none.Recovery)
	}
	if ours.Wasted > none.Wasted {
		t.Errorf("with our client a naive server wastes %.2f of its work, without retries %.2f", ours.Wasted, none.Wasted)
	}
	for _, c := range []Contender{
		{"3 attempts, no budget", Plain, Naive},
		{"ours, no budget", OursNoBudget, Naive},
		{"3 attempts, cancelled", PlainCancelled, Aware},
	} {
		if r := run(t, s, c); r.Recovery != Never || r.Wasted < .9 {
			t.Errorf("%s, %v server: recovered after %v and wasted %.2f, want never, and nearly all", c.Name, c.Server, r.Recovery, r.Wasted)
		}
	}
}
