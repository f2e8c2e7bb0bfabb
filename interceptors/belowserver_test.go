package interceptors_test

import (
	"context"
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// seeing is how an interceptor sees the headers that a handler sets: grpc-go has
// NewContextWithServerTransportStream for that.
type seeing struct {
	grpc.ServerTransportStream
	headers int
}

func (s *seeing) SetHeader(md metadata.MD) error {
	s.headers++
	return s.ServerTransportStream.SetHeader(md)
}

func TestAnInterceptorBelowMayWrapTheTransportStream(t *testing.T) {
	wraps := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		s := &seeing{ServerTransportStream: grpc.ServerTransportStreamFromContext(ctx)}
		return handler(grpc.NewContextWithServerTransportStream(ctx, s), req)
	}
	sent := make(chan []string, 1)
	back := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		sent <- metadata.ValueFromIncomingContext(ctx, "x-request-id")
		return rpctest.Echo(ctx, x)
	}, nil, interceptors.DialOptions(interceptors.Policies(policies(t)))...)
	conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		if id := interceptors.RequestID(ctx); id != "of-the-caller" {
			t.Errorf("the id is %q", id)
		}
		if err := interceptors.SetDegraded(ctx, &recoursev1.Degraded{Source: "cache"}); err != nil {
			t.Error(err)
		}
		_ = rpctest.Do(ctx, back, rpctest.Shapes[0])
		if ids := <-sent; len(ids) != 1 || ids[0] != "of-the-caller" {
			t.Errorf("the next hop is sent the ids %q", ids)
		}
		return rpctest.Echo(ctx, x)
	}, append(quiet(interceptors.Policies(policies(t))), grpc.ChainUnaryInterceptor(wraps)))
	r := rpctest.Do(metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "of-the-caller"), conn, rpctest.Shapes[0])
	if r.Err != nil || len(r.Trailer["recourse-degraded"]) == 0 {
		t.Errorf("%v, trailers %v", r.Err, r.Trailer)
	}
}

// What a call further down has learnt ends the repeats of the hops above.
func TestAdviceComesBackThroughAWrappedTransportStream(t *testing.T) {
	for _, wrapped := range []bool{false, true} {
		wraps := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if wrapped {
				ctx = grpc.NewContextWithServerTransportStream(ctx, &seeing{ServerTransportStream: grpc.ServerTransportStreamFromContext(ctx)})
			}
			return handler(ctx, req)
		}
		leaf := 0
		back := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { leaf++; return unavailable() }, quiet(),
			interceptors.DialOptions(unlogged, interceptors.Policies(policies(t)))...)
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			if err := rpctest.Do(ctx, back, rpctest.Shapes[0]).Err; err != nil {
				return unavailable()
			}
			return nil
		}, append(quiet(interceptors.Policies(policies(t))), grpc.ChainUnaryInterceptor(wraps)), interceptors.DialOptions(unlogged, interceptors.Policies(policies(t)))...)
		_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
		t.Logf("wrapped %t: the leaf was called %d times", wrapped, leaf)
	}
}
