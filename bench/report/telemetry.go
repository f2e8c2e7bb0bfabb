package report

import (
	"slices"

	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/errorpath"
	"github.com/recourse-dev/recourse/bench/harness"
)

// plain is what each has whose telemetry is measured: the same without it. Of a call that is
// not sampled what passes the trace on is not counted, of ours and of nobody else's.
var plain = map[string]string{
	contender.LogOffName:            contender.CoreName,
	contender.OtelName:              contender.CoreName,
	contender.OtelNoopName:          contender.CoreName,
	contender.OtelUnsampledName:     contender.PassingName,
	contender.PassingName:           contender.CoreName,
	contender.GomwName:              contender.GomwNoLogName,
	contender.OtelgrpcNoopName:      contender.BareName,
	contender.OtelgrpcUnsampledName: contender.BareName,
	contender.OtelSDKName:           contender.BareName,

	errorpath.ObservedLogging: errorpath.Observed,
	errorpath.ObservedLogOff:  errorpath.Observed,
	errorpath.GomwLogging:     errorpath.Bare,
	errorpath.GomwLogOff:      errorpath.Bare,
}

// telemetryRows are those of unary calls that are watched.
func telemetryRows() []Row {
	const (
		client   = "a logger that declines, on a direct unary client, beyond none"
		server   = "a logger that declines, on a direct unary server, beyond none"
		failing  = "a failing call (bufconn) with one record a side, of one without: a side"
		sdk      = "unary call end to end (bufconn) with OpenTelemetry's SDK, every call sampled, beyond bare"
		noop     = "telemetry of a unary call (bufconn) with providers that do nothing"
		passed   = "telemetry of a unary call (bufconn) that is not sampled, beyond a header that is passed on"
		all      = "unary call end to end (bufconn) with the SDK and a log, beyond bare"
		sdkTime  = " with OpenTelemetry's SDK"
		allTimes = " with the SDK and a log"
	)
	off, gomw := []string{contender.LogOffName}, []string{contender.GomwName}
	sdkOurs, everything := []string{contender.OtelName}, []string{contender.ObservedName}
	none, unsampled := []string{contender.OtelNoopName}, []string{contender.OtelUnsampledName}
	otel, otelUnsampled := []string{contender.OtelSDKName}, []string{contender.OtelgrpcUnsampledName}
	otelNoop := []string{contender.OtelgrpcNoopName}
	logging := []string{errorpath.ObservedLogging}
	direct := func(id, metric, in string) []Row {
		return []Row{
			{ID: id, Metric: metric, Unit: Allocs, Floor: "0", Peers: gomw, Ours: off, Target: 0, Gate: 0, Of: added(in, 1, allocs)},
			{ID: next(id, 2), Metric: metric, Unit: Nanoseconds, Floor: "24 ns", Peers: gomw, Ours: off, Target: 60, Gate: 150, Of: addedCPU(in)},
		}
	}
	telemetry := func(id, metric string, ours, peers []string, gate float64) []Row {
		return []Row{
			{ID: id, Metric: metric, Unit: Allocs, Floor: "–", Peers: peers, Ours: ours,
				Target: 8, Gate: 12, Of: added(cases.UnaryMemory, 1, allocs)},
			{ID: next(id, 2), Metric: "CPU of " + metric + ", of bare", Unit: Times, Floor: "–", Peers: peers, Ours: ours,
				Target: 0.04, Gate: gate, Of: addedShare(cases.UnaryMemory, contender.BareName)},
		}
	}
	rows := slices.Concat(
		direct("8a", client, cases.ClientDeadline), direct("8b", server, cases.ServerDeadline),
		[]Row{
			{ID: "9a", Metric: failing, Unit: Allocs, Floor: "0", Peers: []string{errorpath.GomwLogging}, Ours: logging,
				Target: 2, Gate: 4, Of: added(errorpath.Logged, 2, allocs)},
			{ID: "9b", Metric: "CPU of a failing call (bufconn) with one record a side, of one without", Unit: Times, Floor: "–",
				Peers: []string{errorpath.GomwLogging}, Ours: logging, Target: 1.25, Gate: 1.3, Of: addedTimes(errorpath.Logged)},
			{ID: "10a", Metric: sdk, Unit: Allocs, Floor: "+45", Peers: otel, Ours: sdkOurs,
				Target: 48, Gate: 55, Of: beyond(cases.UnaryMemory, allocs)},
			{ID: "12a", Metric: all, Unit: Allocs, Floor: "+45-51", Peers: otel, Ours: everything,
				Target: 56, Gate: 66, Of: beyond(cases.UnaryMemory, allocs)},
		},
		telemetry("11a", noop, none, otelNoop, 0.08), telemetry("11b", passed, unsampled, otelUnsampled, None),
	)
	for _, c := range []cpuRows{
		{group: "10", letter: 'b', with: sdkTime, of: "otelgrpc alone", base: contender.OtelSDKName, peers: noPeers, ours: sdkOurs,
			floors: [3]string{"0.86", "0.85", "0.77"}, targets: [3]float64{0.88, 0.88, 0.88}, gate: 0.95},
		{group: "12", letter: 'b', with: allTimes, of: "otelgrpc alone", base: contender.OtelSDKName, peers: noPeers, ours: everything,
			floors: [3]string{"0.90", "–", "–"}, targets: [3]float64{1, 1, 1}, gate: 1.05},
	} {
		rows = append(rows, c.rows()...)
	}
	return withoutFloor(rows)
}

// withoutFloor does not show the least that the work takes beside rows that ask for more:
// what was written for that has no telemetry.
func withoutFloor(rows []Row) []Row {
	for i, row := range rows {
		rows[i].Of = func(r *harness.Results, name string) (harness.Estimate, bool) {
			if name == contender.FloorName {
				return harness.Estimate{}, false
			}
			return row.Of(r, name)
		}
	}
	return rows
}

// next is the ID so many letters on.
func next(id string, letters byte) string {
	last := len(id) - 1
	return id[:last] + string(id[last]+letters)
}

// telemetryStreamRows go on where streamRows end.
func telemetryStreamRows() []Row {
	ours, otel := []string{contender.OtelName}, []string{contender.OtelSDKName}
	const with = " with OpenTelemetry's SDK"
	perMessage := func(id, metric, in string) Row {
		return Row{ID: id, Metric: "telemetry of a message of a " + metric + with, Unit: Allocs, Floor: "0", Peers: otel, Ours: ours,
			Target: 0, Gate: 0, Of: added(in, cases.Messages, allocs)}
	}
	time := func(id, metric, in string) Row {
		return Row{ID: id, Metric: "CPU of a " + metric + with + ", of bare", Unit: Times, Least: contender.DeadlineName, Floor: "–",
			Peers: otel, Ours: ours, Target: 1.11, Gate: 1.15, Of: cpu(in, contender.BareName)}
	}
	return withoutFloor([]Row{
		perMessage("13c", "server stream of 100 messages (bufconn)", cases.StreamMemory),
		perMessage("13d", "ping-pong of 100 messages (bufconn)", cases.BidiMemory),
		time("15e", "server stream of 100 messages (bufconn)", cases.StreamMemory),
		time("15f", "server stream of 100 messages (TCP)", cases.StreamTCP),
		time("15g", "ping-pong of 100 messages (bufconn)", cases.BidiMemory),
		time("15h", "ping-pong of 100 messages (TCP)", cases.BidiTCP),
	})
}

// added is what telemetry adds to what is the same without it, for each of some parts.
func added(in string, parts float64, what func(*harness.Measured) float64) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, plain[name])
		if !ok {
			return harness.Estimate{}, false
		}
		return harness.Exactly((what(of) - what(to)) / parts), true
	}
}

// addedCPU is the CPU time that telemetry adds.
func addedCPU(in string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, plain[name])
		if !ok {
			return harness.Estimate{}, false
		}
		return cpuOf(of, to), true
	}
}

// addedTimes is the CPU time with telemetry as a multiple of that without.
func addedTimes(in string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		return cpu(in, plain[name])(r, name)
	}
}

// addedShare is the CPU time that telemetry adds, as a share of somebody's.
func addedShare(in, whose string) number {
	return func(r *harness.Results, name string) (harness.Estimate, bool) {
		of, to, ok := both(r, in, name, plain[name])
		base := r.Find(in, whose)
		if !ok || base == nil {
			return harness.Estimate{}, false
		}
		return harness.Paired(func(v []float64) float64 { return (v[0] - v[1]) / v[2] }, of.CPU, to.CPU, base.CPU), true
	}
}
