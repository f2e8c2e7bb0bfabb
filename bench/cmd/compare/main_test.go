package main

import "testing"

// A run that measures nothing, or a part, is not taken for one in which all is well.
func TestChosen(t *testing.T) {
	for _, row := range []struct {
		p    program
		some bool
	}{
		{program{}, true},
		{program{check: true, document: "x"}, true},
		{program{only: "unary/"}, true},
		{program{only: "no such case"}, false},
		{program{only: "unary/", check: true}, false},
		{program{only: "unary/", document: "x"}, false},
	} {
		if chosen, err := row.p.chosen(); (err == nil) != row.some || (len(chosen) > 0) != row.some {
			t.Errorf("%+v: %d cases, %v", row.p, len(chosen), err)
		}
	}
}
