package harness

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Settings say how long to measure.
type Settings struct {
	Rounds int           // in each of which every contender has its turn
	Slice  time.Duration // of a turn
	// Progress is told which case is being measured, nil if nobody wants to know.
	Progress func(name string)
}

// What a median needs to have an interval around it with a confidence of 95 %.
const fewestRounds = 6

// heapRounds is how often what is left on the heap is measured, in turns too.
const heapRounds, heapOperations = fewestRounds, 200

// Measure measures one case after the other. A turn that fails panics: there is
// nothing to compare then.
func Measure(cases []Case, s Settings) (*Results, error) {
	if s.Rounds < fewestRounds {
		return nil, fmt.Errorf("%d rounds tell nothing: at least %d have an interval of confidence", s.Rounds, fewestRounds)
	}
	all := new(Results)
	for _, c := range cases {
		if s.Progress != nil {
			s.Progress(c.Name)
		}
		r, err := c.measure(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		all.Cases = append(all.Cases, r)
	}
	return all, nil
}

func (c Case) measure(s Settings) (CaseResult, error) {
	r := CaseResult{Case: c, Measured: make([]Measured, len(c.Contenders))}
	turns := make([]turn, len(c.Contenders))
	for i, contender := range c.Contenders {
		run, stop, err := contender.Setup()
		if err != nil {
			return r, fmt.Errorf("%s: %w", contender.Name, err)
		}
		defer stop()
		turns[i] = turn{run: run, into: &r.Measured[i]}
	}
	if c.Heap {
		makeGoroutines(goroutinesEach * heapRounds * heapOperations * len(turns))
		for i := range turns {
			turns[i].run(1)
			turns[i].n = heapOperations
		}
		kept := heap()
		for round := range heapRounds {
			for i := range turns {
				kept = turns[(i+round)%len(turns)].keep(kept)
			}
		}
		return r, nil
	}
	for i := range turns {
		turns[i].calibrate(s.Slice)
		turns[i].count(s.Slice)
	}
	for round := range s.Rounds {
		for i := range turns { // each has every place in the order in its turn
			turns[(i+round)%len(turns)].time()
		}
	}
	return r, nil
}

// turn is what a contender does when it is its turn.
type turn struct {
	run  func(n int)
	n    int // operations in a slice
	into *Measured
}

// calibrate finds out how many operations fill a slice, and warms up. What is slow the
// first time, or was held up, would lead to a number that is much too small.
func (t *turn) calibrate(slice time.Duration) {
	t.run(1)
	for t.n = 1; t.n < 1<<26; {
		start := time.Now()
		t.run(t.n)
		took := time.Since(start)
		if took >= slice/2 {
			t.n = max(1, int(float64(t.n)*float64(slice)/float64(took)))
			return
		}
		t.n = min(t.n*16, int(float64(t.n)*float64(slice)/float64(max(took, 1)))+1)
	}
}

// time measures a slice. What was left by those before is collected first; what the
// slice itself leaves is part of its own cost.
func (t *turn) time() {
	runtime.GC()
	cpu, start := processCPU(), time.Now()
	t.run(t.n)
	wall, busy := time.Since(start), processCPU()-cpu
	t.into.N = t.n
	t.into.Wall = append(t.into.Wall, float64(wall)/float64(t.n))
	t.into.CPU = append(t.into.CPU, float64(busy)/float64(t.n))
}

const (
	countedFor                    = 30 * time.Millisecond
	countedAtLeast, countedAtMost = 20, 2000 // operations
	countedTimes                  = 3
)

// count counts allocations, in a pass of its own without garbage collection: that
// would empty pools, which then are filled again now by one contender and now by
// another.
func (t *turn) count(slice time.Duration) {
	n := min(max(int(float64(t.n)*float64(countedFor)/float64(slice)), countedAtLeast), countedAtMost)
	var allocs, bytes []float64
	for range countedTimes {
		runtime.GC()
		percent := debug.SetGCPercent(-1)
		t.run(n/4 + 1) // fill the pools
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		t.run(n)
		runtime.ReadMemStats(&after)
		debug.SetGCPercent(percent)
		allocs = append(allocs, math.Round(float64(after.Mallocs-before.Mallocs)/float64(n)))
		bytes = append(bytes, math.Round(float64(after.TotalAlloc-before.TotalAlloc)/float64(n)))
	}
	t.into.Allocs, t.into.Bytes = median(allocs), median(bytes)
	t.into.Fewest, t.into.Most = slices.Min(allocs), slices.Max(allocs)
}

// keep measures what operations leave behind, beyond what was there before.
func (t *turn) keep(before float64) (after float64) {
	t.run(t.n)
	after = heap()
	t.into.Heap = append(t.into.Heap, (after-before)/float64(t.n))
	t.into.N = t.n
	return after
}

// goroutinesEach is how many an operation may leave running at most.
const goroutinesEach = 4

// makeGoroutines has the runtime make so many at once. It keeps for ever what
// describes them, on the heap, and uses it again: whoever needs new ones would be
// charged for what the next contender has for nothing.
func makeGoroutines(n int) {
	var group sync.WaitGroup
	all := make(chan struct{})
	for range n {
		group.Go(func() { <-all })
	}
	close(all)
	group.Wait()
}

// heap is what is on it after a collection. A second one empties the pools.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
