package sdktest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What is masked in the log is masked in the status of a span.
func TestSpansAreMasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		set, tel := policies(t, nil), r.telemetry(t, func(c *telemetry.Config) { c.Mask = []string{"iban"} })
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
			return status.New(codes.Unavailable, "DB_DOWN", "dial postgres://app:hunter2@db/x for iban=DE02hunter2: token=hunter2")
		}, interceptors.ServerOptions(interceptors.Policies(set), interceptors.Observe(tel)),
			interceptors.DialOptions(interceptors.Policies(set), interceptors.Observe(tel))...)
		rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "q")
		synctest.Wait()
		for _, s := range r.spans.Ended() {
			if d := s.Status().Description; strings.Contains(d, "hunter2") || !strings.HasPrefix(d, "dial postgres://app:***@db") {
				t.Errorf("%s %s: %q", s.Name(), s.SpanKind(), d)
			}
		}
	})
}

// The trace that goes out is the call's; baggage that the application has put into the
// metadata by itself stays, also with a repeat.
func TestMetadataOfTheApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		n := 0
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			md, _ := metadata.FromIncomingContext(ctx)
			if b := md["baggage"]; len(b) != 1 || b[0] != "user=7" {
				t.Errorf("call %d: baggage %q", n, b)
			}
			if p := md["traceparent"]; len(p) != 1 || strings.Contains(p[0], "00000000000000000000000000000001") || len(md["tracestate"]) > 0 {
				t.Errorf("call %d: traceparent %q, tracestate %q", n, p, md["tracestate"])
			}
			if n++; n == 1 {
				return status.New(codes.Unavailable, "BUSY", "busy")
			}
			return rpctest.Echo(ctx, x)
		}, nil, interceptors.DialOptions(interceptors.Policies(policies(t, nil)), interceptors.Observe(r.telemetry(t, func(c *telemetry.Config) {
			c.Propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
		})))...)
		ctx := metadata.AppendToOutgoingContext(t.Context(), "baggage", "user=7",
			"traceparent", "00-00000000000000000000000000000001-0000000000000001-01", "tracestate", "a=b")
		if r := rpctest.Do(ctx, conn, rpctest.Shapes[0], "q"); r.Err != nil || n != 2 {
			t.Error(r.Err, n)
		}
	})
}

// The attempt that a call is given up with has its outcome.
func TestTheAttemptOfACallThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		n := 0
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			if n++; n == 1 {
				return status.New(codes.Unavailable, "BUSY", "busy", status.RetryAfter(time.Second))
			}
			_ = x.Send("a")
			<-ctx.Done()
			return ctx.Err()
		}, nil, interceptors.DialOptions(interceptors.Policies(policies(t, nil)), interceptors.Observe(r.telemetry(t)))...)
		ctx, cancel := context.WithCancel(t.Context())
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil {
			t.Fatal(err)
		}
		cancel() // and nobody reads on
		synctest.Wait()
		expect(t, "spans", r.tree(),
			"recourse.test.Echo/Bidi client Error recourse.attempts=2 rpc.response.status_code=CANCELLED error.type=CANCELLED [backoff retry_info 1s BUSY]",
			"  Attempt.recourse.test.Echo.Bidi client Error previous-rpc-attempts=0 rpc.response.status_code=UNAVAILABLE error.type=BUSY",
			"  Attempt.recourse.test.Echo.Bidi client Error previous-rpc-attempts=1 rpc.response.status_code=CANCELLED error.type=CANCELLED",
		)
	})
}
