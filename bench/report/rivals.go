package report

import (
	"strings"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/errorpath"
	"github.com/recourse-dev/recourse/bench/harness"
)

// errorRivals are who is compared with whom in the cases of the error path: what does
// the same work. Of several the first that is in the case counts.
var errorRivals = map[string][]string{
	errorpath.WithDetails:                  {errorpath.Answers, errorpath.Status},
	errorpath.WithDetails + errorpath.Read: {errorpath.Answers + errorpath.Read},
	errorpath.UnknownFields:                {errorpath.Status},
	errorpath.Connect:                      {errorpath.Status},
	errorpath.Gax:                          {errorpath.Status},
	errorpath.Details:                      {errorpath.Status},
	errorpath.GRPCStatic:                   {errorpath.AnswersStatic, errorpath.StatusStatic},
	errorpath.GRPCDefault:                  {errorpath.AnswersDefault},
	errorpath.GRPCDefaultStatic:            {errorpath.AnswersDefaultStatic},
	"grpc" + errorpath.Long:                {errorpath.Answers + errorpath.Long},
	"grpc" + errorpath.Long + "-static":    {errorpath.Answers + errorpath.Long + "-static"},
	errorpath.Gomw:                         {errorpath.Answers},
	errorpath.GomwStack:                    {errorpath.Answers},
	errorpath.GomwLogging:                  {errorpath.ObservedLogging},
	errorpath.GomwLogOff:                   {errorpath.ObservedLogOff},
}

// telemetryRivals are those of ours that measure as much as somebody else's telemetry.
var telemetryRivals = map[string]string{
	contender.OtelSDKName:           contender.OtelName,
	contender.OtelgrpcNoopName:      contender.OtelNoopName,
	contender.OtelgrpcUnsampledName: contender.OtelUnsampledName,
}

// rivals are those of ours that do the same work as a contender in a case; none: it is
// not a peer.
func rivals(c harness.CaseResult, name string) (ours []string) {
	if strings.HasPrefix(c.Name, "error/") {
		for _, own := range errorRivals[name] {
			if c.Find(own) != nil {
				return []string{own}
			}
		}
		return nil
	}
	if own := telemetryRivals[name]; own != "" && c.Find(own) != nil {
		return []string{own}
	}
	for _, each := range contender.All() {
		if each.Name == name && each.Kind == contender.Peer {
			return usualOurs
		}
	}
	return nil
}

// lead is a case in which a peer costs less than we do.
type lead struct {
	in, peer, ours string
	theirs, mine   string // allocations or heap, "" where theirs are not less
	cpu            string // the CPU time of the peer as a share of ours, or the difference; "" where it is not credibly less
}

// leads finds all of them: fewer allocations, less CPU time with an interval that
// does not reach ours, or less heap.
func leads(r *harness.Results) (all []lead) {
	for _, c := range r.Cases {
		for i, each := range c.Contenders {
			for _, own := range rivals(c, each.Name) {
				mine := c.Find(own)
				if mine == nil {
					continue
				}
				l := lead{in: c.Name, peer: each.Name, ours: own}
				if c.Heap {
					l.heap(c.Measured[i], *mine)
				} else {
					l.work(c.Measured[i], *mine, *unread(r, c.Name, own))
				}
				if l.theirs != "" || l.cpu != "" {
					all = append(all, l)
				}
			}
		}
	}
	return all
}

// sameHeap is the least difference that is one: the runtime's own structures vary.
const sameHeap = 50

func (l *lead) heap(theirs, mine harness.Measured) {
	difference := harness.Paired(func(v []float64) float64 { return v[0] - v[1] }, theirs.Heap, mine.Heap)
	if difference.Hi < -sameHeap {
		l.theirs, l.mine = Bytes.text(theirs.Left()), Bytes.text(mine.Left())
	}
}

// work compares with ours but for the part that is not ours. What is left of it may be
// too little to be the base of a share; then there is the difference only.
func (l *lead) work(theirs, mine, unread harness.Measured) {
	if theirs.Most < mine.Fewest-unread.Most {
		l.theirs, l.mine = Allocs.text(theirs.Allocs), Allocs.text(mine.Allocs-unread.Allocs)
	}
	difference := harness.Paired(func(v []float64) float64 { return v[0] - (v[1] - v[2]) }, theirs.CPU, mine.CPU, unread.CPU)
	if difference.Hi >= 0 {
		return
	}
	if cpuOf(&mine, &unread).Lo > 0 {
		l.cpu = Times.spread(harness.Paired(func(v []float64) float64 { return v[0] / (v[1] - v[2]) }, theirs.CPU, mine.CPU, unread.CPU))
		return
	}
	l.cpu = Nanoseconds.spread(difference)
}

// leadTable has the cases in which one peer is ahead.
func leadTable(all []lead) *table {
	t := columns("case", "theirs: allocations or heap", "ours", "everything on", "their CPU, of ours", "of everything on")
	for _, l := range all {
		last := t.rows[len(t.rows)-1]
		if last[0] != l.in {
			last = make([]string, len(t.rows[0]))
			last[0] = l.in
			t.add(last...)
		}
		column := 0
		if l.ours == contender.RecourseName && !strings.HasPrefix(l.in, "error/") {
			column = 1
		}
		if l.theirs != "" {
			last[1] = l.theirs
		}
		last[2+column], last[4+column] = l.mine, l.cpu
	}
	return t
}
