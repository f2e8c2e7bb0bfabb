//go:build !race

package interceptors

import (
	"context"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Each side by itself, with policies and without a network.
func BenchmarkDirect(b *testing.B) {
	set, err := policy.New()
	if err != nil {
		b.Fatal(err)
	}
	s, c := newServer(Policies(set)), &client{policies: set}
	bounded, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	req, empty := wrapperspb.String("request"), new(wrapperspb.StringValue)
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	handler := func(context.Context, any) (any, error) { return req, nil }
	for _, row := range []struct {
		name string
		ctx  context.Context
	}{{"deadline", bounded}, {"none", b.Context()}} {
		served := incoming(row.ctx)
		b.Run("server/"+row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = s.unary(served, req, info, handler)
			}
		})
		b.Run("client/"+row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = c.unary(row.ctx, "/a.B/C", req, empty, nil, finished)
			}
		})
	}
}
