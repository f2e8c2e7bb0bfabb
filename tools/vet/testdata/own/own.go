// Package own has a service and its handlers.
package own

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type till struct{}

func (till) Pay(context.Context, *Request) (*Request, error) {
	return nil, status.Error(codes.Internal, "broken") // want `CODE_UNDECLARED: Pay answers`
}

func (till) Watch(*Request, Till_WatchServer) error {
	return status.Error(codes.Internal, "broken") // want `CODE_UNDECLARED: Watch answers`
}

// wrapper is what it wraps, but for a method.
type wrapper struct{ TillServer }

func (wrapper) Pay(context.Context, *Request) (*Request, error) {
	return UnimplementedTillServer{}.Pay(nil, nil)
}

// stream is no service: nobody registers it.
type stream struct{}

func (stream) Send(*Request) error { return status.Error(codes.Internal, "broken") }

// Message is no error.
type Message struct{}

func (Message) Error(int) string { return "hello" }

type shelf struct{ UnimplementedShelfServer }

func (shelf) Put(context.Context, *Request) (*Request, error) {
	return nil, status.Error(codes.Internal, "broken") // want `CODE_UNDECLARED: Put answers`
}

// NotAServer is an interface of its author's.
type NotAServer interface{ Do() error }

func RegisterNotAServer(names map[string]NotAServer, s NotAServer) { names[""] = s }

type notA struct{}

func (notA) Do() error { return status.Error(codes.Internal, "broken") }
