package interceptors_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

// A classifier that hands an error back, with guidance or without, does not make
// another service's error this one's.
func TestAClassifierDoesNotLaunder(t *testing.T) {
	for name, classifier := range map[string]status.Classifier{
		"with guidance": func(err error) *status.Error {
			e, ok := status.From(err)
			if !ok {
				return nil
			}
			return e.With(status.Suggest("Ask somebody else."))
		},
		"as it is": func(err error) *status.Error { e, _ := status.From(err); return e },
	} {
		eachShape(t, func(t *testing.T, shape rpctest.Shape) {
			for _, leaf := range []error{status.New(codes.NotFound, "ROW_NOT_FOUND", "canary"), grpcstatus.Error(codes.Internal, "canary")} {
				back := rpctest.Start(t, fails(leaf), quiet(), interceptors.DialOptions()...)
				conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
					return rpctest.Do(ctx, back, shape).Err
				}, quiet(interceptors.Classifiers(classifier)), interceptors.DialOptions()...)
				r := rpctest.Do(t.Context(), conn, shape)
				if e := from(t, r.Err); e.ErrorCode() != status.CodeDependencyFailed || strings.Contains(everything(r), "canary") {
					t.Errorf("%s: %s", name, everything(r))
				}
			}
		})
	}
}

// The log shows what is behind an error, and the fault of a hook beside it.
func TestTheDefaultLogShowsEveryKindOfCause(t *testing.T) {
	caused := func(cause error) error {
		return status.New(codes.Internal, "SAVE_FAILED", "save failed", status.Cause(cause))
	}
	for name, row := range map[string]struct {
		err  error
		opts []interceptors.ServerOption
		want []string
	}{
		"another service's error": {err: caused(status.Received(grpcstatus.Error(codes.NotFound, "cause-text"), "/a.B/C", "", false)), want: []string{"cause-text"}},
		"a status of grpc-go":     {err: caused(grpcstatus.Error(codes.NotFound, "cause-text")), want: []string{"cause-text"}},
		"another error of ours":   {err: caused(status.New(codes.NotFound, "ROW", "cause-text")), want: []string{"cause-text"}},
		"an operation":            {err: status.Operation("index books", grpcstatus.Error(codes.NotFound, "cause-text")), want: []string{"cause-text"}},
		"a panic":                 {err: caused(status.Panicked("cause-text")), want: []string{"cause-text", "stack="}},
		"a policy returned nil":   {err: status.New(codes.NotFound, "ROW", "cause-text"), opts: []interceptors.ServerOption{interceptors.Use(swallow{})}, want: []string{"cause-text", "returned nil"}},
		"a policy panicked":       {err: status.New(codes.NotFound, "ROW", "cause-text"), opts: []interceptors.ServerOption{interceptors.Use(explosive{at: "End"})}, want: []string{"cause-text", "panic: canary", "stack="}},
		"a caller's fault":        {err: status.New(codes.NotFound, "ROW", "no row", status.Cause(errors.New("cause-text"))), want: []string{"cause-text", "level=INFO"}},
		"something left out":      {err: status.New(codes.Internal, "X_Y", "x", status.Meta("BAD KEY", ""), status.Cause(errors.New("cause-text"))), want: []string{"cause-text", "elided=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			old := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			defer slog.SetDefault(old)
			synctest.Test(t, func(t *testing.T) {
				conn := rpctest.Start(t, fails(row.err), interceptors.ServerOptions(row.opts...), interceptors.DialOptions()...)
				_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
				for _, want := range row.want {
					if !strings.Contains(log.String(), want) {
						t.Errorf("no %q in\n%s", want, log.String())
					}
				}
			})
		})
	}
}

// What a client's policy adds to an error reaches its application.
func TestAClientsPolicyMayAddGuidance(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, fails(errBusy), quiet(), interceptors.DialOptions(interceptors.Use(enricher{}))...)
		r := rpctest.Do(t.Context(), conn, shape)
		e := from(t, r.Err)
		if help, ok := status.Detail[*errdetails.Help](r.Err); !ok || help.GetLinks()[0].GetUrl() != "https://docs.example.com" {
			t.Errorf("Help %v", help)
		}
		if e.RequestID() == "" || e.Operation() != shape.Method() || e.ErrorCode() != "MODEL_BUSY" {
			t.Errorf("%v, id %q, operation %q", e, e.RequestID(), e.Operation())
		}
	})
}

// A handler that passes on its dependency's trailers passes on the encoding of its
// error among them.
func TestCopiedTrailersDoNotLeak(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		for _, size := range []int{100, 2000, 2500, 3000, 5000} {
			leaf, err := grpcstatus.New(codes.NotFound, "canary").WithDetails(&errdetails.DebugInfo{Detail: "canary" + strings.Repeat("x", size)})
			if err != nil {
				t.Fatal(err)
			}
			back := rpctest.Start(t, fails(leaf.Err()), nil, interceptors.DialOptions()...)
			conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
				r := rpctest.Do(ctx, back, shape)
				if err := grpc.SetTrailer(ctx, r.Trailer); err != nil {
					return err
				}
				return r.Err
			}, quiet(), interceptors.DialOptions()...)
			r := rpctest.Do(t.Context(), conn, shape)
			if e := from(t, r.Err); e.Code() != codes.Internal || e.ErrorCode() != status.CodeDependencyFailed || strings.Contains(everything(r), "canary") {
				t.Errorf("%d: %s", size, everything(r))
			}
		}
	})
}

func TestAClientsStreamPoliciesLearnOfGoexitBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		conn := rpctest.Start(t, rpctest.Echo, quiet(), append(interceptors.DialOptions(interceptors.Use(rec)),
			grpc.WithChainStreamInterceptor(func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
				runtime.Goexit()
				return nil, nil
			}))...)
		go rpctest.Do(t.Context(), conn, rpctest.Shapes[1])
		synctest.Wait()
		if seen := rec.seen(); len(seen) != 1 || seen[0].Ends != 1 || seen[0].Code != codes.Internal {
			t.Errorf("%+v", seen)
		}
	})
}

// A batch joins an error an item.
func TestAWideJoinKeepsItsCode(t *testing.T) {
	errs := make([]error, 1000)
	for i := range errs {
		errs[i] = status.New(codes.InvalidArgument, "BAD_ITEM", "an item is bad", status.Violation(fmt.Sprint("items[", i, "]"), "BAD", "bad"))
	}
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, fails(errors.Join(errs...)), quiet(), interceptors.DialOptions()...)
		err := rpctest.Do(t.Context(), conn, shape).Err
		e := from(t, err)
		bad, _ := status.Detail[*errdetails.BadRequest](err)
		if e.ErrorCode() != "BAD_ITEM" || len(bad.GetFieldViolations())+e.Elided() != 1000 {
			t.Errorf("%v with %d violations, %d elided", e, len(bad.GetFieldViolations()), e.Elided())
		}
	})
}

// The default size is caution; what a handler sets beyond it costs details, not
// the identity, while there is room below what every peer accepts.
func TestTrailersBeyondTheDefaultDoNotCostTheVerdict(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		attempts := 0
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			attempts++
			if err := grpc.SetTrailer(ctx, metadata.Pairs("own", strings.Repeat("x", 3800))); err != nil {
				return err
			}
			return status.New(codes.Unavailable, "GONE", "gone", status.Retry(status.Never))
		}
		conn := rpctest.Start(t, handler, quiet(), append(interceptors.DialOptions(), grpc.WithDefaultServiceConfig(retryPolicy), grpc.WithMaxHeaderListSize(8192))...)
		e := from(t, rpctest.Do(t.Context(), conn, shape).Err)
		if attempts != 1 || e.ErrorCode() != "GONE" || e.Verdict() != status.Never || e.RequestID() == "" {
			t.Errorf("%d attempts, %v, %v, id %q", attempts, e, e.Verdict(), e.RequestID())
		}
	})
}

// One's own deadline is one's own error, however it is said; what somebody said on
// purpose stays.
func TestWhoSaysThatTimeIsUp(t *testing.T) {
	hang := func(ctx context.Context, _ rpctest.Exchange) error {
		<-ctx.Done()
		return ctx.Err()
	}
	spent := status.New(codes.DeadlineExceeded, "BUDGET_SPENT", "the time for this is spent", status.Outcome(status.NotApplied))
	raw := []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			<-ctx.Done()
			return ctx.Err()
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	}
	for name, row := range map[string]struct {
		policy interceptors.Hook
		below  []grpc.DialOption
		want   string
		out    any
	}{
		"gRPC":                 {want: status.CodeTimeout, out: status.Indeterminate},
		"gRPC, with policies":  {policy: noter{"p", new([]string)}, want: status.CodeTimeout, out: status.Indeterminate},
		"an interceptor below": {below: raw, want: status.CodeTimeout, out: status.Indeterminate},
		"a policy":             {policy: rewriter{spent}, want: "BUDGET_SPENT", out: status.NotApplied},
	} {
		t.Run(name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				hooked := make(chan string, 1)
				opts := []interceptors.DialOption{interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { hooked <- f.Err.ErrorCode() })}
				if row.policy != nil {
					opts = append(opts, interceptors.Use(row.policy))
				}
				conn := rpctest.Start(t, hang, quiet(), append(interceptors.DialOptions(opts...), row.below...)...)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				e := from(t, rpctest.Do(ctx, conn, shape).Err)
				if e.ErrorCode() != row.want || any(e.Outcome()) != row.out {
					t.Errorf("%v, %v", e, e.Outcome())
				}
				if got := <-hooked; got != row.want {
					t.Errorf("OnFailure was told %s", got)
				}
			})
		})
	}
}

// rewriter says something of its own at the end.
type rewriter struct{ err error }

func (r rewriter) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, r, nil
}
func (rewriter) Message(bool, any) error { return nil }
func (r rewriter) End(error) error       { return r.err }

// An inner policy may return anything; the outer one may ask errors.Is of it.
func TestPoliciesAreShownFiniteErrors(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, rpctest.Echo, quiet(interceptors.Use(asker{}, rewriter{new(ouroboros)})), interceptors.DialOptions()...)
		if e := from(t, rpctest.Do(t.Context(), conn, shape).Err); e.Code() != codes.Internal {
			t.Errorf("got %v", e)
		}
	})
}

type asker struct{ swallow }

func (asker) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, asker{}, nil
}

func (asker) End(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func TestAPanicIsNotHiddenByARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failure interceptors.Failure
		conn := rpctest.Start(t, func(_ context.Context, x rpctest.Exchange) error {
			_ = x.Send("refused")
			panic("boom")
		}, quiet(interceptors.Use(refuser{errBusy}), interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { failure = f })), interceptors.DialOptions()...)
		e := from(t, rpctest.Do(t.Context(), conn, rpctest.Shapes[1]).Err)
		if _, ok := failure.Err.Unwrap().(*status.PanicError); !ok || e.Code() != codes.Internal {
			t.Errorf("%v, caused by %v", e, failure.Err.Unwrap())
		}
	})
}

func TestAnUnusableRequestIDOfAHandlerIsNotTheOneToQuote(t *testing.T) {
	for _, row := range []struct {
		set  []string
		want string // empty: one made here
	}{
		{[]string{"x-request-id", ""}, ""},
		{[]string{"x-request-id", "", "x-request-id", "handlers-own"}, "handlers-own"},
	} {
		eachShape(t, func(t *testing.T, shape rpctest.Shape) {
			var told string
			handler := func(ctx context.Context, _ rpctest.Exchange) error {
				if err := grpc.SetTrailer(ctx, metadata.Pairs(row.set...)); err != nil {
					return err
				}
				return status.New(codes.NotFound, "NONE", "none")
			}
			hook := interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { told = f.RequestID })
			conn := rpctest.Start(t, handler, quiet(hook), interceptors.DialOptions()...)
			e := from(t, rpctest.Do(t.Context(), conn, shape).Err)
			if e.RequestID() == "" || e.RequestID() != told || row.want != "" && told != row.want {
				t.Errorf("the caller quotes %q, the operator was told %q, want %q", e.RequestID(), told, row.want)
			}
		})
	}
}
