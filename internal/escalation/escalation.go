// Package escalation counts consecutive failures, to tell when "try again" is no
// longer good advice and somebody should contact support.
//
// When everybody fails, that would send everybody to support with the same ticket;
// so no more than ten different callers are sent there within the window.
package escalation

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/internal/lru"
)

const (
	crowd   = 10   // callers who escalate within the window
	buckets = 1024 // of the filter: a power of two, well above the number of keys that fail at a time in good days
	perCall = 4    // entries of the past that one call clears away, of each kind
)

// Key is what failures are counted for.
type Key struct {
	Caller string // who calls, or on a client whom it calls
	Method string
}

// Table is safe for concurrent use. Make one with [New].
//
// It keeps hashes of 64 bits instead of keys, with a seed that nobody knows: its
// size does not depend on what callers send, and that two keys are taken for one
// has a probability of one in 1e11 at ten thousand entries.
type Table struct {
	window   time.Duration
	capacity int // of each of the two caches
	caller   maphash.Seed
	method   maphash.Seed

	live   atomic.Int64          // entries
	filter [buckets]atomic.Int32 // entries by their hash, so that a success seldom takes the lock

	mu sync.Mutex
	// Keys that failed once are kept apart, so that a flood of them, which costs
	// nothing to make, displaces nothing but its like.
	once, again *lru.Cache[uint64, record]
	sent        [crowd]escalation
}

type record struct {
	failures int
	last     time.Time
}

// An escalation is a caller who was sent to support.
type escalation struct {
	caller uint64
	since  time.Time // zero: nobody
}

// New makes a table for so many entries, two at least, in which failures are
// consecutive that are no further apart than the window.
func New(entries int, window time.Duration) *Table {
	half := max(1, entries/2)
	return &Table{
		window:   window,
		capacity: half,
		caller:   maphash.MakeSeed(),
		method:   maphash.MakeSeed(),
		once:     lru.New[uint64, record](half, 0),
		again:    lru.New[uint64, record](half, 0),
	}
}

// Failed counts a failure, unless it is one that was counted already, and returns
// how many there were since the last success, with no pause longer than the window
// between them. It also reports whether the caller should be sent to support: it has
// failed threshold times, and there are not ten other callers who were sent there
// within the window. A threshold of zero or less sends nobody.
func (t *Table) Failed(now time.Time, key Key, threshold int, counted bool) (failures int, escalate bool) {
	caller, id := t.hash(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(id, 1) // a success that comes meanwhile must not overlook the entry while it moves
	defer t.count(id, -1)

	r, ok := t.take(id)
	if !ok || now.Sub(r.last) > t.window {
		r.failures = 0
	}
	if !counted || r.failures == 0 {
		r.failures++
	}
	r.last = now
	t.put(id, r)
	t.clear(now, t.once)
	t.clear(now, t.again)
	return r.failures, threshold > 0 && r.failures >= threshold && t.admit(now, caller)
}

// Succeeded ends a row of failures. While nothing has failed of late it costs one
// atomic load.
func (t *Table) Succeeded(key Key) {
	if t.live.Load() == 0 {
		return
	}
	_, id := t.hash(key)
	if t.filter[id%buckets].Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take(id)
}

func (t *Table) hash(key Key) (caller, id uint64) {
	caller = maphash.String(t.caller, key.Caller)
	return caller, caller ^ maphash.String(t.method, key.Method)
}

// count keeps the number of entries and the filter up to date.
func (t *Table) count(id uint64, n int32) {
	t.live.Add(int64(n))
	t.filter[id%buckets].Add(n)
}

// take removes the entry and returns it.
func (t *Table) take(id uint64) (record, bool) {
	for _, kind := range []*lru.Cache[uint64, record]{t.once, t.again} {
		if r, ok := kind.Get(id); ok {
			t.remove(kind, id)
			return r, true
		}
	}
	return record{}, false
}

func (t *Table) put(id uint64, r record) {
	kind := t.once
	if r.failures > 1 {
		kind = t.again
	}
	if kind.Len() >= t.capacity {
		if oldest, _, ok := kind.Oldest(); ok {
			t.remove(kind, oldest)
		}
	}
	kind.Put(id, r, 1)
	t.count(id, 1)
}

func (t *Table) remove(kind *lru.Cache[uint64, record], id uint64) {
	if kind.Delete(id) {
		t.count(id, -1)
	}
}

// clear removes a few entries that have no meaning any more, so that the filter
// does not fill up with them.
func (t *Table) clear(now time.Time, kind *lru.Cache[uint64, record]) {
	for range perCall {
		id, r, ok := kind.Oldest()
		if !ok || now.Sub(r.last) <= t.window {
			return
		}
		t.remove(kind, id)
	}
}

// admit reports whether the caller is, or becomes, one of those who escalate.
func (t *Table) admit(now time.Time, caller uint64) bool {
	var free *escalation
	for i := range t.sent {
		s := &t.sent[i]
		switch age := now.Sub(s.since); {
		case s.since.IsZero() || age > t.window || age < -t.window: // long ago, or the clock was set back
			free = s
		case s.caller == caller:
			return true
		}
	}
	if free == nil {
		return false
	}
	*free = escalation{caller, now}
	return true
}

// Quiet reports whether nothing is remembered, so that [Table.Succeeded] need not be
// called.
func (t *Table) Quiet() bool { return t.live.Load() == 0 }
