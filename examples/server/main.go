// Command server is the assistant: it finds out what a person wants and has a language model, a service of its own,
// write the answer. It shows what a server does with recourse: guard.go checks who calls, how often and with what,
// assistant.go has the handlers, history.go an error that comes from elsewhere. faults.go is for the demo alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/recourse-dev/recourse/examples/serve"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	backend := flag.String("backend", "127.0.0.1:50052", "`address` of the model backend")
	patience := flag.Duration("patience", 10*time.Second, "how long to wait for the model's answer")
	levers := flag.Bool("levers", false, "obey the levers of the demo, see faults.go")
	attached := flag.Bool("attached", false, "stop when the standard input ends")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))

	ctx, stop := serve.Context(*attached)
	defer stop()
	if err := run(ctx, *listen, *backend, *patience, *levers); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, backend string, patience time.Duration, levers bool) error {
	conn, err := grpc.NewClient(backend, append(interceptors.DialOptions(), plaintext)...)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var service assistantv1.AssistantServer = &assistant{model: assistantv1.NewModelBackendClient(conn), patience: patience}
	if levers {
		service = faulty{service}
	}
	return serve.Run(ctx, newServer(service, newGuard().options()...), listen, os.Stdout)
}

// The example speaks plain text, on the loopback interface only.
var plaintext = grpc.WithTransportCredentials(insecure.NewCredentials())
