package fleet

import "testing"
import "time"

func TestAll(t *testing.T) {
	for _, cs := range [][]Client{Peers, Settings()} {
		start := time.Now()
		rs := Compare(func(load float64) Scenario { return Default(1, load) }, cs)
		t.Log(time.Since(start))
		Print(t.Output(), cs, rs)
	}
}
