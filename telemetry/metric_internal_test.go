package telemetry

import (
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
)

// A program that dials again and again, and whose metrics nobody reads, keeps nothing of
// the connections that it has closed.
func TestConnectionsThatAreGoneAreForgotten(t *testing.T) {
	var m metrics
	there := func() (interceptors.Levels, bool) { return interceptors.Levels{}, true }
	gone := func() (interceptors.Levels, bool) { return interceptors.Levels{}, false }
	m.attach(interceptors.ClientSide, there)
	for range 10_000 {
		m.attach(interceptors.ClientSide, gone)
	}
	if n := len(m.attached[interceptors.ClientSide]); n > 8 {
		t.Errorf("%d are kept", n)
	}
	m.attach(interceptors.ClientSide, there)
	if n := len(m.levels(interceptors.ClientSide)); n != 2 {
		t.Errorf("%d are there, want 2", n)
	}
}
