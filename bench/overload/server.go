package overload

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Server is a way to meet more calls than there are workers.
type Server uint8

const (
	// Naive is gRPC by itself: all calls wait for a worker, first come, first
	// served, and are worked on whether or not anybody still waits for the answer.
	Naive Server = iota
	// Limited is a server of this library, with Policies and a Limit.
	Limited
)

type worker func(context.Context, *wrapperspb.Int64Value) (*wrapperspb.Int64Value, error)

// options are those of the library, if the server uses it.
func (v Server) options(s Scenario) []grpc.ServerOption {
	if v == Naive {
		return nil
	}
	return interceptors.ServerOptions(
		interceptors.Policies(policies(s)),
		interceptors.Limit(s.Workers, 0),
		interceptors.OnFailure(func(context.Context, interceptors.Failure) {}), // no log
	)
}

// worker is the handler. Its work takes its time whatever becomes of the caller,
// as a computation or a query does.
func (v Server) worker(s Scenario, log *log) worker {
	work := func(_ context.Context, id *wrapperspb.Int64Value) (*wrapperspb.Int64Value, error) {
		log.begin()
		time.Sleep(s.Work)
		log.end(id.GetValue())
		return id, nil
	}
	if v == Naive {
		return queued(s, work)
	}
	return work
}

// queued puts a queue before a handler. A channel serves those that wait for it in
// the order in which they came.
func queued(s Scenario, next worker) worker {
	var present atomic.Int64
	workers := make(chan struct{}, s.Workers)
	return func(ctx context.Context, id *wrapperspb.Int64Value) (*wrapperspb.Int64Value, error) {
		defer present.Add(-1)
		if present.Add(1) > int64(s.Workers+s.Queue) {
			return nil, status.Error(codes.Unavailable, "the queue is full")
		}
		workers <- struct{}{}
		defer func() { <-workers }()
		return next(ctx, id)
	}
}
