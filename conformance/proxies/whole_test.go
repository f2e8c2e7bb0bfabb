package proxies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// The largest error that the budget allows arrives as it was sent, before a message and after one. The default is there
// for nginx.
func TestTheLargestErrorArrivesWhole(t *testing.T) {
	for _, row := range []struct {
		budget int
		proxy  *proxy
	}{{0, nginx}, {0, haproxy}, {7168, haproxy}, {status.MaxTrailerBytes, haproxy}} {
		t.Run(fmt.Sprint(row.proxy.name, " ", row.budget), func(t *testing.T) {
			s := open(t, row.budget)
			direct := plain.dial(t, s.address)
			through := plain.dial(t, row.proxy.start(t, s.address))
			for _, k := range kinds {
				for _, f := range fillings {
					e := s.largest(t, k, f, cmp.Or(row.budget, status.DefaultTrailerBytes))
					eachCall(t, e, func(t *testing.T, shape rpctest.Shape, p play) {
						want := s.call(t, direct, shape, p)
						if err := k.whole(want, want.Err); err != nil {
							t.Fatalf("%s %s: not even without a proxy: %v", k.name, f.name, err)
						}
						got := s.call(t, through, shape, p)
						if err := k.whole(got, want.Err); err != nil {
							t.Errorf("%s %s: of %v: %v", k.name, f.name, got.Err, err)
						}
						if got.runs != 1 || !slices.Equal(got.Replies, want.Replies) {
							t.Errorf("%s %s: the handler ran %d times, replies %q, want %q", k.name, f.name, got.runs, got.Replies, want.Replies)
						}
					})
				}
			}
		})
	}
}

// eachCall runs a test with every shape, failing before its first message and after.
func eachCall(t *testing.T, err error, test func(*testing.T, rpctest.Shape, play)) {
	t.Helper()
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name+" before", func(t *testing.T) { test(t, shape, fails(err)) })
		t.Run(shape.Name+" after", func(t *testing.T) { test(t, shape, failsLater(err)) })
	}
}

// No call is made twice, neither by the proxy nor by a client that would try again what is worth it: what it gets is the
// server's own error, whatever its size.
func TestNoCallIsMadeTwice(t *testing.T) {
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			s := open(t, 0)
			address := p.start(t, s.address)
			for _, c := range clients {
				for _, k := range kinds {
					e := s.largest(t, k, dense, status.DefaultTrailerBytes)
					t.Run(c.name+" "+k.name, func(t *testing.T) {
						conn := c.dial(t, address)
						eachCall(t, e, func(t *testing.T, shape rpctest.Shape, p play) {
							got := s.call(t, conn, shape, p)
							if got.runs != 1 || grpcstatus.Code(got.Err) != k.code {
								t.Errorf("the handler ran %d times: %v", got.runs, got.Err)
							}
						})
						for _, shape := range rpctest.Shapes {
							if got := s.call(t, conn, shape, answers); got.runs != 1 || got.Err != nil {
								t.Errorf("%s: a success ran %d times: %v", shape.Name, got.runs, got.Err)
							}
						}
					})
				}
			}
		})
	}
}

// The budget is why. Above what nginx takes, an error becomes one that clients try again.
func TestAboveTheBufferOfNginxTheErrorIsLost(t *testing.T) {
	s := open(t, 7168)
	address := nginx.start(t, s.address)
	e := s.largest(t, later, text, 7168)
	for _, shape := range rpctest.Shapes {
		for c, runs := range map[*client]int{plain: 1, native: 3, ours: 3} {
			got := s.call(t, c.dial(t, address), shape, fails(e))
			if grpcstatus.Code(got.Err) != codes.Unavailable || !strings.Contains(got.Err.Error(), "502") || got.runs != runs {
				t.Errorf("%s, %s: the handler ran %d times, want %d: %v", shape.Name, c.name, got.runs, runs, got.Err)
			}
		}
	}
}

// Above what HAProxy takes, it says that the server has not seen the call, and every client believes it: the handler runs
// twice although nobody has asked for a repeat. The same handler below recourse runs once, and its code arrives.
func TestAboveTheBufferOfHAProxyTheCallIsMadeTwice(t *testing.T) {
	unbounded, bounded := openBare(t), open(t, 0)
	without, with := plain.dial(t, haproxy.start(t, unbounded.address)), plain.dial(t, haproxy.start(t, bounded.address))
	e := bare(t, beyond)
	for _, shape := range rpctest.Shapes {
		got := unbounded.call(t, without, shape, fails(e))
		if grpcstatus.Code(got.Err) != codes.Unavailable || !strings.Contains(got.Err.Error(), "REFUSED_STREAM") || got.runs != 2 {
			t.Errorf("%s: the handler ran %d times without a budget, want 2: %v", shape.Name, got.runs, got.Err)
		}
		got = bounded.call(t, with, shape, fails(e))
		if back, ok := status.From(got.Err); !ok || back.Code() != codes.FailedPrecondition || back.ErrorCode() != "TOO_MUCH" || back.Elided() == 0 || got.runs != 1 {
			t.Errorf("%s: the handler ran %d times with a budget, want once: %v", shape.Name, got.runs, got.Err)
		}
	}
}
