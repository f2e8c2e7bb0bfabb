package main

import (
	"context"
	"errors"
	"fmt"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// errNotUnderstood is what errors.Is looks for: the name of an error, without the words around it.
var errNotUnderstood = status.New(codes.InvalidArgument, "INTENT_NOT_UNDERSTOOD", "", status.Domain("assistant.example.com"))

// ask is the whole of a client that guides people. The other commands do the same, and show more.
func ask(ctx context.Context, addr, query string) error {
	// [readme:client]
	conn, err := grpc.NewClient(addr, append(interceptors.DialOptions(), plaintext)...)
	if err != nil {
		return err
	}
	defer conn.Close()
	reply, err := assistantv1.NewAssistantClient(conn).Process(ctx, &assistantv1.ProcessRequest{Query: query})
	if errors.Is(err, errNotUnderstood) { // what went wrong, compared across the network
		fmt.Println("I can help with the weather, an order, a refund or a flight.")
	}
	if e, ok := status.From(err); ok { // and what to do about it
		fmt.Println(e.Suggestion())
		for _, action := range e.RecoveryActions() {
			fmt.Println("-", action.GetLabel())
		}
	}
	// [/readme:client]
	if err == nil {
		fmt.Println(status.Display(reply.GetAnswer(), 0))
	}
	return err
}
