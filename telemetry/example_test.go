package telemetry_test

import (
	"fmt"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/telemetry"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// One Telemetry is for all servers and connections of a program.
func ExampleNew() {
	t, err := telemetry.New(telemetry.Config{}) // what is global: OpenTelemetry's providers, slog.Default
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Flush() // before the program ends

	server := grpc.NewServer(interceptors.ServerOptions(interceptors.Observe(t))...)
	defer server.Stop()
	creds := grpc.WithTransportCredentials(insecure.NewCredentials())
	conn, err := grpc.NewClient("localhost:50051", append(interceptors.DialOptions(interceptors.Observe(t)), creds)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close() }()
	fmt.Println(conn.CanonicalTarget())
	// Output: dns:///localhost:50051
}
