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
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A panic is counted, even if something else answers.
func TestPanicsThatAreMadeUpFor(t *testing.T) {
	tests := map[string]struct {
		change func(*policy.Policy)
		option []interceptors.ServerOption
		panics int
		want   string
	}{
		"fallback": {
			option: []interceptors.ServerOption{interceptors.Fallback(rpctest.Shapes[0].Method(), interceptors.Canned(wrapperspb.String("canned")))},
			panics: 1, want: "recourse.server.panics{method=Echo/Unary} 1",
		},
		"repeat": {
			change: func(p *policy.Policy) { p.HandlerAttempts, p.Codes = 2, []codes.Code{codes.Internal} },
			panics: 1, want: "recourse.server.panics{method=Echo/Unary} 1",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				n := 0
				conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
					if n++; n <= test.panics {
						panic("bug")
					}
					return rpctest.Echo(ctx, x)
				}, interceptors.ServerOptions(append(test.option, interceptors.Policies(policies(t, test.change)), interceptors.Observe(r.telemetry(t)))...))
				if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q"); r.Err != nil {
					t.Fatal(r.Err)
				}
				synctest.Wait()
				if !strings.Contains(r.sums(t), test.want) {
					t.Errorf("%s is not in\n%s", test.want, r.sums(t))
				}
			})
		})
	}
}

// A wait that its caller cuts short has taken no longer than it did.
func TestTheDelayOfAWaitThatWasCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		set := policies(t, nil)
		n := time.Duration(0)
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
			n++
			return status.New(codes.Unavailable, "BUSY", "busy", status.RetryAfter(n*n*n*time.Second))
		}, interceptors.ServerOptions(interceptors.Policies(set)),
			interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(r.telemetry(t)))...)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		rpctest.Do(ctx, conn, rpctest.Shapes[0], "q")
		synctest.Wait()
		if got := regexp.MustCompile(`retry_delay.*`).FindString(r.sums(t)); !strings.HasSuffix(got, " count 1 sum 3s") {
			t.Errorf("of three seconds: %s", got)
		}
	})
}

// A fallback that panics is somebody's mistake, even if the next one answers.
func TestAFallbackThatPanicsIsLogged(t *testing.T) {
	for _, shape := range shapes {
		for _, server := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s server=%v", shape.Name, server), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig()
					broken := interceptors.Answer(func(context.Context, *wrapperspb.StringValue, *status.Error) (*wrapperspb.StringValue, error) {
						panic("bug in the fallback")
					})
					if shape.ServerStreams {
						broken = interceptors.AnswerStream(func(context.Context, *wrapperspb.StringValue, *status.Error, func(*wrapperspb.StringValue) error) error {
							panic("bug in the fallback")
						})
					}
					all := []interceptors.Option{
						interceptors.Policies(policies(t, nil)), interceptors.Observe(r.telemetry(t)),
						interceptors.Fallback(shape.Method(), broken, interceptors.Canned(wrapperspb.String("canned"))),
					}
					var serve []grpc.ServerOption
					var dial []grpc.DialOption
					if server {
						serve = interceptors.ServerOptions(all[0], all[1], all[2])
					} else {
						dial = interceptors.DialOptions(all[0], all[1], all[2])
					}
					conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
						return status.New(codes.Unavailable, "DOWN", "down")
					}, serve, dial...)
					if r := rpctest.Do(t.Context(), conn, shape, "q"); r.Err != nil {
						t.Fatal(r.Err)
					}
					synctest.Wait()
					log := strings.Join(r.lines.kept, "\n")
					if len(r.lines.kept) != 1 || !strings.Contains(log, "bug in the fallback") || !strings.Contains(log, "counts_test.go") {
						t.Errorf("%d records: %s", len(r.lines.kept), log)
					}
				})
			})
		}
	}
}
