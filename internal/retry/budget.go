package retry

import (
	"sync"
	"sync/atomic"
)

// The budget of a target. What a success earns, what a repeat costs and that a
// repeat which works is free tells independent failures from an outage: the former
// are repeated for ever, in the latter the budget is spent after the first calls.
// The shape is that of the AWS SDKs' retry quota; the numbers are measured, three
// hops, 200 calls a second.
//
// Nothing is earned by waiting. A minimum for each client grows with the fleet, until
// it is all that a server has to spare, and the outage lasts. Nobody needs one: first
// attempts cost nothing, so that every client finds out when the outage ends.
const (
	token = 1000 // a thousandth of one is the unit, so that five successes are exactly a repeat

	most        = 20 * token // at the start, and at most
	perSuccess  = token / 5
	costRepeat  = 1 * token
	costTimeout = 5 * token // a server that is too slow suffers most from repeats
)

// Budget limits the repeats to one target. Its zero value is full. It is safe for
// concurrent use.
type Budget struct {
	spent atomic.Bool // false: full, and nothing to do on a success

	mu    sync.Mutex
	lacks int64 // missing from most
}

// Earn credits a call that was answered.
func (b *Budget) Earn() {
	if b.spent.Load() {
		b.add(perSuccess)
	}
}

// take charges a repeat, before it waits, unless there is too little.
func (b *Budget) take(cost int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if most-b.lacks < cost {
		return false
	}
	b.lacks += cost
	b.spent.Store(true)
	return true
}

// Level is what is left of it, from 0 to 1.
func (b *Budget) Level() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return 1 - float64(b.lacks)/most
}

// overHalf reports whether the target has been well enough for a repeat that
// another hop has given up on.
func (b *Budget) overHalf() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lacks < most/2
}

func (b *Budget) add(tokens int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lacks = max(b.lacks-tokens, 0)
	if b.lacks == 0 {
		b.spent.Store(false)
	}
}
