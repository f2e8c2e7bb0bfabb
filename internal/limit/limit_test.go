package limit

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

var start = time.Unix(1_700_000_000, 0)

// bench drives the machine, without goroutines and timers, by calls with names.
type bench struct {
	*Limiter
	waiters map[string]*waiter
	running int // as it should be
}

func newBench(c Config) *bench {
	return &bench{Limiter: New(c), waiters: map[string]*waiter{}}
}

// arrive returns "runs", "waits until …", or why it was refused.
func (b *bench) arrive(at time.Duration, name string, deadline, service time.Duration) string {
	until := time.Time{}
	if deadline != 0 {
		until = start.Add(deadline)
	}
	w, err := b.Limiter.arrive(start.Add(at), until, service)
	switch {
	case err != nil:
		return err.Error()
	case w == nil:
		b.running++
		return "runs"
	}
	b.waiters[name] = w
	return fmt.Sprint("until ", w.until.Sub(start))
}

// leave returns the names of those who were told, with what.
func (b *bench) leave(at time.Duration) string {
	b.Limiter.leave(start.Add(at))
	b.running--
	var told []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		w := b.waiters[name]
		if w == nil {
			continue
		}
		select {
		case <-w.told:
			told = append(told, name+" "+b.settle(at, name, nil))
		default:
		}
	}
	return strings.Join(told, ", ")
}

func (b *bench) settle(at time.Duration, name string, ended error) string {
	w := b.waiters[name]
	delete(b.waiters, name)
	if err := b.Limiter.settle(w, start.Add(at), ended); err != nil {
		return err.Error()
	}
	b.running++
	return "runs"
}

func (b *bench) check(t *testing.T) {
	t.Helper()
	if b.Running() != b.running || b.Waiting() != len(b.waiters) || b.queue.length != len(b.waiters) {
		t.Fatalf("%d running and %d waiting (%d in the list), want %d and %d", b.Running(), b.Waiting(), b.queue.length, b.running, len(b.waiters))
	}
}

const (
	full    = "refused by the concurrency limit (full), again in 50ms"
	tooLate = "refused by the concurrency limit (too late), again in 50ms"
)

func TestMachine(t *testing.T) {
	type step struct {
		do   func(b *bench) string
		want string
	}
	arrive := func(at time.Duration, name string, deadline, service time.Duration, want string) step {
		return step{func(b *bench) string { return b.arrive(at, name, deadline, service) }, want}
	}
	comes := func(at time.Duration, name, want string) step { return arrive(at, name, 0, 0, want) }
	leave := func(at time.Duration, want string) step {
		return step{func(b *bench) string { return b.leave(at) }, want}
	}
	settle := func(at time.Duration, name, want string) step {
		return step{func(b *bench) string { return b.settle(at, name, nil) }, want}
	}
	tests := []struct {
		name   string
		config Config
		steps  []step
	}{
		{"places first, then the queue, in order", Config{Limit: 2}, []step{
			comes(0, "", "runs"), comes(0, "", "runs"),
			comes(1*ms, "a", "until 101ms"), comes(2*ms, "b", "until 102ms"),
			leave(3*ms, "a runs"), leave(3*ms, "b runs"), leave(4*ms, ""), comes(5*ms, "", "runs"),
		}},
		{"a queue without room", Config{Limit: 1, Queue: 1}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 100ms"), comes(0, "b", full), leave(1*ms, "a runs"), comes(2*ms, "b", "until 102ms"),
		}},
		{"nobody comes in time", Config{Limit: 1}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 100ms"), comes(1*ms, "b", "until 101ms"),
			settle(100*ms, "a", full), leave(100*ms, "b runs"),
		}},
		{"the last of the queue leaves by itself", Config{Limit: 1}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 100ms"), settle(100*ms, "a", full), leave(101*ms, ""), comes(102*ms, "", "runs"),
		}},
		{"overload: short patience, and the newest first", Config{Limit: 1}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 100ms"), comes(50*ms, "b", "until 150ms"), comes(90*ms, "c", "until 190ms"),
			settle(100*ms, "a", full), comes(100*ms, "d", "until 200ms"), // exactly an interval is none yet
			comes(101*ms, "e", "until 121ms"), leave(102*ms, "e runs"), leave(103*ms, "d runs"), leave(104*ms, "c runs"), leave(105*ms, "b runs"), leave(106*ms, ""),
		}},
		{"an empty queue ends the overload", Config{Limit: 1}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 100ms"), comes(101*ms, "b", "until 121ms"),
			leave(102*ms, "b runs"), settle(102*ms, "a", full), comes(103*ms, "c", "until 203ms"), comes(110*ms, "d", "until 210ms"), leave(111*ms, "c runs"),
		}},
		{"own times", Config{Limit: 1, Target: 5 * ms, Interval: 10 * ms}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 10ms"), comes(9*ms, "b", "until 19ms"), comes(11*ms, "c", "until 16ms"),
		}},
		{"a free place for anybody", Config{Limit: 1}, []step{
			arrive(100*ms, "", 1*ms, time.Second, "runs"),
		}},
		{"too late on arrival", Config{Limit: 2}, []step{
			arrive(0, "", 0, 20*ms, "runs"), arrive(0, "", 0, 20*ms, "runs"),
			arrive(0, "a", 29*ms, 20*ms, tooLate), // half of 20 ms until a place is free, 20 ms to serve
			arrive(0, "a", 30*ms, 20*ms, "until 10ms"),
			arrive(0, "b", 39*ms, 20*ms, tooLate), // behind a
			arrive(0, "b", 40*ms, 20*ms, "until 20ms"),
			arrive(0, "c", 1*ms, 0, "until 1ms"), // not known
			arrive(0, "d", 0, 20*ms, "until 100ms"),
		}},
		{"under overload the newest waits for one place only", Config{Limit: 1}, []step{
			comes(0, "", "runs"), comes(0, "a", "until 100ms"), comes(0, "b", "until 100ms"),
			arrive(101*ms, "c", 201*ms, 50*ms, "until 121ms"), arrive(101*ms, "d", 201*ms, 50*ms, "until 121ms"),
			arrive(101*ms, "e", 201*ms, 50*ms, "until 121ms"),
			arrive(101*ms, "f", 201*ms-1, 50*ms, "refused by the concurrency limit (too late), again in 300ms"),
		}},
		{"too late in the queue", Config{Limit: 1}, []step{
			comes(0, "", "runs"), arrive(0, "a", 60*ms, 20*ms, "until 40ms"), arrive(0, "b", 70*ms, 20*ms, "until 50ms"), comes(0, "c", "until 100ms"),
			leave(50*ms, "a "+tooLate+", b "+tooLate+", c runs"), leave(51*ms, ""), comes(52*ms, "", "runs"),
		}},
		{"all of them too late", Config{Limit: 1}, []step{
			comes(0, "", "runs"), arrive(0, "a", 60*ms, 20*ms, "until 40ms"), leave(60*ms, "a "+tooLate), comes(61*ms, "", "runs"), comes(62*ms, "b", "until 162ms"),
		}},
		{"too late by itself", Config{Limit: 1}, []step{
			comes(0, "", "runs"), arrive(0, "a", 60*ms, 20*ms, "until 40ms"), arrive(0, "b", 160*ms, 20*ms, "until 100ms"),
			settle(40*ms, "a", tooLate), settle(100*ms, "b", full), leave(200*ms, ""), comes(201*ms, "", "runs"),
		}},
		{"late for want of a deadline", Config{Limit: 1}, []step{
			arrive(0, "", 0, math.MaxInt64, "runs"), arrive(0, "a", 0, math.MaxInt64, "until 100ms"),
			arrive(0, "b", time.Hour, math.MaxInt64, "refused by the concurrency limit (too late), again in 5s"),
		}},
		{"when to come back", Config{Limit: 10, Queue: 2}, []step{
			arrive(0, "", 0, time.Second, "runs"), arrive(0, "", 0, time.Second, "runs"), arrive(0, "", 0, time.Second, "runs"),
			arrive(0, "", 0, time.Second, "runs"), arrive(0, "", 0, time.Second, "runs"), arrive(0, "", 0, time.Second, "runs"),
			arrive(0, "", 0, time.Second, "runs"), arrive(0, "", 0, time.Second, "runs"), arrive(0, "", 0, time.Second, "runs"),
			arrive(0, "", 0, time.Second, "runs"), arrive(0, "a", 0, time.Second, "until 100ms"), arrive(0, "b", 0, time.Second, "until 100ms"),
			comes(0, "c", "refused by the concurrency limit (full), again in 300ms"),
			settle(100*ms, "a", "refused by the concurrency limit (full), again in 200ms"),
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(test.config)
			for i, s := range test.steps {
				if got := s.do(b); got != s.want {
					t.Fatalf("step %d: %q, want %q", i, got, s.want)
				}
				b.check(t)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	c := Config{Limit: -1, Queue: -1, Target: -1, Interval: -1}.withDefaults()
	if c.Limit < 64 || c.Limit%32 != 0 || c.Queue != 20*c.Limit || c.Target != 20*ms || c.Interval != 100*ms {
		t.Errorf("defaults are %+v", c)
	}
	c = Config{Limit: math.MaxInt}.withDefaults()
	if c.Limit != 1<<30 || c.Queue != 1<<30 {
		t.Errorf("the most is %+v", c)
	}
}

// A call whose context has ended when it is given a place passes it on, or back.
func TestPlaceForNobody(t *testing.T) {
	b, gone := newBench(Config{Limit: 1}), errors.New("gone")
	for _, name := range []string{"", "a", "b"} {
		b.arrive(0, name, 0, 0)
	}
	first, second := b.waiters["a"], b.waiters["b"]
	b.Limiter.leave(start)
	if err := b.Limiter.settle(first, start, gone); err != gone {
		t.Errorf("the first: %v", err)
	}
	if !second.placed || b.Running() != 1 || b.Waiting() != 0 {
		t.Errorf("the second has a place: %t; %d running and %d waiting", second.placed, b.Running(), b.Waiting())
	}
	if err := b.Limiter.settle(second, start, gone); err != gone || b.Running() != 0 {
		t.Errorf("the second: %v; %d running", err, b.Running())
	}
}

func TestReleaseTooOften(t *testing.T) {
	l := New(Config{Limit: 1})
	l.Release()
	if !l.take() || l.take() {
		t.Error("a Release without Acquire changed the limit")
	}
}

// Whatever happens, in whatever order: nobody waits beside a free place, nobody is
// lost, and nobody runs beyond the limit.
func TestRandomSteps(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		limit := 1 + random.IntN(4)
		b := newBench(Config{Limit: limit, Queue: 8})
		names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		now := time.Duration(0)
		for range 2000 {
			now += time.Duration(random.IntN(20)) * ms
			name := names[random.IntN(len(names))]
			w := b.waiters[name]
			switch what := random.IntN(4); {
			case what == 0 && b.running > 0:
				b.leave(now)
			case w == nil:
				b.arrive(now, name, now+time.Duration(random.IntN(200))*ms, time.Duration(random.IntN(40))*ms)
			case what == 1:
				b.settle(now, name, errors.New("ended"))
			case !start.Add(now).Before(w.until):
				b.settle(now, name, nil)
			}
			b.check(t)
			if b.Running() > limit || b.Waiting() > 8 || b.Waiting() > 0 && b.Running() < limit {
				t.Fatalf("seed %d: %d running and %d waiting at a limit of %d", seed, b.Running(), b.Waiting(), limit)
			}
		}
	}
}

func TestEstimate(t *testing.T) {
	var e Estimate
	steps := []struct{ observe, want time.Duration }{
		{100 * ms, 100 * ms}, {200 * ms, 110 * ms}, {10 * ms, 100 * ms}, {0, 90 * ms}, {-time.Hour, 81 * ms},
	}
	if e.Typical() != 0 {
		t.Errorf("knows %v before the first call", e.Typical())
	}
	for i, s := range steps {
		e.Observe(s.observe)
		if got := e.Typical().Round(ms); got != s.want {
			t.Errorf("step %d: %v, want %v", i, got, s.want)
		}
	}
	e = Estimate{}
	e.Observe(0)
	if e.Typical() <= 0 {
		t.Error("a call of no time at all leaves it unknown")
	}
	for range 200 {
		e.Observe(math.MaxInt64)
	}
	if e.Typical() < math.MaxInt64/2 {
		t.Errorf("after very long calls: %v", e.Typical())
	}
}
