// Command server is the assistant: it finds out what a person wants and has a language model, a service of its own,
// write the answer. It shows what a server does with recourse: guard.go checks who calls, how often and with what,
// assistant.go has the handlers, history.go an error that comes from elsewhere; texts has the errors in German; recourse.yaml,
// one folder up, says what happens when calls fail. faults.go is for the demo alone.
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
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type settings struct {
	listen, backend, policy string
	atOnce                  int
	levers                  bool
}

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	flag.StringVar(&s.backend, "backend", "127.0.0.1:50052", "`address` of the model backend")
	flag.StringVar(&s.policy, "policy", "examples/recourse.yaml", "`file` that says what happens when calls fail")
	flag.IntVar(&s.atOnce, "at-once", 100, "how many calls, and how many streams, run at once")
	flag.BoolVar(&s.levers, "levers", false, "obey the levers of the demo, see faults.go")
	attached := flag.Bool("attached", false, "stop when the standard input ends")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))

	ctx, stop := serve.Context(*attached)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	policies, err := policy.Load(s.policy, policy.Defaults(hardStop))
	if err != nil {
		return err
	}
	go policies.Watch(ctx, time.Second, reloaded)

	conn, err := grpc.NewClient(s.backend, append(interceptors.DialOptions(interceptors.Policies(policies)), plaintext)...)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var service assistantv1.AssistantServer = &assistant{model: assistantv1.NewModelBackendClient(conn)}
	if s.levers {
		service = faulty{service}
	}
	texts, err := translations()
	if err != nil {
		return err
	}
	server := grpc.NewServer(append(append(serverOptions(policies, texts, s.atOnce), newGuard().options()...), serve.Log())...)
	assistantv1.RegisterAssistantServer(server, service)
	return serve.Run(ctx, server, s.listen, os.Stdout)
}

// hardStop has calls answered in time even where a handler does not look at its context. It is for developers to say,
// not for operators, so it is not in the file.
func hardStop(p *policy.Policy) { p.HardStop = true }

func reloaded(err error) {
	if err != nil {
		slog.Warn("the policies stay as they are", "cause", err.Error())
		return
	}
	slog.Info("the policies were read anew")
}

// The example speaks plain text, on the loopback interface only.
var plaintext = grpc.WithTransportCredentials(insecure.NewCredentials())
