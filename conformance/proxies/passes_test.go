package proxies

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// eachWay runs a test with every shape through every proxy, on a server with the default budget.
func eachWay(t *testing.T, test func(t *testing.T, s *stage, address string, shape rpctest.Shape)) {
	t.Helper()
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			s := open(t, 0)
			address := p.start(t, s.address)
			for _, shape := range rpctest.Shapes {
				t.Run(shape.Name, func(t *testing.T) { test(t, s, address, shape) })
			}
		})
	}
}

// A repeat that the server asks for is made, and not before its time: through the proxy, the reply is still one of
// trailers only, which is what a client's retry policy wants.
func TestTheServersDelayIsKept(t *testing.T) {
	eachWay(t, func(t *testing.T, s *stage, address string, shape rpctest.Shape) {
		const delay = 50 * time.Millisecond
		for _, c := range []*client{native, ours} {
			runs := make(chan time.Time, 2)
			got := s.call(t, c.dial(t, address), shape, func(ctx context.Context, x rpctest.Exchange, n int) error {
				if runs <- time.Now(); n == 1 {
					return status.New(codes.Unavailable, "BUSY", "busy", status.RetryAfter(delay), status.Outcome(status.NotApplied))
				}
				return answers(ctx, x, n)
			})
			if got.Err != nil || got.runs != 2 {
				t.Errorf("%s: ran %d times: %v", c.name, got.runs, got.Err)
				continue
			}
			if first, again := <-runs, <-runs; again.Sub(first) < delay {
				t.Errorf("%s: ran again after %v, want %v at least", c.name, again.Sub(first), delay)
			}
		}
	})
}

func mark() *recoursev1.Degraded {
	return &recoursev1.Degraded{
		Kind: recoursev1.Degraded_KIND_STALE, ErrorCode: "DOWN", Domain: domain, Suggestion: suggestion,
		Age: durationpb.New(40 * time.Second), Source: "last good answer",
	}
}

// A degraded answer has both marks in the headers and in the trailers, and a client of recourse reads them.
func TestDegradedAnswersAreMarked(t *testing.T) {
	eachWay(t, func(t *testing.T, s *stage, address string, shape rpctest.Shape) {
		handler := marks(mark())
		got := s.call(t, plain.dial(t, address), shape, handler)
		if got.Err != nil || got.runs != 1 {
			t.Fatalf("ran %d times: %v", got.runs, got.Err)
		}
		for where, md := range map[string]metadata.MD{"headers": got.Header, "trailers": got.Trailer} {
			if line := md["recourse-degraded"]; !slices.Equal(line, []string{`stale;src="last good answer";age=40;reason=DOWN`}) {
				t.Errorf("the %s say %q", where, line)
			}
			if sent := markIn(t, md); !proto.Equal(sent, mark()) {
				t.Errorf("the %s have the mark %v", where, sent)
			}
		}
		ctx, read := interceptors.WatchDegraded(t.Context())
		if got := s.callWithin(ctx, ours.dial(t, address), shape, handler); got.Err != nil || got.runs != 1 {
			t.Errorf("ran %d times: %v", got.runs, got.Err)
		}
		if d := read(); !proto.Equal(d, mark()) {
			t.Errorf("recourse reads %v", d)
		}
	})
}

// A mark that is too large for a proxy's buffer would make an error of the answer.
func TestLargeMarksDoNotCostTheAnswer(t *testing.T) {
	eachWay(t, func(t *testing.T, s *stage, address string, shape rpctest.Shape) {
		conn := plain.dial(t, address)
		kept, lost := 0, 0
		for n := 200; n <= 5000; n += 200 {
			d := mark()
			d.RecoveryActions = append(d.RecoveryActions, status.Action(status.ByEndUser, "Have a look", wrapperspb.Bytes(dense.bytes(n, n%3))))
			got := s.call(t, conn, shape, marks(d))
			if got.Err != nil || got.runs != 1 {
				t.Fatalf("with an action of %d bytes: ran %d times: %v", n, got.runs, got.Err)
			}
			switch sent := markIn(t, got.Header); {
			case proto.Equal(sent, d) && proto.Equal(markIn(t, got.Trailer), d):
				kept++
			case proto.Equal(sent, mark()):
				lost++
			default:
				t.Errorf("with an action of %d bytes: the mark is %v", n, sent)
			}
		}
		if kept == 0 || lost == 0 {
			t.Errorf("%d marks had their action and %d had not: want some of each", kept, lost)
		}
	})
}

func marks(d *recoursev1.Degraded) play {
	return func(ctx context.Context, x rpctest.Exchange, n int) error {
		if err := interceptors.SetDegraded(ctx, d); err != nil {
			return err
		}
		return answers(ctx, x, n)
	}
}

func markIn(t *testing.T, md metadata.MD) *recoursev1.Degraded {
	t.Helper()
	d := new(recoursev1.Degraded)
	if bin := md["recourse-degraded-bin"]; len(bin) != 1 || proto.Unmarshal([]byte(bin[0]), d) != nil {
		t.Fatalf("marks: %q", bin)
	}
	return d
}

// A caller's deadline is the handler's.
func TestDeadlinesPass(t *testing.T) {
	eachWay(t, func(t *testing.T, s *stage, address string, shape rpctest.Shape) {
		left := make(chan time.Duration, 1)
		got := s.call(t, plain.dial(t, address), shape, func(ctx context.Context, x rpctest.Exchange, n int) error {
			end, _ := ctx.Deadline() // long ago, if there is none
			left <- time.Until(end)
			return answers(ctx, x, n)
		})
		if got.Err != nil || got.runs != 1 {
			t.Fatalf("ran %d times: %v", got.runs, got.Err)
		}
		if d := <-left; d > callTime || d < callTime/2 {
			t.Errorf("the handler had %v of %v", d, callTime)
		}
	})
}

// A caller that gives up ends the handler's context.
func TestCancellationPasses(t *testing.T) {
	eachWay(t, func(t *testing.T, s *stage, address string, shape rpctest.Shape) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan struct{})
		got := s.callWithin(ctx, plain.dial(t, address), shape, func(ctx context.Context, _ rpctest.Exchange, _ int) error {
			defer close(ended)
			cancel()
			<-ctx.Done()
			return ctx.Err()
		})
		if grpcstatus.Code(got.Err) != codes.Canceled || got.runs != 1 {
			t.Errorf("ran %d times: %v", got.runs, got.Err)
		}
		select {
		case <-ended:
		case <-time.NewTimer(callTime).C:
			t.Error("the handler goes on")
		}
	})
}

// A deadline that the server has set, before the caller's, ends in its own error, and once.
func TestTheServersDeadlinePasses(t *testing.T) {
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.MaxTimeout = 100 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			s := open(t, 0, interceptors.Policies(set))
			address := p.start(t, s.address)
			for _, shape := range rpctest.Shapes {
				got := s.call(t, native.dial(t, address), shape, waits)
				e, ok := status.From(got.Err)
				if !ok || e.Code() != codes.DeadlineExceeded || e.Domain() != domain || e.Suggestion() == "" || got.runs != 1 {
					t.Errorf("%s: ran %d times: %v", shape.Name, got.runs, got.Err)
				}
			}
		})
	}
}

func waits(ctx context.Context, _ rpctest.Exchange, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

// A proxy that hears nothing for its own time gives up for the caller, whose deadline is later, in a way that clients try
// again: a call may take no longer than a proxy lets it.
func TestAProxysTimeoutShouldBeTheLonger(t *testing.T) {
	for _, p := range []*proxy{
		nginx.with("location / {", "grpc_read_timeout 300ms;"),
		haproxy.with("timeout server 50s", "timeout server 300ms"), // the last one counts
	} {
		t.Run(p.program, func(t *testing.T) {
			s := open(t, 0)
			address := p.start(t, s.address)
			for _, shape := range rpctest.Shapes {
				t.Run(shape.Name, func(t *testing.T) {
					t.Parallel() // it waits
					got := s.call(t, native.dial(t, address), shape, waits)
					if grpcstatus.Code(got.Err) != codes.Unavailable || !strings.Contains(got.Err.Error(), "504") || got.runs != 3 {
						t.Errorf("ran %d times: %v", got.runs, got.Err)
					}
				})
			}
		})
	}
}
