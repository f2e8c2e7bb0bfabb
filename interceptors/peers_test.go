package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// One error too large takes every call on the connection with it, streams and
// unary ones alike, where the client enforces a limit that it does not announce:
// grpc-go with its coming default. The default of a server fits it. The variable
// is read when a process starts, so the test runs in one of its own.
func TestTheComingDefaultOfGRPCGo(t *testing.T) {
	const env = "GRPC_GO_EXPERIMENTAL_ENABLE_8KB_DEFAULT_HEADER_LIST_SIZE"
	if os.Getenv(env) != "true" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestTheComingDefaultOfGRPCGo$", "-test.v")
		cmd.Env = append(os.Environ(), env+"=true")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handler := func(_ context.Context, x rpctest.Exchange) error {
			m, err := x.Recv()
			if err != nil {
				return err
			}
			if m == "huge" {
				return huge()
			}
			<-release
			return x.Send(m)
		}
		// A plain client: DialOptions would announce the old limit.
		conn := rpctest.Start(t, handler, quiet())
		var innocent sync.WaitGroup
		for i := range 20 {
			innocent.Go(func() {
				if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[i%len(rpctest.Shapes)], "innocent"); r.Err != nil {
					t.Errorf("an innocent call: %v", r.Err)
				}
			})
		}
		synctest.Wait()
		for _, shape := range rpctest.Shapes {
			r := rpctest.Do(t.Context(), conn, shape, "huge")
			if got := from(t, statusOf(r.Err)); got.Code() != codes.FailedPrecondition || got.ErrorCode() != "TOO_MUCH" {
				t.Errorf("got %v", got)
			}
		}
		close(release)
		innocent.Wait()
	})
}

// A deterministic failure that became INTERNAL on the way would be repeated.
func TestAHugeErrorIsNotRepeated(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		attempts := 0
		handler := func(context.Context, rpctest.Exchange) error {
			attempts++
			return huge()
		}
		conn := rpctest.Start(t, handler, quiet(), grpc.WithMaxHeaderListSize(8192), grpc.WithDefaultServiceConfig(retryPolicy))
		if r := rpctest.Do(t.Context(), conn, shape); r.Err == nil || attempts != 1 {
			t.Errorf("%d attempts: %v", attempts, r.Err)
		}
	})
}

// A server without recourse may send anything as details.
func TestGarbageFromAPlainServer(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			md := metadata.Pairs("grpc-status-details-bin", "\xff\xfe garbage", "x-request-id", "an id with spaces", "grpc-retry-pushback-ms", "soon")
			if err := grpc.SetTrailer(ctx, md); err != nil {
				return err
			}
			return errors.New("plain")
		}
		conn := rpctest.Start(t, handler, nil, interceptors.DialOptions()...)
		e := from(t, rpctest.Do(t.Context(), conn, shape).Err)
		if e.Code() != codes.Unknown || e.Message() != "plain" || e.RequestID() != "an id with spaces" {
			t.Errorf("got %v, id %q", e, e.RequestID())
		}
	})
}

// One header on an error, and no stock client repeats the call: the reason why
// recourse sets none.
func TestAHeaderSwitchesStockRetryOff(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		for header, want := range map[bool]int{true: 1, false: 4} {
			attempts := 0
			handler := func(ctx context.Context, _ rpctest.Exchange) error {
				attempts++
				if header {
					if err := grpc.SetHeader(ctx, metadata.Pairs("k", "v")); err != nil {
						return err
					}
				}
				return fmt.Errorf("down")
			}
			conn := rpctest.Start(t, handler, quiet(), append(interceptors.DialOptions(), grpc.WithDefaultServiceConfig(retryPolicy))...)
			if r := rpctest.Do(t.Context(), conn, shape); r.Err == nil || attempts != want {
				t.Errorf("header %v: %d attempts, want %d", header, attempts, want)
			}
		}
	})
}
