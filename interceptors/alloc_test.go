//go:build !race

package interceptors

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/internal/terminal"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The race detector allocates on its own account; `make test` runs this file
// without it.

// transportStream stands for grpc-go's, by which a call is found.
type transportStream struct {
	grpc.ServerTransportStream
	method string
}

// incoming is a context as grpc-go makes it for a call, with or without a deadline on
// the wire.
func incoming(ctx context.Context) context.Context {
	ctx = peer.NewContext(ctx, &peer.Peer{})
	ctx = metadata.NewIncomingContext(ctx, metadata.MD{})
	return grpc.NewContextWithServerTransportStream(ctx, &transportStream{method: "/a.B/C"})
}

// finished is a transport that ends a call as grpc-go does.
func finished(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
	for _, o := range opts {
		if o, ok := o.(grpc.OnFinishCallOption); ok {
			o.OnFinish(nil)
		}
	}
	return nil
}

func init() { terminal.Stands(finished) }

type directStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s directStream) Context() context.Context { return s.ctx }

// What every call pays that succeeds, called directly, beyond bare gRPC.
func TestTheSuccessPathAllocates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	served := incoming(ctx)
	s, c := newServer(), &client{}
	var reply any = wrapperspb.String("reply")
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	handler := func(context.Context, any) (any, error) { return reply, nil }
	streamInfo := &grpc.StreamServerInfo{FullMethod: "/a.B/C", IsServerStream: true}
	var ss grpc.ServerStream = directStream{ctx: served}
	streamHandler := func(any, grpc.ServerStream) error { return nil }
	for _, row := range []struct {
		name string
		most float64
		call func()
	}{
		{"unary server", 0, func() { _, _ = s.unary(served, reply, info, handler) }},
		{"stream server", 1, func() { _ = s.stream(nil, ss, streamInfo, streamHandler) }},
		{"unary client", 0, func() { _ = c.unary(ctx, "/a.B/C", reply, reply, nil, finished) }},
	} {
		if got := testing.AllocsPerRun(100, row.call); got > row.most {
			t.Errorf("%s: %v allocations, want at most %v", row.name, got, row.most)
		}
	}
}

// What the default log allocates for a handler's error of grpc-go's: the text of the cause.
func TestTheDefaultLogAllocates(t *testing.T) {
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	defer slog.SetDefault(old)
	cause := grpcstatus.Error(codes.Unavailable, "the model is busy")
	f := Failure{Call: Call{Method: "/a.B/C"}, Err: status.Classify(cause), Cause: cause, RequestID: "r-1", Attempts: 1}
	if n := testing.AllocsPerRun(100, func() { logFailure(t.Context(), f) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// idleObserver does nothing.
type idleObserver struct{}

func (idleObserver) Attach(Side, func() (Levels, bool))                                 {}
func (idleObserver) Begin(ctx context.Context, _ *Observation) context.Context          { return ctx }
func (idleObserver) Attempt(ctx context.Context, _ *Observation, _ int) context.Context { return ctx }
func (idleObserver) Event(context.Context, *Observation, Event)                         {}
func (idleObserver) End(context.Context, *Observation, *Failure)                        {}

// What an observer costs every call that succeeds, beyond what it does itself, called
// directly: nothing, and for a stream one allocation, which others do not keep room for.
func TestAnIdleObserverAllocates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	served := incoming(ctx)
	var reply any = wrapperspb.String("reply")
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	handler := func(context.Context, any) (any, error) { return reply, nil }
	streamInfo := &grpc.StreamServerInfo{FullMethod: "/a.B/C", IsServerStream: true}
	var ss grpc.ServerStream = directStream{ctx: served}
	streamHandler := func(any, grpc.ServerStream) error { return nil }
	for _, policies := range []*policy.Set{nil, set} {
		cost := func(o Observer) []float64 {
			server, c := []ServerOption{Observe(o)}, &client{observer: o, policies: policies}
			if policies != nil {
				server = append(server, Policies(policies))
			}
			s := newServer(server...)
			return []float64{
				testing.AllocsPerRun(100, func() { _, _ = s.unary(served, reply, info, handler) }),
				testing.AllocsPerRun(100, func() { _ = s.stream(nil, ss, streamInfo, streamHandler) }),
				testing.AllocsPerRun(100, func() { _ = c.unary(ctx, "/a.B/C", reply, reply, nil, finished) }),
			}
		}
		without, with := cost(nil), cost(idleObserver{})
		for i, name := range []string{"unary server", "stream server", "unary client"} {
			if with[i] > without[i]+[...]float64{0, 1, 0}[i] {
				t.Errorf("%s, policies %v: %v allocations, and %v without", name, policies != nil, with[i], without[i])
			}
		}
	}
}

// What an observer costs a call over a connection. A client's stream has to look for the
// end of its caller's context, and for the mark of a degraded answer; the trailers that
// it has looked through for that are copied once more for an application that asks.
func TestAnIdleObserverAllocatesEndToEnd(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		option Option
		most   [4]float64 // of each shape
	}{
		{"", OnFailure(nil), [4]float64{0, 6, 6, 6}},
		{"with policies", Policies(set), [4]float64{0, 9, 5, 9}},
	} {
		for i, shape := range rpctest.Shapes {
			cost := func(o Observer) float64 {
				observe := Observe(o)
				conn := rpctest.Start(t, rpctest.Echo, ServerOptions(row.option, observe), DialOptions(row.option, observe)...)
				return testing.AllocsPerRun(200, func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					if r := rpctest.Do(ctx, conn, shape, "a"); r.Err != nil {
						t.Error(r.Err)
					}
				})
			}
			if extra := cost(idleObserver{}) - cost(nil); extra > row.most[i] {
				t.Errorf("%s %s: %v more allocations, want at most %v", shape.Name, row.name, extra, row.most[i])
			}
		}
	}
}

// A message on a stream costs nothing.
func TestAMessageAllocatesNothing(t *testing.T) {
	s := &serverStream{ServerStream: messages{}}
	c := &clientStream{stream: clientMessages{}, client: &client{}, call: Call{ClientStreams: true, ServerStreams: true}}
	m := wrapperspb.String("m")
	if got := testing.AllocsPerRun(100, func() {
		_, _, _, _ = s.SendMsg(m), s.RecvMsg(m), c.SendMsg(m), c.RecvMsg(m)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

type messages struct{ grpc.ServerStream }

func (messages) SendMsg(any) error { return nil }
func (messages) RecvMsg(any) error { return nil }

type clientMessages struct{ grpc.ClientStream }

func (clientMessages) SendMsg(any) error { return nil }
func (clientMessages) RecvMsg(any) error { return nil }

// What a call with policies allocates, called directly: nothing, or the four
// allocations of a deadline where it has none yet, and for a repeat the error and the
// metadata that tell of it.
func TestThePolicyAllocates(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	bounded, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.Backoff, p.Idempotent = 0, true }))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(Policies(set), Limit(100, 100), Fallback("/assistant.v1.Assistant/ClassifyIntent", Canned(&assistantv1.ClassifyIntentResponse{})))
	c := &client{policies: set}
	req, empty := wrapperspb.String("request"), new(wrapperspb.StringValue)
	info := &grpc.UnaryServerInfo{FullMethod: "/assistant.v1.Assistant/ClassifyIntent"}
	handler := func(context.Context, any) (any, error) { return req, nil }
	down, n := grpcstatus.Error(codes.Unavailable, "down"), 0
	second := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, opts ...grpc.CallOption) error {
		_ = finished(ctx, method, req, reply, cc, opts...)
		if n++; n%2 == 1 {
			return down
		}
		return nil
	}
	terminal.Stands(second)
	for _, row := range []struct {
		name    string
		ctx     context.Context
		invoker grpc.UnaryInvoker // nil: a server
		most    float64
	}{
		{"server", bounded, nil, 0},
		{"server, no deadline", t.Context(), nil, 4},
		{"client", bounded, finished, 0},
		{"client, no deadline", t.Context(), finished, 4},
		{"client, the second attempt works", bounded, second, 5},
	} {
		served := incoming(row.ctx)
		got := testing.AllocsPerRun(100, func() {
			var err error
			if row.invoker == nil {
				_, err = s.unary(served, req, info, handler)
			} else {
				err = c.unary(row.ctx, "/a.B/C", req, empty, nil, row.invoker)
			}
			if err != nil {
				t.Error(err)
			}
		})
		if got > row.most {
			t.Errorf("%s: %v allocations, want at most %v", row.name, got, row.most)
		}
	}
}

// What both sides add to calls over a connection, beyond bare gRPC with the same
// deadline: what a server pays for having an interceptor at all (2 allocations), and a
// client for call options (2); a stream has a state on both sides, and a copy of what was
// sent until its first reply.
func TestACallAllocatesEndToEnd(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	for shape, most := range map[rpctest.Shape]float64{rpctest.Shapes[0]: 4, rpctest.Shapes[1]: 4, rpctest.Shapes[2]: 5, rpctest.Shapes[3]: 4} {
		bare := rpctest.Start(t, rpctest.Echo, nil)
		ours := rpctest.Start(t, rpctest.Echo, ServerOptions(Policies(set)), DialOptions(Policies(set))...)
		cost := func(conn *grpc.ClientConn) float64 {
			return testing.AllocsPerRun(200, func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if r := rpctest.Do(ctx, conn, shape, "a"); r.Err != nil {
					t.Error(r.Err)
				}
			})
		}
		extra := cost(ours) - cost(bare)
		t.Logf("%s: %v", shape.Name, extra)
		if extra > most {
			t.Errorf("%s: %v more allocations, want at most %v", shape.Name, extra, most)
		}
	}
}
