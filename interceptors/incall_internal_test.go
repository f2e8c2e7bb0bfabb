package interceptors

import (
	"context"
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type nowhere struct {
	grpc.ServerStream
	ctx context.Context
}

func (n nowhere) Context() context.Context { return n.ctx }

func TestAUnaryCallServedWithinAStream(t *testing.T) {
	s, in := newServer(OnFailure(nil)), newServer(OnFailure(nil))
	ctx := incomingWith(t.Context(), "")
	_ = s.stream(nil, nowhere{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: "/a.B/Stream"}, func(_ any, ss grpc.ServerStream) error {
		outerID := RequestID(ss.Context())
		ctx := metadata.NewIncomingContext(ss.Context(), metadata.Pairs(requestIDKey, "inner"))
		_, _ = in.unary(ctx, wrapperspb.String("q"), &grpc.UnaryServerInfo{FullMethod: "/a.B/Unary"}, func(ctx context.Context, _ any) (any, error) {
			if id := RequestID(ctx); id != "inner" {
				t.Errorf("the handler of the inner call is told %q, the outer call is %q", id, outerID)
			}
			_ = SetDegraded(ctx, &recoursev1.Degraded{Source: "inner"})
			return wrapperspb.String("a"), nil
		})
		if d := ss.(*serverStream).serving.degraded.Load(); d != nil {
			t.Errorf("the outer call has the inner one's mark: %v", d)
		}
		return nil
	})
}

// emptyStream is what a test double, or an in-process transport without trailers, looks like.
type emptyStream struct{}

func (*emptyStream) Method() string               { return "/a.B/C" }
func (*emptyStream) SetHeader(metadata.MD) error  { return nil }
func (*emptyStream) SendHeader(metadata.MD) error { return nil }
func (*emptyStream) SetTrailer(metadata.MD) error { return nil }

// Streams of a type without fields have one address: a goroutine of a call that is over
// finds what is left of its own, and not the next.
func TestStreamsWithoutAnAddressOfTheirOwn(t *testing.T) {
	s := newServer(OnFailure(nil))
	var late context.Context
	call := func(id string, h grpc.UnaryHandler) {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(requestIDKey, id))
		ctx = grpc.NewContextWithServerTransportStream(ctx, &emptyStream{})
		_, _ = s.unary(ctx, wrapperspb.String("q"), &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, h)
	}
	call("first", func(ctx context.Context, req any) (any, error) { late = ctx; return req, nil })
	call("second", func(ctx context.Context, req any) (any, error) {
		if id := RequestID(late); id != "first" {
			t.Errorf("a goroutine of the first call is told the id %q", id)
		}
		_ = SetDegraded(late, &recoursev1.Degraded{Source: "late"})
		callIn(ctx, func(c *serverCall) {
			if d := c.degraded.Load(); d != nil {
				t.Errorf("the second call is marked: %v", d)
			}
		})
		return req, nil
	})
}

// sliced is a context that cannot be compared.
type sliced struct {
	context.Context
	values []any
}

// A context may be of any type: nothing may depend on whether two are the same.
func TestAContextMayBeUncomparable(t *testing.T) {
	s := newServer(OnFailure(nil))
	ctx := sliced{Context: incomingWith(t.Context(), "own"), values: []any{1}}
	reply, err := s.unary(ctx, wrapperspb.String("q"), &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, func(ctx context.Context, req any) (any, error) {
		if id := RequestID(ctx); id != "own" {
			t.Errorf("the id is %q", id)
		}
		return req, nil
	})
	if reply == nil || err != nil {
		t.Error(reply, err)
	}
	c := &client{}
	if err := c.unary(ctx, "/a.B/C", wrapperspb.String("q"), new(wrapperspb.StringValue), nil, finishes); err != nil {
		t.Error(err)
	}
}

func finishes(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
	return nil
}
