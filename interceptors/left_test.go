package interceptors_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hardStop stops handlers after 50 ms, and leaves them behind 2 ms after that.
func hardStop(p *policy.Policy) { p.HardStop, p.MaxTimeout = true, 50*time.Millisecond }

// after is a substitute that takes its time.
func after(shape rpctest.Shape, d time.Duration) *interceptors.Substitute {
	return substitute(shape, func(req *text, _ *status.Error) (string, error) {
		time.Sleep(d)
		return "for:" + req.GetValue(), nil
	})
}

// A request that comes when the handler was left behind is not the fallback's, which
// has begun without. The race detector watches.
func TestARequestThatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[1]
		conn := serve(t, func(_ context.Context, x rpctest.Exchange) error {
			_, err := x.Recv()
			return err
		}, hardStop, interceptors.Fallback(shape.Method(), after(shape, 100*time.Millisecond)))
		s := opened(t, t.Context(), conn, shape)
		time.Sleep(80 * time.Millisecond)
		if err := request(s, wrapperspb.String("late")); err != nil {
			t.Fatal(err)
		}
		reply := new(text)
		if err := s.RecvMsg(reply); err != nil || reply.GetValue() != "for:" {
			t.Errorf("%q, %v", reply.GetValue(), err)
		}
		if err := s.RecvMsg(reply); err != io.EOF {
			t.Errorf("%v, want the end", err)
		}
	})
}

// What a handler that was left behind says of its answer is not said of another's.
func TestAHandlerThatWasLeftBehindDoesNotTakeTheMarkBack(t *testing.T) {
	inShapes(t, rpctest.Shapes[:2], func(t *testing.T, shape rpctest.Shape) {
		var mu sync.Mutex
		var told error
		slow := after(shape, 100*time.Millisecond)
		if shape.ServerStreams {
			slow = interceptors.AnswerStream(func(_ context.Context, _ *text, _ *status.Error, send func(*text) error) error {
				if err := send(wrapperspb.String("first")); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
				return send(wrapperspb.String("second"))
			})
		}
		conn := serve(t, func(ctx context.Context, _ rpctest.Exchange) error {
			time.Sleep(80 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			told = interceptors.SetDegraded(ctx, nil)
			_ = grpc.SetTrailer(ctx, metadata.Pairs("late", "yes"))
			return nil
		}, hardStop, interceptors.Fallback(shape.Method(), slow))
		r := rpctest.Do(t.Context(), conn, shape, "a")
		if r.Err != nil || len(r.Replies) == 0 {
			t.Errorf("%v, %v; want the fallback's answer", r.Replies, r.Err)
		}
		for name, md := range map[string]metadata.MD{"header": r.Header, "trailer": r.Trailer} {
			if len(md["recourse-degraded"]) != 1 || len(md["recourse-degraded-bin"]) != 1 {
				t.Errorf("%s %v has no mark", name, md)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if e, _ := status.From(told); e.Code() != codes.DeadlineExceeded {
			t.Errorf("SetDegraded: %v, want that the time is up", told)
		}
	})
}

// A handler that was left behind goes on to set its trailers while the call is
// answered. The race detector watches.
func TestTrailersOfAHandlerThatWasLeftBehind(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := serve(t, func(ctx context.Context, _ rpctest.Exchange) error {
			time.Sleep(51 * time.Millisecond)
			for range 200 {
				_ = grpc.SetTrailer(ctx, metadata.Pairs("late", "yes"))
				time.Sleep(10 * time.Microsecond)
			}
			return nil
		}, hardStop)
		for range 10 {
			began := time.Now()
			r := rpctest.Do(t.Context(), conn, shape, "a")
			e, _ := status.From(r.Err)
			if took := time.Since(began); e.ErrorCode() != status.CodeTimeout || took != 52*time.Millisecond {
				t.Errorf("%v after %v, want a timeout after 52ms", r.Err, took)
			}
		}
		time.Sleep(time.Second)
	})
}

// The time for a client to be heard does not end a fallback that it reads slowly, nor
// leaves it anybody who waits for ever to say so.
func TestAWatchdogThatBarksDuringAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[1]
		long := interceptors.AnswerStream(func(_ context.Context, _ *text, _ *status.Error, send func(*text) error) error {
			for range 4 {
				if err := send(wrapperspb.String(strings.Repeat("x", 200<<10))); err != nil {
					return err
				}
			}
			return nil
		})
		conn := serve(t, func(_ context.Context, x rpctest.Exchange) error {
			_, _ = x.Recv()
			return unavailable()
		}, func(p *policy.Policy) { p.IdleTimeout = time.Second }, interceptors.Fallback(shape.Method(), long))
		s := opened(t, t.Context(), conn, shape)
		if err := request(s, wrapperspb.String("a")); err != nil {
			t.Fatal(err)
		}
		n := 0
		var err error
		for ; err == nil; n++ {
			time.Sleep(1500 * time.Millisecond)
			err = s.RecvMsg(new(text))
		}
		if n != 5 || err != io.EOF {
			t.Errorf("%v after %d replies, want the end after 4", err, n-1)
		}
	})
}

// A substitute that answers in the moment when its time is up has answered, or it
// has not: there is no reply without a mark. The race detector watches.
func TestASubstituteThatSendsWhenItsTimeIsUp(t *testing.T) {
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		t.Run(side.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shape := rpctest.Shapes[1]
				late := interceptors.AnswerStream(func(ctx context.Context, _ *text, _ *status.Error, send func(*text) error) error {
					<-ctx.Done()
					time.Sleep(2 * time.Millisecond) // when it is left behind
					return send(wrapperspb.String("late"))
				})
				set := policies(t, func(p *policy.Policy) { p.FallbackTimeout, p.MaxAttempts = 10*time.Millisecond, 1 })
				server := []interceptors.ServerOption{unlogged, interceptors.Policies(set)}
				client := []interceptors.DialOption{unlogged, interceptors.Policies(set)}
				if o := interceptors.Fallback(shape.Method(), late); side == interceptors.ServerSide {
					server = append(server, o)
				} else {
					client = append(client, o)
				}
				conn := rpctest.Start(t, dead, interceptors.ServerOptions(server...), interceptors.DialOptions(client...)...)
				for range 50 {
					ctx, seen := interceptors.WatchDegraded(t.Context())
					r := rpctest.Do(ctx, conn, shape, "a")
					if took := seen() != nil; took != (len(r.Replies) > 0) && r.Err == nil {
						t.Errorf("%v, %v with mark %v", r.Replies, r.Err, seen())
					}
				}
				time.Sleep(time.Second)
			})
		})
	}
}

// A client that reads slowly does not keep a fallback, and its answer has an end.
func TestAFallbackForASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[1]
		ended := make(chan error, 1)
		long := interceptors.AnswerStream(func(_ context.Context, _ *text, _ *status.Error, send func(*text) error) (err error) {
			for range 10 {
				if err = send(wrapperspb.String(strings.Repeat("x", 100<<10))); err != nil {
					break
				}
			}
			ended <- err
			return err
		})
		conn := serve(t, func(_ context.Context, x rpctest.Exchange) error {
			_, _ = x.Recv()
			return unavailable()
		}, func(p *policy.Policy) { p.FallbackTimeout = time.Second }, interceptors.Fallback(shape.Method(), long))
		s := opened(t, t.Context(), conn, shape)
		if err := request(s, wrapperspb.String("a")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		var err error
		n := 0
		for ; err == nil; n++ {
			err = s.RecvMsg(new(text))
		}
		if e, _ := status.From(err); e.Code() != codes.DeadlineExceeded || e.ErrorCode() != "FALLBACK_TIMEOUT" || n > 9 {
			t.Errorf("%v after %d replies", err, n-1)
		}
		if err := <-ended; err == nil {
			t.Error("the fallback was not told")
		}
	})
}

// Of calls that are stuck all at once no more handlers are left behind than at most:
// the others are answered when their handlers return.
func TestNoMoreHandlersAreLeftBehindThanAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, func(_ context.Context, x rpctest.Exchange) error {
			time.Sleep(10 * time.Second) // ignores its context
			return x.Send("at last")
		}, func(p *policy.Policy) { p.Timeout, p.HardStop = time.Second, true })
		var mu sync.Mutex
		got := map[string]int{}
		var calls sync.WaitGroup
		for range 150 {
			calls.Go(func() {
				began := time.Now()
				e, _ := status.From(rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a").Err)
				mu.Lock()
				defer mu.Unlock()
				got[fmt.Sprintf("%s after %v", e.ErrorCode(), time.Since(began))]++
			})
		}
		calls.Wait()
		want := map[string]int{status.CodeTimeout + " after 1.002s": 100, " after 10s": 50}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		synctest.Wait()
		e, _ := status.From(rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a").Err)
		if e.ErrorCode() != status.CodeTimeout { // not HANDLERS_STUCK
			t.Errorf("%v once they are back", e)
		}
		time.Sleep(10 * time.Second)
	})
}

func TestAHandlerMarksItsAnswer(t *testing.T) {
	partial := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, Source: "half"}
	tests := []struct {
		name            string
		before, after   []*recoursev1.Degraded // the first reply
		header, trailer bool
	}{
		{"marked", []*recoursev1.Degraded{partial}, nil, true, true},
		{"taken back", []*recoursev1.Degraded{partial, nil}, nil, false, false},
		{"marked and taken back and marked", []*recoursev1.Degraded{partial, nil, partial}, nil, true, true},
		{"marked after the reply", nil, []*recoursev1.Degraded{partial}, false, true},
		{"not marked", nil, nil, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				mark := func(ctx context.Context, marks []*recoursev1.Degraded) {
					for _, d := range marks {
						if err := interceptors.SetDegraded(ctx, d); err != nil {
							t.Errorf("SetDegraded: %v", err)
						}
					}
				}
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					mark(ctx, test.before)
					if err := x.Send("a"); err != nil {
						return err
					}
					mark(ctx, test.after)
					return nil
				}
				header := test.header || shape.Name == "Unary" && test.trailer // which come after the reply was made
				for _, with := range [][]interceptors.ServerOption{nil, {interceptors.Policies(policies(t))}} {
					conn := rpctest.Start(t, handler, interceptors.ServerOptions(append(with, unlogged)...), interceptors.DialOptions()...)
					r := rpctest.Do(t.Context(), conn, shape, "a")
					if r.Err != nil {
						t.Fatal(r.Err)
					}
					const line = `partial;src="half"`
					for _, place := range []struct {
						name string
						md   metadata.MD
						want bool
					}{{"header", r.Header, header}, {"trailer", r.Trailer, test.trailer}} {
						var want []string
						if place.want {
							want = []string{line}
						}
						if diff := cmp.Diff(want, place.md["recourse-degraded"]); diff != "" || len(place.md["recourse-degraded-bin"]) != len(want) {
							t.Errorf("%s (-want +got):\n%s", place.name, diff)
						}
					}
				}
			})
		})
	}
	if err := interceptors.SetDegraded(t.Context(), partial); err == nil {
		t.Error("an answer was marked outside of a call")
	}
}

// Failures are counted for each caller, as the operator tells them apart.
func TestCallersAreToldApart(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := serve(t, dead, func(*policy.Policy) {}, interceptors.Support("desk 7"), interceptors.Caller(func(ctx context.Context) string {
			return strings.Join(metadata.ValueFromIncomingContext(ctx, "user"), "")
		}))
		channel := func(user string) string {
			r := rpctest.Do(metadata.AppendToOutgoingContext(t.Context(), "user", user), conn, shape, "a")
			e, _ := status.From(r.Err)
			for _, a := range e.RecoveryActions() {
				if c := a.GetContactSupport(); c != nil {
					return c.GetChannel()
				}
			}
			return ""
		}
		for i, want := range []string{"", "", "desk 7"} {
			if got := channel("alice"); got != want {
				t.Errorf("failure %d of alice: %q, want %q", i+1, got, want)
			}
			if got := channel(fmt.Sprint("somebody else ", i)); got != "" {
				t.Errorf("somebody else is sent to %q", got)
			}
		}
	})
}

// What is the caller's own fault is neither made up for nor sent to support.
func TestWhatIsTheCallersFault(t *testing.T) {
	at1 := func(p *policy.Policy) {
		p.ContactSupportThreshold, p.MinTimeout, p.IdleTimeout = 1, 50*time.Millisecond, time.Second
	}
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := serve(t, func(_ context.Context, x rpctest.Exchange) error {
			for {
				if _, err := x.Recv(); err != nil {
					return unavailable()
				}
			}
		}, at1, interceptors.Support("desk 7"), interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned")).For(
			"STREAM_IDLE", "DEADLINE_TOO_SHORT")))
		check := func(code string, err error, replies ...string) {
			t.Helper()
			e, _ := status.From(err)
			if e.ErrorCode() != code || len(replies) > 0 {
				t.Errorf("%v, %v; want %s", replies, err, code)
			}
			for _, a := range e.RecoveryActions() {
				if a.GetContactSupport() != nil {
					t.Errorf("%s is sent to support", code)
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 49*time.Millisecond)
		defer cancel()
		r := rpctest.Do(ctx, conn, shape, "a")
		check("DEADLINE_TOO_SHORT", r.Err, r.Replies...)
		if shape.Name == "Unary" {
			return
		}
		s := opened(t, t.Context(), conn, shape) // and says nothing
		began := time.Now()
		check("STREAM_IDLE", s.RecvMsg(new(text)))
		if took := time.Since(began); took != time.Second {
			t.Errorf("after %v, want a second", took)
		}
	})
}
