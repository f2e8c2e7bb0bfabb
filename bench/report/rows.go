package report

import (
	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
)

// Row is a number that is promised: what it is, what it may be, and how to find it
// among the results.
type Row struct {
	ID     string // "6b": a group, and a letter where it has several
	Metric string
	Unit   Unit

	Least  string   // the contender that has what cannot be avoided; "": there is none
	Floor  string   // what the floor was when the target was set
	Peers  []string // to show beside ours; nil: usualPeers
	Target float64
	Gate   float64 // where a change is refused; None: nowhere

	// AtLeast turns the limits round: more is better.
	AtLeast bool
	// Ours are the contenders that the row is about; nil: the usual two.
	Ours []string

	// Of finds the number of a contender; false: it was not measured.
	Of func(r *harness.Results, name string) (harness.Estimate, bool)
}

// None is the gate of a row without one.
const None = -1

// Unit is how a number is written, and how exactly.
type Unit uint8

// Counts are exact.
const (
	Allocs Unit = iota
	Bytes
	Nanoseconds
	Times
)

var (
	usualOurs  = []string{contender.CoreName, contender.RecourseName}
	usualPeers = []string{contender.GomwNoLogName, contender.FailsafeName, contender.GomwName}
	retryPeers = append([]string{contender.GRPCTimedRetry}, usualPeers...)
	noPeers    = []string{}
)

// Rows are all of them. Those of the error path follow here.
func Rows() []Row {
	return append(successRows(), errorRows()...)
}

func successRows() []Row {
	const oneDeadline = "direct unary client, no deadline of its caller"
	rows := []Row{
		{ID: "1a", Metric: oneDeadline, Unit: Allocs, Least: cases.WithTimeout, Floor: "4", Target: 4, Gate: 5, Of: beyond(cases.ClientNoDeadline, allocs)},
		{ID: "1b", Metric: "the same", Unit: Bytes, Least: cases.WithTimeout, Floor: "272 B", Target: 272, Gate: None, Of: beyond(cases.ClientNoDeadline, bytes)},
		{ID: "1c", Metric: "the same, of what context.WithTimeout takes", Unit: Times, Floor: "1.06", Target: 1.15, Gate: 1.4, Of: ofTimeout(cases.ClientNoDeadline)},
		{ID: "2a", Metric: "direct unary client, its caller's deadline within the policy", Unit: Allocs, Floor: "0", Target: 0, Gate: 0, Of: beyond(cases.ClientDeadline, allocs)},
		{ID: "2b", Metric: "the same", Unit: Nanoseconds, Floor: "30-60 ns", Target: 80, Gate: 120, Of: nsBeyond(cases.ClientDeadline, 1)},
		{ID: "3a", Metric: "direct unary server, a deadline on the wire within the policy", Unit: Allocs, Floor: "0", Target: 0, Gate: 0, Of: beyond(cases.ServerDeadline, allocs)},
		{ID: "3b", Metric: "the same", Unit: Nanoseconds, Floor: "47 ns", Target: 80, Gate: 120, Of: nsBeyond(cases.ServerDeadline, 1)},
		{ID: "4a", Metric: "direct unary server, no deadline on the wire", Unit: Allocs, Least: cases.WithTimeout, Floor: "4", Target: 4, Gate: 5, Of: beyond(cases.ServerNoDeadline, allocs)},
		{ID: "4b", Metric: "the same, of what context.WithTimeout takes", Unit: Times, Floor: "1.15", Target: 1.25, Gate: 1.5, Of: ofTimeout(cases.ServerNoDeadline)},
		{ID: "5a", Metric: "unary call end to end (bufconn), beyond bare", Unit: Allocs, Least: contender.DeadlineName, Floor: "+18", Peers: retryPeers, Target: 19, Gate: 21, Of: beyond(cases.UnaryMemory, allocs)},
		{ID: "5b", Metric: "the same", Unit: Bytes, Least: contender.DeadlineName, Floor: "+1227 B", Peers: retryPeers, Target: 1300, Gate: 1500, Of: beyond(cases.UnaryMemory, bytes)},
	}
	rows = append(rows, cpuRows("6", "CPU of a unary call, of bare", contender.BareName, retryPeers, "1.12", "1.09", "1.12", [3]float64{1.14, 1.11, 1.13}, 1.18, 'a')...)
	rows = append(rows, cpuRows("6", "the same, of bare with a deadline", contender.DeadlineName, retryPeers, "1.00", "0.99", "1.00", [3]float64{1.02, 1.02, 1.02}, 1.06, 'd')...)
	rows = append(rows, cpuRows("7", "the same, of go-grpc-middleware without logging", contender.GomwNoLogName, noPeers, "0.98", "0.99", "0.99", [3]float64{1, 1, 1}, 1.04, 'a')...)
	rows = append(rows, cpuRows("7", "the same, of go-grpc-middleware", contender.GomwName, noPeers, "0.66", "0.72", "0.69", [3]float64{0.68, 0.74, 0.70}, 0.78, 'd')...)
	rows = append(rows, cpuRows("7", "the same, of failsafe-go", contender.FailsafeName, noPeers, "0.88", "0.88", "0.87", [3]float64{0.90, 0.90, 0.90}, 0.95, 'g')...)
	streams := []string{contender.GomwNoLogName, contender.GomwName, contender.OtelSDKName}
	return append(rows, []Row{
		{ID: "13a", Metric: "server stream of 100 messages, beyond bare", Unit: Allocs, Least: contender.DeadlineName, Floor: "+17", Peers: streams, Target: 18, Gate: 20, Of: beyond(cases.StreamMemory, allocs)},
		{ID: "13b", Metric: "ping-pong of 100 messages, beyond bare", Unit: Allocs, Least: contender.DeadlineName, Floor: "+17", Peers: streams, Target: 18, Gate: 20, Of: beyond(cases.BidiMemory, allocs)},
		{ID: "14a", Metric: "a message of a stream, on the client, set-up included", Unit: Nanoseconds, Floor: "7.5 ns", Peers: streams[:2], Target: 8, Gate: 15, Of: nsBeyond(cases.ClientStream, cases.Messages)},
		{ID: "14b", Metric: "the same on the server", Unit: Nanoseconds, Floor: "0.5 ns", Peers: streams[:2], Target: 8, Gate: 15, Of: nsBeyond(cases.ServerStream, cases.Messages)},
		{ID: "15a", Metric: "CPU of a server stream, of bare (bufconn)", Unit: Times, Least: contender.DeadlineName, Floor: "1.05", Peers: streams, Target: 1.05, Gate: 1.08, Of: cpu(cases.StreamMemory, contender.BareName)},
		{ID: "15b", Metric: "the same (TCP)", Unit: Times, Least: contender.DeadlineName, Floor: "1.01", Peers: streams, Target: 1.05, Gate: 1.08, Of: cpu(cases.StreamTCP, contender.BareName)},
		{ID: "15c", Metric: "CPU of a ping-pong, of bare (bufconn)", Unit: Times, Least: contender.DeadlineName, Floor: "1.00-1.02", Peers: streams, Target: 1.05, Gate: 1.08, Of: cpu(cases.BidiMemory, contender.BareName)},
		{ID: "15d", Metric: "the same (TCP)", Unit: Times, Least: contender.DeadlineName, Floor: "1.00-1.02", Peers: streams, Target: 1.05, Gate: 1.08, Of: cpu(cases.BidiTCP, contender.BareName)},
		{ID: "16a", Metric: "heap of an idle stream, beyond bare", Unit: Bytes, Least: contender.DeadlineName, Floor: "+1.2 KB", Peers: streams, Target: 1300, Gate: 1600, Of: heapBeyond(cases.IdleStream)},
		{ID: "16b", Metric: "the same after a request of 64 KiB", Unit: Bytes, Least: contender.DeadlineName, Floor: "+1.2 KB", Peers: streams, Target: 1300, Gate: 1600, Of: heapBeyond(cases.IdleAfterLarge)},
		{ID: "17a", Metric: "one failed attempt and one that works, direct", Unit: Allocs, Floor: "4", Target: 4, Gate: 6, Of: beyond(cases.RetryDirect, allocs)},
		{ID: "17b", Metric: "the same", Unit: Nanoseconds, Floor: "524 ns", Target: 650, Gate: None, Of: nsBeyond(cases.RetryDirect, 1)},
		{ID: "18a", Metric: "the same end to end (bufconn), beyond two calls by hand", Unit: Allocs, Floor: "+22", Peers: retryPeers, Target: 24, Gate: 28, Of: beyond(cases.RetryMemory, allocs)},
		{ID: "18b", Metric: "its CPU, of two calls by hand (bufconn)", Unit: Times, Floor: "1.10", Peers: retryPeers, Target: 1.10, Gate: 1.14, Of: cpu(cases.RetryMemory, contender.BareName)},
		{ID: "18c", Metric: "the same (TCP)", Unit: Times, Floor: "1.09", Peers: retryPeers, Target: 1.10, Gate: 1.14, Of: cpu(cases.RetryTCP, contender.BareName)},
		{ID: "18d", Metric: "the same, of go-grpc-middleware without logging (bufconn)", Unit: Times, Floor: "0.96", Peers: noPeers, Target: 0.96, Gate: None, Of: cpu(cases.RetryMemory, contender.GomwNoLogName)},
	}...)
}

// cpuRows are one for each network that unary calls are measured over.
func cpuRows(group, metric, base string, peers []string, floor1, floor2, floor3 string, targets [3]float64, gate float64, letter byte) (rows []Row) {
	floors := [3]string{floor1, floor2, floor3}
	for i, network := range []struct{ name, of string }{{"bufconn", cases.UnaryMemory}, {"TCP, 1 caller", cases.UnaryTCP}, {"TCP, 64 callers", cases.UnaryTCP64}} {
		row := Row{
			ID: group + string(letter+byte(i)), Metric: metric + " (" + network.name + ")", Unit: Times,
			Floor: floors[i], Peers: peers, Target: targets[i], Gate: gate, Of: cpu(network.of, base),
		}
		if base == contender.BareName {
			row.Least = contender.DeadlineName
		}
		rows = append(rows, row)
	}
	return rows
}
