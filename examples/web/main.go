// Command web serves a page to people, and the assistant to that page: Connect and gRPC-Web, on an origin of its own, in
// front of the gRPC server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/recourse-dev/recourse/examples/serve"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type settings struct {
	listen, listenAPI, api, assistant, folder string
}

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:0", "`address` for the page")
	flag.StringVar(&s.listenAPI, "listen-api", "127.0.0.1:0", "`address` for the calls of the page")
	flag.StringVar(&s.api, "api", "", "`URL` at which the page makes its calls, where that is not -listen-api itself")
	flag.StringVar(&s.assistant, "assistant", "127.0.0.1:50051", "`address` of the assistant, examples/server")
	flag.StringVar(&s.folder, "folder", "examples/web/dist", "`folder` with the built page")
	attached := flag.Bool("attached", false, "stop when the standard input ends")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))

	ctx, stop := serve.Context(*attached)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, stdout io.Writer) error {
	// Nothing is repeated here: the assistant does what can be done, and the rest is for the person to say. Had this
	// connection policies, whoever comes too often would be told not to come again, rather than when.
	// The example speaks plain text, on the loopback interface only.
	plaintext := grpc.WithTransportCredentials(insecure.NewCredentials())
	conn, err := grpc.NewClient(s.assistant, append(interceptors.DialOptions(), plaintext)...)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	forPage, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	defer func() { _ = forPage.Close() }()
	forAPI, err := net.Listen("tcp", s.listenAPI)
	if err != nil {
		return err
	}
	defer func() { _ = forAPI.Close() }()
	origin, api := "http://"+forPage.Addr().String(), s.api
	if api == "" {
		api = "http://" + forAPI.Addr().String()
	}
	site, err := page(s.folder, api)
	if err != nil {
		return fmt.Errorf("the page is not built, see examples/web/README.md: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, "listening on %s\nserving calls on http://%s\n", origin, forAPI.Addr()); err != nil {
		return err
	}

	ended := make(chan error, 2)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { ended <- serveHTTP(ctx, forPage, site) }()
	go func() { ended <- serveHTTP(ctx, forAPI, allow(origin, calls(conn))) }()
	err = <-ended
	cancel()
	return errors.Join(err, <-ended)
}

// serveHTTP serves until ctx ends; calls in progress may take a moment longer.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(stopped)
		hurry, stop := context.WithTimeout(context.Background(), 2*time.Second)
		defer stop()
		if server.Shutdown(hurry) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(listener)
	if !forget() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
