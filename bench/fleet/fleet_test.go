package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// limits are how long clients may take to recover, by what they meet.
type limits map[Server]time.Duration

// compare watches as long as it takes to see what is asserted: ten good seconds after
// the longest recovery.
func compare(t *testing.T, seed uint64, clients int, longest limits, settings []Client) []map[Server][]Result {
	t.Helper()
	scenario := func(v Server, load float64) Scenario {
		s := Default(seed, load)
		s.Clients, s.Watch = clients, longest[v]+10*time.Second
		return s
	}
	results := Compare(scenario, settings)
	if err := Print(t.Output(), settings, results); err != nil {
		t.Fatal(err)
	}
	return results
}

// within fails where one of the results took longer to recover.
func within(t *testing.T, most time.Duration, c Client, v Server, results []Result) {
	t.Helper()
	for i, r := range results {
		if r.Recovery == Never || r.Recovery > most {
			t.Errorf("%v, %v server, load %.1f: recovered after %v, want %v at most", c, v, Loads[i], r.Recovery, most)
		}
	}
}

// What is known of others comes out here too, so the simulation can show failure.
func TestPeers(t *testing.T) {
	longest := limits{Naive: time.Minute, Aware: 10 * time.Second, Limited: 10 * time.Second}
	results := compare(t, 1, 100, longest, Peers)
	for i, c := range Peers {
		switch c.Kind {
		case Plain, MinRate:
			for j, r := range results[i][Naive] {
				if r.Recovery != Never {
					t.Errorf("%v, load %.1f: recovered after %v, want never", c, Loads[j], r.Recovery)
				}
			}
		case None, GRPC:
			within(t, longest[Naive], c, Naive, results[i][Naive])
		}
	}
	// A queue of 4000 shrinks by what is left of the capacity, until the wait is below
	// the deadline of a second.
	for i, r := range results[0][Naive] {
		want := time.Duration((4000 - 1000) / (1000 * (1 - Loads[i])) * float64(time.Second))
		if d := r.Recovery - want; d < -3*time.Second || d > 3*time.Second {
			t.Errorf("no retries, load %.1f: recovered after %v, want about %v", Loads[i], r.Recovery, want)
		}
	}
}

// No setting of this library keeps a fleet from recovering. A server that sheds load
// well is well again with the burst, and the queue of one that does not is worked off
// sooner with the throttle.
func TestSettings(t *testing.T) {
	longest := limits{Naive: 40 * time.Second, Aware: time.Second, Limited: 0}
	settings := Settings()
	for i, results := range compare(t, 1, 100, longest, settings) {
		for _, v := range Servers {
			within(t, longest[v], settings[i], v, results[v])
		}
		if settings[i].Kind == OursThrottled {
			within(t, 18*time.Second, settings[i], Naive, results[Naive])
		}
	}
}

// Nor does any fleet. Clients of 1000 make about a call a second each, too few for the
// throttle. Each of 5000 has twenty tokens at first, which together are many repeats,
// but they come to an end.
func TestOtherFleets(t *testing.T) {
	tests := []struct {
		clients int
		longest limits
	}{
		{1, limits{Naive: 12 * time.Second, Aware: time.Second, Limited: 0}},
		{10, limits{Naive: 12 * time.Second, Aware: time.Second, Limited: 0}},
		{300, limits{Naive: 24 * time.Second, Aware: time.Second, Limited: 0}},
		{1000, limits{Naive: 40 * time.Second, Aware: time.Second, Limited: time.Second}},
		{5000, limits{Naive: 65 * time.Second, Aware: time.Second, Limited: time.Second}},
	}
	settings := []Client{
		{Kind: OursThrottled, Attempts: 3, AttemptTimeout: attemptTimeout},
		{Kind: OursThrottled, Attempts: 3},
	}
	for seed, test := range tests {
		t.Run(fmt.Sprint(test.clients), func(t *testing.T) {
			for i, results := range compare(t, uint64(seed), test.clients, test.longest, settings) {
				for _, v := range Servers {
					within(t, test.longest[v], settings[i], v, results[v])
				}
			}
		})
	}
}

func TestTheSameSeedGivesTheSameResult(t *testing.T) {
	s := Default(7, .8)
	s.Watch = 15 * time.Second
	c := Client{Kind: OursThrottled, Attempts: 3, AttemptTimeout: attemptTimeout}
	for _, v := range Servers {
		if a, b := s.Run(v, c), s.Run(v, c); a != b {
			t.Errorf("%v server: %+v, and then %+v", v, a, b)
		}
	}
}

func TestEvents(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var q events
	var got []time.Duration
	for range 1000 {
		at := time.Duration(random.IntN(100))
		q.at(at, func() {
			got = append(got, q.now)
			if random.IntN(2) == 0 {
				q.at(q.now-time.Duration(random.IntN(2)), func() { got = append(got, q.now) })
			}
		})
	}
	q.run()
	if len(got) < 1000 || !slices.IsSorted(got) {
		t.Errorf("%d events, in order: %t", len(got), slices.IsSorted(got))
	}
	var order []int
	for i := range 10 {
		q.at(q.now, func() { order = append(order, i) })
	}
	q.run()
	if !slices.IsSorted(order) {
		t.Errorf("events of one moment happened in the order %v", order)
	}
}
