package overload

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc/codes"
)

// log notes what happens to attempts, on both sides.
type log struct {
	scenario Scenario
	start    time.Time

	mu            sync.Mutex
	running, most int
	attempts      []attempt // by id
}

type attempt struct {
	worked time.Duration // when the server had done its work; 0: it has not
	used   bool          // somebody got the answer
}

func newLog(s Scenario) *log { return &log{scenario: s, start: time.Now()} }

func (l *log) send() (id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts = append(l.attempts, attempt{})
	return int64(len(l.attempts) - 1)
}

func (l *log) use(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts[id].used = true
}

func (l *log) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running++
	l.most = max(l.most, l.running)
}

func (l *log) end(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.attempts[id].worked = time.Since(l.start)
}

func (l *log) mostAtOnce() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most
}

// Never is the recovery of a service that was still not well when the watch ended.
const Never = time.Duration(-1)

// Result is what became of a scenario.
type Result struct {
	Contender Contender
	Calls     int

	Goodput     float64       // answers in time during the burst, as a share of what the server can give
	Recovery    time.Duration // after the burst, until 95 % succeed in every second that follows
	WastedBurst float64       // share of the work done during the burst that nobody got the answer of
	Wasted      float64       // the same from the begin of the burst to the end
	Attempts    float64       // sent for each call
	P50, P99    time.Duration // that failures took
	Failed      map[codes.Code]int
	Seconds     []float64 // share of the calls begun in each second that succeeded
}

// well is the least share of calls that succeed where a service has recovered.
const well = 0.95

func (l *log) result(c Contender, calls []call) *Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.scenario
	r := &Result{Contender: c, Calls: len(calls), Failed: map[codes.Code]int{}}
	var failures []time.Duration
	inTime := 0
	good := make([]int, s.total()/time.Second)
	all := make([]int, len(good))
	for _, c := range calls {
		second := min(int(c.began/time.Second), len(good)-1)
		all[second]++
		if c.code != codes.OK {
			r.Failed[c.code]++
			failures = append(failures, c.took)
			continue
		}
		good[second]++
		if end := c.began + c.took; end >= s.Calm && end < s.Calm+s.Storm {
			inTime++
		}
	}
	r.Goodput = float64(inTime) / s.Storm.Seconds() / s.Capacity()
	for i := range all {
		r.Seconds = append(r.Seconds, float64(good[i])/float64(max(all[i], 1)))
	}
	r.Recovery = s.recovery(r.Seconds)
	r.WastedBurst = l.wasted(s.Calm, s.Calm+s.Storm)
	r.Wasted = l.wasted(s.Calm, 1<<62)
	r.Attempts = float64(len(l.attempts)) / float64(len(calls))
	slices.Sort(failures)
	r.P50, r.P99 = percentile(failures, 50), percentile(failures, 99)
	return r
}

// recovery asks for five good seconds at the end: with fewer nobody knows.
func (s Scenario) recovery(seconds []float64) time.Duration {
	after := seconds[(s.Calm+s.Storm)/time.Second:]
	n := len(after)
	for n > 0 && after[n-1] >= well {
		n--
	}
	if len(after)-n < 5 {
		return Never
	}
	return time.Duration(n) * time.Second
}

// wasted is the share of the work done between two moments whose answer nobody got.
func (l *log) wasted(from, to time.Duration) float64 {
	done, unused := 0, 0
	for _, a := range l.attempts {
		if a.worked >= max(from, 1) && a.worked < to {
			done++
			if !a.used {
				unused++
			}
		}
	}
	return float64(unused) / float64(max(done, 1))
}

func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100]
}

// Header names the columns of a table of results.
const Header = "client\tserver\tgoodput\trecovery\twasted in burst\twasted in all\tattempts/call\tfailures p50/p99\tcodes\t"

// Row is the result as a row of the table.
func (r *Result) Row() string {
	recovery := fmt.Sprintf("%.0f s", r.Recovery.Seconds())
	if r.Recovery == Never {
		recovery = "NEVER"
	}
	var failed []string
	for _, c := range slices.SortedFunc(maps.Keys(r.Failed), func(a, b codes.Code) int { return cmp.Compare(r.Failed[b], r.Failed[a]) }) {
		failed = append(failed, fmt.Sprintf("%v %d", c, r.Failed[c]))
	}
	return fmt.Sprintf("%s\t%v\t%.1f %%\t%s\t%.1f %%\t%.1f %%\t%.2f\t%d/%d ms\t%s\t", r.Contender.Name, r.Contender.Server, 100*r.Goodput, recovery,
		100*r.WastedBurst, 100*r.Wasted, r.Attempts, r.P50.Milliseconds(), r.P99.Milliseconds(), strings.Join(failed, ", "))
}

// Print writes a table.
func Print(w io.Writer, results []*Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, Header)
	for _, r := range results {
		fmt.Fprintln(table, r.Row())
	}
	return table.Flush()
}
