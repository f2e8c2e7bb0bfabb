package retry

import "time"

// Next is a turn of [Run.Repeat] for a simulation, which has a clock, random numbers
// and a queue of its own: it decides what follows a failed attempt, and returns what
// was charged for another where admit refuses that. The caller waits, counts
// Attempts, and ends a call that worked with [Run.Worked].
func (r *Run) Next(now time.Time, draw float64, f Failure, admit func() bool) (wait time.Duration, again bool) {
	wait, again = r.next(now, draw, f, f.Err.RetryAdvice())
	if again && !admit() {
		r.refund()
		return 0, false
	}
	return wait, again
}
