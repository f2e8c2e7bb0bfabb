package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// below installs an interceptor of every shape inside of recourse.
func below(f func() error) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			if err := f(); err != nil {
				return nil, err
			}
			return h(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			if err := f(); err != nil {
				return err
			}
			return h(srv, ss)
		}),
	}
}

func TestNoPanicOnAServerEndsTheProcessOrLeaks(t *testing.T) {
	boom := func() error { panic("canary: password=hunter2") }
	exit := func() error { runtime.Goexit(); return nil }
	for _, row := range []struct {
		name    string
		handler rpctest.Handler
		opts    []interceptors.ServerOption
		extra   []grpc.ServerOption
		bare    bool // the failure of the guard itself: no details
	}{
		{name: "handler panics", handler: func(context.Context, rpctest.Exchange) error { return boom() }},
		{name: "handler panics after messages", handler: func(_ context.Context, x rpctest.Exchange) error {
			_, _ = x.Recv()
			_ = x.Send("one")
			return boom()
		}},
		{name: "handler panics with an error that has a status", handler: func(context.Context, rpctest.Exchange) error {
			panic(fmt.Errorf("canary: %w", grpcstatus.Error(codes.Internal, "canary")))
		}},
		{name: "handler panics with nil", handler: func(context.Context, rpctest.Exchange) error { panic(nil) }},
		{name: "handler ends its goroutine", handler: func(context.Context, rpctest.Exchange) error { return exit() }},
		{name: "interceptor below panics", handler: rpctest.Echo, extra: below(boom)},
		{name: "interceptor below ends its goroutine", handler: rpctest.Echo, extra: below(exit)},
		{name: "error whose methods panic", handler: func(context.Context, rpctest.Exchange) error { return explosive{} }},
		{name: "classifier panics", handler: fails(errors.New("canary")), opts: []interceptors.ServerOption{
			interceptors.Classifiers(func(error) *status.Error { panic("canary") }),
		}},
		{name: "hook panics", handler: fails(errors.New("canary")), opts: []interceptors.ServerOption{
			interceptors.OnFailure(func(context.Context, interceptors.Failure) { panic("canary") }),
		}},
		{name: "hook ends its goroutine", handler: fails(errors.New("canary")), bare: true, opts: []interceptors.ServerOption{
			interceptors.OnFailure(func(context.Context, interceptors.Failure) { runtime.Goexit() }),
		}},
		{name: "classifier ends its goroutine", handler: fails(errors.New("canary")), bare: true, opts: []interceptors.ServerOption{
			interceptors.Classifiers(func(error) *status.Error { runtime.Goexit(); return nil }),
		}},
		{name: "policy ends its goroutine", handler: rpctest.Echo, bare: true, opts: []interceptors.ServerOption{interceptors.Use(explosive{at: "End, by Goexit"})}},
		{name: "error whose methods panic, to an insider", handler: func(context.Context, rpctest.Exchange) error {
			return status.New(codes.Internal, status.CodeUnexpected, "odd", status.Cause(explosive{}))
		}, opts: []interceptors.ServerOption{trusted(status.Internal)}},
		{name: "error that wraps itself", handler: func(context.Context, rpctest.Exchange) error { return new(ouroboros) }},
		{name: "policy panics at the start", handler: rpctest.Echo, opts: []interceptors.ServerOption{interceptors.Use(explosive{at: "Begin"})}},
		{name: "policy panics at a message", handler: rpctest.Echo, opts: []interceptors.ServerOption{interceptors.Use(explosive{at: "Message"})}},
		{name: "policy panics at the end", handler: rpctest.Echo, opts: []interceptors.ServerOption{interceptors.Use(explosive{at: "End"})}},
		{name: "policy makes nil of an error", handler: fails(errors.New("canary")), opts: []interceptors.ServerOption{interceptors.Use(swallow{})}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := rpctest.Start(t, row.handler, append(quiet(row.opts...), row.extra...), interceptors.DialOptions()...)
				start := time.Now()
				r := rpctest.Do(t.Context(), conn, shape)
				e := from(t, r.Err)
				if row.bare {
					if e.Code() != codes.Internal {
						t.Errorf("got %v", e)
					}
				} else if e.Code() != codes.Internal || e.ErrorCode() != status.CodeUnexpected || e.RequestID() == "" {
					t.Errorf("got %v, request id %q", e, e.RequestID())
				}
				if all := everything(r); strings.Contains(all, "canary") || strings.Contains(all, ".go:") {
					t.Errorf("leaked: %s", all)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("the client waited %v", took)
				}
			})
		})
	}
}

// explosive is an error, and a policy, that panics wherever it is touched.
type explosive struct{ at string }

func (explosive) Error() string                  { panic("canary") }
func (explosive) Unwrap() error                  { panic("canary") }
func (explosive) Is(error) bool                  { panic("canary") }
func (explosive) As(any) bool                    { panic("canary") }
func (explosive) GRPCStatus() *grpcstatus.Status { panic("canary") }

func (x explosive) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	switch x.at {
	case "Begin":
		panic("canary")
	case "Begin, by Goexit":
		runtime.Goexit()
	}
	return ctx, run{x}, nil
}

type run struct{ x explosive }

func (r run) Message(bool, any) error {
	if r.x.at == "Message" {
		panic("canary")
	}
	return nil
}

func (r run) End(err error) error {
	switch r.x.at {
	case "End":
		panic("canary")
	case "End, by Goexit":
		runtime.Goexit()
	}
	return err
}

// ouroboros has no end: errors.Is never returns from it.
type ouroboros struct{}

func (*ouroboros) Error() string   { return "canary" }
func (o *ouroboros) Unwrap() error { return o }

type swallow struct{}

func (swallow) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, swallow{}, nil
}
func (swallow) Message(bool, any) error { return nil }
func (swallow) End(error) error         { return nil }

func TestNoPanicOnAClientEndsTheProcess(t *testing.T) {
	unary := func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
		panic("boom")
	}
	stream := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
		panic("boom")
	}
	for _, row := range []struct {
		name string
		dial []grpc.DialOption
	}{
		{"interceptor below", append(interceptors.DialOptions(), grpc.WithChainUnaryInterceptor(unary), grpc.WithChainStreamInterceptor(stream))},
		{"policy at the start", interceptors.DialOptions(interceptors.Use(explosive{at: "Begin"}))},
		{"policy at a message", interceptors.DialOptions(interceptors.Use(explosive{at: "Message"}))},
		{"policy at the end", interceptors.DialOptions(interceptors.Use(explosive{at: "End"}))},
		{"hook", append(interceptors.DialOptions(interceptors.OnFailure(func(context.Context, interceptors.Failure) { panic("boom") })),
			grpc.WithChainUnaryInterceptor(unary), grpc.WithChainStreamInterceptor(stream))},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := rpctest.Start(t, rpctest.Echo, quiet(), row.dial...)
				if e := from(t, rpctest.Do(t.Context(), conn, shape).Err); e.Code() != codes.Internal {
					t.Errorf("got %v", e)
				}
			})
		})
	}
}

// By default a server writes to the log what it shows to nobody else.
func TestTheOperatorFindsThePanicByTheRequestID(t *testing.T) {
	var log strings.Builder
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	synctest.Test(t, func(t *testing.T) {
		panics := func(context.Context, rpctest.Exchange) error { panic("hunter2\nforged line") }
		conn := rpctest.Start(t, panics, interceptors.ServerOptions(), interceptors.DialOptions()...)
		e := from(t, rpctest.Do(t.Context(), conn, rpctest.Shapes[0]).Err)
		for _, want := range []string{"hunter2", e.RequestID(), "guard_test.go", "/recourse.test.Echo/Unary"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
		if strings.Count(log.String(), "\n") != 1 {
			t.Errorf("not one line:\n%s", log.String())
		}
	})
}
