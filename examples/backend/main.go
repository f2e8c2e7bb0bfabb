// Command backend is the language model behind the assistant: the second service, in a process of its own. Its errors
// are meant for the assistant, which answers people in its own words. With -next it is a router: it has no model itself
// and asks another backend.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/recourse-dev/recourse/examples/serve"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	next := flag.String("next", "", "`address` of another backend that has the model")
	levers := flag.Bool("levers", false, "obey the levers of the demo, see faults.go")
	attached := flag.Bool("attached", false, "stop when the standard input ends")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))

	ctx, stop := serve.Context(*attached)
	defer stop()
	if err := run(ctx, *listen, *next, *levers); err != nil {
		fmt.Fprintln(os.Stderr, "backend:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, next string, levers bool) error {
	// Callers are services, not people: nobody is sent to support.
	policies, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.ContactSupportThreshold = 0 }))
	if err != nil {
		return err
	}
	if next != "" {
		r, err := newRouter(next, policies)
		if err != nil {
			return err
		}
		defer r.close()
		return serve.Run(ctx, newServer("router.example.com", r, policies), listen, os.Stdout)
	}
	var service assistantv1.ModelBackendServer = model{}
	if levers {
		service = &faulty{ModelBackendServer: service}
	}
	return serve.Run(ctx, newServer("model.example.com", service, policies), listen, os.Stdout)
}

func newServer(domain string, service assistantv1.ModelBackendServer, policies *policy.Set) *grpc.Server {
	options := interceptors.ServerOptions(
		interceptors.Domain(domain), interceptors.Policies(policies), interceptors.Trust(ours))
	server := grpc.NewServer(append(options, serve.Log())...)
	assistantv1.RegisterModelBackendServer(server, service)
	return server
}

// ours trusts everybody: only services of ours can reach this one. They may see who failed behind it.
func ours(context.Context) status.Trust { return status.Internal }
