// Package limit bounds how many calls a server runs at once, with a short queue
// that knows the calls' deadlines.
//
// The queue is bounded in time, by CoDel (Nichols and Jacobson, "Controlling Queue
// Delay", ACM Queue 2012) in the form that Facebook gave it for servers (Maurer,
// "Fail at Scale", ACM Queue 2015): a call may wait for an interval, which lets
// bursts through; but when the queue has not been empty for that long, it is no
// burst, and a call may wait for the much shorter target only. Then the newest
// call is served first too, since it has the most time left, and the others would
// all be served late.
//
// A call that cannot finish before its deadline does not get a place: work whose
// result nobody waits for is what keeps an overloaded server overloaded.
package limit

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how many calls run and how many wait, and for how long. A field
// that is not above zero stands for its default.
type Config struct {
	Limit    int           // run at most; 64, or 32 for each CPU where that is more
	Queue    int           // wait at most; 20 times Limit: that many are served within the interval where a call takes 5 ms
	Target   time.Duration // a call waits at most, under overload; 20 ms
	Interval time.Duration // a call waits at most otherwise, and how long a queue makes an overload; 100 ms
}

func (c Config) withDefaults() Config {
	c.Limit = min(or(c.Limit, max(64, 32*runtime.GOMAXPROCS(0))), 1<<30)
	c.Queue = min(or(c.Queue, 20*c.Limit), 1<<30)
	c.Target = or(c.Target, 20*time.Millisecond)
	c.Interval = or(c.Interval, 100*time.Millisecond)
	return c
}

func or[N int | time.Duration](n, fallback N) N {
	if n > 0 {
		return n
	}
	return fallback
}

// Reason says why a call was refused.
type Reason uint8

const (
	// Full means that no place became free in the time a call may wait, or that
	// the queue had no room.
	Full Reason = iota
	// TooLate means that the call would not have finished before its deadline.
	TooLate
)

func (r Reason) String() string {
	if r == TooLate {
		return "too late"
	}
	return "full"
}

// Refusal is the error for a call that did not get a place.
type Refusal struct {
	Reason     Reason
	RetryAfter time.Duration // when those that wait now will have been served; from 50 ms to 5 s
}

func (r Refusal) Error() string {
	return fmt.Sprintf("refused by the concurrency limit (%v), again in %v", r.Reason, r.RetryAfter)
}

// Bounds of Refusal.RetryAfter.
const (
	soonest = 50 * time.Millisecond
	latest  = 5 * time.Second
)

// Limiter is safe for concurrent use. Make one with [New].
type Limiter struct {
	config Config

	// Calls running, in the lower half, and calls waiting, in the upper. Nobody
	// waits while there is a free place. While nobody waits either may change at
	// any time; otherwise, and to make somebody wait, mu is held.
	state atomic.Uint64

	typical Estimate // how long the calls take that had to queue

	mu        sync.Mutex
	queue     queue
	lastEmpty time.Time // when the queue was last known to be empty, while it is not
}

const (
	oneRunning = 1
	oneWaiting = 1 << 32
)

// New makes a limiter with nothing running.
func New(config Config) *Limiter {
	return &Limiter{config: config.withDefaults()}
}

// Acquire takes a place, and waits for one where none is free. The caller holds
// it where the error is nil, and must call [Limiter.Release] once. Otherwise the
// error is a [Refusal], or the context's where that ended during the wait; that
// the deadline passed is a Refusal even where it is the context's deadline too.
//
// The deadline is the caller's, zero for none. Service is how long such a call
// typically takes, see [Estimate]; zero stands for not known, and refuses nothing.
// A free place is given to anybody, whatever the deadline and the context.
func (l *Limiter) Acquire(ctx context.Context, deadline time.Time, service time.Duration) error {
	if l.take() {
		return nil
	}
	w, err := l.arrive(time.Now(), deadline, max(service, 0))
	if w == nil {
		return err
	}
	timer := time.NewTimer(time.Until(w.until))
	defer timer.Stop()
	select {
	case <-w.told:
	case <-timer.C:
	case <-ctx.Done():
	}
	return l.settle(w, time.Now(), ctx.Err())
}

// Release gives a place back. It goes to a call that waits and can still finish.
func (l *Limiter) Release() {
	if !l.giveBack() {
		l.leave(time.Now())
	}
}

// Running is the number of calls that have a place.
func (l *Limiter) Running() int { return running(l.state.Load()) }

// Waiting is the number of calls in the queue.
func (l *Limiter) Waiting() int { return waiting(l.state.Load()) }

func running(state uint64) int { return int(uint32(state)) }
func waiting(state uint64) int { return int(state >> 32) }

// take takes a free place, without the lock.
func (l *Limiter) take() bool {
	for {
		s := l.state.Load()
		if running(s) >= l.config.Limit { // so it is while anybody waits
			return false
		}
		if l.state.CompareAndSwap(s, s+oneRunning) {
			return true
		}
	}
}

// giveBack frees a place, without the lock, unless somebody waits for one.
func (l *Limiter) giveBack() bool {
	for {
		s := l.state.Load()
		if waiting(s) > 0 {
			return false
		}
		if running(s) == 0 || l.state.CompareAndSwap(s, s-oneRunning) { // one Release too many changes nothing
			return true
		}
	}
}

// arrive gives the call a place (both results are nil), queues or refuses it.
func (l *Limiter) arrive(now, deadline time.Time, service time.Duration) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if service > 0 {
		l.typical.Observe(service)
	}
	for !l.take() {
		s := l.state.Load()
		if running(s) < l.config.Limit {
			continue // a place became free meanwhile
		}
		if l.queue.length >= l.config.Queue {
			return nil, l.refusal(Full)
		}
		if service > 0 && !deadline.IsZero() && now.Add(l.wait(now)).Add(service).After(deadline) {
			return nil, l.refusal(TooLate)
		}
		if l.state.CompareAndSwap(s, s+oneWaiting) {
			return l.enqueue(now, deadline, service), nil
		}
	}
	return nil, nil
}

func (l *Limiter) enqueue(now, deadline time.Time, service time.Duration) *waiter {
	if l.queue.length == 0 {
		l.lastEmpty = now
	}
	w := &waiter{until: now.Add(l.patience(now)), told: make(chan struct{})}
	if !deadline.IsZero() {
		w.latest = deadline.Add(-service)
		if w.latest.Before(w.until) {
			w.until = w.latest
		}
	}
	l.queue.add(w)
	return w
}

// leave gives the place of a call that has ended to the next one that can still
// finish.
func (l *Limiter) leave(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.queue.length > 0 {
		w := l.next(now)
		w.placed = !w.late(now)
		l.drop(w)
		close(w.told)
		if w.placed {
			return
		}
	}
	l.giveBack()
}

// settle ends a wait, whatever the reason: the waiter was told, its time is over,
// or its context has ended, all of which may happen at once. A call whose context
// has ended passes on the place that it was given meanwhile.
func (l *Limiter) settle(w *waiter, now time.Time, ended error) error {
	placed := l.withdraw(w)
	switch {
	case placed && ended == nil:
		return nil
	case placed && !l.giveBack():
		l.leave(now)
	}
	switch {
	case w.late(now):
		return l.refusal(TooLate)
	case ended != nil:
		return ended
	default:
		return l.refusal(Full)
	}
}

// withdraw takes the waiter out of the queue, and reports whether it had been
// given a place before.
func (l *Limiter) withdraw(w *waiter) (placed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.queued {
		l.drop(w)
	}
	return w.placed
}

func (l *Limiter) drop(w *waiter) {
	l.queue.remove(w)
	l.state.Add(^uint64(oneWaiting - 1))
}

// overloaded reports whether the queue has not been empty for an interval.
func (l *Limiter) overloaded(now time.Time) bool {
	return l.queue.length > 0 && now.Sub(l.lastEmpty) > l.config.Interval
}

// patience is how long a call that arrives now may wait.
func (l *Limiter) patience(now time.Time) time.Duration {
	if l.overloaded(now) {
		return l.config.Target
	}
	return l.config.Interval
}

// next is the waiter whose turn it is.
func (l *Limiter) next(now time.Time) *waiter {
	if l.overloaded(now) {
		return l.queue.newest
	}
	return l.queue.oldest
}

// wait estimates how long a call that arrives now has to wait.
func (l *Limiter) wait(now time.Time) time.Duration {
	if l.overloaded(now) {
		return l.places(1) // it is the newest one
	}
	return l.places(l.queue.length + 1)
}

// places estimates the time until so many places will have become free.
func (l *Limiter) places(n int) time.Duration {
	d := float64(l.typical.Typical()) * float64(n) / float64(l.config.Limit)
	return time.Duration(min(d, float64(time.Hour))) // never more than a Duration holds
}

func (l *Limiter) refusal(reason Reason) Refusal {
	after := l.places(l.Waiting() + 1)
	return Refusal{Reason: reason, RetryAfter: min(max(after, soonest), latest)}
}
