package sdktest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The delay is the time that was waited, not what was planned: a caller may give up.
func TestTheDelayOfACallThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newRig()
		down := func(context.Context, rpctest.Exchange) error {
			return status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy", status.RetryAfter(4*time.Second))
		}
		conn := rpctest.Start(t, down, nil,
			interceptors.DialOptions(interceptors.Policies(policies(t, nil)), interceptors.Observe(client.telemetry(t)))...)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(7*time.Second, cancel) // in the middle of the second wait
		rpctest.Do(ctx, conn, shapes[0], "q")
		synctest.Wait()
		if got := client.sums(t); !strings.Contains(got, "retry_delay{method=Echo/Unary} count 1 sum 7s") {
			t.Error(got)
		}
	})
}

// One call of a user, with two repeats and a fallback, is one call.
func TestOneCallIsOneCall(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := newRig(), newRig()
				client.tracer, client.spans = server.tracer, server.spans // one trace
				down := func(context.Context, rpctest.Exchange) error {
					return status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy", status.Domain("models.example.com"),
						status.RetryAfter(time.Second))
				}
				set := policies(t, nil)
				conn := rpctest.Start(t, down,
					interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(server.telemetry(t))),
					interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(client.telemetry(t)),
						interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned")).From("menu")))...)
				ctx, user := server.tracer.Tracer("test").Start(t.Context(), "user")
				if r := rpctest.Do(ctx, conn, shape, "q"); r.Err != nil || len(r.Replies) != 1 || r.Replies[0] != "canned" {
					t.Fatalf("got %v", r)
				}
				user.End()
				synctest.Wait()

				name, attempt := "recourse.test.Echo/"+shape.Name, "Attempt.recourse.test.Echo."+shape.Name
				failed := "Error rpc.response.status_code=UNAVAILABLE error.type=models.example.com/MODEL_BUSY"
				attempted := func(n int) string {
					return fmt.Sprintf("%s client Error previous-rpc-attempts=%d %s", attempt, n, strings.TrimPrefix(failed, "Error "))
				}
				expect(t, "spans", server.tree(),
					"user internal",
					"  "+name+" client recourse.attempts=3 rpc.response.status_code=OK [backoff pushback 1s MODEL_BUSY]"+
						" [backoff pushback 1s MODEL_BUSY] [given_up exhausted MODEL_BUSY] [fallback menu] [degraded default menu]",
					"    "+name+" server "+failed, // of the first attempt, which was the call until it failed
					"    "+attempted(0),
					"    "+attempted(1),
					"      "+name+" server "+failed,
					"    "+attempted(2),
					"      "+name+" server "+failed,
				)
				of := "method=Echo/" + shape.Name
				expect(t, "client's metrics", regexp.MustCompile(`sum [23]\.\d+s`).ReplaceAllString(client.sums(t), "sum 2s"),
					"grpc.client.attempt.started{"+of+"} 3",
					"grpc.client.call.duration{"+of+" status=OK} count 1 sum 2s",
					"grpc.client.call.retries{"+of+"} count 1 sum 2",
					"grpc.client.call.retry_delay{"+of+"} count 1 sum 2s",
					"recourse.client.degraded{"+of+" degraded.kind=default degraded.origin=fallback} 1",
					"recourse.client.fallbacks{"+of+" fallback.outcome=answered fallback.source=menu} 1",
					"recourse.client.retries.denied{"+of+" reason=exhausted} 1",
					"recourse.client.retry_budget.level{service=Echo} 0.9",
				)
				expect(t, "server's metrics", server.sums(t),
					"grpc.server.call.duration{error.type=models.example.com/MODEL_BUSY "+of+" status=UNAVAILABLE} count 3 sum 0s",
					"grpc.server.call.started{"+of+"} 3",
					"recourse.server.error.size{"+of+"} count 3 sum 2715",
					"recourse.server.handlers.stuck{} 0",
				)
				if len(client.lines.kept) != 1 || len(server.lines.kept) != 1 {
					t.Errorf("client's log:\n%s\nserver's log:\n%s", strings.Join(client.lines.kept, "\n"), strings.Join(server.lines.kept, "\n"))
				}
			})
		})
	}
}
