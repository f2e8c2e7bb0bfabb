package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

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

// Rows are all of them, by group.
func Rows() []Row {
	rows := append(successRows(), errorRows()...)
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.group(), b.group()) })
	return rows
}

// group is the number in the ID.
func (r Row) group() int {
	n, _ := strconv.Atoi(strings.TrimRight(r.ID, letters)) // a test has looked at all of them
	return n
}

const letters = "abcdefghijklmnopqrstuvwxyz"

func successRows() []Row {
	rows := append(directRows(), unaryRows()...)
	return slices.Concat(rows, streamRows(), retryRows(), telemetryRows(), telemetryStreamRows())
}

// directRows are those of interceptors without a network.
func directRows() []Row {
	const (
		client         = "direct unary client, no deadline of its caller"
		clientDeadline = "direct unary client, its caller's deadline within the policy"
		server         = "direct unary server, no deadline on the wire"
		serverDeadline = "direct unary server, a deadline on the wire within the policy"
		ofWithTimeout  = ", of what context.WithTimeout takes"
	)
	return []Row{
		{ID: "1a", Metric: client, Unit: Allocs, Least: cases.WithTimeout, Floor: "4",
			Target: 4, Gate: 5, Of: beyond(cases.ClientNoDeadline, allocs)},
		{ID: "1b", Metric: client, Unit: Bytes, Least: cases.WithTimeout, Floor: "272 B",
			Target: 272, Gate: None, Of: beyond(cases.ClientNoDeadline, bytes)},
		{ID: "1c", Metric: client + ofWithTimeout, Unit: Times, Floor: "1.06",
			Target: 1.15, Gate: 1.4, Of: ofTimeout(cases.ClientNoDeadline)},
		{ID: "2a", Metric: clientDeadline, Unit: Allocs, Floor: "0", Target: 0, Gate: 0, Of: beyond(cases.ClientDeadline, allocs)},
		{ID: "2b", Metric: clientDeadline, Unit: Nanoseconds, Floor: "30-60 ns",
			Target: 80, Gate: 120, Of: nsBeyond(cases.ClientDeadline, 1)},
		{ID: "3a", Metric: serverDeadline, Unit: Allocs, Floor: "0", Target: 0, Gate: 0, Of: beyond(cases.ServerDeadline, allocs)},
		{ID: "3b", Metric: serverDeadline, Unit: Nanoseconds, Floor: "47 ns",
			Target: 80, Gate: 120, Of: nsBeyond(cases.ServerDeadline, 1)},
		{ID: "4a", Metric: server, Unit: Allocs, Least: cases.WithTimeout, Floor: "4",
			Target: 4, Gate: 5, Of: beyond(cases.ServerNoDeadline, allocs)},
		{ID: "4b", Metric: server + ofWithTimeout, Unit: Times, Floor: "1.15",
			Target: 1.25, Gate: 1.5, Of: ofTimeout(cases.ServerNoDeadline)},
	}
}

// unaryRows are those of unary calls that succeed.
func unaryRows() []Row {
	const endToEnd = "unary call end to end (bufconn), beyond bare"
	rows := []Row{
		{ID: "5a", Metric: endToEnd, Unit: Allocs, Least: contender.DeadlineName, Floor: "+18", Peers: retryPeers,
			Target: 19, Gate: 21, Of: beyond(cases.UnaryMemory, allocs)},
		{ID: "5b", Metric: endToEnd, Unit: Bytes, Least: contender.DeadlineName, Floor: "+1227 B", Peers: retryPeers,
			Target: 1300, Gate: 1500, Of: beyond(cases.UnaryMemory, bytes)},
	}
	for _, c := range []cpuRows{
		{"6", 'a', "bare", contender.BareName, retryPeers, [3]string{"1.12", "1.09", "1.12"}, [3]float64{1.14, 1.11, 1.13}, 1.18, "", nil},
		{"6", 'd', "bare with a deadline", contender.DeadlineName, retryPeers,
			[3]string{"1.00", "0.99", "1.00"}, [3]float64{1.02, 1.02, 1.02}, 1.06, "", nil},
		{"7", 'a', "go-grpc-middleware without logging", contender.GomwNoLogName, noPeers,
			[3]string{"0.98", "0.99", "0.99"}, [3]float64{1, 1, 1}, 1.04, "", nil},
		{"7", 'd', "go-grpc-middleware", contender.GomwName, noPeers, [3]string{"0.66", "0.72", "0.69"}, [3]float64{0.68, 0.74, 0.70}, 0.78, "", nil},
		{"7", 'g', "failsafe-go", contender.FailsafeName, noPeers, [3]string{"0.88", "0.88", "0.87"}, [3]float64{0.90, 0.90, 0.90}, 0.95, "", nil},
	} {
		rows = append(rows, c.rows()...)
	}
	return rows
}

// cpuRows are the CPU time of a unary call, of somebody else's: one row for each network.
type cpuRows struct {
	group   string
	letter  byte // of the first
	of      string
	base    string
	peers   []string
	floors  [3]string
	targets [3]float64
	gate    float64
	with    string   // what the call has beside policies
	ours    []string // nil: the usual two
}

func (c cpuRows) rows() (rows []Row) {
	for i, network := range []struct{ name, of string }{
		{"bufconn", cases.UnaryMemory}, {"TCP, 1 caller", cases.UnaryTCP}, {"TCP, 64 callers", cases.UnaryTCP64},
	} {
		row := Row{
			ID: c.group + string(c.letter+byte(i)), Metric: "CPU of a unary call" + c.with + " (" + network.name + "), of " + c.of, Unit: Times,
			Floor: c.floors[i], Peers: c.peers, Ours: c.ours, Target: c.targets[i], Gate: c.gate, Of: cpu(network.of, c.base),
		}
		if c.base == contender.BareName {
			row.Least = contender.DeadlineName
		}
		rows = append(rows, row)
	}
	return rows
}

// streamRows are those of streams that end well, and of those that do not end.
func streamRows() []Row {
	peers := []string{contender.GomwNoLogName, contender.GomwName, contender.OtelSDKName}
	added := func(id, metric, in string) Row {
		return Row{ID: id, Metric: metric + ", beyond bare", Unit: Allocs, Least: contender.DeadlineName, Floor: "+17", Peers: peers,
			Target: 18, Gate: 20, Of: beyond(in, allocs)}
	}
	message := func(id, side, floor, in string) Row {
		return Row{ID: id, Metric: "a message of a stream of 100, set-up included, on the " + side, Unit: Nanoseconds, Floor: floor,
			Peers: peers[:2], Target: 8, Gate: 15, Of: nsBeyond(in, cases.Messages)}
	}
	time := func(id, metric, floor, in string) Row {
		return Row{ID: id, Metric: "CPU of a " + metric + ", of bare", Unit: Times, Least: contender.DeadlineName, Floor: floor, Peers: peers,
			Target: 1.05, Gate: 1.08, Of: cpu(in, contender.BareName)}
	}
	heap := func(id, metric, in string) Row {
		return Row{ID: id, Metric: "heap of an idle stream" + metric + ", beyond bare", Unit: Bytes, Floor: "+1.2 KB",
			Least: contender.DeadlineName, Peers: peers, Target: 1300, Gate: 1600, Of: heapBeyond(in)}
	}
	return []Row{
		added("13a", "server stream of 100 messages (bufconn)", cases.StreamMemory),
		added("13b", "ping-pong of 100 messages (bufconn)", cases.BidiMemory),
		message("14a", "client", "7.5 ns", cases.ClientStream),
		message("14b", "server", "0.5 ns", cases.ServerStream),
		time("15a", "server stream of 100 messages (bufconn)", "1.05", cases.StreamMemory),
		time("15b", "server stream of 100 messages (TCP)", "1.01", cases.StreamTCP),
		time("15c", "ping-pong of 100 messages (bufconn)", "1.00-1.02", cases.BidiMemory),
		time("15d", "ping-pong of 100 messages (TCP)", "1.00-1.02", cases.BidiTCP),
		heap("16a", "", cases.IdleStream),
		heap("16b", " after a request of 64 KiB", cases.IdleAfterLarge),
	}
}

// retryRows are those of calls that succeed at the second attempt.
func retryRows() []Row {
	const (
		direct   = "direct unary client, one failed attempt and one that works"
		endToEnd = "one failed attempt and one that works"
		twoCalls = ", of an application that calls twice"
	)
	return []Row{
		{ID: "17a", Metric: direct, Unit: Allocs, Floor: "4", Target: 4, Gate: 6, Of: beyond(cases.RetryDirect, allocs)},
		{ID: "17b", Metric: direct, Unit: Nanoseconds, Floor: "524 ns", Target: 650, Gate: None, Of: nsBeyond(cases.RetryDirect, 1)},
		{ID: "18a", Metric: endToEnd + " (bufconn), beyond an application that calls twice", Unit: Allocs, Floor: "+22", Peers: retryPeers,
			Target: 24, Gate: 28, Of: beyond(cases.RetryMemory, allocs)},
		{ID: "18b", Metric: "CPU of " + endToEnd + " (bufconn)" + twoCalls, Unit: Times, Floor: "1.10", Peers: retryPeers,
			Target: 1.10, Gate: 1.14, Of: cpu(cases.RetryMemory, contender.BareName)},
		{ID: "18c", Metric: "CPU of " + endToEnd + " (TCP)" + twoCalls, Unit: Times, Floor: "1.09", Peers: retryPeers,
			Target: 1.10, Gate: 1.14, Of: cpu(cases.RetryTCP, contender.BareName)},
		{ID: "18d", Metric: "CPU of " + endToEnd + " (bufconn), of go-grpc-middleware without logging", Unit: Times, Floor: "0.96",
			Peers: noPeers, Target: 0.96, Gate: None, Of: cpu(cases.RetryMemory, contender.GomwNoLogName)},
	}
}
