package sdktest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func onceThenEcho(first func()) rpctest.Handler {
	var once sync.Once
	return func(ctx context.Context, x rpctest.Exchange) error {
		once.Do(first)
		return rpctest.Echo(ctx, x)
	}
}

// What a server does about failures is counted, and said on the span of the call.
func TestAServersCalls(t *testing.T) {
	const method = "recourse.test.Echo/Unary"
	of := "method=Echo/Unary"
	tests := []struct {
		name    string
		change  func(*policy.Policy)
		options []interceptors.ServerOption
		handle  rpctest.Handler
		span    string
		metrics []string // beside the calls themselves
	}{
		{name: "ok", handle: rpctest.Echo, span: "rpc.response.status_code=OK"},
		{
			name: "a caller's fault is no fault of the server's",
			handle: func(context.Context, rpctest.Exchange) error {
				return status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Domain("books.example.com"))
			},
			span:    "rpc.response.status_code=NOT_FOUND error.type=books.example.com/BOOK_NOT_FOUND",
			metrics: []string{"recourse.server.error.size{" + of + "} count 1"},
		},
		{
			name:   "an error of another package",
			handle: func(context.Context, rpctest.Exchange) error { return errors.New("connection refused") },
			span:   "Error rpc.response.status_code=INTERNAL error.type=ASYNC_UNEXPECTED_FAILED",
			metrics: []string{
				"recourse.server.error.size{" + of + "} count 1",
				"recourse.server.errors.undeclared{" + of + "} 1",
			},
		},
		{
			name: "the same where a fallback does not answer",
			options: []interceptors.ServerOption{interceptors.Domain("own.example.com"), interceptors.Fallback("/"+method,
				interceptors.Answer(func(context.Context, *wrapperspb.StringValue, *status.Error) (*wrapperspb.StringValue, error) {
					return nil, errors.New("no")
				}))},
			handle: func(context.Context, rpctest.Exchange) error { return errors.New("connection refused") },
			span: "Error rpc.response.status_code=INTERNAL error.type=own.example.com/ASYNC_UNEXPECTED_FAILED" +
				" [fallback fallback ASYNC_UNEXPECTED_FAILED]",
			metrics: []string{
				"recourse.server.error.size{" + of + "} count 1",
				"recourse.server.errors.undeclared{" + of + "} 1",
				"recourse.server.fallbacks{" + of + " fallback.outcome=failed fallback.source=fallback} 1",
			},
		},
		{
			name:   "a panic",
			handle: func(context.Context, rpctest.Exchange) error { panic("secret") },
			span:   "Error rpc.response.status_code=INTERNAL error.type=ASYNC_UNEXPECTED_FAILED",
			metrics: []string{
				"recourse.server.error.size{" + of + "} count 1",
				"recourse.server.panics{" + of + "} 1",
			},
		},
		{
			name:    "a panic that a fallback has made up for",
			options: []interceptors.ServerOption{interceptors.Fallback("/"+method, interceptors.Canned(wrapperspb.String("canned")))},
			handle:  func(context.Context, rpctest.Exchange) error { panic("secret") },
			span:    "rpc.response.status_code=OK [fallback canned] [degraded default canned]",
			metrics: []string{
				"recourse.server.degraded{" + of + " degraded.kind=default degraded.origin=fallback} 1",
				"recourse.server.fallbacks{" + of + " fallback.outcome=answered fallback.source=canned} 1",
				"recourse.server.panics{" + of + "} 1",
			},
		},
		{
			name:   "a panic that was run again",
			change: func(p *policy.Policy) { p.HandlerAttempts, p.Codes = 2, []codes.Code{codes.Internal} },
			handle: onceThenEcho(func() { panic("secret") }),
			span:   "recourse.attempts=2 rpc.response.status_code=OK [backoff backoff 0s ASYNC_UNEXPECTED_FAILED]",
			metrics: []string{
				"recourse.server.panics{" + of + "} 1",
				"recourse.server.repeats{" + of + "} 1",
			},
		},
		{
			name:   "a panic after the handler was left behind",
			change: func(p *policy.Policy) { p.Timeout, p.HardStop = time.Second, true },
			handle: func(context.Context, rpctest.Exchange) error { time.Sleep(time.Minute); panic("secret") },
			span:   "Error rpc.response.status_code=DEADLINE_EXCEEDED error.type=ASYNC_TIMEOUT_FAILED [handler_abandoned deadline]",
			metrics: []string{
				"recourse.server.deadline.overruns{" + of + "} 1",
				"recourse.server.error.size{" + of + "} count 1",
				"recourse.server.handlers.abandoned{" + of + " reason=deadline} 1",
				"recourse.server.panics{" + of + "} 1",
			},
		},
		{
			name: "too large",
			handle: func(context.Context, rpctest.Exchange) error {
				return status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book",
					status.Attach(&errdetails.LocalizedMessage{Locale: "en", Message: strings.Repeat("long ", 2000)}))
			},
			span: "rpc.response.status_code=NOT_FOUND error.type=BOOK_NOT_FOUND [trimmed 2]",
			metrics: []string{
				"recourse.server.error.size{" + of + "} count 1",
				"recourse.server.errors.trimmed{" + of + "} 1",
			},
		},
		{
			name:   "left behind",
			change: func(p *policy.Policy) { p.Timeout, p.HardStop = time.Second, true },
			handle: func(context.Context, rpctest.Exchange) error { time.Sleep(time.Minute); return nil },
			span:   "Error rpc.response.status_code=DEADLINE_EXCEEDED error.type=ASYNC_TIMEOUT_FAILED [handler_abandoned deadline]",
			metrics: []string{
				"recourse.server.deadline.overruns{" + of + "} 1",
				"recourse.server.error.size{" + of + "} count 1",
				"recourse.server.handlers.abandoned{" + of + " reason=deadline} 1",
			},
		},
		{
			name:   "repeated",
			change: func(p *policy.Policy) { p.HandlerAttempts = 2 },
			handle: flaky(2),
			span:   "recourse.attempts=2 rpc.response.status_code=OK [backoff retry_info 1s MODEL_BUSY]",
			metrics: []string{
				"recourse.server.repeats{" + of + "} 1",
			},
		},
		{
			name: "a fallback",
			options: []interceptors.ServerOption{interceptors.Fallback("/"+method,
				interceptors.Answer(func(context.Context, *wrapperspb.StringValue, *status.Error) (*wrapperspb.StringValue, error) {
					return nil, errors.New("no")
				}).From("other"), interceptors.Canned(wrapperspb.String("canned")))},
			handle: func(context.Context, rpctest.Exchange) error { return status.New(codes.Unavailable, "DOWN", "down") },
			span:   "rpc.response.status_code=OK [fallback other ASYNC_UNEXPECTED_FAILED] [fallback canned] [degraded default canned]",
			metrics: []string{
				"recourse.server.degraded{" + of + " degraded.kind=default degraded.origin=fallback} 1",
				"recourse.server.fallbacks{" + of + " fallback.outcome=answered fallback.source=canned} 1",
				"recourse.server.fallbacks{" + of + " fallback.outcome=failed fallback.source=other} 1",
			},
		},
		{
			name: "a handler that knows its answer is not the real one",
			handle: func(ctx context.Context, x rpctest.Exchange) error {
				_ = interceptors.SetDegraded(ctx, &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, Source: "half"})
				return rpctest.Echo(ctx, x)
			},
			span:    "rpc.response.status_code=OK [degraded partial half]",
			metrics: []string{"recourse.server.degraded{" + of + " degraded.kind=partial degraded.origin=handler} 1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				conn := rpctest.Start(t, test.handle, interceptors.ServerOptions(append(test.options,
					interceptors.Policies(policies(t, test.change)), interceptors.Observe(r.telemetry(t)))...))
				rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q")
				time.Sleep(2 * time.Minute) // until the last handler has returned
				synctest.Wait()
				tree := strings.SplitN(strings.TrimSpace(r.tree()), "\n", 2)[0]
				if want := method + " server " + test.span; tree != want {
					t.Errorf("got  %s\nwant %s", tree, want)
				}
				var got []string
				for line := range strings.Lines(without(r.sums(t), "grpc.server.", "handlers.stuck")) {
					if strings.Contains(line, "error.size") {
						line, _, _ = strings.Cut(line, " sum")
					}
					if line = strings.TrimSpace(line); line != "" {
						got = append(got, line)
					}
				}
				expect(t, "metrics", strings.Join(got, "\n"), test.metrics...)
			})
		})
	}
}

// A run of a handler is judged as its call is: a caller's fault is not the server's.
func TestRunsOfAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newRig(), 0
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
			if n++; n == 1 {
				return status.New(codes.Unavailable, "INDEX_MOVES", "the index moves")
			}
			return status.New(codes.NotFound, "NO_BOOK", "there is no such book")
		}, interceptors.ServerOptions(interceptors.Observe(r.telemetry(t)),
			interceptors.Policies(policies(t, func(p *policy.Policy) { p.HandlerAttempts = 2 }))))
		rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q")
		synctest.Wait()
		const run, notFound = "  Attempt.recourse.test.Echo.Unary internal", "rpc.response.status_code=NOT_FOUND error.type=NO_BOOK"
		expect(t, "spans", r.tree(),
			"recourse.test.Echo/Unary server recourse.attempts=2 "+notFound+" [backoff backoff 0s INDEX_MOVES] [given_up final NO_BOOK]",
			run+" Error previous-rpc-attempts=0 rpc.response.status_code=UNAVAILABLE error.type=INDEX_MOVES",
			run+" previous-rpc-attempts=1 "+notFound,
		)
	})
}
