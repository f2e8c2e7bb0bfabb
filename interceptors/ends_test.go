package interceptors_test

import (
	"context"
	"errors"
	"io"
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
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Whoever asks for headers beside a sender hears of the end of the call.
func TestHeadersOfACallThatFailsBesideASender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, dead, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		for range 300 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method())
			if err != nil { // the budget is empty by now
				cancel()
				continue
			}
			var both sync.WaitGroup
			both.Go(func() {
				for range 50 {
					if s.SendMsg(wrapperspb.String("a")) != nil {
						return
					}
				}
			})
			began := time.Now()
			both.Go(func() {
				_, _ = s.Header()
				if took := time.Since(began); took > time.Second {
					t.Errorf("Header returned after %v, the call had a second", took)
				}
			})
			both.Wait()
			cancel()
		}
	})
}

// Three messages are sent, the headers are asked for while the call is repeated: the
// attempt that answers has all three.
func TestHeadersBesideARepeat(t *testing.T) {
	rounds := 2000
	if raceDetector {
		rounds = 500
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		failed := false
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			mu.Lock()
			first := !failed
			failed = true
			mu.Unlock()
			if first {
				_, _ = x.Recv()
				_ = grpc.SendHeader(ctx, metadata.Pairs("attempt", "1"))
				return unavailable()
			}
			n := 0
			for ; ; n++ {
				if _, err := x.Recv(); err != nil {
					return x.Send(string(rune('0' + n)))
				}
			}
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		for range rounds {
			mu.Lock()
			failed = false
			mu.Unlock()
			ctx, cancel := context.WithCancel(t.Context())
			s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_ = s.SendMsg(wrapperspb.String("a"))
			}
			_ = s.CloseSend()
			var header sync.WaitGroup
			header.Go(func() { _, _ = s.Header() })
			m := new(text)
			if err := s.RecvMsg(m); err == nil && m.GetValue() != "3" {
				t.Fatalf("the attempt that answered got %s of 3 messages", m.GetValue())
			}
			header.Wait()
			cancel()
		}
	})
}

// OnFinish hears once, and the same as the application.
func TestOnFinishWithAFallback(t *testing.T) {
	onFinish := func() (grpc.DialOption, func() []codes.Code) {
		var mu sync.Mutex
		var got []codes.Code
		return grpc.WithDefaultCallOptions(grpc.OnFinish(func(err error) {
				mu.Lock()
				defer mu.Unlock()
				e, _ := status.From(err)
				got = append(got, e.Code())
			})), func() []codes.Code {
				mu.Lock()
				defer mu.Unlock()
				return got
			}
	}
	canned := interceptors.Canned(wrapperspb.String("canned"))
	t.Run("a client stream reads once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			shape := rpctest.Shapes[2]
			o, got := onFinish()
			conn := rpctest.Start(t, dead, interceptors.ServerOptions(unlogged), append(interceptors.DialOptions(interceptors.Fallback(shape.Method(), canned)), o)...)
			if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil || len(got()) != 1 || got()[0] != codes.OK {
				t.Errorf("%v, OnFinish %v", r.Err, got())
			}
		})
	})
	t.Run("a stream that has delivered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			shape := rpctest.Shapes[1]
			o, got := onFinish()
			conn := rpctest.Start(t, func(_ context.Context, x rpctest.Exchange) error { return errors.Join(x.Send("one"), unavailable()) },
				interceptors.ServerOptions(unlogged), append(interceptors.DialOptions(interceptors.Fallback(shape.Method(), canned)), o)...)
			if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err == nil || len(got()) != 1 || got()[0] != codes.Unavailable {
				t.Errorf("%v, OnFinish %v", r.Err, got())
			}
		})
	})
	t.Run("the deadline passes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			shape := rpctest.Shapes[1]
			o, got := onFinish()
			conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error { <-ctx.Done(); return ctx.Err() },
				interceptors.ServerOptions(unlogged), append(interceptors.DialOptions(interceptors.Fallback(shape.Method(), canned)), o)...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if r := rpctest.Do(ctx, conn, shape, "a"); r.Err != nil || len(got()) != 1 || got()[0] != codes.OK {
				t.Errorf("%v, OnFinish %v", r.Err, got())
			}
		})
	})
}

// An application that has seen the headers of a failed attempt still gets an answer to
// its own request.
func TestAFallbackAfterTheHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[1]
		var asked atomic.Value
		conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
			_ = grpc.SendHeader(ctx, metadata.Pairs("a", "b"))
			return unavailable()
		}, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Fallback(shape.Method(),
			substitute(shape, func(req *text, _ *status.Error) (string, error) { asked.Store(req.GetValue()); return "x", nil })))...)
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, shape.Method())
		if err != nil {
			t.Fatal(err)
		}
		if err := request(s, wrapperspb.String("question")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Header(); err != nil {
			t.Fatal(err)
		}
		m := new(text)
		for err == nil {
			err = s.RecvMsg(m)
		}
		if err != io.EOF || asked.Load() != "question" {
			t.Errorf("%v, the fallback was asked %q", err, asked.Load())
		}
	})
}

// The sender is the one who notices that the server is silent, since it has to wait.
func TestSilenceWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := rpctest.Shapes[2]
		var calls atomic.Int32
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if calls.Add(1) == 1 {
				<-ctx.Done() // and reads nothing
				return ctx.Err()
			}
			return rpctest.Echo(ctx, x)
		}
		set := policies(t, func(p *policy.Policy) { p.FirstMessageTimeout = time.Second })
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(set))...)
		chunk := string(make([]byte, 42_000))
		r := rpctest.Do(t.Context(), conn, shape, chunk, chunk, chunk, chunk, chunk, "last")
		if r.Err != nil || calls.Load() != 2 || len(r.Replies) != 1 || r.Replies[0] != "last" {
			t.Errorf("%v after %d calls", r.Err, calls.Load())
		}
	})
}
