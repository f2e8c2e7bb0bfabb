package limit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/internal/limit"
)

const ms = time.Millisecond

func reason(t *testing.T, err error) limit.Reason {
	t.Helper()
	refusal, ok := errors.AsType[limit.Refusal](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	return refusal.Reason
}

// hold takes places and gives them back after d.
func hold(t *testing.T, l *limit.Limiter, places int, d time.Duration) {
	t.Helper()
	for range places {
		if err := l.Acquire(t.Context(), time.Time{}, 0); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(d)
			l.Release()
		}()
	}
}

func TestAcquire(t *testing.T) {
	type call struct {
		after             time.Duration // it arrives
		deadline, service time.Duration // from its arrival; 0: none
		cancel            time.Duration // its context ends
		want              error
		took              time.Duration
	}
	full, late := limit.Refusal{Reason: limit.Full}, limit.Refusal{Reason: limit.TooLate}
	tests := []struct {
		name string
		held time.Duration // both places are taken for
		call call
	}{
		{"a free place", 0, call{after: 1 * ms}},
		{"a free place for the dead", 0, call{after: 1 * ms, deadline: -time.Second, service: time.Hour}},
		{"waits", 30 * ms, call{took: 30 * ms}},
		{"waits no longer than the interval", time.Second, call{want: full, took: 100 * ms}},
		{"the place at the last moment", 100*ms - 1, call{took: 100*ms - 1}},
		{"too late at once", time.Second, call{deadline: 20 * ms, service: 20 * ms, want: late}},
		{"too late after a while", time.Second, call{deadline: 80 * ms, service: 20 * ms, want: late, took: 60 * ms}},
		{"the deadline, of unknown calls", time.Second, call{deadline: 80 * ms, want: late, took: 80 * ms}},
		{"less than no time is not known either", time.Second, call{deadline: 80 * ms, service: -time.Hour, want: late, took: 80 * ms}},
		{"a deadline that has passed", time.Second, call{deadline: -1, want: late}},
		{"the caller goes", time.Second, call{cancel: 10 * ms, want: context.Canceled, took: 10 * ms}},
		{"the caller has gone", time.Second, call{cancel: -1, want: context.Canceled}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, c := limit.New(limit.Config{Limit: 2}), test.call
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cancel != 0 {
					time.AfterFunc(c.cancel, cancel)
					if c.cancel < 0 {
						cancel()
					}
				}
				hold(t, l, 2, test.held)
				time.Sleep(c.after)
				var deadline time.Time
				if c.deadline != 0 {
					deadline = time.Now().Add(c.deadline)
				}
				begin := time.Now()
				err := l.Acquire(ctx, deadline, c.service)
				if took := time.Since(begin); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				switch want, refused := c.want.(limit.Refusal); {
				case refused && reason(t, err) != want.Reason, !refused && err != c.want:
					t.Errorf("got %v, want %v", err, c.want)
				}
				if err == nil {
					l.Release()
				}
				time.Sleep(time.Minute)
				if l.Running() != 0 || l.Waiting() != 0 {
					t.Errorf("%d running and %d waiting in the end", l.Running(), l.Waiting())
				}
			})
		})
	}
}

// The context's own deadline is a refusal like any deadline, and no matter of luck.
func TestContextDeadline(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			l := limit.New(limit.Config{Limit: 1})
			hold(t, l, 1, time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
			defer cancel()
			deadline, _ := ctx.Deadline()
			if err := l.Acquire(ctx, deadline, 0); reason(t, err) != limit.TooLate {
				t.Errorf("got %v", err)
			}
			ctx, cancel = context.WithTimeout(t.Context(), 50*ms)
			defer cancel()
			if err := l.Acquire(ctx, time.Time{}, 0); err != context.DeadlineExceeded {
				t.Errorf("without the deadline: got %v", err)
			}
			time.Sleep(time.Second)
		})
	}
}

// A caller that goes at the moment it is given the place passes it on.
func TestGoneWithThePlace(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			l := limit.New(limit.Config{Limit: 1})
			hold(t, l, 1, 10*ms)
			ctx, cancel := context.WithTimeout(t.Context(), 10*ms)
			defer cancel()
			go func() {
				if l.Acquire(ctx, time.Time{}, 0) == nil {
					l.Release()
				}
			}()
			time.Sleep(1 * ms)
			if err := l.Acquire(t.Context(), time.Time{}, 0); err != nil {
				t.Fatalf("the next in the queue: %v", err)
			}
			if l.Running() != 1 || l.Waiting() != 0 {
				t.Errorf("%d running and %d waiting", l.Running(), l.Waiting())
			}
		})
	}
}

// load is what a simulated client offers: arrivals by chance at a rate for a time.
type load struct {
	rate int
	span time.Duration
}

type result struct{ offered, inTime, wasted, refused int }

// server is a number of places, and how long a call takes there: by chance, but
// no less than half of the average and no more than one and a half, where it varies.
type server struct {
	places  int
	service time.Duration
	varies  bool
}

// simulate runs one load after the other in virtual time, with callers who have so
// much patience and do not repeat.
func simulate(t *testing.T, server server, patience time.Duration, loads ...load) []result {
	results := make([]result, len(loads))
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(11, 12))
		l := limit.New(limit.Config{Limit: server.places})
		var typical limit.Estimate
		var mu sync.Mutex
		for i, load := range loads {
			end := time.Now().Add(load.span)
			for {
				time.Sleep(time.Duration(random.ExpFloat64() * float64(time.Second) / float64(load.rate)))
				if !time.Now().Before(end) {
					break
				}
				service := server.service
				if server.varies {
					service = service/2 + time.Duration(random.Int64N(int64(service)))
				}
				go func() {
					deadline := time.Now().Add(patience)
					ctx, cancel := context.WithDeadline(t.Context(), deadline)
					defer cancel()
					err := l.Acquire(ctx, deadline, typical.Typical())
					if err == nil {
						time.Sleep(service)
						typical.Observe(service)
						l.Release()
					}
					mu.Lock()
					defer mu.Unlock()
					results[i].offered++
					switch {
					case err != nil:
						results[i].refused++
					case time.Now().After(deadline):
						results[i].wasted++
					default:
						results[i].inTime++
					}
				}()
			}
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if l.Running() != 0 || l.Waiting() != 0 {
			t.Errorf("%d running and %d waiting in the end", l.Running(), l.Waiting())
		}
	})
	return results
}

// The server alone: a burst of twice what it can do, 500 a second,
// costs nothing of what it can do, wastes nothing, and is over when it is over.
func TestBurst(t *testing.T) {
	tests := []struct {
		name     string
		patience time.Duration
		varies   bool
		wasted   float64 // of the calls that got a place, at most
		after    float64 // of the calls in time, at least, from a second after the burst
	}{
		{"S3", time.Second, false, 0, 1},
		{"calls of any length", time.Second, true, 0, 1},
		{"callers in haste", 60 * ms, false, 0, 1},
		{"callers in great haste", 30 * ms, false, 0, .99},                 // at 70 % of the capacity a wait of 10 ms is no rare chance
		{"callers in haste, calls of any length", 60 * ms, true, .02, .99}, // an average is right half of the time
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := simulate(t, server{10, 20 * ms, test.varies}, test.patience,
				load{350, 2 * time.Second}, load{1000, 5 * time.Second}, load{350, time.Second}, load{350, 5 * time.Second})
			burst, after := r[1], r[3]
			t.Logf("before %+v, burst %+v, next second %+v, after %+v", r[0], burst, r[2], after)
			if burst.inTime < 500*5*95/100 {
				t.Errorf("%d in time during the burst, of 2500 that were possible", burst.inTime)
			}
			if served := burst.inTime + burst.wasted; float64(burst.wasted) > float64(served)*test.wasted {
				t.Errorf("%d of %d served too late", burst.wasted, served)
			}
			if float64(after.inTime) < float64(after.offered)*test.after {
				t.Errorf("%d of %d in time after the burst", after.inTime, after.offered)
			}
		})
	}
}

// What the short queue costs where a place becomes free more seldom than a call
// may wait: with many places nothing, with few some of what could be done.
func TestSlowCalls(t *testing.T) {
	for _, test := range []struct {
		server server
		rate   int
		least  float64
	}{
		{server{64, 2 * time.Second, true}, 64, .97},
		{server{4, time.Second, true}, 8, .85},
	} {
		r := simulate(t, test.server, 10*time.Second, load{test.rate, 5 * time.Minute})[0]
		can := float64(test.server.places) / test.server.service.Seconds() * (5 * time.Minute).Seconds()
		t.Logf("%+v at %d a second: %.1f %% of what it can do", test.server, test.rate, 100*float64(r.inTime)/can)
		if float64(r.inTime) < can*test.least {
			t.Errorf("%+v at %d a second: %d in time, of %.0f", test.server, test.rate, r.inTime, can)
		}
	}
}

// Goroutines of all kinds at once, in real time: no place is lost or given twice.
func TestConcurrentUse(t *testing.T) {
	const places, goroutines = 3, 16
	l := limit.New(limit.Config{Limit: places, Queue: 8, Target: 200 * time.Microsecond, Interval: ms})
	var running, served atomic.Int64
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 1))
			for range 300 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(int(ms))))
				deadline := time.Time{}
				if random.IntN(2) == 0 {
					deadline = time.Now().Add(time.Duration(random.IntN(int(ms))))
				}
				if l.Acquire(ctx, deadline, time.Duration(random.IntN(int(ms/10)))) == nil {
					if n := running.Add(1); n > places {
						t.Errorf("%d at once", n)
					}
					if random.IntN(3) == 0 {
						time.Sleep(time.Duration(random.IntN(int(ms / 10))))
					}
					running.Add(-1)
					served.Add(1)
					l.Release()
				}
				cancel()
			}
		})
	}
	all.Wait()
	if l.Running() != 0 || l.Waiting() != 0 {
		t.Errorf("%d running and %d waiting in the end", l.Running(), l.Waiting())
	}
	t.Logf("%d of %d served", served.Load(), goroutines*300)
}

func TestNoAllocations(t *testing.T) {
	l := limit.New(limit.Config{Limit: 1})
	var typical limit.Estimate
	ctx := context.Background()
	deadline := time.Now().Add(time.Hour)
	got := testing.AllocsPerRun(1000, func() {
		if err := l.Acquire(ctx, deadline, typical.Typical()); err != nil {
			t.Fatal(err)
		}
		typical.Observe(ms)
		l.Release()
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkFreePlace(b *testing.B) {
	l := limit.New(limit.Config{})
	ctx := context.Background()
	deadline := time.Now().Add(time.Hour)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if l.Acquire(ctx, deadline, ms) == nil {
				l.Release()
			}
		}
	})
}

func BenchmarkFreePlaceSerial(b *testing.B) {
	l := limit.New(limit.Config{})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if l.Acquire(ctx, time.Time{}, ms) == nil {
			l.Release()
		}
	}
}

// BenchmarkQueued hands one place around among goroutines that all wait for it.
func BenchmarkQueued(b *testing.B) {
	l := limit.New(limit.Config{Limit: 1, Interval: time.Hour, Target: time.Hour})
	ctx := context.Background()
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if l.Acquire(ctx, time.Time{}, 0) == nil {
				l.Release()
			}
		}
	})
}

func BenchmarkRefused(b *testing.B) {
	l := limit.New(limit.Config{Limit: 1})
	ctx := context.Background()
	if err := l.Acquire(ctx, time.Time{}, 0); err != nil {
		b.Fatal(err)
	}
	deadline := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if l.Acquire(ctx, deadline, ms) == nil {
			b.Fatal("not refused")
		}
	}
}
