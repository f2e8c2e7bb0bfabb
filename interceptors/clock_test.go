package interceptors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A deadline may be nothing but a time of day, as one that was read from somewhere: it
// must not be compared with the process' own clock, which does not move when that is
// set.
func TestADeadlineMayBeATimeOfDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.Timeout = 20 * time.Second }))
		if err != nil {
			t.Fatal(err)
		}
		c, s := &client{policies: set}, newServer(OnFailure(nil))
		for _, row := range []struct{ given, want time.Duration }{
			{10 * time.Second, 10*time.Second - 100*time.Millisecond}, // less what is kept back for the answer
			{time.Minute, 20*time.Second - 100*time.Millisecond},
		} {
			ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(row.given).Round(0))
			defer cancel()
			_, _ = s.unary(incomingWith(ctx, "own"), wrapperspb.String("q"), &grpc.UnaryServerInfo{FullMethod: "/a.B/C"},
				func(ctx context.Context, req any) (any, error) {
					return req, c.unary(ctx, "/a.B/D", req, new(wrapperspb.StringValue), nil,
						func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
							if end, ok := ctx.Deadline(); !ok || time.Until(end) != row.want {
								t.Errorf("%s: %s are left, want %s", row.given, time.Until(end), row.want)
							}
							return nil
						})
				})
		}
	})
}

// What a deadline has read of the clock is what the throttle would have read.
func TestADeadlineTellsTheSecond(t *testing.T) {
	before := seconds()
	got := secondsBefore(time.Now().Add(time.Minute), time.Minute)
	if after := seconds(); got < before || got > after {
		t.Errorf("got %d, between %d and %d", got, before, after)
	}
	if before == 0 {
		t.Error("the first second is 0, which stands for none")
	}
	if got := secondsBefore(time.Now().Add(time.Minute).Round(0), time.Minute); got != 0 {
		t.Errorf("of a time of day %d, want none", got)
	}
}
