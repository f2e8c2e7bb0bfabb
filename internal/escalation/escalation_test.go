package escalation

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

const minute = time.Minute

var start = time.Unix(1_700_000_000, 0)

func key(name string) Key {
	caller, method, _ := strings.Cut(name, "/")
	return Key{Caller: caller, Method: method}
}

// A step is a failure of a key and what is reported, or its success where want is
// zero.
type step struct {
	at       time.Duration
	key      string
	want     int
	escalate bool
}

func fails(at time.Duration, key string, want int, escalate bool) step {
	return step{at, key, want, escalate}
}

func succeeds(key string) step { return step{key: key} }

// everybody makes so many callers fail three times.
func everybody(at time.Duration, callers int, escalate bool) []step {
	var steps []step
	for n := range callers {
		name := fmt.Sprintf("%v-%d/m", at, n)
		steps = append(steps, fails(at, name, 1, false), fails(at, name, 2, false), fails(at, name, 3, escalate))
	}
	return steps
}

func join(parts ...[]step) (all []step) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestTable(t *testing.T) {
	tests := []struct {
		name    string
		entries int
		steps   []step
	}{
		{"three in a row", 100, []step{
			fails(0, "a/m", 1, false), fails(1*minute, "a/m", 2, false), fails(2*minute, "a/m", 3, true), fails(3*minute, "a/m", 4, true),
		}},
		{"a success ends it", 100, []step{
			fails(0, "a/m", 1, false), fails(0, "a/m", 2, false), succeeds("a/m"), fails(0, "a/m", 1, false), succeeds("a/m"), fails(0, "a/m", 1, false),
		}},
		{"a success of others does not", 100, []step{
			fails(0, "a/m", 1, false), succeeds("b/m"), succeeds("a/n"), succeeds("m/a"), fails(0, "a/m", 2, false), succeeds("b/m"), fails(0, "a/m", 3, true),
		}},
		{"callers and methods do not mix", 100, []step{
			fails(0, "a/bc", 1, false), fails(0, "ab/c", 1, false), fails(0, "bc/a", 1, false), fails(0, "a/a", 1, false), fails(0, "b/b", 1, false), fails(0, "/", 1, false),
		}},
		{"a pause of the window", 100, []step{
			fails(0, "a/m", 1, false), fails(10*minute, "a/m", 2, false), fails(20*minute, "a/m", 3, true),
		}},
		{"and a failure of others in between", 100, []step{
			fails(0, "a/m", 1, false), fails(10*minute, "b/m", 1, false), fails(10*minute, "a/m", 2, false),
		}},
		{"a longer pause", 100, []step{
			fails(0, "a/m", 1, false), fails(0, "a/m", 2, false), fails(10*minute+1, "a/m", 1, false), fails(11*minute, "a/m", 2, false),
		}},
		{"a clock set back", 100, []step{
			fails(0, "a/m", 1, false), fails(-time.Hour, "a/m", 2, false), fails(-time.Hour, "a/m", 3, true), fails(-2*time.Hour, "a/m", 4, true),
		}},
		{"a flood of others' first failures", 4, []step{
			fails(0, "a/m", 1, false), fails(0, "a/m", 2, false),
			fails(1, "b/m", 1, false), fails(1, "c/m", 1, false), fails(1, "d/m", 1, false), fails(1, "e/m", 1, false), fails(1, "f/m", 1, false),
			fails(2, "a/m", 3, true), fails(2, "f/m", 2, false), fails(2, "b/m", 1, false),
		}},
		{"the one that failed longest ago leaves", 4, []step{
			fails(0, "a/m", 1, false), fails(0, "a/m", 2, false), fails(1, "b/m", 1, false), fails(1, "b/m", 2, false), fails(2, "a/m", 3, true),
			fails(3, "c/m", 1, false), fails(3, "c/m", 2, false), fails(4, "a/m", 4, true), fails(4, "b/m", 1, false),
		}},
		{"no room at all is room for two", 0, []step{
			fails(0, "a/m", 1, false), fails(0, "a/m", 2, false), fails(0, "b/m", 1, false), fails(0, "a/m", 3, true), fails(0, "b/m", 2, false), fails(0, "a/m", 1, false),
		}},
		{"a crowd", 100, join(everybody(0, 10, true), everybody(1, 5, false), []step{fails(2, "0s-3/m", 4, true), fails(2, "0s-3/n", 1, false)})},
		{"whoever succeeds after that has been sent all the same", 100, join(everybody(0, 10, true), []step{succeeds("0s-1/m"), succeeds("0s-2/m")}, everybody(1, 5, false))},
		{"one caller is no crowd", 100, join(
			[]step{fails(0, "a/m", 1, false), fails(0, "a/m", 2, false), fails(0, "a/m", 3, true), fails(0, "a/n", 1, false), fails(0, "a/n", 2, false), fails(0, "a/n", 3, true)},
			everybody(0, 9, true), everybody(1, 1, false))},
		{"the crowd after the window", 100, join(everybody(0, 10, true), everybody(10*minute, 1, false), everybody(10*minute+1, 10, true), everybody(10*minute+2, 1, false))},
		{"the crowd of another time", 100, join(everybody(0, 10, true), everybody(-time.Hour, 10, true), everybody(-time.Hour+1, 1, false))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := New(test.entries, 10*minute)
			for i, s := range test.steps {
				if s.want == 0 {
					table.Succeeded(key(s.key))
					continue
				}
				if got, escalate := table.Failed(start.Add(s.at), key(s.key), 3, false); got != s.want || escalate != s.escalate {
					t.Fatalf("step %d, %s: %d, %t, want %d, %t", i, s.key, got, escalate, s.want, s.escalate)
				}
				check(t, table)
			}
		})
	}
}

// check compares the filter with what the table holds.
func check(t *testing.T, table *Table) {
	t.Helper()
	held, filtered := int64(table.once.Len()+table.again.Len()), int64(0)
	for i := range table.filter {
		n := int64(table.filter[i].Load())
		if n < 0 {
			t.Errorf("bucket %d has %d", i, n)
		}
		filtered += n
	}
	if live := table.live.Load(); live != held || filtered != held {
		t.Fatalf("%d entries, %d counted, %d in the filter", held, live, filtered)
	}
}

func TestThreshold(t *testing.T) {
	for threshold, want := range map[int]int{-1: 0, 0: 0, 1: 1, 2: 2, 5: 5} {
		table, first := New(10, minute), 0
		for n := 1; n <= 7; n++ {
			if _, escalate := table.Failed(start, key("a/m"), threshold, false); escalate && first == 0 {
				first = n
			}
		}
		if first != want {
			t.Errorf("threshold %d: escalates at failure %d, want %d", threshold, first, want)
		}
	}
}

// A flood of odd keys, of any size, leaves the table as small as it should be, and
// it is empty some time after.
func TestFlood(t *testing.T) {
	const entries = 100
	table := New(entries, minute)
	long := strings.Repeat("x", 1<<12)
	for n := range 5000 {
		k := Key{Caller: fmt.Sprint(n, long), Method: long}
		for range 1 + n%3 {
			table.Failed(start.Add(time.Duration(n)), k, 3, false)
		}
	}
	if n := table.live.Load(); n > entries || n < entries-1 { // the last one may just have moved
		t.Errorf("holds %d entries, want %d", n, entries)
	}
	check(t, table)
	for range entries {
		table.Failed(start.Add(time.Hour), key("a/m"), 3, false)
	}
	table.Succeeded(key("a/m"))
	if n := table.live.Load(); n != 0 {
		t.Errorf("holds %d entries after the window", n)
	}
}

// Any calls have the same results as with a map that forgets nothing.
func TestRandomCalls(t *testing.T) {
	const window = 100
	random := rand.New(rand.NewPCG(1, 2))
	table := New(1000, window)
	want := map[Key]record{}
	now := start
	for n := range 50_000 {
		now = now.Add(time.Duration(random.IntN(20)))
		k := Key{Caller: fmt.Sprint(random.IntN(5)), Method: fmt.Sprint(random.IntN(8))}
		if random.IntN(4) == 0 {
			table.Succeeded(k)
			delete(want, k)
			continue
		}
		r := want[k]
		if now.Sub(r.last) > window {
			r.failures = 0
		}
		r = record{r.failures + 1, now}
		want[k] = r
		if got, _ := table.Failed(now, k, 3, false); got != r.failures {
			t.Fatalf("call %d: %d failures, want %d", n, got, r.failures)
		}
	}
	check(t, table)
}

func TestConcurrentUse(t *testing.T) {
	table := New(20, minute)
	var all sync.WaitGroup
	for g := range 4 {
		own := Key{Caller: "own", Method: fmt.Sprint(g)}
		all.Go(func() {
			for n := range 3000 {
				table.Failed(start.Add(time.Duration(n)), Key{Method: fmt.Sprint(n * g % 37)}, 3, false)
				table.Succeeded(Key{Method: fmt.Sprint(n * g % 41)})
				// Of its own key nobody else disposes, but it may have to leave.
				if first, _ := table.Failed(start.Add(time.Duration(n)), own, 3, false); first != 1 {
					t.Errorf("%d failures after a success", first)
				}
				table.Succeeded(own)
			}
		})
	}
	all.Wait()
	check(t, table)
	if n := table.live.Load(); n > 20 {
		t.Errorf("%d entries", n)
	}
}

// A success that meets a failure of the same key comes before or after it, and is
// never lost.
func TestSuccessBesideFailure(t *testing.T) {
	k := key("a/m")
	for range 2000 {
		table := New(10, minute)
		table.Failed(start, k, 3, false)
		var both sync.WaitGroup
		both.Go(func() { table.Failed(start, k, 3, false) })
		both.Go(func() { table.Succeeded(k) })
		both.Wait()
		if got, _ := table.Failed(start, k, 3, false); got > 2 {
			t.Fatalf("%d failures: the success was lost", got)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	empty, other, same := New(100, minute), New(100, minute), New(100, minute)
	other.Failed(start, key("b/n"), 3, false)
	long := Key{Caller: strings.Repeat("x", 1000), Method: "m"}
	same.Failed(start, long, 3, false)
	for name, run := range map[string]func(){
		"empty":         func() { empty.Succeeded(long) },
		"others failed": func() { other.Succeeded(long) },
		"itself failed": func() { same.Succeeded(long) },
	} {
		if got := testing.AllocsPerRun(1000, run); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkSucceeded(b *testing.B) {
	k := Key{Caller: "spiffe://example.com/ns/books/sa/reader", Method: "/library.v1.Books/GetBook"}
	for name, failed := range map[string]int{"empty": 0, "20 failed": 20, "5000 failed": 5000} {
		b.Run(name, func(b *testing.B) {
			table := New(10_000, minute)
			for n := range failed {
				table.Failed(start, Key{Method: fmt.Sprint(n)}, 3, false)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					table.Succeeded(k)
				}
			})
		})
	}
}

func BenchmarkFailed(b *testing.B) {
	table, k := New(10_000, minute), key("a/m")
	b.ReportAllocs()
	for b.Loop() {
		table.Failed(start, k, 3, false)
	}
}

// All attempts at one call are one failure.
func TestAttemptsAreOneFailure(t *testing.T) {
	table, now, k := New(10, time.Minute), time.Unix(1, 0), key("a/m")
	for call := 1; call <= 4; call++ {
		for attempt := range 3 {
			if got, escalate := table.Failed(now, k, 3, attempt > 0); got != call || escalate != (call >= 3) {
				t.Errorf("call %d, attempt %d: %d failures, escalate %v", call, attempt, got, escalate)
			}
		}
	}
	if got, _ := table.Failed(now, key("b/m"), 3, true); got != 1 { // the first attempt went to another server
		t.Errorf("%d failures, want 1", got)
	}
}
