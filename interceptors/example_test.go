package interceptors_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
)

func ExampleServerOptions() {
	server := grpc.NewServer(interceptors.ServerOptions(
		interceptors.Domain("library.example.com"),
		interceptors.Classifiers(
			status.Sentinel(sql.ErrNoRows, codes.NotFound, "BOOK_NOT_FOUND", "no such book"),
		),
		interceptors.Trust(func(ctx context.Context) status.Trust {
			p, ok := peer.FromContext(ctx)
			if !ok {
				return status.Public
			}
			// Verified by the server's tls.Config: no client can make it up.
			tls, ok := p.AuthInfo.(credentials.TLSInfo)
			if ok && tls.SPIFFEID != nil && tls.SPIFFEID.Host == "example.com" {
				return status.Internal
			}
			return status.Public
		}),
	)...)
	defer server.Stop()
	// Register services and serve.
}

func ExampleDialOptions() {
	conn, err := grpc.NewClient("passthrough:///library.example.com:443", append(interceptors.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	err = conn.Invoke(ctx, "/library.v1.Books/Get", nil, nil)
	if e, ok := status.From(err); ok {
		fmt.Println(e.ErrorCode(), "-", e.Suggestion())
	}
	// Output: ASYNC_TIMEOUT_FAILED - Try again in a few moments or check system status.
}

func ExampleOnFailure() {
	interceptors.ServerOptions(interceptors.OnFailure(func(ctx context.Context, f interceptors.Failure) {
		slog.WarnContext(ctx, "call failed", "rpc", f)
	}))
}

// crowd refuses calls while too many are running.
type crowd struct {
	running atomic.Int64
	most    int64
}

func (c *crowd) Begin(ctx context.Context, call interceptors.Call) (context.Context, interceptors.Run, error) {
	if c.running.Add(1) > c.most {
		c.running.Add(-1)
		return ctx, nil, status.New(codes.Unavailable, "TOO_BUSY", "too many calls at once", status.RetryAfter(time.Second))
	}
	return ctx, (*guest)(c), nil
}

type guest crowd

func (*guest) Message(bool, any) error { return nil }

func (g *guest) End(err error) error {
	g.running.Add(-1)
	return err
}

// A policy is written once, for all kinds of call on both sides.
func ExampleHook() {
	var policy interceptors.Hook = &crowd{most: 1}
	call := interceptors.Call{Method: "/library.v1.Books/Get"}
	_, first, _ := policy.Begin(context.Background(), call)
	_, _, err := policy.Begin(context.Background(), call)
	fmt.Println(err)
	fmt.Println(first.End(nil))
	// Output:
	// Unavailable TOO_BUSY: too many calls at once
	// <nil>
}
