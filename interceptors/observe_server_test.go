package interceptors_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
)

// What becomes of the runs of a handler.
func TestAnObserverIsToldOfTheRunsOfAHandler(t *testing.T) {
	twice := func(p *policy.Policy) { p.HandlerAttempts = 2 }
	down := unavailable()
	tests := []struct {
		name     string
		failures []error
		change   func(*policy.Policy)
		want     []string
		upload   []string // where the client streams: never again
	}{
		{"success", nil, twice, []string{"attempt 1"}, []string{"attempt 1"}},
		{"backoff", []error{down}, twice, []string{"attempt 1", "repeat backoff of 1: DOWN", "attempt 2"},
			[]string{"attempt 1", "given up final of 1: DOWN"}},
		{"retry_info", []error{unavailable(status.RetryAfter(time.Second))}, twice,
			[]string{"attempt 1", "repeat retry_info of 1: DOWN", "attempt 2"},
			[]string{"attempt 1", "given up final of 1: DOWN"}},
		{"exhausted", []error{down, down}, twice,
			[]string{"attempt 1", "repeat backoff of 1: DOWN", "attempt 2", "given up exhausted of 2: DOWN"},
			[]string{"attempt 1", "given up final of 1: DOWN"}},
		{"unsafe", []error{down}, func(p *policy.Policy) { twice(p); p.Idempotent = false },
			[]string{"attempt 1", "given up unsafe of 1: DOWN"}, []string{"attempt 1", "given up final of 1: DOWN"}},
		{"time", []error{unavailable(status.RetryAfter(time.Minute))}, twice,
			[]string{"attempt 1", "given up time of 1: DOWN"}, []string{"attempt 1", "given up final of 1: DOWN"}},
		{"not asked for", []error{down}, func(*policy.Policy) {}, []string{"attempt 1"}, []string{"attempt 1"}},
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
				case f == nil || f.Saved != (r.Err == nil) || f.Attempts != len(s.attempts()) || f.Err.ErrorCode() != "DOWN",
					f.RequestID == "", f.Policy == nil:
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
		}, interceptors.ServerOptions(unlogged, interceptors.Observe(d), interceptors.Policies(policies(t, hardStop))),
			interceptors.DialOptions()...)
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
