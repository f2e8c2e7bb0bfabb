// Package throttle lets a client hold back requests that an overloaded server
// would refuse anyway: the adaptive throttle of "Handling Overload" in the SRE
// book, where each client refuses with the probability
//
//	max(0, (requests - K*accepts) / (requests + 1))
//
// Requests count when they start, so that an outage is seen before its last
// answer (zeromicro/go-zero#5011). Taken by itself that would refuse the calls of
// a client that has just begun to use a slow but healthy server; so the requests
// still under way are presumed to fare like those that were answered within the
// window, and nothing is refused here unless the server refused something.
//
// Each client judges by its own calls alone, and in a large fleet it makes few. Of
// few, most may be refused by chance though the server takes half of all, and what
// the client then holds back counts against the server long after the overload. So
// some requests of a window are free: they are left out of the numerator. On the way
// back few answers are enough, or such a client would wait for the end of the window.
package throttle

import (
	"sync"
	"sync/atomic"
)

// K is that of the SRE book; its window of two minutes is shortened to what a client
// remembers of an outage. The highest probability is failsafe-go's, Envoy has 0.8.
// The rest is measured, with fleets of 1 to 5000 clients.
const (
	window      = 10 // slices of a second each
	recent      = 2  // of them tell whether the server has recovered: this second and the last
	k           = 2
	free        = 20  // requests of a window, for which nothing is held back
	enough      = 5   // recent answers, to tell of a recovery
	mostRefused = 0.9 // the rest tells that the server is back
)

// unread is how many acceptances in a row count without a look at the clock, at most. They
// may be missing from the second that they came in: fewer than are free anyway.
const unread = 7

// Throttle is safe for concurrent use. Make one with [New], for each server.
//
// It goes by the seconds of any clock. While that is set back by no more than the
// window, the seconds that come twice count as one; after a longer jump, either way,
// it begins anew and refuses nothing at first.
type Throttle struct {
	slice    atomic.Int64 // the second that is being counted
	begun    counter      // first: sent; second: refused here
	answered counter      // first: accepted; second: refused by the server

	mu sync.Mutex // held to go on to another slice
}

// New makes a throttle that has seen nothing.
func New() *Throttle { return new(Throttle) }

// Begin counts a request and reports whether it may be sent; where it may,
// [Throttle.Accepted] or [Throttle.Refused] follows, for every request: one that never
// ends counts as still under way until the window has passed. Draw returns a random
// number in [0, 1).
func (t *Throttle) Begin(second int64, draw func() float64) bool {
	t.turn(second)
	p := t.refusal()
	send := p == 0 || draw() >= p
	if send {
		t.begun.first()
	} else {
		t.begun.second()
	}
	return send
}

// Accepted ends a request with anything but a sign of overload. A stream ends, for
// this purpose, when it is known to be open.
//
// To read the clock takes longer than to count. While the server refuses nothing, only
// one acceptance in eight does: the others are of the second that is being counted,
// which is older only if nothing has begun since.
func (t *Throttle) Accepted(clock func() int64) {
	accepted, refused := t.answered.since(&t.answered.window)
	if refused > 0 || accepted%(unread+1) == 0 {
		t.turn(clock())
	}
	t.answered.first()
}

// Refused ends a request that the server had no room for.
func (t *Throttle) Refused(second int64) {
	t.turn(second)
	t.answered.second()
}

// refusal is the probability with which the next request should be refused here.
// The last seconds may lower it: what was refused here counts as a request for as
// long as the window lasts, and would slow down the way back. None of theirs are
// free, for they may be all that a client has, and it would forget an overload that
// still goes on.
func (t *Throttle) refusal() float64 {
	accepted, refused := t.answered.since(&t.answered.window)
	if refused == 0 {
		return 0 // the usual case
	}
	sent, held := t.begun.since(&t.begun.window)
	p := probability(sent, held, accepted, refused, free)
	if p == 0 {
		return 0
	}
	accepted, refused = t.answered.since(&t.answered.recent)
	if accepted+refused < enough {
		return p
	}
	sent, held = t.begun.since(&t.begun.recent)
	return min(p, probability(sent, held, accepted, refused, 0))
}

// probability is the formula, for which there must be an answer.
func probability(sent, held, accepted, refused, leftOut int) float64 {
	requests, answered := sent+held, accepted+refused
	underWay := max(0, sent-answered)
	accepts := float64(accepted) + float64(underWay)*float64(accepted)/float64(answered)
	return min(mostRefused, max(0, (float64(requests-leftOut)-k*accepts)/float64(requests+1)))
}

// turn goes on to the slice of a second.
func (t *Throttle) turn(second int64) {
	if second != t.slice.Load() {
		t.turnTo(second)
	}
}

func (t *Throttle) turnTo(slice int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	current := t.slice.Load()
	switch steps := slice - current; {
	case steps > -window && steps <= 0: // another was faster, or the clock was set back a little
		return
	case steps >= window || steps < 0:
		current = slice - window // nothing of what there is remains
	}
	for s := current + 1; s <= slice; s++ {
		t.begun.turn(s)
		t.answered.turn(s)
	}
	t.slice.Store(slice)
}

// A counter counts two things in one word, so that counting is one addition and
// reading both is one load. It counts up for ever: what happened within the
// window is the difference to a mark, which is right even after an overflow, of
// either half, as long as the difference itself is below 1<<32.
type counter struct {
	total          atomic.Uint64
	window, recent atomic.Uint64  // total when the window, and its recent part, began
	marks          [window]uint64 // total when each slice began; guarded by Throttle.mu
}

func (c *counter) first()  { c.total.Add(1 << 32) }
func (c *counter) second() { c.total.Add(1) }

// since reads the mark before the total, which is never below it then.
func (c *counter) since(mark *atomic.Uint64) (first, second int) {
	from := mark.Load()
	n := c.total.Load() - from
	return int(n >> 32), int(uint32(n))
}

func (c *counter) turn(slice int64) {
	*c.mark(slice) = c.total.Load()
	c.window.Store(*c.mark(slice - window + 1))
	c.recent.Store(*c.mark(slice - recent + 1))
}

func (c *counter) mark(slice int64) *uint64 {
	return &c.marks[(slice%window+window)%window]
}
