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
		th.Accepted(func() int64 { return now })
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

// While nothing is refused, few acceptances read the clock, and few of those that do not
// count in a second that is over; once something is refused, all do.
func TestFewAcceptancesReadTheClock(t *testing.T) {
	th, now, readings := New(), int64(1000), 0
	clock := func() int64 { readings++; return now }
	accept := func(n int) {
		for range n {
			th.Begin(now, func() float64 { return 1 })
		}
		for range n {
			th.Accepted(clock)
		}
	}
	if accept(80); readings != 80/(unread+1) {
		t.Errorf("80 acceptances read the clock %d times, want %d", readings, 80/(unread+1))
	}
	for range 12 {
		th.Begin(now, func() float64 { return 1 })
	}
	now += window - 1
	for range 12 { // and nothing begins meanwhile
		th.Accepted(clock)
	}
	now++ // the 80 are forgotten
	th.turn(now)
	if late, _ := th.answered.since(&th.answered.window); late < 12-unread {
		t.Errorf("of 12 late acceptances %d count in the second they came in, want all but %d at most", late, unread)
	}
	th.Begin(now, func() float64 { return 1 })
	th.Refused(now)
	readings = 0
	if accept(20); readings != 20 {
		t.Errorf("after a refusal 20 acceptances read the clock %d times", readings)
	}
}
