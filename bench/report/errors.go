package report

import (
	"github.com/recourse-dev/recourse/bench/errorpath"
	"github.com/recourse-dev/recourse/bench/harness"
)

// errorRows are those of calls that fail.
func errorRows() []Row {
	return append(makingRows(), answeringRows()...)
}

// makingRows are those of errors by themselves.
func makingRows() []Row {
	const n1, n3, n5 = "with 1 detail and a fresh id", "with 3 details and a fresh id", "with 5 details and a fresh id"
	ours, static := []string{errorpath.Status}, []string{errorpath.StatusStatic}
	makers := []string{errorpath.WithDetails, errorpath.UnknownFields, errorpath.Connect}
	readers := []string{errorpath.Details, errorpath.Gax, errorpath.Connect}
	build := func(id, of string, n int, floor string, target, gate float64) Row {
		return Row{ID: id, Metric: "make an error " + of, Unit: Allocs, Least: errorpath.Handwritten, Floor: floor, Peers: makers,
			Ours: ours, Target: target, Gate: gate, Of: total(errorpath.Build(n), allocs)}
	}
	buildCPU := func(id, of string, n int, floor string) Row {
		return Row{ID: id, Metric: "CPU to make an error " + of + ", of WithDetails", Unit: Times, Floor: floor, Peers: noPeers,
			Ours: ours, Target: 0.5, Gate: None, Of: cpu(errorpath.Build(n), errorpath.WithDetails)}
	}
	type reader = func(of, to *harness.Measured) harness.Estimate
	find := func(id, among string, unit Unit, n int, floor string, target, gate float64, what reader) Row {
		return Row{ID: id, Metric: "find the delay in an error " + among, Unit: unit, Floor: floor, Peers: readers,
			Ours: ours, Target: target, Gate: gate, Of: reading(errorpath.Find(n), what)}
	}
	return []Row{
		build("19a", n1, 1, "10", 12, 14),
		build("19b", n3, 3, "18", 18, 22),
		build("19c", n5, 5, "25", 25, 30),
		buildCPU("19d", n1, 1, "–"),
		buildCPU("19e", n3, 3, "0.46"),
		buildCPU("19f", n5, 5, "–"),
		{ID: "19g", Metric: "return an error made before", Unit: Allocs, Floor: "1", Peers: []string{errorpath.GRPCStatic},
			Ours: static, Target: 1, Gate: None, Of: total(errorpath.Build(3), allocs)},
		{ID: "20a", Metric: "make and encode an error " + n3, Unit: Allocs, Least: errorpath.Handwritten, Floor: "21", Peers: makers,
			Ours: ours, Target: 22, Gate: 25, Of: total(errorpath.Encode(3), allocs)},
		{ID: "20b", Metric: "CPU to make and encode an error " + n3 + ", of WithDetails", Unit: Times, Floor: "0.60", Peers: noPeers,
			Ours: ours, Target: 0.6, Gate: 0.75, Of: cpu(errorpath.Encode(3), errorpath.WithDetails)},
		{ID: "20c", Metric: "CPU to make and encode an error " + n3 + ", of connect-go", Unit: Times, Floor: "0.44", Peers: noPeers,
			Ours: ours, Target: 0.45, Gate: None, Of: cpu(errorpath.Encode(3), errorpath.Connect)},
		{ID: "20e", Metric: "make and encode a declared error with 3 details, into a status", Unit: Allocs, Floor: "–", Peers: []string{errorpath.WithAll},
			Ours: ours, Target: 10, Gate: None, Of: total(errorpath.DeclaredStatus, allocs)},
		{ID: "20f", Metric: "CPU to make and encode a declared error with 3 details into a status, of New and WithDetails saying as much", Unit: Times, Floor: "–",
			Peers: noPeers, Ours: ours, Target: 0.5, Gate: None, Of: cpu(errorpath.DeclaredStatus, errorpath.WithAll)},
		{ID: "20g", Metric: "make and encode a declared error with 3 details, and grpc-go's marshalling and base64 of it", Unit: Allocs, Floor: "–", Peers: []string{errorpath.WithAll},
			Ours: ours, Target: 10, Gate: None, Of: total(errorpath.Declared, allocs)},
		{ID: "20h", Metric: "CPU to make and encode a declared error with 3 details, and of grpc-go's marshalling and base64 of it, of WithDetails saying as much", Unit: Times, Floor: "0.40",
			Peers: noPeers, Ours: ours, Target: 0.5, Gate: None, Of: cpu(errorpath.Declared, errorpath.WithAll)},
		{ID: "20d", Metric: "CPU to make and encode an error " + n3 + ", of WithDetails saying as much", Unit: Times, Floor: "–", Peers: noPeers,
			Ours: ours, Target: 0.6, Gate: None, Of: cpu(errorpath.Encode(3), errorpath.WithAll)},
		find("22a", "without details", Allocs, 0, "0", 0, 2, allocsOf),
		find("22b", "with 3 details", Allocs, 3, "0", 0, 2, allocsOf),
		find("22c", "with 5 details", Allocs, 5, "0", 0, 2, allocsOf),
		find("22d", "without details", Nanoseconds, 0, "14 ns", 100, 300, cpuOf),
		find("22e", "with 3 details", Nanoseconds, 3, "45 ns", 100, 300, cpuOf),
		find("22f", "with 5 details", Nanoseconds, 5, "46 ns", 100, 300, cpuOf),
		{ID: "22g", Metric: "receive an error with 3 details and find the delay in it", Unit: Allocs, Floor: "–", Peers: readers,
			Ours: ours, Target: 1, Gate: None, Of: total(errorpath.Find(3), allocs)},
		{ID: "23a", Metric: "the largest error that is sent whole by default, as google.rpc.Status", Unit: Bytes, Floor: "–", Peers: noPeers,
			Ours: []string{errorpath.LargestByDefault}, Target: 2000, Gate: 5500, Of: fact(errorpath.Encode(3))},
		{ID: "23b", Metric: "the largest error that a server can allow, as google.rpc.Status", Unit: Bytes, Floor: "–", Peers: noPeers,
			Ours: []string{errorpath.LargestOfAll}, Target: 4000, Gate: None, Of: fact(errorpath.Encode(3))},
	}
}

// answeringRows are those of calls that end with an error.
func answeringRows() []Row {
	const failing = ", of a failing call without details (bufconn)"
	answers, withPolicies := []string{errorpath.Answers}, []string{errorpath.Answers, errorpath.Policies}
	static := []string{errorpath.AnswersStatic}
	fresh, before := []string{errorpath.AnswersDefault}, []string{errorpath.AnswersDefaultStatic}
	makers, guards := []string{errorpath.WithDetails}, []string{errorpath.Gomw, errorpath.GomwStack}
	statics := []string{errorpath.GRPCStatic, errorpath.AnswersStaticUnavailable}
	statics64 := []string{errorpath.GRPCDefaultStatic, errorpath.AnswersDefaultStatic + "-unavailable"}
	call := errorpath.Call(3)
	return []Row{
		{ID: "21a", Metric: "CPU of a failing call with 3 details" + failing, Unit: Times, Least: errorpath.Handwritten, Floor: "1.55",
			Peers: makers, Ours: withPolicies, Target: 1.55, Gate: 1.6, Of: cpu(call, errorpath.Bare)},
		{ID: "21b", Metric: "a failing call with 3 details (bufconn), beyond one without", Unit: Allocs, Floor: "+40",
			Least: errorpath.Handwritten, Peers: makers, Ours: withPolicies, Target: 42, Gate: None, Of: beyond(call, allocs)},
		{ID: "21c", Metric: "CPU of a failing call with 3 details made before" + failing, Unit: Times, Floor: "1.26",
			Peers: statics, Ours: static, Target: 1.28, Gate: 1.35, Of: cpu(call, errorpath.Bare)},
		{ID: "21d", Metric: "CPU to read one detail as well" + failing, Unit: Times, Floor: "0.00",
			Peers: makers, Ours: answers, Target: 0.01, Gate: None, Of: readingOne(call)},
		{ID: "21e", Metric: "CPU of a failing call with 3 details, of one whose handler says as much (bufconn)", Unit: Times, Floor: "–",
			Peers: noPeers, Ours: answers, Target: 1, Gate: None, Of: cpu(call, errorpath.WithAll)},
		{ID: "24a", Metric: "errors a second (64 callers) with a fresh id, of errors without details", Unit: Times, AtLeast: true, Floor: "0.74",
			Peers: []string{errorpath.GRPCDefault}, Ours: fresh, Target: 0.78, Gate: 0.70, Of: perSecond},
		{ID: "24b", Metric: "errors a second (64 callers) made before, of errors without details", Unit: Times, AtLeast: true, Floor: "0.89",
			Peers: statics64, Ours: before, Target: 0.88, Gate: 0.70, Of: perSecond},
		{ID: "24c", Metric: "size of the default error with a fresh id, as google.rpc.Status", Unit: Bytes, Floor: "190 B",
			Peers: []string{errorpath.GRPCDefault, errorpath.AnswersDefault + "-plain"}, Ours: fresh,
			Target: 300, Gate: None, Of: fact(errorpath.Busy)},
		{ID: "24d", Metric: "size of the default error made before, as google.rpc.Status", Unit: Bytes, Floor: "190 B",
			Peers: []string{errorpath.GRPCDefault}, Ours: before, Target: 300, Gate: None, Of: fact(errorpath.Busy)},
		{ID: "25a", Metric: "a panic answered, with its stack", Unit: Allocs, Floor: "7",
			Peers: guards, Ours: answers, Target: 8, Gate: None, Of: total(errorpath.Panic, allocs)},
		{ID: "25b", Metric: "a panic answered, with its stack", Unit: Bytes, Floor: "3.3 KB",
			Peers: guards, Ours: answers, Target: 8000, Gate: 12000, Of: total(errorpath.Panic, bytes)},
		{ID: "25c", Metric: "CPU of a panic answered, of go-grpc-middleware without logging", Unit: Times, Floor: "0.71",
			Peers: guards[1:], Ours: answers, Target: 0.8, Gate: None, Of: cpu(errorpath.Panic, errorpath.Gomw)},
	}
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

// fact is a size, which is known without a measurement: it is shown with the case
// that sends such errors.
func fact(in string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		if baseline(r, in) == "" || name == "" {
			return harness.Estimate{}, false
		}
		for _, f := range errorpath.Sizes() {
			if f.Name == name {
				return harness.Exactly(float64(f.Bytes)), true
			}
		}
		return harness.Estimate{}, false
	}
}

// reading is what it takes to find one detail: ours keeps what it has decoded, and so
// is given a new error each time, whose price is measured by itself.
func reading(in string, what func(of, to *harness.Measured) harness.Estimate) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of := r.Find(in, name)
		if of == nil {
			return harness.Estimate{}, false
		}
		return what(of, unread(r, in, name)), true
	}
}

// unread is the part of a reading that is not the contender's; nothing, where it was not
// measured by itself.
func unread(r *harness.Results, in, name string) *harness.Measured {
	if m := r.Find(in, name+errorpath.Unread); m != nil {
		return m
	}
	return &harness.Measured{CPU: make([]float64, len(r.Find(in, name).CPU))}
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
		of, to, ok := both(r, in, name+errorpath.Read, name)
		bare := r.Find(in, errorpath.Bare)
		if !ok || bare == nil {
			return harness.Estimate{}, false
		}
		return harness.Paired(func(v []float64) float64 { return (v[0] - v[1]) / v[2] }, of.CPU, to.CPU, bare.CPU), true
	}
}

// perSecond is how many errors a server sends, of those without details.
func perSecond(r *harness.Results, name string) (harness.Estimate, bool) {
	of, to, ok := both(r, errorpath.Busy, errorpath.Bare, name)
	if !ok {
		return harness.Estimate{}, false
	}
	return harness.Ratio(of.Wall, to.Wall), true
}
