package throttle

import "testing"

// Forty calls that take 30 seconds each end well; the next forty begin. Their successes
// are of this second, and must count when some of the next are refused.
func TestSuccessesOfLongCallsCount(t *testing.T) {
	never := func() float64 { return 0 } // refuses wherever that is possible at all
	th, now := New(), int64(1000)
	for range 40 {
		if !th.Begin(now, never) {
			t.Fatal("refused at first")
		}
	}
	now += 30
	for range 40 {
		th.Accepted(now)
	}
	for range 30 { // at the same second as the successes
		if !th.Begin(now, never) {
			t.Fatal("refused though nothing was")
		}
	}
	for range 5 {
		th.Refused(now)
	}
	if p := th.refusal(); p > 0 {
		t.Errorf("40 accepted and 5 refused in this second, and the next is refused with probability %.2f", p)
	}
}
