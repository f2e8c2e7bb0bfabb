package harness_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/bench/harness"
	"golang.org/x/perf/benchfmt"
)

// Of six values the whole range is the interval; of twenty the outer ones are left
// out, as benchstat does.
func TestSummarize(t *testing.T) {
	if got, want := harness.Summarize([]float64{6, 1, 5, 2, 4, 3}), (harness.Estimate{Value: 3.5, Lo: 1, Hi: 6}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	var twenty []float64
	for i := range 20 {
		twenty = append(twenty, float64(20-i))
	}
	if got, want := harness.Summarize(twenty), (harness.Estimate{Value: 10.5, Lo: 6, Hi: 15}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if !slices.IsSortedFunc(twenty, func(a, b float64) int { return int(b - a) }) {
		t.Error("the values of a round have changed places")
	}
}

// What disturbs a round disturbs all contenders, and so no ratio.
func TestRatiosArePairedByRound(t *testing.T) {
	base := []float64{100, 900, 100, 5000, 100, 300}
	double := []float64{200, 1800, 200, 10000, 200, 600}
	if got, want := harness.Ratio(double, base), harness.Exactly(2); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	difference := harness.Paired(func(v []float64) float64 { return (v[0] - v[1]) / v[1] }, double, base)
	if want := harness.Exactly(1); difference != want {
		t.Errorf("got %v, want %v", difference, want)
	}
}

var sink [][]byte

func allocating(name string, size, times int) harness.Contender {
	return harness.Contender{Name: name, Setup: func() (func(int), func(), error) {
		return func(n int) {
			for range n {
				sink = sink[:0]
				for range times {
					sink = append(sink, make([]byte, size))
				}
			}
		}, func() {}, nil
	}}
}

func TestMeasure(t *testing.T) {
	var order []string
	noting := harness.Contender{Name: "noting", Setup: func() (func(int), func(), error) {
		return func(int) { order = append(order, "run") }, func() { order = append(order, "stop") }, nil
	}}
	r, err := harness.Measure([]harness.Case{
		{Name: "work", Baseline: "three", Contenders: []harness.Contender{allocating("three", 64, 3), allocating("none", 0, 0)}},
		{Name: "order", Baseline: "noting", Contenders: []harness.Contender{noting}},
	}, harness.Settings{Rounds: 6, Slice: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	three, none := r.Find("work", "three"), r.Find("work", "none")
	if three.Allocs != 3 || three.Bytes != 192 || none.Allocs != 0 || none.Bytes != 0 {
		t.Errorf("got %v allocations of %v bytes, and %v of %v", three.Allocs, three.Bytes, none.Allocs, none.Bytes)
	}
	if len(three.Wall) != 6 || len(none.CPU) != 6 || slices.Min(three.Wall) <= 0 {
		t.Errorf("got %v and %v", three.Wall, none.CPU)
	}
	if r.Find("work", "nobody") != nil || r.Find("nothing", "three") != nil {
		t.Error("found what was not measured")
	}
	if last := order[len(order)-1]; last != "stop" || slices.Contains(order[:len(order)-1], "stop") {
		t.Errorf("got %v", order)
	}
	for line := range readBenchmarks(t, r) {
		if _, ok := line.Value("allocs/op"); !ok || len(line.Values) != 4 {
			t.Errorf("got %v", line.Values)
		}
	}
}

// readBenchmarks parses what is written for benchstat with its own parser.
func readBenchmarks(t *testing.T, r *harness.Results) func(func(*benchfmt.Result) bool) {
	var out bytes.Buffer
	if err := r.WriteBenchmarks(&out); err != nil {
		t.Fatal(err)
	}
	if want := 3 * 6; strings.Count(out.String(), "\n") != want {
		t.Errorf("want %d lines:\n%s", want, &out)
	}
	return func(yield func(*benchfmt.Result) bool) {
		reader := benchfmt.NewReader(&out, "test")
		for reader.Scan() {
			switch line := reader.Result().(type) {
			case *benchfmt.Result:
				if !yield(line) {
					return
				}
			case *benchfmt.SyntaxError:
				t.Error(line)
			}
		}
	}
}

func TestHeap(t *testing.T) {
	keeping := harness.Contender{Name: "keeping", Setup: func() (func(int), func(), error) {
		var kept [][]byte
		return func(n int) {
			for range n {
				kept = append(kept, make([]byte, 1<<14))
			}
		}, func() { clear(kept) }, nil
	}}
	r, err := harness.Measure([]harness.Case{{Name: "heap", Heap: true, Contenders: []harness.Contender{keeping}}}, harness.Settings{Rounds: 6})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Find("heap", "keeping").Left(); got < 1<<14 || got > 1<<14+200 {
		t.Errorf("got %v bytes, want %d", got, 1<<14)
	}
}

func TestTooFewRounds(t *testing.T) {
	if _, err := harness.Measure(nil, harness.Settings{Rounds: 5}); err == nil {
		t.Error("five rounds have no interval of confidence")
	}
}

func TestShare(t *testing.T) {
	for _, callers := range []int{1, 64} {
		for _, n := range []int{0, 1, 63, 64, 65, 1000} {
			parts := make(chan int, callers)
			harness.Share(n, callers, func(n int) { parts <- n })
			close(parts)
			sum := 0
			for part := range parts {
				sum += part
			}
			if sum != n {
				t.Errorf("%d became %d", n, sum)
			}
		}
	}
}
