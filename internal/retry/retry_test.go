package retry

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

func defaults(t testing.TB) *policy.Policy {
	t.Helper()
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	return set.For("")
}

func down(opts ...status.Option) *status.Error {
	return status.New(codes.Unavailable, "DOWN", "", opts...)
}

func TestNext(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	const draw = 0.5
	overload := status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED)
	tests := []struct {
		name    string
		run     Run
		failure Failure
		wait    time.Duration
		again   bool
		why     reason
	}{
		{"first", Run{Attempts: 1, Repeatable: true}, Failure{Err: down()}, 12500 * time.Microsecond, true, over},
		{"second", Run{Attempts: 2, Repeatable: true}, Failure{Err: down()}, 25 * time.Millisecond, true, over},
		{"third", Run{Attempts: 3, Repeatable: true}, Failure{Err: down()}, 0, false, exhausted},
		{"after an action", Run{Attempts: 3, remedies: 1, Repeatable: true}, Failure{Err: down()}, 25 * time.Millisecond, true, over},
		{"unsafe", Run{Attempts: 1}, Failure{Err: down()}, 0, false, unsafe},
		{"not sent", Run{Attempts: 1}, Failure{Err: down(), NotSent: true}, 12500 * time.Microsecond, true, over},
		{"applied, not sent", Run{Attempts: 1}, Failure{Err: down(status.Outcome(status.Applied)), NotSent: true}, 0, false, unsafe},
		{"a hint", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(status.RetryAfter(2 * time.Second))}, 2250 * time.Millisecond, true, over},
		{"a longer pushback", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(status.RetryAfter(2 * time.Second)), HasPushback: true, Pushback: 4 * time.Second},
			4500 * time.Millisecond, true, over},
		{"a hint of nothing", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(status.RetryAfter(0))}, 12500 * time.Microsecond, true, over},
		{"a hint that fits", Run{Attempts: 1, Repeatable: true, Deadline: start.Add(2252 * time.Millisecond)}, Failure{Err: down(status.RetryAfter(2 * time.Second))},
			2250 * time.Millisecond, true, over},
		{"a hint that does not", Run{Attempts: 1, Repeatable: true, Deadline: start.Add(2251 * time.Millisecond)}, Failure{Err: down(status.RetryAfter(2 * time.Second))},
			2250 * time.Millisecond, false, tooLate},
		{"a hint too long for anybody", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(status.RetryAfter(31 * time.Second))}, 0, false, tooLate},
		{"overload without a hint", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(overload)}, 500 * time.Millisecond, true, over},
		{"overload with one", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(overload, status.RetryAfter(100*time.Millisecond))}, 112500 * time.Microsecond, true, over},
		{"its own time is up", Run{Attempts: 1, Repeatable: true}, Failure{Err: status.Timeout(nil), TimedOut: true}, 12500 * time.Microsecond, true, over},
		{"the server's time is up", Run{Attempts: 1, Repeatable: true}, Failure{Err: status.Timeout(nil)}, 0, false, over},
		{"forbidden", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(), Forbidden: true}, 0, false, over},
		{"given up", Run{Attempts: 1, Repeatable: true}, Failure{Err: down(), GivenUp: true}, 0, false, over},
		{"a message too large for this client", Run{Attempts: 1, Repeatable: true, Policy: listing(t, codes.ResourceExhausted)},
			Failure{Err: status.New(codes.ResourceExhausted, "", "grpc: received message larger than max (5 vs. 4)")}, 0, false, over},
		{"a last chance was had", Run{Attempts: 2, Repeatable: true, chance: true}, Failure{Err: down()}, 0, false, exhausted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.run
			if r.Policy == nil {
				r.Policy = defaults(t)
			}
			wait, again := r.Next(start, draw, test.failure, admitted)
			if again != test.again || again && wait != test.wait || !again && r.why != test.why {
				t.Errorf("%v, %v (%v), want %v, %v (%v)", wait, again, r.why, test.wait, test.again, test.why)
			}
		})
	}
}

func listing(t testing.TB, c ...codes.Code) *policy.Policy {
	p := *defaults(t)
	p.Codes = c
	return &p
}

func TestBudget(t *testing.T) {
	b := new(Budget)
	for i := range 20 {
		if !b.take(costRepeat) {
			t.Fatalf("empty after %d", i)
		}
	}
	if b.take(costRepeat) {
		t.Error("more than 20")
	}
	b.add(most)
	if !b.take(costTimeout) || b.lacks != costTimeout {
		t.Errorf("lacks %v, want %v", b.lacks, costTimeout)
	}
	if b.add(math.MaxInt64); b.lacks != 0 || b.spent.Load() {
		t.Errorf("lacks %v when full", b.lacks)
	}
	if b.take(10*token - 1); !b.overHalf() {
		t.Error("a little more than half is not over half")
	}
	if b.take(1); b.overHalf() {
		t.Error("half is not more than half")
	}
}

// An outage has spent all. Then each five successes are a repeat, one sooner is none,
// and a hundred fill the budget, which holds no more.
func TestSuccessesBringTheRepeatsBack(t *testing.T) {
	b := new(Budget)
	b.take(most)
	for n := range 20 {
		for range 4 {
			b.Earn()
		}
		if b.take(costRepeat) {
			t.Fatalf("four successes are a repeat, after %d others", n)
		}
		if b.Earn(); !b.take(costRepeat) || b.take(1) {
			t.Fatalf("five successes are not exactly a repeat, after %d others", n)
		}
	}
	for n := range 120 {
		if full := !b.spent.Load(); full != (n >= 100) {
			t.Fatalf("full after %d successes: %t", n, full)
		}
		b.Earn()
	}
	for n := range 21 {
		if b.take(costRepeat) != (n < 20) {
			t.Fatalf("a full budget holds %d repeats, want 20", n)
		}
	}
}

func TestARepeatThatWorksIsFree(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	overloaded := down(status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED))
	tests := []struct {
		name    string
		failure Failure
		charged int64 // after the repeat has worked, and earned its fifth of a token
	}{
		{"plain", Failure{Err: down()}, 0},
		{"timeout", Failure{Err: status.Timeout(nil), TimedOut: true}, 0},
		{"overload", Failure{Err: overloaded}, costRepeat - perSuccess},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := new(Budget)
			r := Run{Policy: defaults(t), Budget: b, Attempts: 1, Repeatable: true}
			if _, again := r.Next(now, 0, test.failure, admitted); !again {
				t.Fatal("not repeated")
			}
			if r.Worked(); b.lacks != test.charged {
				t.Errorf("%d missing, want %v", b.lacks, test.charged)
			}
		})
	}
}

// operation fails as it is told.
type operation struct {
	failures []Failure
	made     []int
	refuse   bool
	remedy   bool
	remedied int
}

func (o *operation) Judge(err error) Failure {
	f := o.failures[len(o.made)]
	if f.Err == nil {
		f.Err = status.Classify(err)
	}
	return f
}
func (o *operation) Admit() bool { return !o.refuse }
func (o *operation) Remedy(context.Context, Failure) bool {
	o.remedied++
	return o.remedy && o.remedied == 1
}
func (o *operation) Again(_ context.Context, n int) error {
	o.made = append(o.made, n)
	if len(o.made) >= len(o.failures) {
		return nil
	}
	return o.failures[len(o.made)].Err
}

func TestRepeat(t *testing.T) {
	exhaustedBelow := down(status.Advice(&recoursev1.RetryAdvice{
		Verdict: status.SameRequest, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3, ExhaustedBy: "b",
	}))
	never := down(status.Retry(status.Never))
	conflict := status.New(codes.Aborted, "CONFLICT", "")
	signIn := status.New(codes.Unauthenticated, "EXPIRED", "")
	tests := []struct {
		name     string
		op       operation
		change   func(*Run)
		made     int
		err      error
		advice   *recoursev1.RetryAdvice
		upward   *recoursev1.RetryAdvice
		remedied int
	}{
		{"works", operation{failures: []Failure{{Err: down()}}}, nil, 1, nil, nil, nil, 0},
		{"exhausted", operation{failures: []Failure{{Err: down()}, {Err: down()}, {Err: down()}, {}}}, nil, 2, down(),
			advice(status.SameRequest, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, ""),
			advice(status.SameRequest, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, ""), 0},
		{"a second chance that fails", operation{failures: []Failure{{Err: exhaustedBelow}, {Err: exhaustedBelow}, {}}}, nil, 1, down(),
			advice(status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, "b"),
			advice(status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, "b"), 0},
		{"no second chance with half a budget", operation{failures: []Failure{{Err: exhaustedBelow}, {}}}, func(r *Run) { r.Budget.lacks = 10 * token }, 0, down(),
			advice(status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, "b"),
			advice(status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, "b"), 0},
		{"a second chance is left to the next", operation{failures: []Failure{{Err: exhaustedBelow}, {}}}, func(r *Run) { r.Repeatable = false }, 0, down(),
			advice(status.SameRequest, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, "b"),
			advice(status.SameRequest, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, "b"), 0},
		{"the budget is empty", operation{failures: []Failure{{Err: down()}, {}}}, func(r *Run) { r.Budget.lacks = 19*token + 1 }, 0, down(),
			advice(status.Never, recoursev1.RetryAdvice_WHY_BUDGET_SPENT, 1, ""),
			advice(status.Never, recoursev1.RetryAdvice_WHY_BUDGET_SPENT, 1, ""), 0},
		{"never", operation{failures: []Failure{{Err: never}, {}}}, nil, 0, never,
			advice(status.Never, 0, 0, ""), advice(status.Never, 0, 1, ""), 0},
		{"forbidden", operation{failures: []Failure{{Err: down(), Forbidden: true}, {}}}, nil, 0, down(),
			nil, advice(status.Never, 0, 1, ""), 0},
		{"refused here", operation{failures: []Failure{{Err: down()}, {}}, refuse: true}, nil, 0, down(),
			nil, advice(status.Never, recoursev1.RetryAdvice_WHY_OVERLOADED, 1, ""), 0},
		{"a remedy", operation{failures: []Failure{{Err: signIn}}, remedy: true}, func(r *Run) { r.Repeatable = false }, 1, nil, nil, nil, 1},
		{"a remedy that does not help", operation{failures: []Failure{{Err: signIn}, {Err: signIn}, {}}, remedy: true}, nil, 1, signIn,
			advice(status.AfterAction, 0, 2, ""), nil, 2},
		{"a code of the policy's", operation{failures: []Failure{{Err: conflict}, {Err: conflict}, {Err: conflict}, {}}},
			func(r *Run) { r.Policy = listing(t, codes.Aborted) }, 2, conflict,
			advice(status.AtHigherLevel, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, 3, ""), nil, 0},
		{"no remedy", operation{failures: []Failure{{Err: signIn}, {}}}, nil, 0, signIn, nil, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := Run{Policy: defaults(t), Budget: new(Budget), Repeatable: true}
				if test.change != nil {
					test.change(&r)
				}
				op := test.op
				err := r.Repeat(t.Context(), op.failures[0].Err, &op)
				if (err == nil) != (test.err == nil) || test.err != nil && !errors.Is(err, test.err) {
					t.Fatalf("%v, want %v", err, test.err)
				}
				if len(op.made) != test.made || op.remedied != test.remedied {
					t.Errorf("%d attempts and %d remedies, want %d and %d", len(op.made), op.remedied, test.made, test.remedied)
				}
				e, _ := status.From(err)
				if got := e.RetryAdvice(); got.String() != test.advice.String() {
					t.Errorf("advice %v, want %v", got, test.advice)
				}
				if r.Upward.String() != test.upward.String() {
					t.Errorf("upward %v, want %v", r.Upward, test.upward)
				}
			})
		})
	}
}

func advice(v recoursev1.RetryAdvice_Verdict, why recoursev1.RetryAdvice_Why, attempts uint32, by string) *recoursev1.RetryAdvice {
	return &recoursev1.RetryAdvice{Verdict: v, Why: why, Attempts: attempts, ExhaustedBy: by}
}

// A wait that is cut short returns what it has cost.
func TestAWaitThatEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(Budget)
		r := Run{Policy: defaults(t), Budget: b, Repeatable: true}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("a cause of its own")) })
		began := time.Now()
		err := r.Repeat(ctx, nil, &operation{failures: []Failure{{Err: down(status.RetryAfter(2 * time.Second))}, {}}})
		e, _ := status.From(err)
		if took := time.Since(began); took != time.Second || e.Code() != codes.Canceled || !errors.Is(err, down()) {
			t.Errorf("%v after %v", err, took)
		}
		if b.lacks != 0 {
			t.Errorf("%d missing, want nothing", b.lacks)
		}
	})
}

// What a repeat has cost is returned if it is refused after all.
func TestARefusedRepeatIsFree(t *testing.T) {
	for name, f := range map[string]Failure{"plain": {Err: down()}, "timeout": {Err: status.Timeout(nil), TimedOut: true}} {
		b := new(Budget)
		r := Run{Policy: defaults(t), Budget: b, Repeatable: true}
		if err := r.Repeat(t.Context(), f.Err, &operation{failures: []Failure{f, {}}, refuse: true}); err == nil {
			t.Errorf("%s: success", name)
		}
		if b.lacks != 0 {
			t.Errorf("%s: %d missing, want nothing", name, b.lacks)
		}
	}
}

// A server that is too slow suffers most from repeats: four after timeouts are all
// that a full budget has.
func TestARepeatAfterATimeoutCostsFive(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := new(Budget)
	for n := range 5 {
		r := Run{Policy: defaults(t), Budget: b, Attempts: 1, Repeatable: true}
		_, again := r.Next(now, 0, Failure{Err: status.Timeout(nil), TimedOut: true}, admitted)
		if want := min(n+1, 4) * 5 * token; again != (n < 4) || b.lacks != int64(want) {
			t.Errorf("timeout %d: repeated %v, %d missing, want %d", n+1, again, b.lacks, want)
		}
	}
}

// What comes after a message of a resumed stream has its own attempts.
func TestProgressBeginsAnew(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := new(Budget)
	r := Run{Policy: defaults(t), Budget: b, Attempts: 3, Made: 3, Repeatable: true, remedies: 1, chance: true, charged: costRepeat}
	b.take(costRepeat)
	if r.Progressed(); b.lacks != 0 {
		t.Errorf("%d missing, want nothing: the repeat has worked", b.lacks)
	}
	if r.Attempts != 1 || r.remedies != 0 || r.chance || r.Made != 3 {
		t.Errorf("%d attempts, %d remedies, a last chance: %v, %d in all", r.Attempts, r.remedies, r.chance, r.Made)
	}
	for n := range 3 {
		if _, again := r.Next(now, 0, Failure{Err: down()}, admitted); again != (n < 2) {
			t.Errorf("failure %d after progress: repeated %v", n+1, again)
		}
		r.Attempts++
	}
}

func TestHopeful(t *testing.T) {
	tests := []struct {
		name    string
		run     Run
		failure Failure
		want    bool
	}{
		{"first", Run{Repeatable: true}, Failure{Err: down()}, true},
		{"the last but one", Run{Repeatable: true, Attempts: 2}, Failure{Err: down()}, true},
		{"the last", Run{Repeatable: true, Attempts: 3}, Failure{Err: down()}, false},
		{"after an action", Run{Repeatable: true, Attempts: 3, remedies: 1}, Failure{Err: down()}, true},
		{"a last chance was had", Run{Repeatable: true, Attempts: 2, chance: true}, Failure{Err: down()}, false},
		{"unsafe", Run{}, Failure{Err: down()}, false},
		{"not sent", Run{}, Failure{Err: down(), NotSent: true}, true},
		{"nothing was done", Run{}, Failure{Err: down(status.Outcome(status.NotApplied))}, true},
		{"done already", Run{Repeatable: true}, Failure{Err: down(status.Outcome(status.Applied))}, false},
		{"never", Run{Repeatable: true}, Failure{Err: down(status.Retry(status.Never))}, false},
		{"another code", Run{Repeatable: true}, Failure{Err: status.New(codes.NotFound, "NONE", "")}, false},
		{"its own time is up", Run{Repeatable: true}, Failure{Err: status.Timeout(nil), TimedOut: true}, true},
		{"forbidden", Run{Repeatable: true}, Failure{Err: down(), Forbidden: true}, false},
		{"given up", Run{Repeatable: true}, Failure{Err: down(), GivenUp: true}, false},
	}
	for _, test := range tests {
		r := test.run
		r.Policy, r.Budget = defaults(t), new(Budget)
		if got := r.Hopeful(test.failure); got != test.want || r.Budget.lacks != 0 {
			t.Errorf("%s: %v at a cost of %d, want %v for nothing", test.name, got, r.Budget.lacks, test.want)
		}
	}
}

// That a part of an operation has done nothing says nothing of the rest.
func TestTheOutcomeOfAPart(t *testing.T) {
	nothing, all := down(status.Outcome(status.NotApplied)), down(status.Outcome(status.Applied))
	tests := []struct {
		name       string
		failure    Failure
		repeatable bool
		want       bool
	}{
		{"of the whole", Failure{Err: nothing}, false, true},
		{"of a part", Failure{Err: nothing, Inner: true}, false, false},
		{"of a part of what may be repeated", Failure{Err: nothing, Inner: true}, true, true},
		{"of a part that is done", Failure{Err: all, Inner: true}, true, false},
		{"of what was not sent", Failure{Err: nothing, Inner: true, NotSent: true}, false, true},
	}
	for _, test := range tests {
		r := Run{Policy: defaults(t), Attempts: 1, Repeatable: test.repeatable}
		if _, again := r.Next(time.Unix(1_000_000, 0), 0, test.failure, admitted); again != test.want {
			t.Errorf("%s: repeated %v, want %v", test.name, again, test.want)
		}
	}
}

// A server that is well enough to say no has earned a fifth of a repeat.
func TestWhatEarns(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"OK", nil, true},
		{"NOT_FOUND", status.New(codes.NotFound, "NONE", ""), true},
		{"INVALID_ARGUMENT", status.New(codes.InvalidArgument, "WRONG", ""), true},
		{"CANCELLED", status.Classify(context.Canceled), false},
		{"UNAVAILABLE", down(), false},
		{"DEADLINE_EXCEEDED", status.Timeout(nil), false},
		{"INTERNAL", status.New(codes.Internal, "BUG", ""), false},
	}
	for _, test := range tests {
		b := new(Budget)
		b.take(5 * costRepeat)
		r := Run{Policy: defaults(t), Budget: b, charged: costRepeat}
		want := int64(5 * costRepeat)
		if test.want {
			want -= costRepeat + perSuccess // of the repeat that has worked too
		}
		if r.End(test.err); b.lacks != want {
			t.Errorf("%s: %d missing, want %d", test.name, b.lacks, want)
		}
	}
}

func FuzzBackoff(f *testing.F) {
	f.Add(int64(25*time.Millisecond), int64(time.Second), 2.0, 3, 0.5, false)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), 10.0, 1_000_000, 0.999, true)
	f.Add(int64(1), int64(time.Hour), math.Inf(1), 1_000_000, 0.0, false)
	f.Fuzz(func(t *testing.T, base, ceiling int64, multiplier float64, attempts int, draw float64, overload bool) {
		if base < 0 || ceiling < base || math.IsNaN(draw) || draw < 0 || draw >= 1 {
			t.Skip()
		}
		r := Run{Policy: &policy.Policy{Backoff: time.Duration(base), MaxBackoff: time.Duration(ceiling), BackoffMultiplier: multiplier}, Attempts: attempts}
		most := time.Duration(ceiling)
		if overload {
			most = max(most, maxOverloadBackoff)
		}
		if d := r.backoff(draw, overload); d < 0 || d > most {
			t.Errorf("%v, want at most %v", d, most)
		}
	})
}

func admitted() bool { return true }
