package interceptors_test

import (
	"context"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// One unary call, end to end over memory, of a caller that sets a deadline.
func BenchmarkUnary(b *testing.B) {
	stock := func(ctx context.Context, x rpctest.Exchange) error {
		st, err := grpcstatus.New(codes.Unavailable, "the model is busy").WithDetails(
			&errdetails.ErrorInfo{Reason: "MODEL_BUSY", Domain: domain, Metadata: map[string]string{"modelId": "m1"}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)},
			&errdetails.LocalizedMessage{Locale: "en-US", Message: "Try again in a few moments or check system status."})
		if err != nil {
			return err
		}
		return st.Err()
	}
	own := func(context.Context, rpctest.Exchange) error {
		return status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy", status.Meta("modelId", "m1"), status.RetryAfter(2*time.Second))
	}
	for _, row := range []struct {
		name    string
		handler rpctest.Handler
		server  []grpc.ServerOption
		dial    []grpc.DialOption
	}{
		{"ok/bare", rpctest.Echo, nil, nil},
		{"ok/recourse", rpctest.Echo, quiet(), interceptors.DialOptions()},
		{"error/bare, WithDetails", stock, nil, nil},
		{"error/recourse", own, quiet(), interceptors.DialOptions()},
	} {
		b.Run(row.name, func(b *testing.B) {
			conn := rpctest.Start(b, row.handler, row.server, row.dial...)
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
				_ = rpctest.Do(ctx, conn, rpctest.Shapes[0]) // either outcome is meant
				cancel()
			}
		})
	}
}
