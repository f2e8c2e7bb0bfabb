package harness

import (
	"fmt"
	"io"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Results are those of one run, in the order of the cases.
type Results struct{ Cases []CaseResult }

// CaseResult is what was measured of a case, in the order of its contenders.
type CaseResult struct {
	Case
	Measured []Measured
}

// Measured is what one contender took. Times are nanoseconds an operation, one for
// each round; the rest is for an operation too.
type Measured struct {
	N             int // operations in a slice
	Wall, CPU     []float64
	Allocs, Bytes float64
	Fewest, Most  float64   // allocations, as they were counted: many callers share some of them
	Heap          []float64 // bytes left behind
}

// Find returns what a contender took in a case, nil if it was not in it.
func (r *Results) Find(caseName, contender string) *Measured {
	for i := range r.Cases {
		if r.Cases[i].Name == caseName {
			return r.Cases[i].Find(contender)
		}
	}
	return nil
}

// Find returns what a contender took, nil if it was not in the case.
func (r *CaseResult) Find(contender string) *Measured {
	for i, c := range r.Contenders {
		if c.Name == contender {
			return &r.Measured[i]
		}
	}
	return nil
}

// Estimate is a median and its interval of confidence.
type Estimate struct{ Value, Lo, Hi float64 }

// Exactly is something that was counted.
func Exactly(v float64) Estimate { return Estimate{v, v, v} }

const confidence = 0.95

// Summarize is benchstat's summary of a sample: it assumes nothing of how the values
// are distributed.
func Summarize(values []float64) Estimate {
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds), confidence)
	return Estimate{s.Center, s.Lo, s.Hi}
}

// Paired combines what several contenders took in the same round, round by round: what
// disturbed one of them has disturbed the others too.
func Paired(combine func(v []float64) float64, samples ...[]float64) Estimate {
	var values []float64
	for round := range samples[0] {
		v := make([]float64, len(samples))
		for i, s := range samples {
			v[i] = s[round]
		}
		values = append(values, combine(v))
	}
	return Summarize(values)
}

// Ratio compares two contenders, pair by pair.
func Ratio(of, to []float64) Estimate {
	return Paired(func(v []float64) float64 { return v[0] / v[1] }, of, to)
}

// WriteBenchmarks writes everything in the format of go test -bench, for benchstat:
// one line for each round.
func (r *Results) WriteBenchmarks(w io.Writer) error {
	for _, c := range r.Cases {
		for i, m := range c.Measured {
			for round := range m.Wall {
				if _, err := fmt.Fprintf(w, "Benchmark%s/contender=%s \t%d\t%.1f ns/op\t%.1f cpu-ns/op\t%.0f B/op\t%.0f allocs/op\n",
					c.Name, c.Contenders[i].Name, m.N, m.Wall[round], m.CPU[round], m.Bytes, m.Allocs); err != nil {
					return err
				}
			}
			for _, left := range m.Heap {
				if _, err := fmt.Fprintf(w, "Benchmark%s/contender=%s \t%d\t%.0f heap-B/op\n", c.Name, c.Contenders[i].Name, m.N, left); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Left is what an operation leaves on the heap.
func (m *Measured) Left() float64 { return median(m.Heap) }
