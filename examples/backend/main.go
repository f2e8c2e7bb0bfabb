// Command backend is the language model behind the assistant: the second service, in a process of its own. Its errors
// are meant for the assistant, which answers people in its own words.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/recourse-dev/recourse/examples/serve"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	levers := flag.Bool("levers", false, "obey the levers of the demo, see faults.go")
	attached := flag.Bool("attached", false, "stop when the standard input ends")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))

	var service assistantv1.ModelBackendServer = model{}
	if *levers {
		service = &faulty{ModelBackendServer: service}
	}
	ctx, stop := serve.Context(*attached)
	defer stop()
	if err := serve.Run(ctx, newServer(service), *listen, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "backend:", err)
		os.Exit(1)
	}
}

func newServer(service assistantv1.ModelBackendServer) *grpc.Server {
	server := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain("model.example.com"))...)
	assistantv1.RegisterModelBackendServer(server, service)
	return server
}
