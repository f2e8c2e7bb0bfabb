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
	// Aware does the same, but looks at the deadline when a call's turn comes, and
	// leaves out what nobody waits for, or cannot be done in time any more.
	Aware
	// Limited is a server of this library, with Policies and a Limit.
	Limited
)

func (v Server) String() string { return [...]string{"naive", "deadline-aware", "ours"}[v] }

type worker func(context.Context, *wrapperspb.Int64Value) (*wrapperspb.Int64Value, error)

// options are those of the library, if the server uses it.
func (v Server) options(s Scenario) []grpc.ServerOption {
	if v != Limited {
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
	switch v {
	case Naive:
		return queued(s, work)
	case Aware:
		return queued(s, inTime(s, work))
	default:
		return work
	}
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

// inTime leaves out what would be late.
func inTime(s Scenario, next worker) worker {
	return func(ctx context.Context, id *wrapperspb.Int64Value) (*wrapperspb.Int64Value, error) {
		end, ok := ctx.Deadline()
		if ctx.Err() != nil || ok && time.Until(end) < s.Work {
			return nil, status.Error(codes.DeadlineExceeded, "too late")
		}
		return next(ctx, id)
	}
}
