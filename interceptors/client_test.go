package interceptors_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// strictly has only methods that may not be repeated.
func strictly(p *policy.Policy) { p.Idempotent = false }

func TestWhatWasNeverSentIsRepeated(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		dials := 0
		s := new(script)
		lis := rpctest.Serve(t, s.handle, interceptors.ServerOptions()...)
		conn, err := grpc.NewClient("passthrough:///memory", append(interceptors.DialOptions(interceptors.Policies(policies(t, strictly, func(p *policy.Policy) {
			p.Backoff, p.MaxBackoff, p.MaxAttempts = 2*time.Second, 4*time.Second, 10
		}))), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			if dials++; dials == 1 {
				return nil, errors.New("refused")
			}
			return lis.DialContext(ctx)
		}))...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil || len(s.attempts()) != 1 {
			t.Errorf("%v, %d calls; want success with one", r.Err, len(s.attempts()))
		}
	})
}

// An interceptor that keeps our options from gRPC must not make us believe that
// nothing was sent.
func TestAnInterceptorThatDropsOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{failures: []error{unavailable()}}
		dial := append(interceptors.DialOptions(interceptors.Policies(policies(t, strictly))),
			grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, _ ...grpc.CallOption) error {
				return invoker(ctx, method, req, reply, cc)
			}))
		conn := rpctest.Start(t, s.handle, interceptors.ServerOptions(), dial...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		if r.Err == nil || len(s.attempts()) != 1 {
			t.Errorf("%v after %d calls, want the error after one", r.Err, len(s.attempts()))
		}
	})
}

type assistant struct {
	assistantv1.UnimplementedAssistantServer
	calls atomic.Int32
}

func (a *assistant) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	return nil, a.fail()
}

func (a *assistant) ClassifyIntent(context.Context, *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	return nil, a.fail()
}

func (a *assistant) fail() error {
	a.calls.Add(1)
	return unavailable()
}

func TestWhatMayBeRepeated(t *testing.T) {
	ctx := t.Context()
	tests := []struct {
		name string
		call func(assistantv1.AssistantClient) error
		want int32
	}{
		{"declared: NO_SIDE_EFFECTS", func(c assistantv1.AssistantClient) error {
			_, err := c.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{})
			return err
		}, 3},
		{"not declared", func(c assistantv1.AssistantClient) error {
			_, err := c.Process(ctx, &assistantv1.ProcessRequest{})
			return err
		}, 1},
		{"a request id", func(c assistantv1.AssistantClient) error {
			_, err := c.Process(ctx, &assistantv1.ProcessRequest{RequestId: "4a3d2a7e-8f0f-4f0e-9a63-1f4f3f3a2f10"})
			return err
		}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := new(assistant)
			synctest.Test(t, func(t *testing.T) {
				ctx = t.Context()
				lis := rpctest.Listen(t, func(s *grpc.Server) { assistantv1.RegisterAssistantServer(s, a) }, interceptors.ServerOptions(unlogged)...)
				conn := rpctest.Dial(t, lis, interceptors.DialOptions(interceptors.Policies(policies(t, strictly)))...)
				if err := test.call(assistantv1.NewAssistantClient(conn)); err == nil {
					t.Error("success")
				}
			})
			if got := a.calls.Load(); got != test.want {
				t.Errorf("%d calls, want %d", got, test.want)
			}
		})
	}
}

const nativeRetry = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.01s",
	"maxBackoff": "0.1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`

func TestNeverOnTopOfNativeRetry(t *testing.T) {
	var log bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	for _, replace := range []bool{false, true} {
		log.Reset()
		inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
			calls := 0
			opts := []interceptors.DialOption{interceptors.Policies(policies(t, func(p *policy.Policy) { p.MaxAttempts = 4 }))}
			want := 3 // gRPC's
			if replace {
				opts, want = append(opts, interceptors.ReplaceRetryPolicy()), 4
			}
			dial := append(interceptors.DialOptions(opts...), grpc.WithDefaultServiceConfig(nativeRetry))
			conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { calls++; return unavailable() }, interceptors.ServerOptions(unlogged), dial...)
			for range 2 {
				calls = 0
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if e, _ := status.From(r.Err); calls != want || e.ErrorCode() != "DOWN" {
					t.Errorf("replace %v: %v after %d calls, want %d", replace, r.Err, calls, want)
				}
			}
		})
		if got, want := strings.Count(log.String(), "leaves the repeats"), map[bool]int{false: 4, true: 0}[replace]; got != want {
			t.Errorf("replace %v: the log tells %d times, want %d:\n%s", replace, got, want, &log)
		}
	}
}

func TestReauthentication(t *testing.T) {
	expired := status.New(codes.Unauthenticated, "TOKEN_EXPIRED", "the token has expired",
		status.Recover(status.Action(status.ByClient, "Refresh the token", &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_REFRESH})))
	tests := []struct {
		name         string
		err          error // of calls without a fresh token
		refresh      error
		refreshes    int
		calls        int
		want         codes.Code
		doesNotHelp  bool
		withoutRetry bool
	}{
		{"refreshed", expired, nil, 1, 2, codes.OK, false, false},
		{"refreshed, with repeats turned off", expired, nil, 1, 2, codes.OK, false, true},
		{"a plain server", status.New(codes.Unauthenticated, "", "who are you?"), nil, 1, 2, codes.OK, false, false},
		{"not refreshed", expired, errors.New("no"), 1, 1, codes.Unauthenticated, false, false},
		{"once only", expired, nil, 1, 2, codes.Unauthenticated, true, false},
		{"another failure", status.New(codes.PermissionDenied, "", ""), nil, 0, 1, codes.PermissionDenied, false, false},
		{"never", expired.With(status.Retry(status.Never)), nil, 0, 1, codes.Unauthenticated, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				token, calls, refreshes := "old", 0, 0
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					calls++
					if token == "old" || test.doesNotHelp {
						return test.err
					}
					return rpctest.Echo(ctx, x)
				}
				opts := []interceptors.DialOption{interceptors.OnAction(func(_ context.Context, _ *recoursev1.Reauthenticate, cause *status.Error) error {
					if refreshes++; cause.Code() != codes.Unauthenticated {
						t.Errorf("cause %v", cause)
					}
					token = "new"
					return test.refresh
				})}
				if !test.withoutRetry {
					opts = append(opts, interceptors.Policies(policies(t, strictly)))
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(opts...)...)
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if e, _ := status.From(r.Err); e.Code() != test.want || calls != test.calls || refreshes != test.refreshes {
					t.Errorf("%v after %d calls and %d refreshes, want %v after %d and %d", r.Err, calls, refreshes, test.want, test.calls, test.refreshes)
				}
			})
		})
	}
}

func TestAnActionThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return status.New(codes.Unauthenticated, "WHO", "") },
			interceptors.ServerOptions(unlogged), interceptors.DialOptions(
				interceptors.OnAction(func(context.Context, *recoursev1.Reauthenticate, *status.Error) error { panic("help") }))...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		if e, _ := status.From(r.Err); e.ErrorCode() != "WHO" {
			t.Errorf("%v, want the call's own error", r.Err)
		}
	})
}

// What the application's call options are given is what the last attempt left.
func TestTheTargetsOfCallOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			calls++
			_ = grpc.SetTrailer(ctx, metadata.Pairs("attempt", fmt.Sprint(calls)))
			if calls < 3 {
				_ = grpc.SetTrailer(ctx, metadata.Pairs("failed", "yes"))
				return unavailable()
			}
			_ = grpc.SetHeader(ctx, metadata.Pairs("attempt", fmt.Sprint(calls)))
			return rpctest.Echo(ctx, x)
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		var header, trailer metadata.MD
		var from peer.Peer
		var finished []error
		err := conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String("a"), new(text),
			grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from), grpc.OnFinish(func(err error) { finished = append(finished, err) }))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"3"}, header["attempt"]); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"3"}, trailer["attempt"]); diff != "" || len(trailer["failed"]) > 0 {
			t.Errorf("trailer %v (-want +got):\n%s", map[string][]string(trailer), diff)
		}
		if from.Addr == nil {
			t.Error("no peer")
		}
		if len(finished) != 1 || finished[0] != nil {
			t.Errorf("OnFinish %v, want once and nil", finished)
		}
	})
}

func TestOnFinishIsCalledOnce(t *testing.T) {
	for _, fails := range []bool{false, true} {
		inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
			var mu sync.Mutex
			var finished []codes.Code
			handler := rpctest.Echo
			if fails {
				handler = dead
			}
			dial := append(interceptors.DialOptions(interceptors.Policies(policies(t))), grpc.WithDefaultCallOptions(grpc.OnFinish(func(err error) {
				mu.Lock()
				defer mu.Unlock()
				e, _ := status.From(err)
				finished = append(finished, e.Code())
			})))
			conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), dial...)
			rpctest.Do(t.Context(), conn, shape, "a")
			synctest.Wait()
			want := []codes.Code{codes.OK}
			if fails {
				want = []codes.Code{codes.Unavailable}
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, finished); diff != "" {
				t.Errorf("OnFinish (-want +got):\n%s", diff)
			}
		})
	}
}

// A stream that nobody reads to its end is finished when its context is.
func TestOnFinishOfAnAbandonedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var finished atomic.Int32
		conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error { <-ctx.Done(); return nil }, interceptors.ServerOptions(unlogged),
			append(interceptors.DialOptions(interceptors.Policies(policies(t))), grpc.WithDefaultCallOptions(grpc.OnFinish(func(error) { finished.Add(1) })))...)
		ctx, cancel := context.WithCancel(t.Context())
		if err := rpctest.Open(ctx, conn, rpctest.Shapes[3]); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if n := finished.Load(); n != 1 {
			t.Errorf("called %d times, want once", n)
		}
	})
}

func TestTheThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, overloaded := 0, true
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			calls++
			if overloaded {
				return status.New(codes.Unavailable, "BUSY", "", status.Retry(status.Never, recoursev1.RetryAdvice_WHY_OVERLOADED))
			}
			return rpctest.Echo(ctx, x)
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		seen := map[string]int{}
		call := func() {
			r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
			e, _ := status.From(r.Err)
			seen[e.ErrorCode()]++
			if e.ErrorCode() == "CLIENT_THROTTLED" && (e.Code() != codes.Unavailable || e.Outcome() != status.NotApplied) {
				t.Errorf("%v with outcome %v", e, e.Outcome())
			}
			time.Sleep(10 * time.Millisecond)
		}
		for range 1000 {
			call()
		}
		t.Logf("overload: %v", seen)
		if calls > 300 || calls < 50 {
			t.Errorf("%d of 1000 calls were sent to an overloaded server", calls)
		}
		overloaded = false
		for range 1000 {
			call()
		}
		clear(seen)
		for range 100 {
			call()
		}
		if diff := cmp.Diff(map[string]int{"": 100}, seen); diff != "" {
			t.Errorf("ten seconds after (-want +got):\n%s", diff)
		}
	})
}

func TestTheDeadlineIsSent(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		var left time.Duration
		conn := rpctest.Start(t, timeLeft(&left), interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		rpctest.Do(t.Context(), conn, shape, "a")
		want := 30 * time.Second
		if shape.Name != "Unary" {
			want = -1
		}
		if left != want {
			t.Errorf("%v left, want %v", left, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if rpctest.Do(ctx, conn, shape, "a"); left != 10*time.Second {
			t.Errorf("%v left, want the caller's 10s", left)
		}
	})
}

// A service keeps a part of the time it has for its own answer.
func TestAServiceKeepsTimeForItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		shape := rpctest.Shapes[0]
		back := rpctest.Start(t, timeLeft(&left), interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			if r := rpctest.Do(ctx, back, shape, "a"); r.Err != nil {
				return r.Err
			}
			return x.Send("ok")
		}, interceptors.ServerOptions(unlogged), interceptors.DialOptions()...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := rpctest.Do(ctx, conn, shape, "a"); r.Err != nil || left != 950*time.Millisecond {
			t.Errorf("%v, %v left, want 950ms", r.Err, left)
		}
	})
}

// With every option that a client has, calls that worked still do.
func TestNothingThatWorkedIsBroken(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		opts := []interceptors.DialOption{interceptors.Policies(policies(t)), counting(),
			interceptors.OnAction(func(context.Context, *recoursev1.Reauthenticate, *status.Error) error { return nil })}
		for _, s := range rpctest.Shapes {
			opts = append(opts, interceptors.Fallback(s.Method(), interceptors.Canned(wrapperspb.String("canned"))))
		}
		requests := []string{"1", "2", "3"}
		want := requests
		if !shape.ClientStreams {
			want = requests[:1]
		}
		if shape.ClientStreams && !shape.ServerStreams {
			want = requests[2:]
		}
		conn := rpctest.Start(t, rpctest.Echo, interceptors.ServerOptions(), interceptors.DialOptions(opts...)...)
		for range 3 {
			r := rpctest.Do(t.Context(), conn, shape, requests...)
			if diff := cmp.Diff(want, r.Replies); diff != "" || r.Err != nil {
				t.Errorf("error %v, replies (-want +got):\n%s", r.Err, diff)
			}
		}
	})
}

func TestAnOverrideThatIsImpossible(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		calls, finished := 0, 0
		dial := append(interceptors.DialOptions(interceptors.Policies(policies(t))), grpc.WithDefaultCallOptions(
			interceptors.Override(func(p *policy.Policy) { p.MaxAttempts = -1 }), grpc.OnFinish(func(error) { finished++ })))
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { calls++; return nil }, interceptors.ServerOptions(unlogged), dial...)
		r := rpctest.Do(t.Context(), conn, shape, "a")
		if e, _ := status.From(r.Err); e.ErrorCode() != "INVALID_OVERRIDE" || calls != 0 || finished != 1 || !strings.Contains(fmt.Sprint(errors.Unwrap(r.Err)), "MaxAttempts") {
			t.Errorf("%v because of %v after %d calls", r.Err, errors.Unwrap(r.Err), calls)
		}
	})
}
