package report

import (
	"strconv"

	"github.com/recourse-dev/recourse/bench/harness"
)

// Cases of the error path, and what is compared in them.
const (
	errorPanic = "error/panic"
	errorBusy  = "error/busy"

	errorOurs   = "recourse"
	errorStatic = "recourse-static"
	withDetails = "grpc-withdetails"
	connect     = "connect"
)

// errorRows are those of calls that fail.
func errorRows() []Row {
	ours, static := []string{errorOurs}, []string{errorStatic}
	makers := []string{withDetails, connect}
	row := func(id, metric string, unit Unit, floor string, target, gate float64, of number) Row {
		return Row{ID: id, Metric: metric, Unit: unit, Floor: floor, Peers: makers, Target: target, Gate: gate, Ours: ours, Of: of}
	}
	build := func(n int) string { return "error/build/" + strconv.Itoa(n) }
	find := func(n int) string { return "error/find/" + strconv.Itoa(n) }
	const encode, call = "error/encode/3", "error/call/3"
	rows := []Row{
		row("19a", "make an error with 1 detail and a fresh id", Allocs, "10", 12, 14, total(build(1), allocs)),
		row("19b", "the same with 3", Allocs, "18", 18, 22, total(build(3), allocs)),
		row("19c", "the same with 5", Allocs, "25", 25, 30, total(build(5), allocs)),
		row("19d", "its CPU with 3, of WithDetails", Times, "0.46", 0.5, None, cpu(build(3), withDetails)),
		row("19e", "an error made before", Allocs, "1", 1, 1, total(build(3), allocs)),
		row("20a", "make and encode an error with 3 details", Allocs, "21", 22, 25, total(encode, allocs)),
		row("20b", "its CPU, of WithDetails", Times, "0.60", 0.6, 0.75, cpu(encode, withDetails)),
		row("20c", "its CPU, of connect-go", Times, "0.44", 0.45, None, cpu(encode, connect)),
		row("21a", "CPU of a failing call with 3 details, of one without (bufconn)", Times, "1.55", 1.55, 1.6, cpu(call, "bare")),
		row("21b", "the same, beyond one without", Allocs, "+40", 42, None, beyond(call, allocs)),
		row("21c", "CPU with an error made before, of one without details", Times, "1.26", 1.28, 1.35, cpu(call, "bare")),
		row("21d", "CPU to read one detail too, of a failing call without details", Times, "0.00", 0.01, None, readingOne(call)),
		row("22a", "find the delay among 0 details", Allocs, "0", 0, 2, reading(find(0), allocsOf)),
		row("22b", "among 3", Allocs, "0", 0, 2, reading(find(3), allocsOf)),
		row("22c", "among 5", Allocs, "0", 0, 2, reading(find(5), allocsOf)),
		row("22d", "among 0", Nanoseconds, "14 ns", 100, 300, reading(find(0), cpuOf)),
		row("22e", "among 3", Nanoseconds, "45 ns", 100, 300, reading(find(3), cpuOf)),
		row("22f", "among 5", Nanoseconds, "46 ns", 100, 300, reading(find(5), cpuOf)),
		row("24a", "errors a second, 64 callers, default error with a fresh id, of errors without details", Times, "0.74", 0.78, 0.70, perSecond),
		row("24b", "the same, made before", Times, "0.89", 0.88, 0.70, perSecond),
		row("25a", "a panic answered, with its stack", Allocs, "7", 8, None, total(errorPanic, allocs)),
		row("25b", "the same", Bytes, "3.3 KB", 8<<10, 12<<10, total(errorPanic, bytes)),
		row("25c", "its CPU, of go-grpc-middleware", Times, "0.71", 0.8, None, cpu(errorPanic, "gomw")),
	}
	for i := range rows {
		switch r := &rows[i]; r.ID {
		case "19e", "21c":
			r.Ours, r.Peers = static, []string{"grpc-static"}
		case "21a", "21b":
			r.Peers = makers[:1]
		case "19d", "20b", "20c", "21d", "25c":
			r.Peers = noPeers
		case "22a", "22b", "22c", "22d", "22e", "22f":
			r.Peers = []string{"grpc-details", "gax", connect}
		case "24a":
			r.AtLeast, r.Ours, r.Peers = true, []string{"recourse-default"}, []string{"grpc-default"}
		case "24b":
			r.AtLeast, r.Ours, r.Peers = true, []string{"recourse-default-static"}, []string{"grpc-default-static"}
		case "25a", "25b":
			r.Peers = []string{"gomw"}
		}
	}
	return rows
}

// total is all that a contender has.
func total(in string, what func(*harness.Measured) float64) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		m := r.Find(in, name)
		if m == nil {
			return harness.Estimate{}, false
		}
		return harness.Exactly(what(m)), true
	}
}

// reading is what it takes to find one detail: ours keeps what it has decoded, and so
// is given a new error each time, whose price is measured by itself.
func reading(in string, what func(of, to *harness.Measured) harness.Estimate) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, unread := r.Find(in, name), r.Find(in, name+"-unread")
		switch {
		case of == nil:
			return harness.Estimate{}, false
		case unread == nil:
			unread = &harness.Measured{CPU: make([]float64, len(of.CPU))}
		}
		return what(of, unread), true
	}
}

func allocsOf(of, to *harness.Measured) harness.Estimate {
	return harness.Exactly(of.Allocs - to.Allocs)
}

func cpuOf(of, to *harness.Measured) harness.Estimate {
	return harness.Paired(func(v []float64) float64 { return v[0] - v[1] }, of.CPU, to.CPU)
}

// readingOne is what reading a detail adds to a call that fails.
func readingOne(in string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name+"-read", name)
		bare := r.Find(in, "bare")
		if !ok || bare == nil {
			return harness.Estimate{}, false
		}
		return harness.Paired(func(v []float64) float64 { return (v[0] - v[1]) / v[2] }, of.CPU, to.CPU, bare.CPU), true
	}
}

// perSecond is how many errors a server sends, of those without details.
func perSecond(r *harness.Results, name string) (harness.Estimate, bool) {
	of, to, ok := both(r, errorBusy, "no-details", name)
	if !ok {
		return harness.Estimate{}, false
	}
	return harness.Ratio(of.Wall, to.Wall), true
}
