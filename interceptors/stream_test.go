package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// inShapes runs a test for some kinds of call, in virtual time.
func inShapes(t *testing.T, shapes []rpctest.Shape, f func(t *testing.T, shape rpctest.Shape)) {
	t.Helper()
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, shape) })
		})
	}
}

// The kinds of call where the client streams.
var uploads = rpctest.Shapes[2:]

// opened opens a stream of the shape.
func opened(t testing.TB, ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape, opts ...grpc.CallOption) grpc.ClientStream {
	t.Helper()
	desc := &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}
	s, err := conn.NewStream(ctx, desc, shape.Method(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request sends the only message of a stream. The server may have ended the call before: RecvMsg says how.
func request(s grpc.ClientStream, m any) error {
	if err := s.SendMsg(m); err != nil && err != io.EOF {
		return err
	}
	return s.CloseSend()
}

// count answers with how many messages it was sent.
func count(_ context.Context, x rpctest.Exchange) error {
	for n := 0; ; n++ {
		_, err := x.Recv()
		if err == io.EOF {
			return x.Send(fmt.Sprint(n))
		}
		if err != nil {
			return err
		}
	}
}

// failsFirst fails the first call after its first message, and hands the others on.
func failsFirst(calls *atomic.Int32, err error, next rpctest.Handler) rpctest.Handler {
	return func(ctx context.Context, x rpctest.Exchange) error {
		if calls.Add(1) > 1 {
			return next(ctx, x)
		}
		if _, e := x.Recv(); e != nil {
			return e
		}
		return err
	}
}

// What is sent during a back-off arrives, even if it is more than is kept.
func TestWhatIsSentDuringABackOffArrives(t *testing.T) {
	inShapes(t, uploads, func(t *testing.T, shape rpctest.Shape) {
		var calls atomic.Int32
		conn := rpctest.Start(t, failsFirst(&calls, unavailable(status.RetryAfter(time.Second)), count),
			interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		s := opened(t, t.Context(), conn, shape)
		var sending sync.WaitGroup
		sending.Go(func() {
			for range 10 { // 400 KiB
				if err := s.SendMsg(wrapperspb.String(strings.Repeat("x", 40<<10))); err != nil {
					t.Errorf("SendMsg: %v", err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			_ = s.CloseSend()
		})
		reply := new(text)
		if err := s.RecvMsg(reply); err != nil || reply.GetValue() != "10" || calls.Load() != 2 {
			t.Errorf("%q, %v after %d calls, want all 10 messages in the second", reply.GetValue(), err, calls.Load())
		}
		sending.Wait()
		for s.RecvMsg(reply) == nil {
		}
	})
}

// Who asks for the headers during a back-off gets those of the attempt that the
// replies come from.
func TestHeadersDuringABackOff(t *testing.T) {
	inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
		var calls atomic.Int32
		handler := failsFirst(&calls, unavailable(status.RetryAfter(time.Second)), count)
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			_ = grpc.SendHeader(ctx, metadata.Pairs("attempt", fmt.Sprint(calls.Load()+1)))
			return handler(ctx, x)
		}, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		s := opened(t, t.Context(), conn, shape)
		sent := 3
		if !shape.ClientStreams {
			sent = 1
		}
		for range sent {
			if err := s.SendMsg(wrapperspb.String("a")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		var asking sync.WaitGroup
		asking.Go(func() {
			time.Sleep(500 * time.Millisecond)
			md, err := s.Header()
			if diff := cmp.Diff([]string{"2"}, md["attempt"]); diff != "" || err != nil {
				t.Errorf("error %v, header (-want +got):\n%s", err, diff)
			}
		})
		reply := new(text)
		if err := s.RecvMsg(reply); err != nil || reply.GetValue() != fmt.Sprint(sent) {
			t.Errorf("%q, %v; want all %d messages to arrive", reply.GetValue(), err, sent)
		}
		asking.Wait()
		for s.RecvMsg(reply) == nil {
		}
	})
}

// Nobody has to receive for a failed attempt to be followed by another.
func TestHeadersBeforeAnythingIsReceived(t *testing.T) {
	inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
		var calls atomic.Int32
		handler := failsFirst(&calls, unavailable(), count)
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			if calls.Load() > 0 {
				_ = grpc.SetHeader(ctx, metadata.Pairs("attempt", "2"))
			}
			return handler(ctx, x)
		}, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		s := opened(t, t.Context(), conn, shape)
		if err := request(s, wrapperspb.String("a")); err != nil {
			t.Fatal(err)
		}
		md, err := s.Header()
		if diff := cmp.Diff([]string{"2"}, md["attempt"]); diff != "" || err != nil {
			t.Errorf("error %v, header (-want +got):\n%s", err, diff)
		}
		reply := new(text)
		if err := s.RecvMsg(reply); err != nil || reply.GetValue() != "1" {
			t.Errorf("%q, %v; want the answer of the second attempt", reply.GetValue(), err)
		}
		for s.RecvMsg(reply) == nil {
		}
	})
}

// Servers that answer and go while their clients are sending. The race detector
// watches.
func TestStreamsThatEndWhileTheirClientsSend(t *testing.T) {
	conn := rpctest.Start(t, func(_ context.Context, x rpctest.Exchange) error {
		_, _ = x.Recv()
		return x.Send("one")
	}, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
	var streams sync.WaitGroup
	for range 8 {
		streams.Go(func() {
			for range 10 {
				s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method())
				if err != nil {
					t.Error(err)
					return
				}
				var sending sync.WaitGroup
				sending.Go(func() {
					for err = s.SendMsg(wrapperspb.String("a")); err == nil; {
						err = s.SendMsg(wrapperspb.String("a"))
					}
					if err != io.EOF {
						t.Errorf("SendMsg: %v, want the end of the stream", err)
					}
				})
				reply := new(text)
				if err := s.RecvMsg(reply); err != nil || reply.GetValue() != "one" {
					t.Errorf("%q, %v", reply.GetValue(), err)
				}
				sending.Wait()
				if err := s.RecvMsg(reply); err != io.EOF {
					t.Errorf("%v, want the end", err)
				}
			}
		})
	}
	streams.Wait()
}

// Who only sends learns that nobody listens, unless somebody will.
func TestASenderIsToldOfTheEnd(t *testing.T) {
	denied := status.New(codes.PermissionDenied, "NO", "")
	tests := []struct {
		name   string
		change func(*policy.Policy)
		err    error // of the first call
		sends  int   // of five that succeed
		calls  int32
		want   codes.Code
	}{
		{"a failure that is not repeated", nil, denied, 1, 1, codes.PermissionDenied},
		{"a method that may not be repeated", strictly, unavailable(), 1, 1, codes.Unavailable},
		{"success", nil, nil, 1, 1, codes.OK},
		{"a failure that is repeated", nil, unavailable(), 5, 2, codes.OK},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inShapes(t, uploads, func(t *testing.T, shape rpctest.Shape) {
				var calls atomic.Int32
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					if calls.Add(1) > 1 {
						return count(ctx, x)
					}
					if _, err := x.Recv(); test.err != nil || err != nil {
						return errors.Join(err, test.err)
					}
					return x.Send("1")
				}
				set := policies(t, func(p *policy.Policy) {
					if test.change != nil {
						test.change(p)
					}
				})
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(set))...)
				s := opened(t, t.Context(), conn, shape)
				sends := 0
				var err error
				for range 5 {
					if err = s.SendMsg(wrapperspb.String("a")); err != nil {
						break
					}
					sends++
					time.Sleep(time.Second)
				}
				if sends != test.sends || sends < 5 && err != io.EOF {
					t.Errorf("%d messages were sent, then %v, want %d, then EOF", sends, err, test.sends)
				}
				_ = s.CloseSend()
				reply := new(text)
				e, _ := status.From(s.RecvMsg(reply))
				if e.Code() != test.want || calls.Load() != test.calls {
					t.Errorf("%v after %d calls, want %v after %d", e, calls.Load(), test.want, test.calls)
				}
				if test.want == codes.OK && reply.GetValue() != fmt.Sprint(sends) {
					t.Errorf("%s messages arrived of %d", reply.GetValue(), sends)
				}
				for test.want == codes.OK && shape.ServerStreams && s.RecvMsg(reply) == nil {
				}
			})
		})
	}
}

// A sender that was told of the end has stopped sending: to repeat what it has sent
// until then would make a success of half an upload. Without a descriptor nobody
// knows the type of the reply, and whether there may be another attempt.
func TestHalfAnUploadIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		lis := rpctest.Listen(t, func(s *grpc.Server) {
			s.RegisterService(&grpc.ServiceDesc{ServiceName: "nobody.Knows", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{{
				StreamName: "Upload", ClientStreams: true, Handler: func(_ any, ss grpc.ServerStream) error {
					n := 0
					for ss.RecvMsg(new(text)) == nil {
						if n++; calls.Load() == 0 {
							calls.Add(1)
							return unavailable()
						}
					}
					calls.Add(1)
					return ss.SendMsg(wrapperspb.String(fmt.Sprint(n)))
				},
			}}}, nil)
		}, interceptors.ServerOptions(unlogged)...)
		conn := rpctest.Dial(t, lis, interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/nobody.Knows/Upload")
		if err != nil {
			t.Fatal(err)
		}
		sends := 0
		for range 5 {
			if err = s.SendMsg(wrapperspb.String("a")); err != nil {
				break
			}
			sends++
			time.Sleep(time.Second)
		}
		_ = s.CloseSend()
		reply := new(text)
		failed := s.RecvMsg(reply)
		if e, _ := status.From(failed); err != io.EOF || e.ErrorCode() != "DOWN" || calls.Load() != 1 {
			t.Errorf("%d messages sent, then %v; answered with %q, %v after %d calls", sends, err, reply.GetValue(), failed, calls.Load())
		}
	})
}

// A message that cannot be sent ends the call, though nobody receives.
func TestAMessageThatCannotBeSentEndsTheCall(t *testing.T) {
	inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
		var running, finished atomic.Int32
		conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
			running.Add(1)
			<-ctx.Done()
			running.Add(-1)
			return ctx.Err()
		}, interceptors.ServerOptions(unlogged), append(interceptors.DialOptions(interceptors.Policies(policies(t))),
			grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(100)))...)
		s := opened(t, t.Context(), conn, shape, grpc.OnFinish(func(err error) {
			finished.Add(1)
			if e, _ := status.From(err); e.Code() != codes.ResourceExhausted {
				t.Errorf("OnFinish is told of %v", err)
			}
		}))
		synctest.Wait()
		if running.Load() != 1 {
			t.Fatal("no handler")
		}
		err := s.SendMsg(wrapperspb.String(strings.Repeat("x", 1000)))
		synctest.Wait()
		if e, _ := status.From(err); e.Code() != codes.ResourceExhausted || running.Load() != 0 || finished.Load() != 1 {
			t.Errorf("%v; %d handlers run, OnFinish was called %d times", err, running.Load(), finished.Load())
		}
		if e, _ := status.From(s.RecvMsg(new(text))); e.Code() != codes.ResourceExhausted || finished.Load() != 1 {
			t.Errorf("RecvMsg: %v; OnFinish was called %d times", e, finished.Load())
		}
	})
}

// Messages without content take memory too: there is an end to what is kept of them.
func TestEmptyMessagesAreNotKeptForEver(t *testing.T) {
	for _, sent := range []int{4000, 5000} {
		inShapes(t, uploads, func(t *testing.T, shape rpctest.Shape) {
			var calls atomic.Int32
			handler := func(_ context.Context, x rpctest.Exchange) error {
				calls.Add(1)
				for {
					if _, err := x.Recv(); err != nil {
						return unavailable()
					}
				}
			}
			conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
			s := opened(t, t.Context(), conn, shape)
			for range sent {
				if err := s.SendMsg(new(text)); err != nil {
					t.Fatal(err)
				}
			}
			_ = s.CloseSend()
			want := int32(3)
			if sent == 5000 {
				want = 1
			}
			if e, _ := status.From(s.RecvMsg(new(text))); e.ErrorCode() != "DOWN" || calls.Load() != want {
				t.Errorf("%d messages: %v after %d calls, want %d", sent, e, calls.Load(), want)
			}
		})
	}
}

// The targets of call options are final when RecvMsg has refused a degraded answer.
// The race detector watches.
func TestTheTargetsOfARefusedStream(t *testing.T) {
	inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			_ = interceptors.SetDegraded(ctx, &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL})
			_ = x.Send("part")
			if shape.ServerStreams {
				<-ctx.Done()
			}
			return nil
		}, interceptors.ServerOptions(unlogged, interceptors.Policies(policies(t))), interceptors.DialOptions()...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var header, trailer metadata.MD
		s := opened(t, ctx, conn, shape, interceptors.DegradedAsError(), grpc.Header(&header), grpc.Trailer(&trailer))
		if err := request(s, wrapperspb.String("a")); err != nil {
			t.Fatal(err)
		}
		reply := new(text)
		if e, _ := status.From(s.RecvMsg(reply)); e.ErrorCode() != "DEGRADED_ANSWER" {
			t.Errorf("%v with %q, want DEGRADED_ANSWER", e, reply.GetValue())
		}
		if len(header["recourse-degraded"]) != 1 {
			t.Errorf("header %v, trailer %v: no mark", header, trailer)
		}
	})
}

// A server may want to be heard before it listens on, and all that was sent before is
// too much for it to be sent to one that does not listen.
func TestARepeatToAServerThatSpeaksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		part := strings.Repeat("x", 30<<10)
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if calls.Add(1) == 1 {
				for range 7 {
					_, _ = x.Recv()
				}
				return unavailable()
			}
			for range 8 {
				if err := x.Send(part); err != nil {
					return err
				}
			}
			return count(ctx, x)
		}
		// Neither side holds more for one that does not listen.
		server := append(interceptors.ServerOptions(unlogged), grpc.InitialWindowSize(64<<10))
		client := append(interceptors.DialOptions(interceptors.Policies(policies(t))), grpc.WithInitialWindowSize(64<<10))
		conn := rpctest.Start(t, handler, server, client...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var requests []string
		for range 7 { // 210 KiB
			requests = append(requests, part)
		}
		began := time.Now()
		r := rpctest.Do(ctx, conn, rpctest.Shapes[3], requests...)
		if took := time.Since(began); r.Err != nil || len(r.Replies) != 9 || r.Replies[8] != "7" || took > 25*time.Millisecond {
			t.Errorf("%d replies, %v after %v, want 9 after the back-off", len(r.Replies), r.Err, took)
		}
	})
}

// Whenever a caller gives up, in an attempt or between two, that is the end of all.
func TestACallerMayGiveUpAtAnyMoment(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		var running atomic.Int32
		var asked atomic.Bool
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			running.Add(1)
			defer running.Add(-1)
			working := time.NewTimer(500 * time.Millisecond)
			defer working.Stop()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-working.C:
				return unavailable(status.RetryAfter(500 * time.Millisecond))
			}
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)),
			interceptors.Fallback(shape.Method(), substitute(shape, func(*text, *status.Error) (string, error) {
				asked.Store(true)
				return "x", nil
			})))...)
		for at := time.Millisecond; at < 2500*time.Millisecond; at += 125 * time.Millisecond { // three attempts take longer
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(at, cancel)
			began := time.Now()
			r := rpctest.Do(ctx, conn, shape, "a")
			if e, _ := status.From(r.Err); e.Code() != codes.Canceled || time.Since(began) != at {
				t.Errorf("%v after %v, want CANCELLED after %v", r.Err, time.Since(began), at)
			}
			synctest.Wait()
			if running.Load() != 0 || asked.Load() {
				t.Fatalf("given up after %v: %d handlers run, fallback asked: %v", at, running.Load(), asked.Load())
			}
			time.Sleep(time.Second)
			if running.Load() != 0 {
				t.Fatalf("given up after %v: there was another attempt", at)
			}
		}
	})
}
