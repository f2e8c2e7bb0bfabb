package limit

import (
	"sync/atomic"
	"time"
)

// weight is the part of the average that a new observation makes up: a tenth, so
// that after a change half of it is seen within seven calls.
const weight = 10

// Estimate is an exponentially weighted moving average of how long calls take.
// The zero Estimate knows nothing. It is safe for concurrent use.
type Estimate struct {
	average atomic.Int64 // 0: not known
}

// Observe adds a call that took d. Of two that end at the very same moment one may
// be lost, which an average does not notice.
func (e *Estimate) Observe(d time.Duration) {
	d = max(d, 1) // no time at all is short, not unknown
	average := e.average.Load()
	next := int64(d)
	if average != 0 {
		next = average + (int64(d)-average)/weight
	}
	e.average.CompareAndSwap(average, next)
}

// Typical is the average, or zero while it is not known.
func (e *Estimate) Typical() time.Duration {
	return time.Duration(e.average.Load())
}
