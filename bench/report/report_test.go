package report

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/errorpath"
	"github.com/recourse-dev/recourse/bench/harness"
)

func TestVerdict(t *testing.T) {
	times := Row{Unit: Times, Target: 1.1, Gate: 1.2}
	counted := Row{Unit: Allocs, Target: 4, Gate: 5}
	ungated := Row{Unit: Times, Target: 1, Gate: None}
	more := Row{Unit: Times, Target: 0.8, Gate: 0.7, AtLeast: true}
	for _, row := range []struct {
		row  Row
		e    harness.Estimate
		want Verdict
	}{
		{times, harness.Estimate{Value: 1.104, Lo: 1, Hi: 1.2}, AtTarget}, // as it is written
		{times, harness.Estimate{Value: 1.106, Lo: 1, Hi: 1.2}, InsideGate},
		{times, harness.Estimate{Value: 1, Lo: 0.9, Hi: 1.3}, Unclear},
		{times, harness.Estimate{Value: 1.15, Lo: 1, Hi: 1.3}, Unclear},
		{times, harness.Estimate{Value: 1.3, Lo: 1.19, Hi: 1.4}, Unclear}, // it may be noise
		{times, harness.Estimate{Value: 1.3, Lo: 1.21, Hi: 1.4}, Outside},
		{counted, harness.Exactly(4), AtTarget},
		{counted, harness.Exactly(-2), AtTarget},
		{counted, harness.Exactly(5), InsideGate},
		{counted, harness.Exactly(6), Outside},
		{ungated, harness.Exactly(1), AtTarget},
		{ungated, harness.Exactly(9), OverTarget},
		{more, harness.Estimate{Value: 0.8, Lo: 0.7, Hi: 0.9}, AtTarget},
		{more, harness.Estimate{Value: 0.75, Lo: 0.7, Hi: 0.9}, InsideGate},
		{more, harness.Estimate{Value: 0.8, Lo: 0.1, Hi: 0.9}, Unclear},
		{more, harness.Estimate{Value: 0.6, Lo: 0.5, Hi: 0.7}, Unclear},
		{more, harness.Estimate{Value: 0.6, Lo: 0.5, Hi: 0.69}, Outside},
	} {
		if got := row.row.judge(row.e); got != row.want {
			t.Errorf("%v of at most %v, gate %v: %v, want %v", row.e, row.row.Target, row.row.Gate, got, row.want)
		}
	}
}

func TestText(t *testing.T) {
	for _, row := range []struct {
		unit Unit
		e    harness.Estimate
		want string
	}{
		{Allocs, harness.Exactly(-2), "-2"},
		{Bytes, harness.Exactly(272.4), "272 B"},
		{Times, harness.Estimate{Value: 1.006, Lo: 0.999, Hi: 1.5}, "1.01 (1.00…1.50)"},
		{Nanoseconds, harness.Estimate{Value: 7.25, Lo: 7, Hi: 120.4}, "7.3 ns (7…120)"},
		{Nanoseconds, harness.Exactly(-0.01), "0 ns"},
	} {
		if got := row.unit.spread(row.e); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

// Every row can be found in the results of the cases that there are, and so is never
// left out of the document without a word.
func TestRowsAreMeasured(t *testing.T) {
	r := &Report{Results: everythingTakes(1)}
	kept := map[string]bool{}
	for _, p := range r.kept() {
		kept[p.ID] = true
	}
	seen := map[string]bool{}
	for _, row := range Rows() {
		if !kept[row.ID] {
			t.Errorf("row %s, %s, is nowhere measured", row.ID, row.Metric)
		}
		if row.Metric == "" || strings.Contains(row.Metric, "the same") {
			t.Errorf("row %s: %q cannot be read by itself", row.ID, row.Metric)
		}
		for _, name := range slices.Concat(row.Peers, []string{row.Least}) {
			if _, ok := row.Of(r.Results, name); !ok && name != "" {
				t.Errorf("row %s: %s was not measured", row.ID, name)
			}
		}
		if seen[row.ID] {
			t.Errorf("there are two rows %s", row.ID)
		}
		seen[row.ID] = true
		if row.group() == 0 {
			t.Errorf("row %s has no number", row.ID)
		}
	}
}

// everythingTakes are results in which all contenders of all cases take the same.
func everythingTakes(v float64) *harness.Results {
	same := func() []float64 { return slices.Repeat([]float64{v}, 6) }
	r := new(harness.Results)
	for _, c := range slices.Concat(cases.All(), errorpath.Cases()) {
		result := harness.CaseResult{Case: c}
		for range c.Contenders {
			result.Measured = append(result.Measured,
				harness.Measured{Wall: same(), CPU: same(), Heap: same(), Allocs: v, Fewest: v, Most: v, Bytes: v})
		}
		r.Cases = append(r.Cases, result)
	}
	return r
}

// A peer is ahead with one allocation less, and with less CPU time only if that is
// beyond doubt.
func TestLeads(t *testing.T) {
	r := everythingTakes(100)
	if got := leads(r); len(got) != 0 {
		t.Fatalf("all are equal, but %v", got)
	}
	fewer := r.Find(cases.UnaryTCP, contender.FailsafeName)
	fewer.Allocs, fewer.Most = 99, 99
	r.Find(cases.UnaryTCP64, contender.FailsafeName).Allocs = 99 // but 100 at times
	r.Find(cases.UnaryMemory, contender.GomwName).CPU = []float64{90, 80, 99, 90, 98, 97}
	r.Find(cases.UnaryTCP64, contender.GomwName).CPU = []float64{90, 80, 101, 90, 98, 97}
	r.Find(cases.IdleStream, contender.GomwName).Heap = []float64{49, 49, 49, 49, 49, 49}
	r.Find(cases.UnaryTCP, contender.FloorName).Most = 1 // no peer
	got := leads(r)
	want := []lead{
		{in: cases.UnaryMemory, peer: contender.GomwName, ours: contender.CoreName, cpu: "0.94 (0.80…0.99)"},
		{in: cases.UnaryMemory, peer: contender.GomwName, ours: contender.RecourseName, cpu: "0.94 (0.80…0.99)"},
		{in: cases.UnaryTCP, peer: contender.FailsafeName, ours: contender.CoreName, theirs: "99", mine: "100"},
		{in: cases.UnaryTCP, peer: contender.FailsafeName, ours: contender.RecourseName, theirs: "99", mine: "100"},
		{in: cases.IdleStream, peer: contender.GomwName, ours: contender.CoreName, theirs: "49 B", mine: "100 B"},
		{in: cases.IdleStream, peer: contender.GomwName, ours: contender.RecourseName, theirs: "49 B", mine: "100 B"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if rows := leadTable(got).rows; len(rows) != 4 {
		t.Errorf("one row for each case: %v", rows)
	}
	n := parseNotes("## peer gomw in unary/*, no/thing\nbecause")
	reasons, grouped := byReason(n, got, contender.GomwName)
	if !slices.Equal(reasons, []string{"because", unexplained}) || len(grouped["because"]) != 2 {
		t.Errorf("got %v, %v", reasons, grouped)
	}
}

// The document has every case and says of each shortfall why, or that nobody knows.
func TestDocument(t *testing.T) {
	r := &Report{Results: everythingTakes(1)}
	r.Results.Find(cases.ClientDeadline, contender.CoreName).Allocs = 7
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Results.Cases {
		if !strings.Contains(b.String(), "\n### "+c.Name+"\n") {
			t.Errorf("%s is missing", c.Name)
		}
	}
	outside, _ := r.Problems()
	if !slices.ContainsFunc(outside, func(s string) bool { return strings.HasPrefix(s, "row 2a,") }) {
		t.Errorf("6 allocations too many are not noticed: %v", outside)
	}
}

// A run of few cases praises nothing that it has not measured.
func TestPartialDocument(t *testing.T) {
	all := everythingTakes(1)
	for i, c := range all.Cases {
		r := &Report{Results: &harness.Results{Cases: all.Cases[i : i+1]}}
		var b strings.Builder
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		kept := len(r.kept()) > 0
		for _, part := range []string{"## What is promised", "| # "} {
			if strings.Contains(b.String(), part) != kept {
				t.Errorf("%s: the document has %q", c.Name, part)
			}
		}
		if strings.Contains(b.String(), "service that is down") {
			t.Errorf("%s: amplification was not measured", c.Name)
		}
	}
}

func TestNotes(t *testing.T) {
	n := parseNotes("before\n\n## row 6\n\nall of it\n\n## row 6b\n\none\n### part\n\n## peer gomw in direct/*, unary/tcp\nanother\n")
	for id, want := range map[string]string{"6a": "all of it", "6b": "one\n### part", "7a": ""} {
		if got, ok := n.row(id); got != want || ok != (want != "") {
			t.Errorf("row %s: %q", id, got)
		}
	}
	for in, want := range map[string]string{"direct/client": "another", "unary/tcp": "another", "unary/tcp-64": ""} {
		if got, ok := n.peer("gomw", in); got != want || ok != (want != "") {
			t.Errorf("%s: got %q", in, got)
		}
	}
}

// Notes of rows and peers that are gone are deleted.
func TestNotesAreOfSomething(t *testing.T) {
	known := map[string]bool{"introduction": true, "promises": true, "exceptions": true, "cases": true, "errors": true, "profile": true}
	for _, row := range Rows() {
		known["row "+row.ID], known["row "+strings.TrimRight(row.ID, letters)] = true, true
	}
	for _, c := range contender.All() {
		known["peer "+c.Name] = true
	}
	for name := range errorRivals {
		known["peer "+name] = true
	}
	all := slices.Concat(cases.All(), errorpath.Cases())
	has := func(c harness.Case, name string) bool {
		return slices.ContainsFunc(c.Contenders, func(each harness.Contender) bool { return each.Name == name })
	}
	for heading, text := range parseNotes(notesFile) {
		if name, in, ok := strings.Cut(heading, " in "); ok && known[name] {
			for pattern := range strings.SplitSeq(in, ", ") {
				met := func(c harness.Case) bool {
					ok, _ := path.Match(pattern, c.Name)
					return ok && has(c, strings.TrimPrefix(name, "peer "))
				}
				if !slices.ContainsFunc(all, met) {
					t.Errorf("%s: %s is in no case like %s", strconv.Quote(heading), name, pattern)
				}
			}
			continue
		}
		if !known[heading] {
			t.Errorf("nothing is called %s", strconv.Quote(heading))
		}
		if text == "" {
			t.Errorf("%s says nothing", strconv.Quote(heading))
		}
	}
}
