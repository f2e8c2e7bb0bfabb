package interceptors_test

import (
	"context"
	"errors"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// outside installs a witness around recourse, as a logger of somebody else's.
func outside(see func(error)) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			reply, err := h(ctx, req)
			see(err)
			return reply, err
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			err := h(srv, ss)
			see(err)
			return err
		}),
	}
}

// Interceptors of others see the code that the client will see, before it does,
// and the whole error behind it.
func TestWhoStandsOutsideSeesWhatIsSent(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		cause := errors.New("cause")
		var seen error
		opts := append(outside(func(err error) { seen = err }), quiet()...)
		conn := rpctest.Start(t, fails(errBusy.With(status.Cause(cause))), opts, interceptors.DialOptions()...)
		sent := from(t, rpctest.Do(t.Context(), conn, shape).Err)
		if grpcstatus.Code(seen) != codes.Unavailable || grpcstatus.Convert(seen).Message() != sent.Message() || seen.Error() != errBusy.Error() {
			t.Errorf("saw %v", seen)
		}
		if info, ok := grpcstatus.Convert(seen).Details()[0].(*errdetails.ErrorInfo); !ok || info.GetReason() != "MODEL_BUSY" {
			t.Errorf("first detail %v", info)
		}
		if !errors.Is(seen, errBusy) || !errors.Is(seen, cause) {
			t.Error("the error behind the status is out of reach")
		}
		if bad, ok := status.Detail[*errdetails.BadRequest](seen); !ok || len(bad.GetFieldViolations()) != 1 {
			t.Errorf("BadRequest %v", bad)
		}
	})
}

// Two chains that both bring recourse are one mistake away.
func TestInstalledTwiceIsInstalledOnce(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		var ids []string
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			ids = append(ids, interceptors.RequestID(ctx))
			return status.New(codes.Unavailable, "DOWN", "down", status.RetryAfter(0))
		}
		conn := rpctest.Start(t, handler, append(quiet(), quiet()...), append(interceptors.DialOptions(), interceptors.DialOptions()...)...)
		r := rpctest.Do(t.Context(), conn, shape)
		e := from(t, r.Err)
		if e.ErrorCode() != "DOWN" || len(r.Trailer["grpc-retry-pushback-ms"]) != 1 || len(r.Trailer["x-request-id"]) != 1 {
			t.Errorf("%v, trailer %v", e, map[string][]string(r.Trailer))
		}
		if e.RequestID() != ids[0] || r.Trailer["x-request-id"][0] != ids[0] {
			t.Errorf("ids %q, %q and %q", e.RequestID(), ids, r.Trailer["x-request-id"])
		}
	})
}
