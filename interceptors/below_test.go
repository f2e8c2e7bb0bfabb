package interceptors_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hedge makes every call twice, as failsafe-go's hedge policy does: with the same options,
// returning what comes first. The loser goes on.
func hedge(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	type result struct {
		err   error
		reply proto.Message
	}
	results := make(chan result, 2)
	for n := range 2 {
		own := reply.(proto.Message).ProtoReflect().New().Interface()
		actx := metadata.AppendToOutgoingContext(context.WithoutCancel(ctx), "hedge", fmt.Sprint(n))
		go func() { results <- result{invoker(actx, method, req, own, cc, opts...), own} }()
	}
	r := <-results
	proto.Merge(reply.(proto.Message), r.reply)
	return r.err
}

// The trailers of a hedge that lost reach another call of the process.
func TestAHedgeThatLosesWritesToNoOtherCall(t *testing.T) {
	for _, withPolicies := range []bool{false, true} {
		t.Run(fmt.Sprint(withPolicies), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					if md, _ := metadata.FromIncomingContext(ctx); len(md["hedge"]) > 0 && md["hedge"][0] == "1" { // the loser
						_ = grpc.SetTrailer(ctx, metadata.Pairs("x-request-id", "id-of-the-hedge", "grpc-retry-pushback-ms", "-1", "recourse-degraded", "stale"))
						<-release
					}
					return rpctest.Echo(ctx, x)
				}
				var open atomic.Bool
				started := make(chan struct{})
				cached := make(chan struct{})
				breaker := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
					if open.Load() {
						close(started)
						<-cached
						if req.(*text).GetValue() == "fails" {
							return grpcstatus.Error(codes.Unavailable, "the circuit is open")
						}
						reply.(*text).Value = "cached"
						return nil
					}
					return invoker(ctx, method, req, reply, cc, opts...)
				}
				var opts []interceptors.DialOption
				if withPolicies {
					opts = append(opts, interceptors.Policies(policies(t)))
				}
				conn := rpctest.Start(t, handler, nil, append(interceptors.DialOptions(opts...), grpc.WithChainUnaryInterceptor(breaker, hedge))...)
				defer func() { recover() }()
				victim := func(what string) error {
					if err := conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String("first"), new(text)); err != nil {
						t.Fatal(err)
					}
					open.Store(true)
					defer open.Store(false)
					out := make(chan error)
					var mark *recoursev1.Degraded
					go func() {
						var o []grpc.CallOption
						if withPolicies {
							o = append(o, interceptors.Degraded(&mark))
						}
						out <- conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String(what), new(text), o...)
					}()
					<-started
					close(release) // the loser of the first call ends now
					synctest.Wait()
					close(cached)
					err := <-out
					if mark != nil {
						t.Errorf("an answer that is not degraded is marked: %v", mark)
					}
					return err
				}
				runtime.GC()
				err := victim("works")
				if err != nil {
					t.Error(err)
				}
				release, started, cached = make(chan struct{}), make(chan struct{}), make(chan struct{})
				err = victim("fails")
				if e := from(t, err); e.RequestID() == "id-of-the-hedge" {
					t.Errorf("the error of one call quotes the request id of another: %q", e.RequestID())
				}
			})
		})
	}
}

// slowSends delays what is sent in the second attempt.
type slowSends struct {
	grpc.ClientStream
	gate  chan struct{}
	busy  *atomic.Int32
	n     int
	clash *atomic.Bool
}

func (s *slowSends) SendMsg(m any) error {
	if s.busy.Add(1) > 1 {
		s.clash.Store(true)
	}
	defer s.busy.Add(-1)
	if s.n++; s.n > 1 && m.(*text).GetValue() != "last" {
		<-s.gate
	}
	return s.ClientStream.SendMsg(m)
}

// onceMore serves a stream that fails after so many messages, and answers the first of
// those that are sent again.
func onceMore(messages int, seen *[]string, answered func()) rpctest.Handler {
	var calls atomic.Int32
	return func(_ context.Context, x rpctest.Exchange) error {
		if calls.Add(1) == 1 {
			for range messages {
				_, _ = x.Recv()
			}
			return unavailable()
		}
		for {
			m, err := x.Recv()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if *seen = append(*seen, strings.TrimRight(m, "\x00")); len(*seen) == 1 {
				_ = x.Send("reply")
				answered()
			}
		}
	}
}

// sendsOn sends messages, waits for a reply, and sends another, while something still
// holds up those that are sent again, until release.
func sendsOn(t *testing.T, conn *grpc.ClientConn, messages []string, last string, release func()) {
	t.Helper()
	s := opened(t, t.Context(), conn, rpctest.Shapes[3])
	for _, m := range messages {
		if err := s.SendMsg(wrapperspb.String(m)); err != nil {
			t.Fatal(err)
		}
	}
	reply := new(text)
	if err := s.RecvMsg(reply); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error)
	go func() { sent <- s.SendMsg(wrapperspb.String(last)) }()
	synctest.Wait()
	release()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	_ = s.CloseSend()
	if err := s.RecvMsg(reply); err != io.EOF {
		t.Error(err)
	}
}

// What is sent again must not be overtaken by what the application sends after the
// first reply, nor be sent at the same time.
func TestNothingOvertakesWhatIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var clash atomic.Bool
		attempts := 0
		wrap := func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := streamer(ctx, desc, cc, method, opts...)
			if attempts++; attempts == 2 && err == nil {
				s = &slowSends{ClientStream: s, gate: gate, busy: new(atomic.Int32), clash: &clash}
			}
			return s, err
		}
		var seen []string
		set := policies(t, func(p *policy.Policy) { p.Idempotent = true })
		conn := rpctest.Start(t, onceMore(3, &seen, func() {}), nil, append(interceptors.DialOptions(interceptors.Policies(set)), grpc.WithChainStreamInterceptor(wrap))...)
		sendsOn(t, conn, []string{"1", "2", "3"}, "last", func() {
			time.Sleep(time.Second)
			close(gate)
		})
		if got := fmt.Sprint(seen); got != "[1 2 3 last]" || clash.Load() {
			t.Errorf("the server got %v, two messages were sent at once: %t", got, clash.Load())
		}
	})
}

// The same without any interceptor: flow control makes sending slow.
func TestNothingOvertakesWhatFlowControlHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		big := string(make([]byte, 50<<10))
		var seen []string
		release := make(chan struct{})
		set := policies(t, func(p *policy.Policy) { p.Idempotent = true })
		conn := rpctest.Start(t, onceMore(5, &seen, func() { <-release }), nil,
			append(interceptors.DialOptions(interceptors.Policies(set)), grpc.WithStaticStreamWindowSize(65535))...)
		sendsOn(t, conn, []string{"1" + big, "2" + big, "3" + big, "4" + big, "5" + big}, "6", func() { close(release) })
		if got := fmt.Sprint(seen); got != "[1 2 3 4 5 6]" {
			t.Errorf("the server got %v", got)
		}
	})
}
