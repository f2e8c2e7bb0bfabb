package serve

import (
	"context"
	"log/slog"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
)

// Log writes a line for each call that arrives, whatever becomes of it. Lines with one request id, of all services
// together, belong to one call of a person; attempts after the first say so.
func Log() grpc.ServerOption { return grpc.StatsHandler(arrivals{}) }

type arrivals struct{}

func (arrivals) HandleRPC(ctx context.Context, event stats.RPCStats) {
	e, ok := event.(*stats.InHeader)
	if !ok {
		return
	}
	slog.InfoContext(ctx, "call arrived", "method", e.FullMethod, "request_id", first(e.Header, "x-request-id"),
		"attempt", 1+number(first(e.Header, "grpc-previous-rpc-attempts")))
}

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // whatever is no number counts for nothing
	return n
}

func (arrivals) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (arrivals) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (arrivals) HandleConn(context.Context, stats.ConnStats)                       {}
