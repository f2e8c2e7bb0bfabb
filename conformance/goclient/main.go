// Command goclient goes through the situations of README.md in Go, as polyglot.sh does for the other languages: golden
// errors as grpc-go returns them and as the interceptors do, the rest with grpc-go's own retry and package status.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "goclient:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	fmt.Println("client", grpc.Version)
	if err := readAll(ctx); err != nil {
		return err
	}
	live, err := dial("LIVE_ADDR")
	if err != nil {
		return err
	}
	defer func() { _ = live.Close() }()
	for _, s := range situations {
		v := &visit{ctx: ctx, id: "go/" + s.name, AssistantClient: assistantv1.NewAssistantClient(live)}
		tell(s.name, s.run(v), v.notes...)
	}
	example, err := dial("EXAMPLE_ADDR")
	if err != nil {
		return err
	}
	defer func() { _ = example.Close() }()
	for _, s := range examples {
		v := &visit{ctx: ctx, AssistantClient: assistantv1.NewAssistantClient(example)}
		tell(s.name, s.run(v), v.notes...)
	}
	return nil
}

func readAll(ctx context.Context) error {
	cases, err := golden.Load(os.Getenv("GOLDEN_DIR"))
	if err != nil {
		return err
	}
	files, done, err := golden.InMemory(cases)
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	wire, err := golden.Dial(os.Getenv("GOLDEN_ADDR"))
	if err != nil {
		return err
	}
	defer func() { _ = wire.Close() }()
	for _, c := range cases {
		tell("file/"+c.Name, reads(ctx, files, c))
		if c.FileOnly == "" {
			tell("wire/"+c.Name, reads(ctx, wire, c))
		}
	}
	return nil
}

func reads(ctx context.Context, from *golden.Reader, c golden.Case) error {
	got, err := from.Read(ctx, c)
	if err != nil {
		return err
	}
	return got.Compare(c.Report)
}

// nativeRetry is the service config that README.md asks for.
const nativeRetry = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s",
	"maxBackoff": "0.1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`

func dial(env string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient(os.Getenv(env), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(nativeRetry))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", env, err)
	}
	return conn, nil
}

// tell prints a situation, and what was wrong in it or is to be noted.
func tell(situation string, wrong error, notes ...string) {
	switch note := strings.Join(notes, ", "); {
	case wrong != nil:
		fmt.Printf("not ok %s # %s\n", situation, strings.Join(strings.Fields(wrong.Error()), " "))
	case note != "":
		fmt.Printf("ok %s # %s\n", situation, note)
	default:
		fmt.Println("ok", situation)
	}
}
