package throttle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

func drawn(x float64) func() float64 { return func() float64 { return x } }

func end(t *Throttle, now time.Time, accepted bool) {
	if accepted {
		t.Accepted(now.Unix)
	} else {
		t.Refused(now.Unix())
	}
}

// A step is a number of requests at one time and what becomes of them, and the
// probability of a refusal after it.
type step struct {
	at                float64
	accepted, refused int // by the server
	underWay, held    int // without an answer yet; refused here
	lateYes, lateNo   int // answers to earlier requests
	want              float64
}

func (s step) run(t *testing.T, throttle *Throttle) {
	t.Helper()
	now := at(s.at)
	begin := func(n int, draw float64, want bool) {
		for range n {
			if got := throttle.Begin(now.Unix(), drawn(draw)); got != want {
				t.Fatalf("Begin(%g) = %t, want %t", draw, got, want)
			}
		}
	}
	ends := func(n int, accepted bool) {
		for range n {
			end(throttle, now, accepted)
		}
	}
	begin(s.accepted+s.refused+s.underWay, mostRefused, true)
	ends(s.accepted, true)
	ends(s.refused, false)
	begin(s.held, 0, false)
	ends(s.lateYes, true)
	ends(s.lateNo, false)
	throttle.turn(now.Unix())
	if got := throttle.refusal(); math.Abs(got-s.want) > 1e-9 {
		t.Fatalf("after %+v: refuses with %.4f, want %.4f", s, got, s.want)
	}
}

func TestThrottle(t *testing.T) {
	tests := []struct {
		name  string
		steps []step
	}{
		{"all is well", []step{{at: 0, accepted: 1000}, {at: 5, accepted: 1000}, {at: 20, accepted: 1}}},
		{"twenty are free", []step{{at: 0, refused: 20}}},
		{"the next is not", []step{{at: 0, refused: 21, want: 1. / 22}}},
		{"never all", []step{{at: 0, refused: 100000, want: .9}}},
		{"half may fail", []step{{at: 0, accepted: 5000, refused: 5000}}},
		{"and twenty more", []step{{at: 0, accepted: 5000, refused: 5020}}},
		{"more than that", []step{{at: 0, accepted: 40, refused: 61, want: (101 - 20 - 2*40) / 102.}}},
		{"by far", []step{{at: 0, accepted: 200, refused: 800, want: (1000 - 20 - 2*200) / 1001.}}},
		{"a slow start is no outage", []step{{at: 0, underWay: 500}, {at: 8, underWay: 500}, {at: 9, lateYes: 1}}},
		{"one refusal does not condemn those under way", []step{{at: 0, accepted: 9, underWay: 90, refused: 1}}},
		{"those under way count as soon as others fail", []step{{at: 0, refused: 1, underWay: 99, want: 80. / 101}}},
		{"and to the degree that others fail", []step{
			{at: 0, accepted: 2, refused: 8, underWay: 90, want: (100 - 20 - 2*20.) / 101},
		}},
		{"held back ones are requests", []step{
			{at: 0, accepted: 20, refused: 80, want: 40. / 101}, {at: 0, held: 50, want: 90. / 151},
		}},
		{"answers without their requests", []step{
			{at: 0, underWay: 100}, {at: 30, refused: 20, lateYes: 10, lateNo: 90},
		}},
		{"more answers than requests", []step{
			{at: 0, underWay: 100}, {at: 30, refused: 21, lateNo: 100, want: 1. / 22},
		}},
		{"and of both kinds", []step{
			{at: 0, underWay: 100},
			{at: 30, accepted: 10, refused: 50, lateNo: 70, want: (60 - 20 - 2*10) / 61.},
		}},
		{"the whole window counts", []step{{at: 0.9, refused: 100, want: 80. / 101}, {at: 9.9, want: 80. / 101}}},
		{"and no more", []step{{at: 0.9, refused: 100, want: 80. / 101}, {at: 10, want: 0}}},
		{"no refusal there within the window, none here", []step{
			{at: 0, refused: 100, want: 80. / 101}, {at: 5, held: 200, want: .9},
			{at: 5, accepted: 30, want: (230 - 2*30) / 231.}, {at: 9.9, want: (330 - 20 - 2*30) / 331.},
			{at: 10, want: 0},
		}},
		{"a slice leaves alone", []step{
			{at: 0, refused: 100, want: 80. / 101},
			{at: 1, accepted: 30, refused: 70, want: (200 - 20 - 2*30) / 201.},
			{at: 10, want: (100 - 20 - 2*30) / 101.},
		}},
		{"the last seconds tell of a recovery", []step{
			{at: 0, refused: 200, want: 180. / 201}, {at: 1.9, accepted: 40, want: (240 - 20 - 2*40) / 241.},
			{at: 2, want: 0},
		}},
		{"and to which degree", []step{
			{at: 0, refused: 300, want: .9}, {at: 2, accepted: 15, refused: 35, want: (50 - 2*15) / 51.},
		}},
		{"even if there are few", []step{
			{at: 0, refused: 300, want: .9}, {at: 2, held: 15, want: .9},
			{at: 2, accepted: 5, want: (20 - 2*5) / 21.},
		}},
		{"and of any kind", []step{{at: 0, refused: 300, want: .9}, {at: 2, accepted: 2, refused: 3, want: (5 - 2*2) / 6.}}},
		{"but not without five answers", []step{
			{at: 0, refused: 200, want: 180. / 201}, {at: 3, accepted: 4, want: (204 - 20 - 2*4) / 205.},
			{at: 4, accepted: 1},
		}},
		{"however many requests", []step{{at: 0, refused: 200, want: 180. / 201}, {at: 3, underWay: 50, want: .9}}},
		{"which may be to earlier requests", []step{
			{at: 0, refused: 200, underWay: 5, want: 185. / 206}, {at: 3, lateYes: 5},
		}},
		{"the last seconds never raise", []step{
			{at: 0, accepted: 100}, {at: 5, refused: 150, want: (250 - 20 - 2*100) / 251.},
		}},
		{"late by a little", []step{
			{at: 5, refused: 100, want: 80. / 101}, {at: 4.9, refused: 100, want: 180. / 201},
			{at: 0, refused: 1, want: 181. / 202}, {at: 14.9, want: 181. / 202}, {at: 15},
		}},
		{"a jump ahead", []step{
			{at: 0, refused: 100, want: 80. / 101}, {at: 36000}, {at: 36001, refused: 21, want: 1. / 22},
		}},
		{"a jump back", []step{
			{at: 0, refused: 100, want: 80. / 101}, {at: -36000}, {at: -35999, refused: 21, want: 1. / 22},
			{at: -35990.5, want: 1. / 22}, {at: -35989},
		}},
		{"back by the window", []step{{at: 0, refused: 100, want: 80. / 101}, {at: -10}}},
		{"before 1970", []step{
			{at: -1.8e9, refused: 100, want: 80. / 101}, {at: -1.8e9 + 9, want: 80. / 101}, {at: -1.8e9 + 10},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			throttle := New()
			for _, s := range test.steps {
				s.run(t, throttle)
			}
		})
	}
}

// The draw decides, and what it decides is counted.
func TestDraw(t *testing.T) {
	throttle := New()
	step{refused: 300, want: .9}.run(t, throttle)
	for _, draw := range []float64{0, .5, math.Nextafter(.9, 0)} {
		if throttle.Begin(start.Unix(), drawn(draw)) {
			t.Errorf("Begin(%g) sends", draw)
		}
	}
	for _, draw := range []float64{.9, math.Nextafter(1, 0)} {
		if !throttle.Begin(start.Unix(), drawn(draw)) {
			t.Errorf("Begin(%g) refuses", draw)
		}
	}
	if sent, held := throttle.begun.since(&throttle.begun.window); sent != 302 || held != 3 {
		t.Errorf("counted %d sent and %d refused here, want 302 and 3", sent, held)
	}
}

// Counting goes on for ever: both halves of the word overflow, and nobody notices.
func TestOverflow(t *testing.T) {
	throttle := New()
	throttle.begun.total.Store(math.MaxUint64 - 5)
	throttle.answered.total.Store(math.MaxUint64 - 5)
	step{accepted: 20, refused: 80, want: 40. / 101}.run(t, throttle)
}

// simulate offers requests at an even rate and returns how many of each second
// were sent. The server answers at once.
func simulate(random *rand.Rand, rate, seconds int, accepts func(second int) bool) []int {
	throttle := New()
	sent := make([]int, seconds)
	for n := range seconds * rate {
		now := at(float64(n) / float64(rate))
		if throttle.Begin(now.Unix(), drawn(random.Float64())) {
			sent[n/rate]++
			end(throttle, now, accepts(n/rate))
		}
	}
	return sent
}

// 200 requests a second meet an overload of a minute. Measured: a tenth of them is
// sent from the ninth second on (a fifth over the whole minute). When it has ended,
// the recent seconds allow for twice what was taken in the one before: a tenth of
// all, then more and more while it is sent, and all two seconds later.
func TestRecovery(t *testing.T) {
	const rate, begin, end = 200, 30, 90
	random := rand.New(rand.NewPCG(1, 2))
	sent := simulate(random, rate, 120, func(second int) bool { return second < begin || second >= end })
	total := 0
	for second, n := range sent {
		switch {
		case second < begin && n != rate:
			t.Errorf("second %d: %d sent to a healthy server", second, n)
		case second >= begin && second < end:
			total += n
			if second >= begin+window && n > rate*15/100 {
				t.Errorf("second %d: %d of %d sent into the overload", second, n, rate)
			}
		case second == end+1 && n < rate/4:
			t.Errorf("%d of %d sent in the second after the first", n, rate)
		}
	}
	recovered := begin
	for second := end; second < len(sent); second++ {
		if sent[second] < rate*99/100 {
			recovered = second + 1
		}
	}
	t.Logf("sent into the overload: %d of %d; then a second each: %v; 99 %% after %d s",
		total, (end-begin)*rate, sent[end:end+8], recovered-end)
	if total > (end-begin)*rate/4 {
		t.Errorf("%d of %d sent into the overload", total, (end-begin)*rate)
	}
	if recovered-end > 2 {
		t.Errorf("99 %% are sent only %d s after the overload", recovered-end)
	}
}

// Clients of a fleet make few calls each, all together many. For 30 seconds their
// server takes none, or half.
func TestFewCalls(t *testing.T) {
	const clients, end = 200, 30
	tests := []struct {
		rate                int
		takes               float64 // the server, in the overload
		least, most         float64 // sent in a second of the overload, as a share of all
		oneLater, fourLater float64 // sent at least, one second after it, and from the fourth on
	}{
		{1, 0, 1, 1, 1, 1},
		{2, 0, 1, 1, 1, 1},         // twenty in a window, which are free
		{5, 0, .36, .56, .6, .95},  // (50-20)/51 are held back by the end of a second
		{10, 0, .18, .26, .4, .9},  // (100-20)/101
		{20, 0, .08, .15, .2, .85}, // (200-20)/201
		{3, .5, .99, 1, .99, 1},    // K allows for half that fail, but by chance there are more
		{5, .5, .99, 1, .99, 1},
		{10, .5, .98, 1, .99, 1},
		{20, .5, .98, 1, .99, 1},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d a second, %.1f are taken", test.rate, test.takes), func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, 8))
			var share [end + 10]float64
			for range clients {
				taken := func(second int) bool { return second >= end || random.Float64() < test.takes }
				for second, n := range simulate(random, test.rate, len(share), taken) {
					share[second] += float64(n) / float64(test.rate*clients)
				}
			}
			t.Logf("sent of all: %.2f", share)
			for second := window; second < end; second++ {
				if got := share[second]; got < test.least-1e-9 || got > test.most+1e-9 {
					t.Errorf("second %d of the overload: %.3f are sent, want %.2f to %.2f", second, got, test.least, test.most)
				}
			}
			if got := share[end+1]; got < test.oneLater-1e-9 {
				t.Errorf("%.3f are sent one second later, want %.2f", got, test.oneLater)
			}
			for second := end + 4; second < len(share); second++ {
				if got := share[second]; got < test.fourLater-1e-9 {
					t.Errorf("%.3f are sent %d seconds later, want %.2f", got, second-end, test.fourLater)
				}
			}
		})
	}
}

// A server that takes a tenth of what is offered is sent about twice what it
// takes (that is what K says), and keeps as much work as it can do.
func TestPartialOverload(t *testing.T) {
	const rate, takes = 200, 20
	random := rand.New(rand.NewPCG(3, 4))
	throttle := New()
	sent, accepted := 0, 0
	taken := 0
	for n := range rate * 120 {
		if n%rate == 0 {
			taken = 0
		}
		now := at(float64(n) / rate)
		if !throttle.Begin(now.Unix(), drawn(random.Float64())) {
			continue
		}
		// Spread over the second, as a queue would.
		ok := taken <= takes*(n%rate)/rate
		if ok {
			taken++
		}
		end(throttle, now, ok)
		if n >= rate*20 {
			sent++
			if ok {
				accepted++
			}
		}
	}
	t.Logf("%.1f sent and %.1f accepted a second, of %d", float64(sent)/100, float64(accepted)/100, takes)
	if sent > 100*takes*5/2 || accepted < 100*takes*9/10 {
		t.Errorf("%d sent and %d accepted in 100 s, of %d", sent, accepted, 100*takes)
	}
}

// A server that hangs is noticed when the first requests give up.
func TestHangingServer(t *testing.T) {
	const rate, timeout = 100, 2
	throttle := New()
	random := rand.New(rand.NewPCG(5, 6))
	sent := map[int]bool{}
	late := 0
	for n := range rate * 30 {
		now := at(float64(n) / rate)
		if before := n - timeout*rate; sent[before] {
			end(throttle, now, before < 10*rate) // healthy for ten seconds
		}
		if throttle.Begin(now.Unix(), drawn(random.Float64())) {
			sent[n] = true
			if n >= 20*rate {
				late++
			}
		}
	}
	if late > 10*rate*15/100 {
		t.Errorf("%d of %d are sent, ten seconds after the server began to hang", late, 10*rate)
	}
}

func TestConcurrentUse(t *testing.T) {
	throttle := New()
	const goroutines, each = 4, 5000
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 0))
			for n := range each {
				now := at(float64(n)/1000 - float64(g)/10)
				if p := throttle.refusal(); p < 0 || p > mostRefused {
					t.Errorf("refuses with %g", p)
				}
				if throttle.Begin(now.Unix(), drawn(random.Float64())) {
					end(throttle, now, n%3 == 0)
				}
			}
		})
	}
	all.Wait()
	sent, held := throttle.begun.since(&throttle.begun.window)
	accepted, refused := throttle.answered.since(&throttle.answered.window)
	if sent+held != goroutines*each || accepted+refused != sent {
		t.Errorf("%d sent, %d refused here, %d accepted, %d refused there, of %d",
			sent, held, accepted, refused, goroutines*each)
	}
}

// Whoever counts while another goes on to a slice far ahead sees few events, never
// fewer than none, which would read as four billion.
func TestReadingWhileTurning(t *testing.T) {
	throttle := New()
	var all sync.WaitGroup
	all.Go(func() {
		for n := range 20_000 {
			throttle.begun.first()
			throttle.begun.second()
			throttle.turnTo(int64(n) * 100)
		}
	})
	all.Go(func() {
		for range 200_000 {
			if sent, held := throttle.begun.since(&throttle.begun.window); sent > 20_000 || held > 20_000 {
				t.Errorf("%d sent and %d refused here", sent, held)
				return
			}
		}
	})
	all.Wait()
}

// Any sequence of times leaves it with a probability, and itself again soon.
func FuzzClock(f *testing.F) {
	f.Add(int64(0), int64(1), int64(-1), int64(1)<<40)
	f.Add(int64(-1)<<62, int64(1)<<62, int64(0), int64(9))
	f.Fuzz(func(t *testing.T, a, b, c, d int64) {
		throttle := New()
		for _, seconds := range []int64{a, b, c, d} {
			now := time.Unix(seconds, 0)
			for range 30 {
				throttle.Begin(now.Unix(), drawn(mostRefused))
				end(throttle, now, false)
			}
			if p := throttle.refusal(); !(p >= 0 && p <= mostRefused) {
				t.Fatalf("refuses with %g", p)
			}
		}
		now := time.Unix(d, 0)
		for n := range 3 * window {
			if !throttle.Begin(now.Add(time.Duration(n)*time.Second).Unix(), drawn(1)) {
				t.Fatal("a draw of 1 was refused")
			}
		}
		if p := throttle.refusal(); p != 0 {
			t.Fatalf("refuses with %g after a window of peace", p)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	for name, accepted := range map[string]bool{"healthy": true, "overloaded": false} {
		throttle, n := New(), 0
		got := testing.AllocsPerRun(1000, func() {
			n++
			now := at(float64(n) / 100)
			if throttle.Begin(now.Unix(), drawn(.95)) {
				end(throttle, now, accepted)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkHealthy(b *testing.B) { benchmark(b, true) }

func BenchmarkOverloaded(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, accepted bool) {
	b.Run("serial", func(b *testing.B) {
		throttle := New()
		b.ReportAllocs()
		for b.Loop() {
			if throttle.Begin(start.Unix(), drawn(.95)) {
				end(throttle, start, accepted)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		throttle := New()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if throttle.Begin(start.Unix(), drawn(.95)) {
					end(throttle, start, accepted)
				}
			}
		})
	})
}
