// Package report makes a document of what was measured: what is promised and whether
// it holds, where a peer is ahead, and all numbers. What it says of them is computed,
// but for explanations, which people write into notes.md.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/bench/amplification"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/overload"
)

// Report is everything of one run.
type Report struct {
	Results       *harness.Results
	Settings      harness.Settings
	Amplification []amplification.Result
	Overload      []*overload.Result // none: left out
	Fleet         string             // a table; "": left out
}

// Write writes the document.
func (r *Report) Write(w io.Writer) error {
	n := parseNotes(notesFile)
	out := &printer{w: w}
	out.line("# Performance")
	out.line("%s", n["introduction"])
	out.line("%s", r.environment())
	if kept := r.kept(); len(kept) > 0 {
		out.line("## What is promised")
		out.line("%s", n["promises"])
		r.promises(kept).write(out)
		shortfalls(kept, n, out)
	}
	out.line("## Where a peer costs less")
	r.exceptions(n, out)
	r.amplified(out)
	r.scenarios(out)
	if text := n["profile"]; text != "" {
		out.line("## Where the time goes")
		out.line("%s", text)
	}
	out.line("## Every case")
	out.line("%s", n["cases"])
	r.contenders(n, out)
	for _, c := range r.Results.Cases {
		out.line("### %s", c.Name)
		caseTable(c).write(out)
	}
	return out.err
}

// promise is a row with what was measured of it.
type promise struct {
	Row
	estimates []harness.Estimate // of each of ours
	verdicts  []Verdict
}

// kept are the rows that were measured.
func (r *Report) kept() (all []promise) {
	for _, row := range Rows() {
		if row.Ours == nil {
			row.Ours = usualOurs
		}
		if row.Peers == nil {
			row.Peers = usualPeers
		}
		p := promise{Row: row}
		for _, name := range row.Ours {
			e, ok := row.Of(r.Results, name)
			if !ok {
				break
			}
			p.estimates = append(p.estimates, e)
			p.verdicts = append(p.verdicts, row.judge(e))
		}
		if len(p.estimates) == len(row.Ours) {
			all = append(all, p)
		}
	}
	return all
}

// verdict is that of what the row is about: the first of ours.
func (p promise) verdict() Verdict { return p.verdicts[0] }

func (r *Report) promises(kept []promise) *table {
	t := columns("#", "what", "ours", "", "everything on", "", "target", "gate", "unavoidable", "minimal: then, now", "others")
	for _, p := range kept {
		show := func(names ...string) string {
			var cells []string
			for _, name := range names {
				if e, ok := p.Of(r.Results, name); ok && name != "" {
					cells = append(cells, name+" "+p.Unit.text(e.Value))
				}
			}
			return strings.Join(cells, ", ")
		}
		least, floor := "", p.Floor
		if e, ok := p.Of(r.Results, p.Least); ok {
			least = p.Unit.text(e.Value)
		}
		if e, ok := p.Of(r.Results, contender.FloorName); ok {
			floor += ", " + p.Unit.text(e.Value)
		}
		everything, second := "", ""
		if len(p.estimates) > 1 {
			everything, second = p.Unit.spread(p.estimates[1]), p.verdicts[1].String()
		}
		t.add(p.ID, p.Metric+p.Unit.suffix(), p.Unit.spread(p.estimates[0]), p.verdict().String(), everything, second,
			p.limit(p.Target), p.limit(p.Gate), least, floor, show(p.Peers...))
	}
	return t
}

func (u Unit) suffix() string {
	switch u {
	case Allocs:
		return ": allocations"
	case Bytes:
		return ": bytes"
	case Nanoseconds:
		return ": CPU time"
	}
	return ""
}

// Table writes the promises alone.
func (r *Report) Table(w io.Writer) error {
	out := &printer{w: w}
	if kept := r.kept(); len(kept) > 0 {
		r.promises(kept).write(out)
	}
	return out.err
}

// Brief writes what one looks for while working: the promises, those beyond their gate,
// where a peer costs less, and how much of all that nobody has explained.
func (r *Report) Brief(w io.Writer) error {
	if err := r.Table(w); err != nil {
		return err
	}
	out := &printer{w: w}
	outside, silent := r.Problems()
	for _, s := range outside {
		fmt.Fprintln(out, "outside of its gate:", s)
	}
	fmt.Fprintln(out)
	all := leads(r.Results)
	for _, peer := range leaders(all) {
		fmt.Fprintf(out, "%s costs less:\n", peer)
		leadTable(slices.DeleteFunc(slices.Clone(all), func(l lead) bool { return l.peer != peer })).write(out)
	}
	fmt.Fprintf(out, "not explained in bench/report/notes.md: %d\n", len(silent))
	return out.err
}

// missed reports whether a row has to be explained: its number is not what was aimed at,
// and that is no accident of this run.
func (p promise) missed() bool { return p.verdict() != AtTarget && p.verdict() != Unclear }

// shortfalls explains the rows that miss their target, those with one explanation
// together.
func shortfalls(kept []promise, n notes, out *printer) {
	var reasons, noisy []string
	rows := map[string][]string{}
	for _, p := range kept {
		why, ok := n.row(p.ID)
		switch {
		case p.verdict() == Unclear:
			noisy = append(noisy, p.ID)
			if !ok {
				continue
			}
		case !p.missed():
			continue
		case !ok:
			why = unexplained
		}
		if rows[why] == nil {
			reasons = append(reasons, why)
		}
		rows[why] = append(rows[why], p.ID)
	}
	if len(reasons)+len(noisy) == 0 {
		out.line("All targets are met, as far as they were measured.")
	}
	if len(noisy) > 0 {
		out.line("This run was too noisy to tell: %s.", strings.Join(noisy, ", "))
	}
	for _, why := range reasons {
		out.line("Not at target, or not certainly, %s: %s", strings.Join(rows[why], ", "), why)
	}
}

const unexplained = "*not explained*"

// exceptions are the cases in which a peer is ahead, by peer.
func (r *Report) exceptions(n notes, out *printer) {
	all := leads(r.Results)
	if len(all) == 0 {
		out.line("Nowhere that was measured (cases: %d): ours has no more allocations than any peer, and none has credibly less CPU time.",
			len(r.Results.Cases))
		return
	}
	out.line("%s", n["exceptions"])
	for _, peer := range leaders(all) {
		out.line("### %s", peer)
		reasons, cases := byReason(n, all, peer)
		for _, why := range reasons {
			out.line("%s", why)
			leadTable(cases[why]).write(out)
		}
	}
}

// byReason groups the cases in which a peer is ahead by why it is.
func byReason(n notes, all []lead, peer string) (reasons []string, cases map[string][]lead) {
	cases = map[string][]lead{}
	for _, l := range all {
		if l.peer != peer {
			continue
		}
		why, ok := n.peer(peer, l.in)
		if !ok {
			why = unexplained
		}
		if cases[why] == nil {
			reasons = append(reasons, why)
		}
		cases[why] = append(cases[why], l)
	}
	return reasons, cases
}

// leaders are the peers that are ahead somewhere, in the order of their cases.
func leaders(all []lead) (peers []string) {
	for _, l := range all {
		if !slices.Contains(peers, l.peer) {
			peers = append(peers, l.peer)
		}
	}
	return peers
}

// Problems are what nobody may land: rows beyond their gate, and what is not
// explained.
func (r *Report) Problems() (outside, silent []string) {
	n := parseNotes(notesFile)
	for _, p := range r.kept() {
		if p.verdict() == Outside {
			outside = append(outside, fmt.Sprintf("row %s, %s: %s, the gate is %s", p.ID, p.Metric, p.Unit.spread(p.estimates[0]), p.limit(p.Gate)))
		}
		if _, ok := n.row(p.ID); !ok && p.missed() {
			silent = append(silent, "row "+p.ID)
		}
	}
	for _, l := range leads(r.Results) {
		if _, ok := n.peer(l.peer, l.in); !ok {
			silent = append(silent, "peer "+l.peer+" in "+l.in)
		}
	}
	silent = slices.Compact(silent) // ahead of both of ours
	return outside, silent
}

func (r *Report) amplified(out *printer) {
	if len(r.Amplification) == 0 {
		return
	}
	out.line("## What reaches a service that is down")
	out.line(`A user calls a service, which calls a second one, which calls a third one, which is down. Each of the %d clients
may make %d attempts, if it repeats anything. So many calls reach the third service for the user's first call, and for each
of %d calls one after the other. A fallback may answer the user all the same; less than one is where calls are not even made
once. Peers are shown as they come, and with what they have against this for who turns it on.`,
		amplification.Hops, contender.Attempts, amplification.Calls)
	t := columns("contender", "the first call", "each of many", "answered")
	for _, a := range r.Amplification {
		t.add(a.Contender.Name, fmt.Sprint(a.First), fmt.Sprintf("%.1f", a.EachOfMany), fmt.Sprintf("%d of %d", a.Answered, amplification.Calls))
	}
	t.write(out)
}

func (r *Report) scenarios(out *printer) {
	if len(r.Overload) > 0 {
		s := overload.Default(1)
		out.line("## A burst of twice the capacity")
		out.line(`A server can do %.0f calls a second. It gets %.0f, then %.0f for %v, then %.0f again, in virtual time. [bench](../bench)
says more of the servers, the clients and the columns.`, s.Capacity(), s.Base, s.Burst, s.Storm, s.Base)
		t := columns(cells(overload.Header)...)
		for _, o := range r.Overload {
			t.add(cells(o.Row())...)
		}
		t.write(out)
	}
	if r.Fleet != "" {
		out.line("## A fleet after such a burst")
		out.line("A simulation: seconds after the burst until 95 %% succeed in each second that follows, for three loads before and after it.")
		out.line("```\n%s\n```", strings.TrimSpace(r.Fleet))
	}
}

// cells parts a line for text/tabwriter.
func cells(tabbed string) []string { return strings.Split(strings.TrimSuffix(tabbed, "\t"), "\t") }

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.w.Write(b)
	p.err = err
	return n, err
}

// line writes a paragraph.
func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p, format+"\n\n", args...)
}
