package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// wrapped is what an interceptor below makes of a stream: it may return errors of its
// own, as one that validates messages or has limits does, without ending the stream.
type wrapped struct {
	grpc.ClientStream
	send, recv func(m any) error
	end        error // what every end becomes
}

func (w *wrapped) SendMsg(m any) error {
	if w.send != nil {
		if err := w.send(m); err != nil {
			return err
		}
	}
	return w.ClientStream.SendMsg(m)
}

func (w *wrapped) RecvMsg(m any) error {
	err := w.ClientStream.RecvMsg(m)
	if err == nil && w.recv != nil {
		return w.recv(m)
	}
	if err != nil && w.end != nil {
		return w.end
	}
	return err
}

func wrapping(wrap func(attempt int, s *wrapped)) grpc.DialOption {
	var n atomic.Int32
	return grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		s, err := streamer(ctx, desc, cc, method, opts...)
		if err != nil {
			return nil, err
		}
		w := &wrapped{ClientStream: s}
		wrap(int(n.Add(1)), w)
		return w, nil
	})
}

var errWrapper = grpcstatus.Error(codes.Unavailable, "says the wrapper")

// Nothing of an attempt is left running once it was replaced, or the call is over.
func TestAReplacedAttemptEnds(t *testing.T) {
	for _, row := range []struct {
		name  string
		fails func(attempt int) bool
	}{
		{"replaced", func(attempt int) bool { return attempt == 1 }},
		{"over", func(int) bool { return true }},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running atomic.Int32
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					running.Add(1)
					defer running.Add(-1)
					_, _ = x.Recv()
					_ = x.Send("1")
					if _, err := x.Recv(); err == io.EOF {
						return nil
					}
					<-ctx.Done()
					return ctx.Err()
				}
				set := policies(t, func(p *policy.Policy) { p.Idempotent = true })
				conn := rpctest.Start(t, handler, nil, append(interceptors.DialOptions(interceptors.Policies(set)), wrapping(func(attempt int, w *wrapped) {
					if row.fails(attempt) {
						w.recv = func(any) error { return errWrapper }
					}
				}))...)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := opened(t, ctx, conn, rpctest.Shapes[3])
				_ = s.SendMsg(wrapperspb.String("q"))
				err := s.RecvMsg(new(text))
				if err == nil {
					_ = s.CloseSend()
					if err = s.RecvMsg(new(text)); err != io.EOF {
						t.Error(err)
					}
				}
				time.Sleep(time.Hour)
				if n := running.Load(); n > 0 {
					t.Errorf("the call is over (%v), and %d handlers still run for it", err, n)
				}
			})
		})
	}
}

// within fails where f takes more than a minute of the bubble's time.
func within(t *testing.T, what string, cancel func(), f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	minute, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	select {
	case <-done:
	case <-minute.Done():
		t.Errorf("%s hangs", what)
		cancel()
		<-done
	}
}

// A reply that an interceptor below refuses, while the sender waits for the server.
func TestASenderIsLetGoWhereAReplyIsRefusedBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			_, _ = x.Recv()
			_ = x.Send("1")
			<-ctx.Done() // reads no more
			return ctx.Err()
		}
		conn := rpctest.Start(t, handler, nil, append(interceptors.DialOptions(interceptors.Policies(policies(t))), grpc.WithStaticStreamWindowSize(65535), wrapping(func(_ int, w *wrapped) {
			w.recv = func(any) error { return grpcstatus.Error(codes.InvalidArgument, "the reply is not valid") }
		}))...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := opened(t, ctx, conn, rpctest.Shapes[3])
		go func() {
			for s.SendMsg(wrapperspb.String(string(make([]byte, 30<<10)))) == nil {
			}
		}()
		synctest.Wait()
		within(t, "RecvMsg, whose reply was refused below,", cancel, func() {
			if err := s.RecvMsg(new(text)); err == nil {
				t.Error("no error")
			}
		})
	})
}

// What cannot be sent again ends the attempt.
func TestAResendThatFailsBelowEndsTheAttempt(t *testing.T) {
	inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
		var calls atomic.Int32
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if calls.Add(1) == 1 {
				_, _ = x.Recv()
				return unavailable()
			}
			if _, err := x.Recv(); err != nil { // never comes
				return err
			}
			return x.Send("1")
		}
		set := policies(t, func(p *policy.Policy) { p.Idempotent, p.MaxAttempts = true, 2 })
		conn := rpctest.Start(t, handler, nil, append(interceptors.DialOptions(interceptors.Policies(set)), wrapping(func(attempt int, w *wrapped) {
			if attempt == 2 {
				w.send = func(any) error {
					return grpcstatus.Error(codes.ResourceExhausted, "the limit of messages a second is reached")
				}
			}
		}))...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := opened(t, ctx, conn, shape)
		if err := s.SendMsg(wrapperspb.String("q")); err != nil {
			t.Fatal(err)
		}
		if !shape.ClientStreams {
			_ = s.CloseSend()
		}
		within(t, "RecvMsg", cancel, func() {
			if err := s.RecvMsg(new(text)); grpcstatus.Code(err) != codes.ResourceExhausted {
				t.Errorf("got %v", err)
			}
		})
	})
}

// A message that an interceptor below refuses to send ends the call for the receiver too.
func TestASendThatFailsBelowEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, rpctest.Echo, nil, append(interceptors.DialOptions(interceptors.Policies(policies(t))), wrapping(func(_ int, w *wrapped) {
			w.send = func(any) error { return grpcstatus.Error(codes.InvalidArgument, "not valid") }
		}))...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := opened(t, ctx, conn, rpctest.Shapes[3])
		within(t, "RecvMsg", cancel, func() {
			go func() {
				time.Sleep(time.Second)
				if err := s.SendMsg(wrapperspb.String("q")); err == nil {
					t.Error("sent")
				}
			}()
			if err := s.RecvMsg(new(text)); grpcstatus.Code(err) != codes.InvalidArgument {
				t.Errorf("got %v", err)
			}
		})
	})
}

// An interceptor below that opens a stream and then fails leaves it to the context.
func TestAnOpeningThatFailsBelowLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, calls atomic.Int32
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			running.Add(1)
			calls.Add(1)
			defer running.Add(-1)
			<-ctx.Done()
			return ctx.Err()
		}
		set := policies(t, func(p *policy.Policy) { p.Idempotent = true })
		conn := rpctest.Start(t, handler, nil, append(interceptors.DialOptions(interceptors.Policies(set)),
			grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
				s, err := streamer(ctx, desc, cc, method, opts...)
				if err != nil {
					return nil, err
				}
				_ = s.SendMsg(wrapperspb.String("hello"))
				return nil, grpcstatus.Error(codes.Unavailable, "the handshake failed")
			}))...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method())
		if err == nil {
			t.Fatal("no error")
		}
		time.Sleep(time.Hour)
		if n := running.Load(); n > 0 {
			t.Errorf("the call is over (%v), and %d handlers of %d still run for it", err, n, calls.Load())
		}
	})
}

// grpc-go's own retry loses the status of a stream that ends while it sends a message again, and wraps io.EOF, which a
// caller with errors.Is takes for a good end.
func TestAnEndThatIsNone(t *testing.T) {
	lost := fmt.Errorf("max retries exhausted: failed after 4 attempts: %w", io.EOF)
	for name, row := range map[string]struct {
		handler   rpctest.Handler
		code      codes.Code
		errorCode string
	}{
		"the details have it":  {fails(errBusy), codes.Unavailable, "MODEL_BUSY"},
		"there are no details": {func(context.Context, rpctest.Exchange) error { return nil }, codes.Unknown, "UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				if !shape.ClientStreams && !shape.ServerStreams {
					return // has a status, since it sends and receives in one
				}
				below := wrapping(func(_ int, s *wrapped) { s.end = lost })
				conn := rpctest.Start(t, row.handler, quiet(), append(interceptors.DialOptions(), below)...)
				r := rpctest.Do(t.Context(), conn, shape)
				e := from(t, r.Err)
				if e.Code() != row.code || e.ErrorCode() != row.errorCode || errors.Is(r.Err, io.EOF) {
					t.Errorf("got %v, which is io.EOF: %t", e, errors.Is(r.Err, io.EOF))
				}
			})
		})
	}
}

// The end that an interceptor below makes up, of a stream that goes on, is the end: who asks again hears the same.
func TestAnEndMadeUpBelowStays(t *testing.T) {
	handler := func(ctx context.Context, x rpctest.Exchange) error {
		_, _ = x.Recv()
		for x.Send("more") == nil {
		}
		<-ctx.Done()
		return ctx.Err()
	}
	conn := rpctest.Start(t, handler, nil, append(interceptors.DialOptions(interceptors.Policies(policies(t))), wrapping(func(_ int, w *wrapped) {
		n := 0
		w.recv = func(any) error {
			if n++; n == 2 {
				return io.EOF
			}
			return nil
		}
	}))...)
	s := opened(t, t.Context(), conn, rpctest.Shapes[3])
	_ = s.SendMsg(wrapperspb.String("q"))
	if err := s.RecvMsg(new(text)); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := s.RecvMsg(new(text)); err != io.EOF {
			t.Fatalf("after the end: %v", err)
		}
	}
}
