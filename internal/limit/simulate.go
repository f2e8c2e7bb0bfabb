package limit

import "time"

// Waiter is a call in the queue, for a simulation, which has a clock of its own.
type Waiter struct{ w *waiter }

// Arrive is the begin of [Limiter.Acquire]: the call has a place where both results
// are nil, and waits where the first one is not.
func (l *Limiter) Arrive(now, deadline time.Time, service time.Duration) (*Waiter, error) {
	if l.take() {
		return nil, nil
	}
	w, err := l.arrive(now, deadline, max(service, 0))
	if w == nil {
		return nil, err
	}
	return &Waiter{w}, nil
}

// Leave is [Limiter.Release].
func (l *Limiter) Leave(now time.Time) {
	if !l.giveBack() {
		l.leave(now)
	}
}

// Until is when the call waits no longer.
func (w *Waiter) Until() time.Time { return w.w.until }

// Told reports whether the wait is over before that: because the call got a place,
// or because it could not finish any more.
func (w *Waiter) Told() bool {
	select {
	case <-w.w.told:
		return true
	default:
		return false
	}
}

// Settle is the end of [Limiter.Acquire], once for a call that waited.
func (l *Limiter) Settle(w *Waiter, now time.Time, ended error) error {
	return l.settle(w.w, now, ended)
}
