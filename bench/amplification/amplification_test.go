package amplification_test

import (
	"testing"

	"github.com/recourse-dev/recourse/bench/amplification"
	"github.com/recourse-dev/recourse/bench/contender"
)

// Three hops of three attempts are 27 calls for whoever repeats whatever failed.
func TestAmplification(t *testing.T) {
	for _, c := range contender.All() {
		r, err := amplification.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d, %.1f, %d", c.Name, r.First, r.EachOfMany, r.Answered)
		switch {
		case !c.Retries:
			if r.First != 1 || r.EachOfMany != 1 {
				t.Errorf("%s: %+v, though it repeats nothing", c.Name, r)
			}
		case c.Kind == contender.Peer:
			if r.First != 27 {
				t.Errorf("%s: the first call became %d, want 27", c.Name, r.First)
			}
		case c.Kind == contender.Ours:
			// The attempts of the lowest hop, and a last chance at the next one.
			if r.First > 2*contender.Attempts || r.EachOfMany > 2 {
				t.Errorf("%s: the first call became %d, each of many %.2f", c.Name, r.First, r.EachOfMany)
			}
		}
	}
}
