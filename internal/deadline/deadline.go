// Package deadline is how the time of a call is divided.
package deadline

import (
	"context"
	"errors"
	"time"
)

// Grace is how long something that heeds its context has to say so when that ends.
const Grace = 2 * time.Millisecond

// Of the time that is left a twentieth is kept back, but not so little that nothing
// can be done in it, nor more than an answer takes.
const (
	share = 20
	least = 2 * time.Millisecond
	most  = 100 * time.Millisecond
)

// Reserve is the part of the time left that is kept back, for a fallback, or on a
// server for its own answer.
func Reserve(left time.Duration) time.Duration {
	return min(max(left/share, least), most)
}

// Passed asks the clock too: what a deadline ends may be seen before the context's
// own timer fires.
func Passed(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) <= 0
}

// Outliving returns a context with the values of ctx that ends when its caller gives
// up, or after the budget, but not with the deadline of ctx.
func Outliving(ctx context.Context, budget time.Duration) (context.Context, context.CancelFunc) {
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), budget)
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})
	return long, func() { stop(); cancel() }
}
