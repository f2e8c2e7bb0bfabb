package main

import (
	"context"
	"strings"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// guard lets a call in: with a token, within the quota of its user, with valid requests. These are interceptors as one
// writes them without recourse. Installed after its ServerOptions, they simply return errors.
type guard struct{ quota quota }

func newGuard() *guard { return &guard{} }

func (g *guard) options() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(g.unary), grpc.ChainStreamInterceptor(g.stream)}
}

func (g *guard) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	who, err := g.admit(ctx)
	if err != nil {
		return nil, err
	}
	if err := validate(who, req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g *guard) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	who, err := g.admit(stream.Context())
	if err != nil {
		return err
	}
	return handler(srv, &guardedStream{stream, who})
}

// guardedStream validates what it receives.
type guardedStream struct {
	grpc.ServerStream
	who user
}

func (s *guardedStream) RecvMsg(req any) error {
	if err := s.ServerStream.RecvMsg(req); err != nil {
		return err
	}
	return validate(s.who, req)
}

func (g *guard) admit(ctx context.Context) (user, error) {
	who, err := authenticate(ctx)
	if err != nil {
		return user{}, err
	}
	return who, g.quota.spend(who, time.Now())
}

type user struct {
	name      string
	plan      string
	perMinute int // calls
	staff     bool
}

// users is who may call, by token. A real service asks its identity provider.
var users = map[string]user{
	"token-of-ada":   {name: "ada", plan: "pro", perMinute: 600},
	"token-of-quinn": {name: "quinn", plan: "free", perMinute: 2},
	"token-of-otto":  {name: "otto", plan: "staff", perMinute: 600, staff: true},
}

// caller tells callers apart, for what depends on who has failed before.
func caller(ctx context.Context) string {
	who, _ := authenticate(ctx)
	return who.name
}

// trust lets our own people see which service has failed behind this one.
func trust(ctx context.Context) status.Trust {
	if who, err := authenticate(ctx); err == nil && who.staff {
		return status.Internal
	}
	return status.Public
}

func authenticate(ctx context.Context) (user, error) {
	token := ""
	for _, v := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		token, _ = strings.CutPrefix(v, "Bearer ")
	}
	if token == "" {
		return user{}, assistantv1.TokenMissing{}.Err()
	}
	who, ok := users[token]
	if !ok {
		return user{}, assistantv1.TokenExpired{}.Err()
	}
	return who, nil
}
