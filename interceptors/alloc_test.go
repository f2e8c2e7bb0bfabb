//go:build !race

package interceptors

import (
	"context"
	"testing"
	"time"

	_ "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
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

// A message on a stream costs nothing.
func TestAMessageAllocatesNothing(t *testing.T) {
	s := &serverStream{ServerStream: messages{}}
	c := &clientStream{ClientStream: clientMessages{}, client: &client{}, call: Call{ClientStreams: true, ServerStreams: true}}
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

// What a policy adds to a call that succeeds and whose deadline is its caller's.
func TestThePolicyAllocates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	served := incoming(ctx)
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	s, c := newServer(Policies(set)), &client{policies: set}
	req, empty := wrapperspb.String("request"), new(wrapperspb.StringValue)
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	handler := func(context.Context, any) (any, error) { return req, nil }
	for _, row := range []struct {
		name string
		most float64
		call func()
	}{
		{"unary server", 0, func() { _, _ = s.unary(served, req, info, handler) }},
		{"unary client", 0, func() { _ = c.unary(ctx, "/a.B/C", req, empty, nil, finished) }},
		{"unary client, idempotent", 0, func() { _ = c.unary(ctx, "/assistant.v1.Assistant/ClassifyIntent", req, empty, nil, finished) }},
	} {
		if got := testing.AllocsPerRun(100, row.call); got > row.most {
			t.Errorf("%s: %v allocations, want at most %v", row.name, got, row.most)
		}
	}
}
