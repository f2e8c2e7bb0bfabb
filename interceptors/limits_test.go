package interceptors_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// What runs outside of the interceptors, or on a goroutine of its own, no
// interceptor can guard. The documentation says so; each row shows it in a
// process of its own, since the process ends.
func TestWhatNoInterceptorCanGuard(t *testing.T) {
	rows := map[string]func(t *testing.T){
		"a goroutine that a handler starts": func(t *testing.T) {
			serveAndDie(t, func(context.Context, rpctest.Exchange) error {
				go func() { panic("boom") }()
				select {}
			})
		},
		"a goroutine that a stream's handler starts": func(t *testing.T) {
			conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
				go func() { panic("boom") }()
				select {}
			}, quiet(), interceptors.DialOptions()...)
			_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[1])
		},
		"a stats handler": func(t *testing.T) {
			serveAndDie(t, rpctest.Echo, grpc.StatsHandler(panics{}))
		},
		"an interceptor installed before": func(t *testing.T) {
			serveAndDie(t, rpctest.Echo, grpc.UnaryInterceptor(func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
				panic("boom")
			}))
		},
	}
	const env = "RECOURSE_TEST_DIE_BY"
	if row, ok := rows[os.Getenv(env)]; ok {
		row(t)
		t.Fatal("still alive")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range rows {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestWhatNoInterceptorCanGuard$")
			cmd.Env = append(os.Environ(), env+"="+name)
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 2 || !strings.Contains(string(out), "panic: boom") {
				t.Errorf("it is guarded now (%v): say so in the documentation\n%s", err, out)
			}
		})
	}
}

func serveAndDie(t *testing.T, h rpctest.Handler, outside ...grpc.ServerOption) {
	conn := rpctest.Start(t, h, append(quiet(), outside...), interceptors.DialOptions()...)
	_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
}

type panics struct{ stats.Handler }

func (panics) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (panics) HandleConn(context.Context, stats.ConnStats)                       {}
func (panics) TagRPC(context.Context, *stats.RPCTagInfo) context.Context         { panic("boom") }
