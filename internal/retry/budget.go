package retry

import (
	"sync"
	"sync/atomic"
	"time"
)

// The budget of a target. What a success earns, what a repeat costs and that a
// repeat which works is free tells independent failures from an outage: the former
// are repeated for ever, in the latter the budget is spent after the first calls.
// The shape is that of the AWS SDKs' retry quota; the numbers are measured, three
// hops, 200 calls a second.
const (
	most        = 20.0 // tokens at the start, and at most
	perSuccess  = 0.2
	perSecond   = 0.1 // so that a client with nothing but failures finds out when they end
	costRepeat  = 1.0
	costTimeout = 5.0 // a server that is too slow suffers most from repeats
)

// Budget limits the repeats to one target. Its zero value is full. It is safe for
// concurrent use.
type Budget struct {
	spent atomic.Bool // false: full, and nothing to do on a success

	mu     sync.Mutex
	lacks  float64 // tokens missing from most
	filled time.Time
}

// Earn credits a call that was answered.
func (b *Budget) Earn() {
	if b.spent.Load() {
		b.add(perSuccess)
	}
}

// take charges a repeat, before it waits, unless there is too little.
func (b *Budget) take(now time.Time, cost float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(now)
	if most-b.lacks < cost {
		return false
	}
	b.lacks += cost
	b.spent.Store(true)
	return true
}

// overHalf reports whether the target has been well enough for a repeat that
// another hop has given up on.
func (b *Budget) overHalf(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(now)
	return b.lacks < most/2
}

func (b *Budget) add(tokens float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gain(tokens)
}

func (b *Budget) refill(now time.Time) {
	if passed := now.Sub(b.filled); passed > 0 && b.lacks > 0 {
		b.gain(passed.Seconds() * perSecond)
	}
	b.filled = now
}

func (b *Budget) gain(tokens float64) {
	b.lacks = max(b.lacks-tokens, 0)
	if b.lacks == 0 {
		b.spent.Store(false)
	}
}
