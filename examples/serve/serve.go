// Package serve runs the gRPC servers of the examples. Nothing in it is about recourse.
package serve

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
)

// Context ends when the process is told to stop, and if it is attached also when the standard input ends: when whoever
// started it is gone, however that came about.
func Context(attached bool) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if attached {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	return ctx, stop
}

// grace is how long calls in progress may take once the server was told to stop.
const grace = 2 * time.Second

// Run listens on address, says on stdout where that is, and serves until ctx ends.
func Run(ctx context.Context, server *grpc.Server, address string, stdout io.Writer) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, "listening on", listener.Addr()); err != nil {
		return err
	}
	stopped := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(stopped)
		hurry := time.AfterFunc(grace, server.Stop)
		defer hurry.Stop()
		server.GracefulStop()
	})
	err = server.Serve(listener)
	if !forget() {
		<-stopped
	}
	return err
}
