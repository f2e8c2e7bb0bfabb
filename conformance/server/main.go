// Command server is what the readers of all languages call. On one address it replays the golden errors byte for byte;
// on another it is a service with recourse that fails in the ways that live.go lists, and counts the calls that it
// gets. It prints both addresses as "golden HOST:PORT" and "live HOST:PORT", and stops with its standard input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
)

func main() {
	folder := flag.String("golden", "conformance/golden", "`folder` of the golden errors")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := run(ctx, *folder, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder string, out io.Writer) error {
	cases, err := golden.Load(folder)
	if err != nil {
		return err
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	replay := &http.Server{Handler: golden.Handler(cases), Protocols: protocols}

	live := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain(domain))...)
	assistantv1.RegisterAssistantServer(live, &service{seen: map[string]*visits{}})

	listeners := make([]net.Listener, 2)
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	served := make(chan error, len(listeners))
	go func() { served <- replay.Serve(listeners[0]) }()
	go func() { served <- live.Serve(listeners[1]) }()
	fmt.Fprintf(out, "golden %v\nlive %v\n", listeners[0].Addr(), listeners[1].Addr())

	select {
	case <-ctx.Done():
	case err = <-served:
	}
	_ = replay.Close()
	live.Stop()
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) {
		err = nil
	}
	return err
}
