package interceptors_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// That a dependency has done nothing says nothing of what the handler did before it
// asked.
func TestADependencyThatDidNothing(t *testing.T) {
	plain := []grpc.DialOption{}
	own := interceptors.DialOptions()
	tests := []struct {
		name   string
		dial   []grpc.DialOption
		change func(*policy.Policy) // of the server in the middle
	}{
		{"asked by a plain client", plain, strictly},
		{"asked by our own", own, strictly},
		{"asked by a plain client, with a second run", plain, func(p *policy.Policy) { p.Idempotent, p.HandlerAttempts = false, 2 }},
		{"asked by our own, with a second run", own, func(p *policy.Policy) { p.Idempotent, p.HandlerAttempts = false, 2 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				var effects atomic.Int32
				leaf := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
					return unavailable(status.Outcome(status.NotApplied), status.Retry(status.SameRequest))
				}, interceptors.ServerOptions(unlogged), test.dial...)
				conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
					effects.Add(1) // such as to charge a card
					return rpctest.Do(ctx, leaf, shape, "a").Err
				}, interceptors.ServerOptions(unlogged, interceptors.Policies(policies(t, test.change))),
					interceptors.DialOptions(interceptors.Policies(policies(t, strictly)))...)
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if e, _ := status.From(r.Err); effects.Load() != 1 || e.Code() != codes.Unavailable || e.Outcome() == status.NotApplied {
					t.Errorf("%v with outcome %v, done %d times, want once", r.Err, e.Outcome(), effects.Load())
				}
			})
		})
	}
}

// A request is what the caller has sent, whatever the handler makes of it.
func TestAnswersAreRememberedByTheRequestAsItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		shape := rpctest.Shapes[0]
		key := func(_ context.Context, r *text) string { return r.GetValue() }
		server := append(interceptors.ServerOptions(unlogged, interceptors.Fallback(shape.Method(), interceptors.LastGood(time.Hour, key))),
			grpc.ChainUnaryInterceptor(func(_ context.Context, req any, _ *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
				who := req.(*text).GetValue()
				req.(*text).Value = "redacted"
				if down {
					return nil, unavailable()
				}
				return wrapperspb.String("the secret of " + who), nil
			}))
		conn := rpctest.Start(t, rpctest.Echo, server, interceptors.DialOptions()...)
		do := func(who string) rpctest.Result { return rpctest.Do(t.Context(), conn, shape, who) }
		do("alice")
		down = true
		if r := do("bob"); r.Err == nil {
			t.Errorf("bob was told %v", r.Replies)
		}
		if diff := cmp.Diff([]string{"the secret of alice"}, do("alice").Replies); diff != "" {
			t.Errorf("alice was told (-want +got):\n%s", diff)
		}
	})
}

// Two connections may lead to two servers: one's answers are not the other's.
func TestAnswersAreRememberedForEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		shape := rpctest.Shapes[0]
		dial := interceptors.DialOptions(interceptors.Fallback(shape.Method(), interceptors.LastGood[*text](time.Hour, nil)))
		start := func(name string) *grpc.ClientConn {
			return rpctest.Start(t, func(_ context.Context, x rpctest.Exchange) error {
				if down.Load() {
					return unavailable()
				}
				return x.Send("of " + name)
			}, interceptors.ServerOptions(unlogged), dial...)
		}
		one, other := start("one"), start("other")
		rpctest.Do(t.Context(), one, shape, "balance")
		down.Store(true)
		if r := rpctest.Do(t.Context(), other, shape, "balance"); r.Err == nil {
			t.Errorf("the other answers with %v", r.Replies)
		}
		if diff := cmp.Diff([]string{"of one"}, rpctest.Do(t.Context(), one, shape, "balance").Replies); diff != "" {
			t.Errorf("one answers (-want +got):\n%s", diff)
		}
	})
}

// Failures that the server had no part in do not hold calls back from it.
func TestWhatDoesNotFeedTheThrottle(t *testing.T) {
	large := strings.Repeat("x", 1000)
	tests := []struct {
		name string
		fail func(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape) error
	}{
		{"messages too large to be sent", func(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape) error {
			return rpctest.Do(ctx, conn, shape, large).Err
		}},
		{"replies too large to be received", func(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape) error {
			return rpctest.Do(ctx, conn, shape, "large").Err
		}},
		{"calls that were over before", func(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape) error {
			ctx, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
			defer cancel()
			return rpctest.Do(ctx, conn, shape, "a").Err
		}},
		{"callers who give up", func(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			time.AfterFunc(time.Millisecond, cancel)
			return rpctest.Do(ctx, conn, shape, "hang").Err
		}},
		{"calls that were never sent", func(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape) error {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			return rpctest.Do(ctx, conn, shape, "a").Err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					switch m, _ := x.Recv(); m {
					case "large":
						return x.Send(large)
					case "hang":
						<-ctx.Done()
						return ctx.Err()
					}
					return x.Send("ok")
				}
				lis := rpctest.Serve(t, handler, interceptors.ServerOptions(unlogged)...)
				reachable := make(chan struct{})
				if test.name != "calls that were never sent" {
					close(reachable)
				}
				conn := rpctest.Dial(t, lis, append(interceptors.DialOptions(interceptors.Policies(policies(t, strictly))),
					grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(100), grpc.MaxCallRecvMsgSize(100)),
					grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
						select {
						case <-reachable:
							return lis.DialContext(ctx)
						case <-ctx.Done():
							return nil, ctx.Err()
						}
					}))...)
				for range 100 {
					if test.fail(t.Context(), conn, shape) == nil {
						t.Fatal("success")
					}
				}
				if test.name == "calls that were never sent" {
					close(reachable)
				}
				for range 100 {
					if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
						t.Fatal(r.Err)
					}
				}
			})
		})
	}
}

// Callers who give up say nothing of the server: they do not pay for the repeats.
func TestCallersWhoGiveUpDoNotRefillTheBudget(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		var repeats atomic.Int32
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			if len(metadata.ValueFromIncomingContext(ctx, "grpc-previous-rpc-attempts")) == 0 {
				return unavailable()
			}
			repeats.Add(1)
			<-ctx.Done()
			return ctx.Err()
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if rpctest.Do(ctx, conn, shape, "a").Err == nil {
				t.Error("success")
			}
			cancel()
		}
		synctest.Wait()
		if n := repeats.Load(); n != 20 {
			t.Errorf("%d repeats, want 20", n)
		}
	})
}

// named is a method that streams its replies, with a request that has an id.
const named = "/recourse.test.Named/Watch"

func init() {
	request := "." + string((*assistantv1.ProcessRequest)(nil).ProtoReflect().Descriptor().FullName())
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("recourse/test/named.proto"), Package: proto.String("recourse.test"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/wrappers.proto", assistantv1.File_assistant_v1_assistant_proto.Path()},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Named"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Watch"), InputType: proto.String(request), OutputType: proto.String(".google.protobuf.StringValue"),
			ServerStreaming: proto.Bool(true),
		}}}},
	}, protoregistry.GlobalFiles)
	if err == nil {
		err = protoregistry.GlobalFiles.RegisterFile(file)
	}
	if err != nil {
		panic(err)
	}
}

func TestARequestIDMakesAStreamRepeatable(t *testing.T) {
	for id, want := range map[string]int32{"": 1, "4a3d2a7e-8f0f-4f0e-9a63-1f4f3f3a2f10": 3} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			lis := rpctest.Listen(t, func(s *grpc.Server) {
				s.RegisterService(&grpc.ServiceDesc{ServiceName: "recourse.test.Named", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{{
					StreamName: "Watch", ServerStreams: true, Handler: func(_ any, ss grpc.ServerStream) error {
						req := new(assistantv1.ProcessRequest)
						if err := ss.RecvMsg(req); err != nil || req.GetRequestId() != id {
							t.Errorf("request %v, %v", req, err)
						}
						calls.Add(1)
						return unavailable()
					},
				}}}, nil)
			}, interceptors.ServerOptions(unlogged)...)
			conn := rpctest.Dial(t, lis, interceptors.DialOptions(interceptors.Policies(policies(t, strictly)))...)
			s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, named)
			if err != nil {
				t.Fatal(err)
			}
			if err := request(s, &assistantv1.ProcessRequest{RequestId: id}); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(new(text)); err == nil || calls.Load() != want {
				t.Errorf("%v after %d calls with id %q, want %d", err, calls.Load(), id, want)
			}
		})
	}
}

// A server that asks for something to be done, and for time, gets both.
func TestARemedyWaitsAsLongAsTheServerAsks(t *testing.T) {
	expired := status.New(codes.Unauthenticated, "TOKEN_EXPIRED", "")
	tests := []struct {
		name     string
		err      error
		pushback string
		least    time.Duration
		most     time.Duration
	}{
		{"at once", expired, "", 0, 0},
		{"RetryInfo", expired.With(status.RetryAfter(2*time.Second), status.Retry(status.AfterAction)), "",
			2 * time.Second, 2500 * time.Millisecond},
		{"pushback", expired, "2000", 2 * time.Second, 2 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				remedies := 0
				s := &script{failures: []error{test.err}}
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					err := s.handle(ctx, x)
					if err != nil && test.pushback != "" {
						_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", test.pushback))
					}
					return err
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)),
					interceptors.OnAction(func(context.Context, *recoursev1.Reauthenticate, *status.Error) error { remedies++; return nil }))...)
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if w := s.waits(); r.Err != nil || remedies != 1 || len(w) != 1 || w[0] < test.least || w[0] > test.most {
					t.Errorf("%v after %d remedies and waits of %v, want one of %v to %v", r.Err, remedies, w, test.least, test.most)
				}
			})
		})
	}
}

// Who closes the connection during a back-off learns what the call failed with before.
func TestAConnectionIsClosedDuringABackOff(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		s := &script{failures: []error{unavailable(status.RetryAfter(time.Second))}}
		lis := rpctest.Serve(t, s.handle, interceptors.ServerOptions(unlogged)...)
		conn, err := grpc.NewClient("passthrough:///memory", append(interceptors.DialOptions(interceptors.Policies(policies(t))),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))...)
		if err != nil {
			t.Fatal(err)
		}
		var closing sync.WaitGroup
		closing.Go(func() {
			time.Sleep(500 * time.Millisecond)
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
		r := rpctest.Do(t.Context(), conn, shape, "a")
		closing.Wait()
		down := status.New(codes.Unavailable, "DOWN", "")
		if e, _ := status.From(r.Err); e.Code() != codes.Canceled || !errors.Is(r.Err, down) || len(s.attempts()) != 1 {
			t.Errorf("%v because of %v after %d calls", r.Err, errors.Unwrap(r.Err), len(s.attempts()))
		}
	})
}
