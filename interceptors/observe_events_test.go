package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	"google.golang.org/protobuf/types/known/wrapperspb"
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
		{name: "exhausted", failures: []error{down, down, down}, change: func(p *policy.Policy) { p.MaxAttempts = 2 }, most: 25 * time.Millisecond,
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
				conn := rpctest.Start(t, handler, nil, interceptors.DialOptions(interceptors.Observe(w), refresh,
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
		conn := w.start(dead, []interceptors.ServerOption{unlogged}, interceptors.Policies(policies(t)))
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

// What becomes of the runs of a handler.
func TestAnObserverIsToldOfTheRunsOfAHandler(t *testing.T) {
	twice := func(p *policy.Policy) { p.HandlerAttempts = 2 }
	down := unavailable()
	tests := []struct {
		name     string
		failures []error
		change   func(*policy.Policy)
		calls    int // before
		want     []string
		upload   []string // where the client streams: never again
	}{
		{"success", nil, twice, 0, []string{"attempt 1"}, []string{"attempt 1"}},
		{"backoff", []error{down}, twice, 0, []string{"attempt 1", "repeat backoff of 1: DOWN", "attempt 2"},
			[]string{"attempt 1", "given up final of 1: DOWN"}},
		{"retry_info", []error{unavailable(status.RetryAfter(time.Second))}, twice, 0, []string{"attempt 1", "repeat retry_info of 1: DOWN", "attempt 2"},
			[]string{"attempt 1", "given up final of 1: DOWN"}},
		{"exhausted", []error{down, down}, twice, 0,
			[]string{"attempt 1", "repeat backoff of 1: DOWN", "attempt 2", "given up exhausted of 2: DOWN"}, []string{"attempt 1", "given up final of 1: DOWN"}},
		{"unsafe", []error{down}, func(p *policy.Policy) { twice(p); p.Idempotent = false }, 0,
			[]string{"attempt 1", "given up unsafe of 1: DOWN"}, []string{"attempt 1", "given up final of 1: DOWN"}},
		{"time", []error{unavailable(status.RetryAfter(time.Minute))}, twice, 0,
			[]string{"attempt 1", "given up time of 1: DOWN"}, []string{"attempt 1", "given up final of 1: DOWN"}},
		{"not asked for", []error{down}, func(*policy.Policy) {}, 0, []string{"attempt 1"}, []string{"attempt 1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				w, s := &witness{t: t}, &script{failures: test.failures}
				conn := w.start(func(ctx context.Context, x rpctest.Exchange) error {
					if n := len(s.attempts()) + 1; ctx.Value(attemptNo{}) != n {
						t.Errorf("run %d has the context of %v", n, ctx.Value(attemptNo{}))
					}
					return s.handle(ctx, x)
				}, []interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, test.change))})
				r := rpctest.Do(t.Context(), conn, shape, "a")
				want := test.want
				if shape.ClientStreams {
					want = test.upload
				}
				c := w.tells(interceptors.ServerSide, want...)
				switch f := c.failure; {
				case len(test.failures) == 0:
					if f != nil {
						t.Errorf("%+v", f)
					}
				case f == nil || f.Saved != (r.Err == nil) || f.Attempts != len(s.attempts()) || f.Err.ErrorCode() != "DOWN" || f.RequestID == "" || f.Policy == nil:
					t.Errorf("%+v after %v", f, r.Err)
				}
			})
		})
	}
}

// What a server does not let through it has not tried.
func TestAnObserverIsToldWhatAServerRefuses(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		release := make(chan struct{})
		waits := func(_ context.Context, x rpctest.Exchange) error {
			<-release
			return rpctest.Echo(t.Context(), x)
		}
		w := &witness{t: t}
		conn := w.start(waits, []interceptors.ServerOption{unlogged, interceptors.Limit(1, 1),
			interceptors.Policies(policies(t, func(p *policy.Policy) { p.MinTimeout = 50 * time.Millisecond }))})
		var first sync.WaitGroup
		first.Go(func() {
			if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
				t.Error(r.Err)
			}
		})
		synctest.Wait()
		if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err == nil {
			t.Errorf("%v, want a refusal", r.Replies)
		}
		close(release)
		first.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 49*time.Millisecond)
		defer cancel()
		if r := rpctest.Do(ctx, conn, shape, "a"); r.Err == nil {
			t.Errorf("%v, want a refusal", r.Replies)
		}
		var told [][]string
		for _, c := range w.testimonies(interceptors.ServerSide) {
			told = append(told, c.told)
		}
		want := [][]string{
			{"begin", "attempt 1", "end"},
			{"begin", "refused limit: SERVER_OVERLOADED", "end"},
			{"begin", "refused deadline: DEADLINE_TOO_SHORT", "end"},
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// abandonedNow is how many handlers a server has left behind, as an observer reads it.
func (w *witness) abandonedNow() int {
	w.t.Helper()
	levels, there := w.reads[0]()
	if !there {
		w.t.Error("the server is gone")
	}
	return levels.Abandoned
}

// A handler that is left behind is told of when that happens, and when it comes back.
func TestAnObserverIsToldOfHandlersThatAreLeftBehind(t *testing.T) {
	for _, end := range []string{"returns", "panics", "fails"} {
		t.Run(end, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				w := &witness{t: t}
				conn := w.start(func(context.Context, rpctest.Exchange) error {
					time.Sleep(10 * time.Second)
					switch end {
					case "panics":
						panic("at last")
					case "fails":
						return errors.New("at last")
					}
					return nil
				}, []interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, hardStop))})
				if e, _ := status.From(rpctest.Do(t.Context(), conn, shape, "a").Err); e.ErrorCode() != status.CodeTimeout {
					t.Errorf("%v, want a timeout", e)
				}
				w.tells(interceptors.ServerSide, "attempt 1", "abandoned deadline")
				if n := w.abandonedNow(); n != 1 || len(w.back()) != 0 {
					t.Errorf("%d handlers are left behind, %v have come back; want one, and none", n, w.back())
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if n := w.abandonedNow(); n != 0 || len(w.back()) != 1 {
					t.Fatalf("%d handlers are left behind, %v have come back; want none, and one", n, w.back())
				}
				if e := w.back()[0]; (e.Err != nil) != (end == "panics") || end == "panics" && e.Err.ErrorCode() != status.CodeUnexpected {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// dawdler takes its time over a handler that is left behind.
type dawdler struct {
	*witness
	abandoned atomic.Bool
}

func (d *dawdler) Event(ctx context.Context, o *interceptors.Observation, e interceptors.Event) {
	switch e.Kind {
	case interceptors.EventAbandoned:
		time.Sleep(time.Second)
		d.abandoned.Store(true)
	case interceptors.EventReturned:
		if !d.abandoned.Load() {
			d.t.Error("a handler came back before it was left behind")
		}
	}
	d.witness.Event(ctx, o, e)
}

// A handler that returns as it is left behind is not told of in the wrong order.
func TestAnObserverIsToldOfAHandlerThatReturnsAtOnce(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		d := &dawdler{witness: &witness{t: t}}
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		}, interceptors.ServerOptions(unlogged, interceptors.Observe(d), interceptors.Policies(policies(t, hardStop))), interceptors.DialOptions()...)
		rpctest.Do(t.Context(), conn, shape, "a")
		d.tells(interceptors.ServerSide, "attempt 1", "abandoned deadline")
		if n := len(d.back()); n != 1 {
			t.Errorf("%d handlers have come back, want one", n)
		}
	})
}

// Of too many handlers that are left behind a server takes no more calls.
func TestAnObserverIsToldThatAServerIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{t: t}
		conn := w.start(func(context.Context, rpctest.Exchange) error {
			time.Sleep(10 * time.Second)
			return nil
		}, []interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, hardStop))})
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() { rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a") })
		}
		calls.Wait()
		if n := w.abandonedNow(); n != 100 {
			t.Errorf("%d handlers are left behind", n)
		}
		rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		all := w.testimonies(interceptors.ServerSide)
		if diff := cmp.Diff([]string{"begin", "refused stuck: HANDLERS_STUCK", "end"}, all[len(all)-1].told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := w.abandonedNow(); n != 0 || len(w.back()) != 100 {
			t.Errorf("%d handlers are left behind, and %d have come back", n, len(w.back()))
		}
	})
}

// A client that says nothing has its handler left behind.
func TestAnObserverIsToldOfSilence(t *testing.T) {
	inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
		w := &witness{t: t}
		conn := w.start(func(_ context.Context, x rpctest.Exchange) error {
			_, err := x.Recv()
			return err
		}, []interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, func(p *policy.Policy) { p.IdleTimeout = time.Second }))})
		s := opened(t, t.Context(), conn, shape)
		if e, _ := status.From(s.RecvMsg(new(text))); e.ErrorCode() != "STREAM_IDLE" {
			t.Errorf("%v", e)
		}
		w.tells(interceptors.ServerSide, "attempt 1", "abandoned silence")
		if len(w.back()) != 1 {
			t.Errorf("%v have come back, want one", w.back())
		}
	})
}

// Substitutes that fail are told of, and the one that answers.
func TestAnObserverIsToldOfFallbacks(t *testing.T) {
	broken := errors.New("the cache is cold")
	canned := interceptors.Canned(wrapperspb.String("canned"))
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		for _, test := range []struct {
			name  string
			chain func(rpctest.Shape) []*interceptors.Substitute
			want  []string
			saved bool
		}{
			{"answers", func(rpctest.Shape) []*interceptors.Substitute { return []*interceptors.Substitute{canned} }, []string{"fallback canned"}, true},
			{"fails, then answers", func(shape rpctest.Shape) []*interceptors.Substitute {
				cold := substitute(shape, func(*text, *status.Error) (string, error) { return "", broken })
				wild := substitute(shape, func(*text, *status.Error) (string, error) { panic("help") })
				return []*interceptors.Substitute{cold.From("cache"), wild, canned.For("OTHER"), canned}
			}, []string{"fallback cache: " + status.CodeUnexpected, "fallback fallback: " + status.CodeUnexpected, "fallback canned"}, true},
			{"fails", func(shape rpctest.Shape) []*interceptors.Substitute {
				cold := substitute(shape, func(*text, *status.Error) (string, error) { return "", broken })
				return []*interceptors.Substitute{cold}
			}, []string{"fallback fallback: " + status.CodeUnexpected}, false},
			{"is for something else", func(rpctest.Shape) []*interceptors.Substitute {
				return []*interceptors.Substitute{canned.For("OTHER")}
			}, nil, false},
		} {
			t.Run(side.String()+" "+test.name, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					w := &witness{t: t}
					server, dial := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{unlogged}
					want := []string{"attempt 1"}
					if o := interceptors.Fallback(shape.Method(), test.chain(shape)...); side == interceptors.ServerSide {
						server = append(server, o)
					} else {
						dial = append(dial, o)
						want = append(want, "given up unsafe of 1: DOWN")
					}
					conn := w.start(dead, server, dial...)
					r := rpctest.Do(t.Context(), conn, shape, "a")
					f := w.tells(side, append(want, test.want...)...).failure
					if (r.Err == nil) != test.saved {
						t.Fatalf("%v, %v", r.Replies, r.Err)
					}
					if f == nil || f.Err.ErrorCode() != "DOWN" || f.Saved != test.saved || (f.Degraded != nil) != test.saved || f.RequestID == "" || f.Policy == nil && side == interceptors.ServerSide {
						t.Errorf("%+v", f)
					}
				})
			})
		}
	}
}

// A stream of a substitute's that fails after all has saved nothing.
func TestAnObserverIsToldOfAFallbackThatFailsAfterAll(t *testing.T) {
	late := status.New(codes.DataLoss, "LATE", "")
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		for _, shape := range rpctest.Shapes {
			if !shape.ServerStreams {
				continue
			}
			t.Run(side.String()+" "+shape.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := &witness{t: t}
					half := interceptors.Fallback(shape.Method(), interceptors.AnswerStream(
						func(_ context.Context, _ *text, _ *status.Error, send func(*text) error) error {
							if err := send(wrapperspb.String("half")); err != nil {
								return err
							}
							return late
						}).From("archive"))
					server, dial := []interceptors.ServerOption{interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) {
						if f.Saved {
							t.Errorf("OnFailure: %+v", f)
						}
					})}, []interceptors.DialOption{}
					if side == interceptors.ServerSide {
						server = append(server, half)
					} else {
						dial = append(dial, half)
					}
					conn := w.start(dead, server, dial...)
					if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err == nil || len(r.Replies) != 1 {
						t.Errorf("%v, %v", r.Replies, r.Err)
					}
					for _, at := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
						if at == interceptors.ServerSide && side == interceptors.ClientSide {
							continue // where it failed in its own way
						}
						if f := w.only(at).failure; f == nil || f.Saved || f.Degraded != nil || f.Err.ErrorCode() != "LATE" {
							t.Errorf("%v side: %+v", at, f)
						}
					}
					if told := w.only(side).told; told[len(told)-2] != "fallback archive" {
						t.Errorf("told %q", told)
					}
				})
			})
		}
	}
}

// What a repeat has saved a hook may still refuse.
func TestAnObserverIsToldOfACallThatFailsAfterAll(t *testing.T) {
	refusal := interceptors.Use(rewriter{status.New(codes.DataLoss, "LATE", "")})
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		t.Run(side.String(), func(t *testing.T) {
			inShapes(t, rpctest.Shapes[:2], func(t *testing.T, shape rpctest.Shape) {
				w, s := &witness{t: t}, &script{failures: []error{unavailable()}}
				server, dial := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{}
				if side == interceptors.ServerSide {
					server = append(server, refusal, interceptors.Policies(policies(t, func(p *policy.Policy) { p.HandlerAttempts = 2 })))
				} else {
					dial = append(dial, refusal, interceptors.Policies(policies(t)))
				}
				conn := w.start(s.handle, server, dial...)
				rpctest.Do(t.Context(), conn, shape, "a")
				f := w.tells(side, "attempt 1", "repeat backoff of 1: DOWN", "attempt 2").failure
				if f == nil || f.Saved || f.Err.ErrorCode() != "LATE" || f.Attempts != 2 {
					t.Errorf("%+v", f)
				}
			})
		})
	}
}

// A call that its caller gives up before it is repeated has no other attempt.
func TestAnObserverIsToldOfACallThatIsGivenUpInABackOff(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		w := &witness{t: t}
		conn := w.start(fails(unavailable(status.RetryAfter(10*time.Second))), []interceptors.ServerOption{unlogged}, interceptors.Policies(policies(t)))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		rpctest.Do(ctx, conn, shape, "a")
		f := w.tells(interceptors.ClientSide, "attempt 1", "repeat pushback of 1: DOWN").failure
		if f == nil || f.Err.Code() != codes.Canceled || f.Saved || f.Attempts != 1 {
			t.Errorf("%+v", f)
		}
	})
}

// quitter gives its call up in the middle of being told something, and lets others run.
type quitter struct {
	*witness
	quit func()
	in   string
}

func (q *quitter) act(in string) {
	if q.in == in {
		q.quit()
		for range 1000 {
			runtime.Gosched()
		}
	}
}

func (q *quitter) Attempt(ctx context.Context, o *interceptors.Observation, n int) context.Context {
	if n > 1 {
		q.act("Attempt")
	}
	return q.witness.Attempt(ctx, o, n)
}

func (q *quitter) Event(ctx context.Context, o *interceptors.Observation, e interceptors.Event) {
	q.act("Event")
	q.witness.Event(ctx, o, e)
}

// The end of a stream that nobody reads comes when all else has been told.
func TestAnObserverIsNotToldOfTheEndInTheMiddle(t *testing.T) {
	for in, want := range map[string]string{"Event": "repeat backoff of 1: DOWN", "Attempt": "attempt 2"} {
		t.Run(in, func(t *testing.T) {
			inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
				ctx, cancel := context.WithCancel(t.Context())
				q := &quitter{&witness{t: t}, cancel, in}
				conn := rpctest.Start(t, dead, quiet(), interceptors.DialOptions(interceptors.Observe(q), interceptors.Policies(policies(t)))...)
				s := opened(t, ctx, conn, shape)
				_ = s.SendMsg(wrapperspb.String("a")) // the server may have failed already
				_, _ = s.Header()
				if told := q.only(interceptors.ClientSide).told; !slices.Contains(told, want) {
					t.Errorf("told %q", told)
				}
			})
		})
	}
}

// Many calls at once, given up at any moment, in the middle of anything. The race
// detector watches, and so does the witness.
func TestAnObserverOfCallsThatAreGivenUpAtAnyMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, calls := &witness{t: t}, atomic.Int32{}
		server := []interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, func(p *policy.Policy) {
			p.HandlerAttempts, p.HardStop, p.MaxTimeout = 2, true, 10*time.Millisecond
		}))}
		dial := []interceptors.DialOption{unlogged, counting(), interceptors.Policies(policies(t, func(p *policy.Policy) { p.FallbackTimeout = time.Second }))}
		for _, shape := range rpctest.Shapes {
			slow := after
			if shape.ServerStreams {
				slow = func(shape rpctest.Shape, d time.Duration) *interceptors.Substitute {
					return substitute(shape, func(*text, *status.Error) (string, error) { time.Sleep(d); return "1 2 3", nil })
				}
			}
			both := interceptors.Fallback(shape.Method(), slow(shape, 3*time.Millisecond))
			server, dial = append(server, both), append(dial, both)
		}
		conn := w.start(func(ctx context.Context, x rpctest.Exchange) error {
			n := calls.Add(1)
			time.Sleep(time.Duration(n%17) * time.Millisecond)
			if n%3 == 0 {
				return unavailable()
			}
			if err := x.Send("1"); err != nil || n%5 == 0 {
				return err
			}
			return unavailable()
		}, server, dial...)
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 {
					time.AfterFunc(time.Duration(i/2%23)*time.Millisecond, cancel)
				}
				shape := rpctest.Shapes[i%4]
				if i%3 > 0 || shape.Name == "Unary" {
					rpctest.Do(ctx, conn, shape, "0")
					return
				}
				// A stream that nobody reads, whose end may come while it is repeated.
				s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}, shape.Method())
				if err == nil && s.SendMsg(wrapperspb.String("0")) == nil {
					_, _ = s.Header()
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		if n := len(w.testimonies(interceptors.ClientSide)); n != 400 {
			t.Errorf("%d calls of 400", n)
		}
	})
}

// A degraded answer is seen on both sides, by whatever means it came.
func TestAnObserverSeesADegradedAnswer(t *testing.T) {
	partial := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, Source: "half"}
	marks := func(ctx context.Context, x rpctest.Exchange) error {
		if err := interceptors.SetDegraded(ctx, partial); err != nil {
			return err
		}
		return rpctest.Echo(ctx, x)
	}
	marksLate := func(ctx context.Context, x rpctest.Exchange) error {
		return errors.Join(rpctest.Echo(ctx, x), interceptors.SetDegraded(ctx, partial))
	}
	for _, with := range []string{"", ", client with policies"} {
		for _, test := range []struct {
			name     string
			handler  rpctest.Handler
			fallback bool
			kind     recoursev1.Degraded_Kind
			code     string // of what was made up for; on a client nothing
		}{
			{"the handler's", marks, false, recoursev1.Degraded_KIND_PARTIAL, ""},
			{"the handler's, at the end", marksLate, false, recoursev1.Degraded_KIND_PARTIAL, ""},
			{"the server's fallback", dead, true, recoursev1.Degraded_KIND_DEFAULT, "DOWN"},
		} {
			t.Run(test.name+with, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					w := &witness{t: t}
					server, dial := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{}
					if test.fallback {
						server = append(server, interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned"))))
					}
					if with != "" {
						dial = append(dial, interceptors.Policies(policies(t)))
					}
					conn := w.start(test.handler, server, dial...)
					if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
						t.Fatal(r.Err)
					}
					f := w.only(interceptors.ClientSide).failure
					if f == nil || f.Err != nil || f.Saved || f.Degraded.GetKind() != test.kind || f.Degraded.GetErrorCode() != test.code {
						t.Errorf("on the client %+v", f)
					}
					f = w.only(interceptors.ServerSide).failure
					if f == nil || f.Err.ErrorCode() != test.code || f.Saved != test.fallback || f.Degraded.GetKind() != test.kind {
						t.Errorf("on the server %+v", f)
					}
				})
			})
		}
	}
}

// A repeat that gets a degraded answer has both to tell.
func TestAnObserverSeesADegradedAnswerOfARepeat(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		w, calls := &witness{t: t}, atomic.Int32{}
		conn := w.start(func(ctx context.Context, x rpctest.Exchange) error {
			if calls.Add(1) == 1 {
				return unavailable()
			}
			if err := interceptors.SetDegraded(ctx, &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE}); err != nil {
				return err
			}
			return rpctest.Echo(ctx, x)
		}, []interceptors.ServerOption{unlogged}, interceptors.Policies(policies(t)))
		if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
			t.Fatal(r.Err)
		}
		f := w.only(interceptors.ClientSide).failure
		if f == nil || !f.Saved || f.Err.ErrorCode() != "DOWN" || f.Attempts != 2 || f.Degraded.GetKind() != recoursev1.Degraded_KIND_STALE {
			t.Errorf("%+v", f)
		}
	})
}
