package main

import (
	"context"
	"errors"
	"fmt"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// ask is the whole of a client that guides people. The other commands do the same, and show more.
func ask(ctx context.Context, addr, query string) error {
	// [readme:client]
	conn, err := grpc.NewClient(addr, append(interceptors.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return err
	}
	defer conn.Close()
	reply, err := assistantv1.NewAssistantClient(conn).Process(ctx, &assistantv1.ProcessRequest{Query: query})
	switch e, guided := status.From(err); {
	case err == nil:
		fmt.Println(reply.GetAnswer())
	case errors.Is(err, assistantv1.ErrIntentNotUnderstood): // an error code, compared across the network
		fmt.Println("I can help with the weather, an order, a refund or a flight.")
	case guided: // whatever else went wrong, on a server with recourse or without
		fmt.Println(e.Suggestion(), "Request id:", e.RequestID())
	}
	// [/readme:client]
	return err
}
