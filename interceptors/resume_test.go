package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// counting resumes a stream of numbers after the last.
func counting() interceptors.DialOption {
	return interceptors.Resume(rpctest.Shapes[1].Method(),
		func(reply *text) int { n, _ := strconv.Atoi(reply.GetValue()); return n },
		func(_ *text, last int) *text { return wrapperspb.String(strconv.Itoa(last + 1)) })
}

// counter sends numbers from the request on, and is cut off after so many.
type counter struct {
	total, sent, cuts int
	next              func() int // how many until the next cut
	requests          []string
}

func (c *counter) handle(_ context.Context, x rpctest.Exchange) error {
	m, err := x.Recv()
	if err != nil {
		return err
	}
	c.requests = append(c.requests, m)
	from, _ := strconv.Atoi(m)
	left := c.next()
	for n := from; n < c.total; n++ {
		if left == 0 {
			c.cuts++
			return unavailable()
		}
		left--
		if err := x.Send(strconv.Itoa(n)); err != nil {
			return err
		}
		c.sent++
	}
	return nil
}

func TestAStreamIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(3, 4))
		const cuts = 50
		c := &counter{total: 1000}
		c.next = func() int {
			if c.cuts == cuts {
				return c.total
			}
			return random.IntN(2 * c.total / cuts * 9 / 10) // none at all, at times
		}
		set := policies(t, func(p *policy.Policy) { p.Idempotent = false })
		conn := rpctest.Start(t, c.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(set), counting())...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1], "0")
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if len(r.Replies) != c.total {
			t.Fatalf("%d replies, want %d", len(r.Replies), c.total)
		}
		for i, m := range r.Replies {
			if m != strconv.Itoa(i) {
				t.Fatalf("reply %d is %s", i, m)
			}
		}
		t.Logf("%d cuts, %d sent for %d delivered (%.3f)", c.cuts, c.sent, len(r.Replies), float64(c.sent)/float64(len(r.Replies)))
		if c.cuts != cuts || c.sent*100 > 102*len(r.Replies) {
			t.Errorf("%d cuts, %d sent for %d delivered", c.cuts, c.sent, len(r.Replies))
		}
	})
}

func TestAStreamThatMakesNoProgressIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{total: 10}
		first := true
		c.next = func() int {
			defer func() { first = false }()
			if first {
				return 4
			}
			return 0
		}
		conn := rpctest.Start(t, c.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)), counting())...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1], "0")
		if e, _ := status.From(r.Err); e.ErrorCode() != "DOWN" || len(r.Replies) != 4 {
			t.Errorf("%v after %v, want the error after four", r.Err, r.Replies)
		}
		if got := fmt.Sprint(c.requests); got != "[0 4 4]" {
			t.Errorf("requests %v, want [0 4 4]", got)
		}
	})
}

func TestAResumeFunctionThatFails(t *testing.T) {
	for name, from := range map[string]func(*text, int) *text{
		"panic": func(*text, int) *text { panic("help") },
		"nil":   func(*text, int) *text { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{total: 10, next: func() int { return 4 }}
				broken := interceptors.Resume(rpctest.Shapes[1].Method(), func(*text) int { return 0 }, from)
				conn := rpctest.Start(t, c.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)), broken)...)
				r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1], "0")
				if r.Err == nil || len(r.Replies) != 4 || len(c.requests) != 1 {
					t.Errorf("%v after %v and %d calls, want an error after four and one", r.Err, r.Replies, len(c.requests))
				}
			})
		})
	}
}

// A stream whose server falls silent is resumed too.
func TestASilentStreamIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			call := calls.Add(1)
			m, _ := x.Recv()
			from, _ := strconv.Atoi(m)
			for n := from; n < 6; n++ {
				if n == 3 && call == 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				if err := x.Send(strconv.Itoa(n)); err != nil {
					return err
				}
			}
			return nil
		}
		set := policies(t, func(p *policy.Policy) { p.IdleTimeout = 5 * time.Second })
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(set), counting())...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1], "0")
		if got := fmt.Sprint(r.Replies); r.Err != nil || got != "[0 1 2 3 4 5]" {
			t.Errorf("%v, %v", got, r.Err)
		}
	})
}

// M4 of the peers' defects: the first attempt hangs.
func TestAStreamHasATimeForItsFirstMessage(t *testing.T) {
	for _, shape := range rpctest.Shapes[1:] {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					if calls.Add(1) == 1 {
						<-ctx.Done()
						return ctx.Err()
					}
					return rpctest.Echo(ctx, x)
				}
				set := policies(t, func(p *policy.Policy) { p.FirstMessageTimeout = 100 * time.Millisecond; p.Backoff = 0 })
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(set))...)
				began := time.Now()
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if took := time.Since(began); r.Err != nil || took != 100*time.Millisecond || calls.Load() != 2 {
					t.Errorf("error %v after %v and %d calls, want success after 100ms and two", r.Err, took, calls.Load())
				}
			})
		})
	}
}

func TestWhatWasSentIsSentAgain(t *testing.T) {
	for _, shape := range rpctest.Shapes[2:] {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				var got []string
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					calls++
					got = nil
					for len(got) < 3 {
						m, err := x.Recv()
						if err != nil {
							return err
						}
						got = append(got, m)
					}
					if calls < 3 {
						return unavailable()
					}
					return x.Send(fmt.Sprint(got))
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
				r := rpctest.Do(t.Context(), conn, shape, "a", "b", "c")
				if r.Err != nil || calls != 3 || len(r.Replies) != 1 || r.Replies[0] != "[a b c]" {
					t.Errorf("%v, %v after %d calls", r.Replies, r.Err, calls)
				}
			})
		})
	}
}

// Above the buffer a stream is as gRPC made it.
func TestAStreamThatHasSentTooMuchIsNotRepeated(t *testing.T) {
	for _, shape := range rpctest.Shapes[2:] {
		t.Run(shape.Name, func(t *testing.T) {
			for _, size := range []int{200 << 10, 300 << 10} {
				synctest.Test(t, func(t *testing.T) {
					calls, messages := 0, 0
					handler := func(ctx context.Context, x rpctest.Exchange) error {
						calls++
						for messages = 0; ; messages++ {
							if _, err := x.Recv(); err != nil {
								break
							}
						}
						if calls == 1 {
							return unavailable()
						}
						return x.Send("done")
					}
					conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
					chunk := string(make([]byte, 10<<10))
					var requests []string
					for sent := 0; sent < size; sent += len(chunk) {
						requests = append(requests, chunk)
					}
					r := rpctest.Do(t.Context(), conn, shape, requests...)
					want := 2
					if size > 256<<10 {
						want = 1
					}
					if calls != want || (r.Err == nil) != (want == 2) || messages != len(requests) {
						t.Errorf("%d bytes: %v after %d calls, %d of %d messages", size, r.Err, calls, messages, len(requests))
					}
				})
			}
		})
	}
}

// A conversation goes back and forth, and fails in between: nothing is repeated, and
// nothing is lost of what was said.
func TestAConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[3]
		failed := false
		handler := func(_ context.Context, x rpctest.Exchange) error {
			if !failed {
				failed = true
				_, _ = x.Recv()
				return unavailable()
			}
			return rpctest.Echo(t.Context(), x)
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, shape.Method())
		if err != nil {
			t.Fatal(err)
		}
		m := new(text)
		for i := range 20 {
			m.Value = strconv.Itoa(i) // the same message again: it must have been copied
			if err := s.SendMsg(m); err != nil {
				t.Fatal(err)
			}
			m.Value = "changed"
			got := new(text)
			if err := s.RecvMsg(got); err != nil || got.GetValue() != strconv.Itoa(i) {
				t.Fatalf("turn %d: %q, %v", i, got.GetValue(), err)
			}
		}
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if err := s.RecvMsg(m); err == nil || !errors.Is(err, io.EOF) {
			t.Errorf("%v, want io.EOF", err)
		}
	})
}

// The connection breaks, fifty times, and what was under way is lost with it.
func TestAStreamIsResumedOverBrokenConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		handler := func(_ context.Context, x rpctest.Exchange) error {
			m, err := x.Recv()
			if err != nil {
				return err
			}
			from, _ := strconv.Atoi(m)
			for n := from; n < 1000; n++ {
				if err := x.Send(strconv.Itoa(n)); err != nil {
					return err
				}
				sent.Add(1)
				time.Sleep(time.Millisecond)
			}
			return nil
		}
		lis := rpctest.Serve(t, handler, interceptors.ServerOptions(unlogged)...)
		var mu sync.Mutex
		var last net.Conn
		dials := 0
		conn, err := grpc.NewClient("passthrough:///memory", append(
			interceptors.DialOptions(interceptors.Policies(policies(t, strictly, func(p *policy.Policy) { p.MaxAttempts, p.MaxBackoff = 5, 5*time.Second; p.Backoff = 2 * time.Second })), counting()),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				c, err := lis.DialContext(ctx)
				mu.Lock()
				defer mu.Unlock()
				last = c
				dials++
				return c, err
			}))...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, rpctest.Shapes[1].Method())
		if err != nil {
			t.Fatal(err)
		}
		if err := request(s, wrapperspb.String("0")); err != nil {
			t.Fatal(err)
		}
		m := new(text)
		for n := range 1000 {
			if err := s.RecvMsg(m); err != nil {
				t.Fatalf("after %d: %v", n, err)
			}
			if m.GetValue() != strconv.Itoa(n) {
				t.Fatalf("reply %d is %s", n, m.GetValue())
			}
			if n%20 == 10 {
				mu.Lock()
				_ = last.Close()
				mu.Unlock()
			}
		}
		if err := s.RecvMsg(m); err != io.EOF {
			t.Errorf("%v, want io.EOF", err)
		}
		t.Logf("%d connections, %d sent for 1000 delivered", dials, sent.Load())
		if n := sent.Load(); dials != 51 || n > 1020 {
			t.Errorf("%d connections, %d sent for 1000 delivered; want 51 and at most 1020", dials, n)
		}
	})
}
