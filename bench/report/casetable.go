package report

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/errorpath"
	"github.com/recourse-dev/recourse/bench/harness"
	"google.golang.org/grpc"
)

// contenders says who they are: those of calls that succeed, and those of calls that
// fail, as far as either were measured.
func (r *Report) contenders(n notes, out *printer) {
	failing := func(c harness.CaseResult) bool { return strings.HasPrefix(c.Name, "error/") }
	if slices.ContainsFunc(r.Results.Cases, func(c harness.CaseResult) bool { return !failing(c) }) {
		t := columns("contender", "what it is")
		listed := contender.All()
		if len(r.Amplification) > 0 {
			listed = append(listed, contender.Protected()...)
		}
		for _, c := range listed {
			t.add(c.Name, c.About)
		}
		t.write(out)
	}
	if slices.ContainsFunc(r.Results.Cases, failing) {
		out.line("%s", n["errors"])
		t := columns("contender of error/*", "what it is")
		for _, a := range errorpath.Abouts {
			t.add(a.Name, a.Text)
		}
		t.write(out)
		out.line("Sizes, of a google.rpc.Status where nothing else is said:")
		t = columns("what", "size")
		for _, f := range errorpath.Sizes() {
			t.add(f.What, Bytes.text(float64(f.Bytes)))
		}
		t.write(out)
	}
}

// caseTable has all numbers of a case.
func caseTable(c harness.CaseResult) *table {
	switch {
	case c.Heap:
		return heapTable(c)
	case c.Baseline == cases.NoOp:
		return directTable(c)
	}
	base := c.Find(c.Baseline)
	t := columns("contender", "allocations", "bytes", "CPU, of "+c.Baseline, "wall time", "CPU time")
	for i, m := range c.Measured {
		t.add(c.Contenders[i].Name, Allocs.text(m.Allocs), Bytes.text(m.Bytes), Times.spread(harness.Ratio(m.CPU, base.CPU)),
			Times.text(harness.Ratio(m.Wall, base.Wall).Value), duration(harness.Summarize(m.CPU).Value))
	}
	return t
}

// duration is for the eye only: what is compared are ratios.
func duration(ns float64) string {
	if ns < 10_000 {
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.0f µs", ns/1000)
}

func directTable(c harness.CaseResult) *table {
	base := c.Find(c.Baseline)
	t := columns("contender", "allocations", "bytes", "CPU time", "beyond "+c.Baseline+": allocations", "bytes", "CPU time")
	for i, m := range c.Measured {
		more := harness.Paired(func(v []float64) float64 { return v[0] - v[1] }, m.CPU, base.CPU)
		t.add(c.Contenders[i].Name, Allocs.text(m.Allocs), Bytes.text(m.Bytes), Nanoseconds.text(harness.Summarize(m.CPU).Value),
			Allocs.text(m.Allocs-base.Allocs), Bytes.text(m.Bytes-base.Bytes), Nanoseconds.spread(more))
	}
	return t
}

func heapTable(c harness.CaseResult) *table {
	base := c.Find(c.Baseline)
	t := columns("contender", "heap", "beyond "+c.Baseline)
	for i := range c.Measured {
		left := c.Measured[i].Left()
		more := harness.Paired(func(v []float64) float64 { return v[0] - v[1] }, c.Measured[i].Heap, base.Heap)
		t.add(c.Contenders[i].Name, Bytes.text(left), Bytes.spread(more))
	}
	return t
}

// environment is what the numbers depend on.
func (r *Report) environment() string {
	parts := []string{
		fmt.Sprintf("%s on %s/%s, %d cores",
			strings.Replace(runtime.Version(), "go", "Go ", 1), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)),
		"grpc-go " + grpc.Version,
	}
	for _, each := range []struct{ name, path string }{
		{"go-grpc-middleware", "github.com/grpc-ecosystem/go-grpc-middleware/v2"},
		{"failsafe-go", "github.com/failsafe-go/failsafe-go"},
		{"otelgrpc", "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"},
		{"connect-go", "connectrpc.com/connect"},
		{"gax-go", "github.com/googleapis/gax-go/v2"},
	} {
		if v := version(each.path); v != "" {
			parts = append(parts, each.name+" "+v)
		}
	}
	return fmt.Sprintf("%s; %d rounds, in each of which every contender has its turn of %v.",
		strings.Join(parts, ", "), r.Settings.Rounds, r.Settings.Slice)
}

// version is that of a module in this program, "" if it is not part of it.
func version(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return ""
}
