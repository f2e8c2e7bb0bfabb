package interceptors_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// grpc-go serves through net/http as well, with a transport of its own.
func TestErrorsArriveWholeThroughNetHTTP(t *testing.T) {
	for name, row := range map[string]struct {
		handler   rpctest.Handler
		code      codes.Code
		errorCode string
	}{
		"error":  {fails(errBusy), codes.Unavailable, "MODEL_BUSY"},
		"panic":  {func(context.Context, rpctest.Exchange) error { panic("canary") }, codes.Internal, status.CodeUnexpected},
		"Goexit": {func(context.Context, rpctest.Exchange) error { runtime.Goexit(); return nil }, codes.Internal, status.CodeUnexpected},
	} {
		t.Run(name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				lis := rpctest.ServeHTTP(t, row.handler, quiet()...)
				conn := rpctest.Dial(t, lis, interceptors.DialOptions()...)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				e := from(t, rpctest.Do(ctx, conn, shape).Err)
				if e.Code() != row.code || e.ErrorCode() != row.errorCode || e.RequestID() == "" {
					t.Errorf("got %v, request id %q", e, e.RequestID())
				}
				synctest.Wait()
			})
		})
	}
}
