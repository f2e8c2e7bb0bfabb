package cases_test

import (
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/bench/cases"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// Every contender can do the work of every case that it is in, and leaves nothing.
func TestCases(t *testing.T) {
	for _, c := range cases.All() {
		t.Run(c.Name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			baseline := false
			for _, each := range c.Contenders {
				baseline = baseline || each.Name == c.Baseline
				run, stop, err := each.Setup()
				if err != nil {
					t.Fatalf("%s: %v", each.Name, err)
				}
				run(10) // a call that fails panics
				stop()
			}
			if !baseline {
				t.Errorf("the baseline %q is not among the contenders", c.Baseline)
			}
			for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d goroutines were left behind", runtime.NumGoroutine()-before)
				}
			}
		})
	}
}
