package limit

import "time"

// A waiter is a call that waits for a place. The Limiter's lock guards all but the times.
type waiter struct {
	older, newer *waiter
	queued       bool
	placed       bool // left the queue with a place

	until  time.Time     // it waits no longer than this
	latest time.Time     // a place comes too late from here on; zero: it has no deadline
	told   chan struct{} // closed when it has left the queue for a place, or as too late
}

// late reports whether the call could not finish any more.
func (w *waiter) late(now time.Time) bool {
	return !w.latest.IsZero() && !now.Before(w.latest)
}

// queue is a list of waiters in the order of their arrival.
type queue struct {
	oldest, newest *waiter
	length         int
}

func (q *queue) add(w *waiter) {
	w.queued = true
	w.older = q.newest
	if q.newest == nil {
		q.oldest = w
	} else {
		q.newest.newer = w
	}
	q.newest = w
	q.length++
}

func (q *queue) remove(w *waiter) {
	if w.older == nil {
		q.oldest = w.newer
	} else {
		w.older.newer = w.newer
	}
	if w.newer == nil {
		q.newest = w.older
	} else {
		w.newer.older = w.older
	}
	w.older, w.newer, w.queued = nil, nil, false
	q.length--
}
