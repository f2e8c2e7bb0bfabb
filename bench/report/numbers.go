package report

import (
	"slices"

	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/harness"
)

type number = func(r *harness.Results, name string) (harness.Estimate, bool)

func allocs(m *harness.Measured) float64 { return m.Allocs }
func bytes(m *harness.Measured) float64  { return m.Bytes }

// both finds a contender and who it is compared with.
func both(r *harness.Results, in, name, base string) (of, to *harness.Measured, ok bool) {
	of, to = r.Find(in, name), r.Find(in, base)
	return of, to, of != nil && to != nil
}

// baseline is the name of what the contenders of a case are compared with.
func baseline(r *harness.Results, in string) string {
	i := slices.IndexFunc(r.Cases, func(c harness.CaseResult) bool { return c.Name == in })
	if i < 0 {
		return ""
	}
	return r.Cases[i].Baseline
}

// beyond is what a contender has more of than the baseline.
func beyond(in string, what func(*harness.Measured) float64) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, baseline(r, in))
		if !ok {
			return harness.Estimate{}, false
		}
		return harness.Exactly(what(of) - what(to)), true
	}
}

// nsBeyond is the CPU time that a contender takes more than the baseline, for each of
// some parts of the work.
func nsBeyond(in string, parts float64) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, baseline(r, in))
		if !ok {
			return harness.Estimate{}, false
		}
		return harness.Paired(func(v []float64) float64 { return (v[0] - v[1]) / parts }, of.CPU, to.CPU), true
	}
}

// ofTimeout is the CPU time that a contender takes beyond an interceptor that does
// nothing, as a multiple of what context.WithTimeout does.
func ofTimeout(in string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, none, ok := both(r, in, name, cases.NoOp)
		timeout := r.Find(in, cases.WithTimeout)
		if !ok || timeout == nil {
			return harness.Estimate{}, false
		}
		return harness.Paired(func(v []float64) float64 { return (v[0] - v[1]) / (v[2] - v[1]) }, of.CPU, none.CPU, timeout.CPU), true
	}
}

// cpu is the CPU time of a contender as a multiple of another's.
func cpu(in, base string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, base)
		if !ok {
			return harness.Estimate{}, false
		}
		return harness.Ratio(of.CPU, to.CPU), true
	}
}

func heapBeyond(in string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, baseline(r, in))
		if !ok {
			return harness.Estimate{}, false
		}
		return harness.Paired(func(v []float64) float64 { return v[0] - v[1] }, of.Heap, to.Heap), true
	}
}
