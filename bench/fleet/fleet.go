// Package fleet simulates a hundred clients of one server that meet a burst of
// twice its capacity, and measures how long they take to recover from it. The
// clients' budgets, throttles and decisions and the server's limiter are those of
// this library, with simulated time.
//
// It looks for settings with which a fleet never recovers by itself, though the
// cause is long gone (Bronson et al., "Metastable Failures in Distributed Systems",
// HotOS 2021).
package fleet

import (
	"math/rand/v2"
	"time"
)

// Scenario is the load, and what it meets.
type Scenario struct {
	Seed uint64

	Clients int
	Load    float64       // before and after the burst, as a share of the capacity
	Burst   float64       // the same, in the burst
	Calm    time.Duration // before the burst
	Storm   time.Duration // the burst
	Watch   time.Duration // after it

	Deadline time.Duration // of a call
	Workers  int           // of the server
	Work     time.Duration // that a call takes one of them for, on average
	Queue    int           // calls that wait for a worker at most, except for a Limited server
}

// Default has a capacity of 1000 calls a second.
func Default(seed uint64, load float64) Scenario {
	return Scenario{
		Seed: seed, Clients: 100, Load: load, Burst: 2,
		Calm: 5 * time.Second, Storm: 10 * time.Second, Watch: 120 * time.Second,
		Deadline: time.Second, Workers: 10, Work: 10 * time.Millisecond, Queue: 4000,
	}
}

func (s Scenario) capacity() float64 { return float64(s.Workers) / s.Work.Seconds() }

// Never is the recovery of a fleet that was still not well when the watch ended.
const Never = time.Duration(-1)

// Result is what became of a scenario.
type Result struct {
	Recovery time.Duration // after the burst, until 95 % succeed in every second that follows
	Goodput  float64       // answers in time during the burst, as a share of the capacity
	Attempts float64       // sent for each call that began in the burst or after it
}

// simulation is one run.
type simulation struct {
	events
	Scenario
	random  *rand.Rand
	clients []client
	server  server

	good, all       []int // calls begun in each second
	inTime          int   // answers during the burst
	calls, attempts int   // since it began
}

// epoch is when simulations begin. The state machines want a time of day.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *simulation) clock() time.Time { return epoch.Add(s.now) }

// Run simulates the scenario. The same seed gives the same result.
func (s Scenario) Run(server Server, setting Client) Result {
	sim := &simulation{
		Scenario: s,
		random:   rand.New(rand.NewPCG(s.Seed, 1)),
		clients:  make([]client, s.Clients),
		good:     make([]int, (s.Calm+s.Storm+s.Watch)/time.Second),
		all:      make([]int, (s.Calm+s.Storm+s.Watch)/time.Second),
	}
	sim.server = server.start(sim)
	for i := range sim.clients {
		sim.clients[i] = client{sim: sim, retrier: setting.retrier()}
	}
	sim.expect()
	sim.run()
	return sim.result()
}

// expect plans the next call: calls begin as a Poisson process, at any client.
func (s *simulation) expect() {
	wait := s.random.ExpFloat64() / (s.load(s.now) * s.capacity())
	next := s.now + time.Duration(wait*float64(time.Second))
	if edge := s.edge(); next > edge { // another load: the process has no memory
		if edge < s.Calm+s.Storm+s.Watch {
			s.at(edge, s.expect)
		}
		return
	}
	s.at(next, func() {
		s.clients[s.random.IntN(len(s.clients))].call()
		s.expect()
	})
}

func (s *simulation) load(at time.Duration) float64 {
	if s.stormy(at) {
		return s.Burst
	}
	return s.Load
}

func (s *simulation) stormy(at time.Duration) bool { return at >= s.Calm && at < s.Calm+s.Storm }

// edge is when the present load ends.
func (s *simulation) edge() time.Duration {
	switch {
	case s.now < s.Calm:
		return s.Calm
	case s.stormy(s.now):
		return s.Calm + s.Storm
	default:
		return s.Calm + s.Storm + s.Watch
	}
}

// ended counts a call.
func (s *simulation) ended(began time.Duration, worked bool) {
	second := min(int(began/time.Second), len(s.all)-1)
	s.all[second]++
	if began >= s.Calm {
		s.calls++
	}
	if worked {
		s.good[second]++
		if s.stormy(s.now) {
			s.inTime++
		}
	}
}

func (s *simulation) result() Result {
	return Result{
		Recovery: s.recovery(),
		Goodput:  float64(s.inTime) / s.Storm.Seconds() / s.capacity(),
		Attempts: float64(s.attempts) / float64(s.calls),
	}
}

// well is the least share of calls that succeed where a fleet has recovered.
const well = 0.95

// recovery asks for ten good seconds at the end: with fewer nobody knows.
func (s *simulation) recovery() time.Duration {
	after := int((s.Calm + s.Storm) / time.Second)
	n := len(s.all)
	for n > after && float64(s.good[n-1]) >= well*float64(s.all[n-1]) {
		n--
	}
	if len(s.all)-n < 10 {
		return Never
	}
	return time.Duration(n-after) * time.Second
}
