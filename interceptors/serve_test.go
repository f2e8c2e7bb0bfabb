package interceptors_test

import (
	"context"
	"fmt"
	"runtime"
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
)

// serve starts a server with a policy, and a client that does nothing but to read
// errors.
func serve(t *testing.T, h rpctest.Handler, change func(*policy.Policy), opts ...interceptors.ServerOption) *grpc.ClientConn {
	t.Helper()
	opts = append([]interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, change))}, opts...)
	return rpctest.Start(t, h, interceptors.ServerOptions(opts...), interceptors.DialOptions()...)
}

// timeLeft is a handler that tells how long its context has, and echoes.
func timeLeft(left *time.Duration) rpctest.Handler {
	return func(ctx context.Context, x rpctest.Exchange) error {
		*left = -1
		if end, ok := ctx.Deadline(); ok {
			*left = time.Until(end)
		}
		return rpctest.Echo(ctx, x)
	}
}

func TestTheDeadlineOfACall(t *testing.T) {
	const none = -1
	tests := []struct {
		name          string
		usual, most   time.Duration
		caller        time.Duration // 0: sets none
		unary, stream time.Duration
	}{
		{"the usual", 30 * time.Second, 0, 0, 30 * time.Second, none},
		{"the caller's", 30 * time.Second, 0, time.Hour, time.Hour, time.Hour},
		{"the latest", 30 * time.Second, time.Minute, time.Hour, time.Minute, time.Minute},
		{"the latest, before the usual", 30 * time.Second, 10 * time.Second, 0, 10 * time.Second, 10 * time.Second},
		{"the latest, for streams", 30 * time.Second, time.Minute, 0, 30 * time.Second, time.Minute},
		{"the caller's, before the latest", 30 * time.Second, time.Minute, time.Second, time.Second, time.Second},
		{"none", 0, 0, 0, none, none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				var left time.Duration
				conn := serve(t, timeLeft(&left), func(p *policy.Policy) { p.Timeout, p.MaxTimeout = test.usual, test.most })
				ctx := t.Context()
				if test.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.caller)
					defer cancel()
				}
				want := test.unary
				if shape.Name != "Unary" {
					want = test.stream
				}
				if r := rpctest.Do(ctx, conn, shape, "a"); r.Err != nil || left != want {
					t.Errorf("error %v, %v left, want %v", r.Err, left, want)
				}
			})
		})
	}
}

func TestTooLittleTimeIsRefused(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		called := false
		conn := serve(t, func(context.Context, rpctest.Exchange) error { called = true; return nil },
			func(p *policy.Policy) { p.MinTimeout = 50 * time.Millisecond })
		ctx, cancel := context.WithTimeout(t.Context(), 49*time.Millisecond)
		defer cancel()
		began := time.Now()
		r := rpctest.Do(ctx, conn, shape, "a")
		e, _ := status.From(r.Err)
		if took := time.Since(began); e.ErrorCode() != "DEADLINE_TOO_SHORT" || e.Outcome() != status.NotApplied || took != 0 || called {
			t.Errorf("%v after %v, handler called: %v", r.Err, took, called)
		}
	})
}

// The server's own deadline is told as one, whatever the handler makes of it.
func TestTheUsualDeadlinePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, func(ctx context.Context, _ rpctest.Exchange) error {
			<-ctx.Done()
			return fmt.Errorf("query: %w", context.Canceled)
		}, func(p *policy.Policy) { p.Timeout = 3 * time.Second })
		began := time.Now()
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		e, _ := status.From(r.Err)
		if took := time.Since(began); took != 3*time.Second || e.Code() != codes.DeadlineExceeded || e.ErrorCode() != status.CodeTimeout {
			t.Errorf("%v after %v, want a timeout after 3s", r.Err, took)
		}
	})
}

// A handler that ignores its context is left behind.
func TestAStuckHandlerIsLeftBehind(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		release := make(chan struct{})
		var after error
		handler := func(_ context.Context, x rpctest.Exchange) error {
			<-release
			after = x.Send("late")
			return nil
		}
		conn := serve(t, handler, func(p *policy.Policy) { p.Timeout, p.MaxTimeout, p.HardStop = time.Second, time.Second, true })
		began := time.Now()
		r := rpctest.Do(t.Context(), conn, shape, "a")
		e, _ := status.From(r.Err)
		if took := time.Since(began); e.ErrorCode() != status.CodeTimeout || took != 1002*time.Millisecond || len(r.Replies) != 0 {
			t.Errorf("%v, %v after %v, want a timeout after 1s and 2ms of grace", r.Replies, r.Err, took)
		}
		close(release)
		synctest.Wait()
		if shape.Name != "Unary" && after == nil {
			t.Error("a late message was sent")
		}
	})
}

// Ten handlers that ignore their context, on a connection with ten streams,
// do not keep others waiting.
func TestStuckHandlersDoNotBlockAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stuck sync.WaitGroup
		stuck.Add(10)
		release := make(chan struct{})
		defer synctest.Wait()
		defer close(release)
		n := 0
		var mu sync.Mutex
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			mu.Lock()
			n++
			mine := n
			mu.Unlock()
			if mine <= 10 {
				stuck.Done()
				<-release // ignores its context
				return nil
			}
			return rpctest.Echo(ctx, x)
		}
		server := append(interceptors.ServerOptions(unlogged, interceptors.Policies(policies(t, func(p *policy.Policy) { p.HardStop = true }))),
			grpc.MaxConcurrentStreams(10))
		conn := rpctest.Start(t, handler, server, interceptors.DialOptions()...)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var calls sync.WaitGroup
		for range 10 {
			calls.Go(func() { rpctest.Do(ctx, conn, rpctest.Shapes[0], "a") })
		}
		stuck.Wait()
		calls.Wait()
		began := time.Now()
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		took := time.Since(began)
		t.Logf("the next call took %v", took)
		if r.Err != nil || took > 5*time.Millisecond {
			t.Errorf("error %v after %v, want success within 5ms", r.Err, took)
		}
	})
}

func TestTooManyStuckHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if m, _ := x.Recv(); m == "stuck" {
				<-release
			}
			return x.Send("ok")
		}
		conn := serve(t, handler, func(p *policy.Policy) { p.Timeout, p.HardStop = time.Second, true })
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() { rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "stuck") })
		}
		calls.Wait()
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		if e, _ := status.From(r.Err); e.ErrorCode() != "HANDLERS_STUCK" || e.Outcome() != status.NotApplied {
			t.Errorf("%v, want HANDLERS_STUCK", r.Err)
		}
		close(release)
		synctest.Wait()
		if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a"); r.Err != nil {
			t.Errorf("%v once they are back", r.Err)
		}
	})
}

func TestAPanicOfALateHandlerIsReported(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		var mu sync.Mutex
		var failures []string
		conn := serve(t, func(context.Context, rpctest.Exchange) error {
			time.Sleep(time.Minute)
			panic("late")
		}, func(p *policy.Policy) { p.Timeout, p.MaxTimeout, p.HardStop = time.Second, time.Second, true },
			interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, f.Err.ErrorCode())
			}))
		rpctest.Do(t.Context(), conn, shape, "a")
		time.Sleep(2 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]string{status.CodeTimeout, status.CodeUnexpected}, failures); diff != "" {
			t.Errorf("failures (-want +got):\n%s", diff)
		}
	})
}

func TestWhatAHandlerInAGoroutineReturns(t *testing.T) {
	tests := map[string]struct {
		handler rpctest.Handler
		want    codes.Code
	}{
		"success": {rpctest.Echo, codes.OK},
		"error":   {func(context.Context, rpctest.Exchange) error { return unavailable() }, codes.Unavailable},
		"panic":   {func(context.Context, rpctest.Exchange) error { panic("help") }, codes.Internal},
		"Goexit":  {func(context.Context, rpctest.Exchange) error { runtime.Goexit(); return nil }, codes.Internal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := serve(t, test.handler, func(p *policy.Policy) { p.HardStop = true })
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if e, _ := status.From(r.Err); e.Code() != test.want {
					t.Errorf("%v, want %v", r.Err, test.want)
				}
			})
		})
	}
}

func TestASilentClient(t *testing.T) {
	for _, shape := range rpctest.Shapes[2:] {
		t.Run(shape.Name, func(t *testing.T) {
			for _, said := range []int{0, 3} {
				synctest.Test(t, func(t *testing.T) {
					ended := false
					handler := func(_ context.Context, x rpctest.Exchange) error {
						defer func() { ended = true }()
						for {
							if _, err := x.Recv(); err != nil {
								return err
							}
						}
					}
					conn := serve(t, handler, func(p *policy.Policy) {
						p.FirstMessageTimeout, p.IdleTimeout = 2*time.Second, 7*time.Second
					})
					s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: shape.ServerStreams}, shape.Method())
					if err != nil {
						t.Fatal(err)
					}
					want := 2 * time.Second
					began := time.Now()
					for range said {
						if err := s.SendMsg(new(text)); err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Second)
						want = 7*time.Second + time.Duration(said-1)*time.Second
					}
					err = s.RecvMsg(new(text))
					e, _ := status.From(err)
					if took := time.Since(began); e.ErrorCode() != "STREAM_IDLE" || e.Code() != codes.DeadlineExceeded || took != want {
						t.Errorf("after %d messages: %v after %v, want STREAM_IDLE after %v", said, err, took, want)
					}
					synctest.Wait()
					if !ended {
						t.Error("the handler was not released")
					}
				})
			}
		})
	}
}

func TestTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			time.Sleep(time.Second)
			return rpctest.Echo(ctx, x)
		}
		lis := rpctest.Serve(t, handler, interceptors.ServerOptions(unlogged, interceptors.Limit(2, 0))...)
		conn := rpctest.Dial(t, lis, interceptors.DialOptions()...)
		var calls sync.WaitGroup
		var mu sync.Mutex
		got := map[string]int{}
		for range 5 {
			calls.Go(func() {
				began := time.Now()
				r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
				e, _ := status.From(r.Err)
				mu.Lock()
				defer mu.Unlock()
				if got[e.ErrorCode()]++; r.Err == nil {
					return
				}
				delay, _ := e.RetryDelay()
				if took := time.Since(began); took > 100*time.Millisecond || e.Code() != codes.Unavailable || e.Outcome() != status.NotApplied ||
					e.RetryAdvice().GetWhy() != recoursev1.RetryAdvice_WHY_OVERLOADED || delay < 50*time.Millisecond || len(r.Trailer["grpc-retry-pushback-ms"]) != 1 {
					t.Errorf("%v after %v, again in %v, %v", r.Err, took, delay, r.Trailer)
				}
			})
		}
		calls.Wait()
		if diff := cmp.Diff(map[string]int{"": 2, "SERVER_OVERLOADED": 3}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a"); r.Err != nil {
			t.Errorf("%v afterwards", r.Err)
		}
	})
}

func TestTheLimitOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, rpctest.Echo, interceptors.ServerOptions(unlogged, interceptors.Limit(0, 1)), interceptors.DialOptions()...)
		ctx, cancel := context.WithCancel(t.Context())
		if err := rpctest.Open(ctx, conn, rpctest.Shapes[3]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, shape := range rpctest.Shapes[1:] {
			r := rpctest.Do(t.Context(), conn, shape, "a")
			if e, _ := status.From(r.Err); e.ErrorCode() != "SERVER_OVERLOADED" {
				t.Errorf("%s: %v", shape.Name, r.Err)
			}
		}
		if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a"); r.Err != nil {
			t.Errorf("unary: %v", r.Err)
		}
		cancel()
		synctest.Wait()
		if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1], "a"); r.Err != nil {
			t.Errorf("%v afterwards", r.Err)
		}
	})
}

func TestAHandlerIsRunAgain(t *testing.T) {
	twice := func(p *policy.Policy) { p.HandlerAttempts = 2 }
	tests := []struct {
		name   string
		change func(*policy.Policy)
		before func(context.Context) // the failure
		ctx    func(context.Context) context.Context
		err    error
		unary  int // runs
		stream int
	}{
		{"once more", twice, nil, nil, unavailable(), 2, 2},
		{"not without being asked to", func(*policy.Policy) {}, nil, nil, unavailable(), 1, 1},
		{"not if it may have done something", func(p *policy.Policy) { twice(p); p.Idempotent = false }, nil, nil, unavailable(), 1, 1},
		{"not if the caller repeats", twice, nil, func(ctx context.Context) context.Context {
			return metadata.AppendToOutgoingContext(ctx, "grpc-previous-rpc-attempts", "1")
		}, unavailable(), 1, 1},
		{"not for another failure", twice, nil, nil, status.New(codes.Aborted, "CONFLICT", ""), 1, 1},
		{"not after a header", twice, func(ctx context.Context) { _ = grpc.SetHeader(ctx, metadata.Pairs("a", "b")) }, nil, unavailable(), 1, 1},
		{"not after a trailer", twice, func(ctx context.Context) { _ = grpc.SetTrailer(ctx, metadata.Pairs("a", "b")) }, nil, unavailable(), 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				runs := 0
				var got []string
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					runs++
					m, _ := x.Recv()
					got = append(got, m)
					if test.before != nil {
						test.before(ctx)
					}
					return test.err
				}
				conn := serve(t, handler, test.change)
				ctx := t.Context()
				if test.ctx != nil {
					ctx = test.ctx(ctx)
				}
				r := rpctest.Do(ctx, conn, shape, "a")
				want := test.unary
				if shape.ServerStreams {
					want = test.stream
				}
				if shape.ClientStreams {
					want = 1
				}
				e, _ := status.From(r.Err)
				if runs != want || e.Code() != status.Classify(test.err).Code() {
					t.Errorf("%v after %d runs, want %d", r.Err, runs, want)
				}
				for _, m := range got {
					if m != "a" {
						t.Errorf("a run got %q", m)
					}
				}
				if want == 2 && (e.Verdict() != status.Never || e.RetryAdvice().GetAttempts() != 2) {
					t.Errorf("%v, want never again after two", e.RetryAdvice())
				}
			})
		})
	}
}

func TestTheSecondRunSucceeds(t *testing.T) {
	for _, shape := range rpctest.Shapes[:2] {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{failures: []error{unavailable()}}
				conn := serve(t, s.handle, func(p *policy.Policy) { p.HandlerAttempts = 2 })
				if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil || len(r.Replies) != 1 || r.Replies[0] != "a" {
					t.Errorf("%v, %v", r.Replies, r.Err)
				}
			})
		})
	}
}

func TestSupportAfterThreeFailures(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		s := new(script)
		down := true
		conn := serve(t, func(ctx context.Context, x rpctest.Exchange) error {
			if down {
				return unavailable()
			}
			return s.handle(ctx, x)
		}, func(*policy.Policy) {}, interceptors.Support("help@echo.test"))
		contact := func(ctx context.Context) *recoursev1.ContactSupport {
			r := rpctest.Do(ctx, conn, shape, "a")
			e, _ := status.From(r.Err)
			actions := e.RecoveryActions()
			if len(actions) == 0 {
				return nil
			}
			if c := actions[0].GetContactSupport(); c != nil && c.GetReference() != e.RequestID() {
				t.Errorf("reference %q, want the request id %q", c.GetReference(), e.RequestID())
			}
			return actions[0].GetContactSupport()
		}
		for i := range 4 {
			c := contact(t.Context())
			if got, want := c != nil, i >= 2; got != want || got && c.GetChannel() != "help@echo.test" {
				t.Errorf("failure %d: %v", i+1, c)
			}
		}
		down = false
		contact(t.Context())
		down = true
		if c := contact(t.Context()); c != nil {
			t.Errorf("%v after a success", c)
		}
	})
}

func TestTheMessagesOfAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, dead, func(p *policy.Policy) { p.Guidance = false })
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		d, ok := status.Detail[*recoursev1.ErrorDetail](r.Err)
		if !ok || d.GetSuggestion() != "" || len(d.GetRecoveryActions()) != 0 {
			t.Errorf("%v, want no guidance", d)
		}
	})
}

// A call with its attempts is one failure: the third call is sent to support, not
// the first.
func TestAttemptsAreOneFailure(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		set := policies(t)
		calls := 0
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { calls++; return unavailable() },
			interceptors.ServerOptions(unlogged, interceptors.Policies(set)), interceptors.DialOptions(interceptors.Policies(set))...)
		for i := range 4 {
			e, _ := status.From(rpctest.Do(t.Context(), conn, shape, "a").Err)
			if got, want := e.RecoveryActions()[0].GetContactSupport() != nil, i >= 2; got != want || calls != 3*(i+1) {
				t.Errorf("call %d, %d attempts: sent to support %v, want %v", i+1, calls, got, want)
			}
		}
	})
}

// The deadline of a call further down has one name, whoever saw it pass.
func TestADependencysDeadlineHasOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[0]
		back := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error { <-ctx.Done(); return ctx.Err() },
			interceptors.ServerOptions(unlogged), interceptors.DialOptions()...)
		stuck := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { time.Sleep(2 * time.Second); return nil },
			interceptors.ServerOptions(unlogged), interceptors.DialOptions()...)
		for name, next := range map[string]*grpc.ClientConn{"heeds it": back, "does not": stuck} {
			conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				return rpctest.Do(ctx, next, rpctest.Shapes[3], "a").Err
			}, interceptors.ServerOptions(unlogged), interceptors.DialOptions()...)
			e, _ := status.From(rpctest.Do(t.Context(), conn, shape, "a").Err)
			if e.Code() != codes.DeadlineExceeded || e.ErrorCode() != status.CodeDependencyTimeout {
				t.Errorf("a dependency that %s: %v, want %s", name, e, status.CodeDependencyTimeout)
			}
		}
		time.Sleep(2 * time.Second) // for the one that sleeps
	})
}
