package interceptors_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// later is an error of a plain server that names a delay, and no pushback.
func later(t testing.TB, d time.Duration) error {
	t.Helper()
	st, err := grpcstatus.New(codes.Unavailable, "later").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(d)})
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

// What follows an attempt of a client that has failed, and why.
func TestAnObserverIsToldWhatFollowsAnAttempt(t *testing.T) {
	down := unavailable()
	refresh := interceptors.OnAction(func(context.Context, *recoursev1.Refresh, *status.Error) error { return nil })
	asks := status.New(codes.FailedPrecondition, "STALE", "", status.Outcome(status.NotApplied), status.Retry(status.AfterAction),
		status.Recover(status.Action(status.ByClient, "refresh", &recoursev1.Refresh{})))
	tests := []struct {
		name        string
		failures    []error
		pushback    string // set beside the first failure
		change      func(*policy.Policy)
		timeout     time.Duration
		least, most time.Duration // of the first delay
		want        []string
	}{
		{name: "success", want: []string{"attempt 1"}},
		{name: "backoff", failures: []error{down, down}, most: 25 * time.Millisecond,
			want: []string{"attempt 1", "repeat backoff of 1: DOWN", "attempt 2", "repeat backoff of 2: DOWN", "attempt 3"}},
		{name: "retry_info", failures: []error{later(t, 2*time.Second)}, least: 2 * time.Second, most: 2500 * time.Millisecond,
			want: []string{"attempt 1", "repeat retry_info of 1: UNAVAILABLE", "attempt 2"}},
		{name: "pushback", failures: []error{grpcstatus.Error(codes.Unavailable, "down")}, pushback: "3000",
			least: 3 * time.Second, most: 3750 * time.Millisecond,
			want: []string{"attempt 1", "repeat pushback of 1: UNAVAILABLE", "attempt 2"}},
		{name: "pushback, longer than the detail", failures: []error{later(t, time.Second)}, pushback: "3000",
			least: 3 * time.Second, most: 3750 * time.Millisecond,
			want: []string{"attempt 1", "repeat pushback of 1: UNAVAILABLE", "attempt 2"}},
		{name: "pushback, shorter than the detail", failures: []error{later(t, 3*time.Second)}, pushback: "1000",
			least: 3 * time.Second, most: 3750 * time.Millisecond,
			want: []string{"attempt 1", "repeat retry_info of 1: UNAVAILABLE", "attempt 2"}},
		{name: "action", failures: []error{asks}, want: []string{"attempt 1", "repeat action of 1: STALE", "attempt 2"}},
		{name: "action, once", failures: []error{asks, asks},
			want: []string{"attempt 1", "repeat action of 1: STALE", "attempt 2", "given up final of 2: STALE"}},
		{name: "final", failures: []error{status.New(codes.NotFound, "NONE", "")}, want: []string{"attempt 1", "given up final of 1: NONE"}},
		{name: "never again", failures: []error{down}, pushback: "-1", want: []string{"attempt 1", "given up final of 1: DOWN"}},
		{name: "unsafe", failures: []error{down}, change: func(p *policy.Policy) { p.Idempotent = false },
			want: []string{"attempt 1", "given up unsafe of 1: DOWN"}},
		{name: "exhausted", failures: []error{down, down, down}, change: func(p *policy.Policy) { p.MaxAttempts = 2 },
			most: 25 * time.Millisecond,
			want: []string{"attempt 1", "repeat backoff of 1: DOWN", "attempt 2", "given up exhausted of 2: DOWN"}},
		{name: "exhausted at once", failures: []error{down}, change: func(p *policy.Policy) { p.MaxAttempts = 1 },
			want: []string{"attempt 1", "given up exhausted of 1: DOWN"}},
		{name: "time", failures: []error{later(t, 2*time.Second)}, timeout: time.Second,
			want: []string{"attempt 1", "given up time of 1: UNAVAILABLE"}},
		{name: "a delay that nobody waits for", failures: []error{later(t, 31*time.Second)},
			want: []string{"attempt 1", "given up time of 1: UNAVAILABLE"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				w, s := &witness{t: t}, &script{failures: test.failures}
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					if sent, n := metadata.ValueFromIncomingContext(ctx, "attempt"), len(s.attempts())+1; len(sent) != 1 || sent[0] != fmt.Sprint(n) {
						t.Errorf("attempt %d came as %v", n, sent)
					}
					if test.pushback != "" && len(s.attempts()) == 0 {
						_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", test.pushback))
					}
					return s.handle(ctx, x)
				}
				change := func(p *policy.Policy) { p.Timeout = 0 }
				if test.change != nil {
					change = test.change
				}
				conn := rpctest.Start(t, heard(handler), nil, interceptors.DialOptions(interceptors.Observe(w), refresh,
					interceptors.Policies(policies(t, change)))...)
				ctx := t.Context()
				if test.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.timeout)
					defer cancel()
				}
				r := rpctest.Do(ctx, conn, shape, "a")
				c := w.tells(interceptors.ClientSide, test.want...)
				if n := len(c.events); n > 0 && c.events[0].Kind == interceptors.EventRepeat {
					if d := c.events[0].Delay; d < test.least || d > test.most {
						t.Errorf("a delay of %v, want %v to %v", d, test.least, test.most)
					}
				}
				switch f := c.failure; {
				case len(test.failures) == 0:
					if f != nil || r.Err != nil {
						t.Errorf("%+v, %v", f, r.Err)
					}
				case f == nil || f.Attempts != len(s.attempts()) || f.Saved != (r.Err == nil) || f.Cause == nil || f.Policy == nil:
					t.Errorf("at the end %+v, and the application got %v", f, r.Err)
				case f.Err.ErrorCode() != c.events[len(c.events)-1].Err.ErrorCode():
					t.Errorf("at the end %v, after %v", f.Err, c.told)
				}
			})
		})
	}
}

// The budget is empty after so many repeats.
func TestAnObserverIsToldThatTheBudgetIsEmpty(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		w := &witness{t: t}
		conn := w.start(heard(dead), []interceptors.ServerOption{unlogged}, interceptors.Policies(policies(t)))
		for range 12 {
			rpctest.Do(t.Context(), conn, shape, "a")
		}
		calls := w.testimonies(interceptors.ClientSide)
		want := []string{"begin", "attempt 1", "given up budget of 1: DOWN", "end"}
		if diff := cmp.Diff(want, calls[len(calls)-1].told); diff != "" {
			t.Errorf("the last (-want +got):\n%s", diff)
		}
		levels, there := w.reads[1]()
		wantLevels := []interceptors.BudgetLevel{{Target: "passthrough:///memory", Service: "recourse.test.Echo"}}
		if diff := cmp.Diff(wantLevels, levels.Budgets); diff != "" || !there {
			t.Errorf("%v, levels (-want +got):\n%s", there, diff)
		}
	})
}

// A server that is overloaded is left alone: a call is not let through, or not repeated.
func TestAnObserverIsToldOfTheThrottle(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		w := &witness{t: t}
		lis := rpctest.Serve(t, fails(status.New(codes.ResourceExhausted, "BUSY", "", status.RetryAfter(time.Millisecond))))
		dial := interceptors.DialOptions(interceptors.Observe(w), interceptors.Policies(policies(t)))
		once := interceptors.Override(func(p *policy.Policy) { p.MaxAttempts = 1 }) // which leaves the budget alone
		drives, conn := rpctest.Dial(t, lis, append(dial, grpc.WithDefaultCallOptions(once))...), rpctest.Dial(t, lis, dial...)
		for range 200 {
			rpctest.Do(t.Context(), drives, shape, "a")
		}
		for range 200 {
			rpctest.Do(t.Context(), conn, shape, "a")
		}
		told := map[string]int{}
		for _, c := range w.testimonies(interceptors.ClientSide) {
			last := c.told[len(c.told)-2]
			told[last]++
			if f := c.failure; strings.HasSuffix(last, "CLIENT_THROTTLED") {
				if diff := cmp.Diff([]string{"begin", "refused throttle: CLIENT_THROTTLED", "end"}, c.told); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
				if f.Attempts != 0 || f.Err.ErrorCode() != "CLIENT_THROTTLED" {
					t.Fatalf("%+v, want no attempt", f)
				}
			}
		}
		for _, want := range []string{"refused throttle: CLIENT_THROTTLED", "given up throttle of 1: BUSY"} {
			if told[want] == 0 {
				t.Errorf("never told: %s; but %v", want, told)
			}
		}
	})
}

// The attempts at a stream that goes on where it was cut off are numbered on, though
// each part has attempts of its own.
func TestAnObserverCountsTheAttemptsOfAResumedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := &witness{t: t}, &counter{total: 5}
		cuts := []int{2, 0, 1, 5}
		c.next = func() int { n := cuts[0]; cuts = cuts[1:]; return n }
		conn := w.start(c.handle, []interceptors.ServerOption{unlogged}, interceptors.Policies(policies(t)), counting())
		if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1], "0"); r.Err != nil || len(r.Replies) != 5 {
			t.Fatalf("%v, %v", r.Replies, r.Err)
		}
		got := w.tells(interceptors.ClientSide,
			"attempt 1", "repeat backoff of 1: DOWN", "attempt 2", "repeat backoff of 2: DOWN",
			"attempt 3", "repeat backoff of 3: DOWN", "attempt 4")
		if f := got.failure; f == nil || !f.Saved || f.Attempts != 4 {
			t.Errorf("%+v, want a call that the fourth attempt has saved", f)
		}
	})
}
