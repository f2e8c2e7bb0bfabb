// Command observability shows what telemetry makes of calls. It runs an assistant and the model behind it, brings about
// what a service meets in a bad week, and shows each call three times: what its user is told, its trace, and its lines in
// the log. Metrics are served for Prometheus meanwhile. `make observability` runs it.
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
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to serve metrics on")
	length := flag.Duration("for", 10*time.Second, "how long to go on, at most an hour")
	asJSON := flag.Bool("json", false, "print spans as the SDK's stdouttrace does, not as trees")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, min(*length, time.Hour))
	defer cancel()
	if err := run(ctx, *addr, *asJSON, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "observability:", err)
		stop()
		os.Exit(1)
	}
}

// run plays all situations once for the reader, and then again and again for Prometheus, until ctx ends.
func run(ctx context.Context, addr string, asJSON bool, stdout io.Writer) (err error) {
	out := &screen{out: stdout}
	e, err := export(out, asJSON)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.shutdown()) }()
	h, err := open(e)
	if err != nil {
		return err
	}
	defer h.close()
	url, stop, err := serveMetrics(addr, e.metrics)
	if err != nil {
		return err
	}
	defer stop()

	fmt.Fprintf(out, "metrics: %s\n", url)
	told := h.play(ctx, out)
	if told.requestID != "" {
		lookAt(out, told)
	}
	fmt.Fprintf(out, "\nmetrics: %s\nThe same calls go on, without a word, until this program ends; it does by itself, or with Ctrl-C.\n", url)
	out.quiet(true)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for ctx.Err() == nil {
		h.play(ctx, out)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
	return nil
}

// lookAt follows one failure from its user to its cause.
func lookAt(out *screen, told told) {
	fmt.Fprintf(out, "\n== From what a user says to the cause: %s\n", told.title)
	fmt.Fprintf(out, "   The user quotes the request id    %s\n", told.requestID)
	fmt.Fprintf(out, "   Its trace, as shown above, is     %s\n", told.traceID)
	fmt.Fprintln(out, "   The log has under that id:")
	for _, line := range out.lines("request_id=" + told.requestID) {
		fmt.Fprintln(out, "   "+line)
	}
}

// serveMetrics says where Prometheus may look, and how to end that.
func serveMetrics(addr string, metrics http.Handler) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until it is closed
	}()
	return "http://" + listener.Addr().String() + "/metrics", func() {
		_ = server.Close()
		<-done
	}, nil
}
