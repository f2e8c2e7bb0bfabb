package amplification_test

import (
	"log/slog"
	"os"
	"testing"

	"github.com/recourse-dev/recourse/bench/amplification"
	"github.com/recourse-dev/recourse/bench/contender"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// Whoever repeats whatever failed makes 27 calls of each one; who holds back does not.
func TestAmplification(t *testing.T) {
	const all = contender.Attempts * contender.Attempts * contender.Attempts
	for _, c := range contender.ForOutages() {
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
		case c.HoldsBack != (r.EachOfMany < all):
			t.Errorf("%s holds back: %v, but each of many became %.2f of %d", c.Name, c.HoldsBack, r.EachOfMany, all)
		case c.Kind == contender.Ours:
			// The attempts of the lowest hop, and a last chance at the next one.
			if r.First > 2*contender.Attempts || r.EachOfMany > 2 {
				t.Errorf("%s: the first call became %d, each of many %.2f", c.Name, r.First, r.EachOfMany)
			}
		}
	}
}
