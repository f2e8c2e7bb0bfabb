package interceptors

import (
	"context"
	"sync"
	"sync/atomic"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Override changes the policy of one call: change gets a copy of the one that
// holds for the method. It works without [Policies] too, from a policy that does
// nothing. A policy that is impossible then fails the call, see policy.Policy's
// Validate:
//
//	client.Process(ctx, req, interceptors.Override(func(p *policy.Policy) { p.MaxAttempts = 1 }))
func Override(change func(*policy.Policy)) grpc.CallOption {
	return callOption{apply: func(s *callSettings) {
		if change != nil {
			s.changes = append(s.changes, change)
		}
	}}
}

// Idempotent says that this call may be repeated, whatever is known of its
// method.
func Idempotent() grpc.CallOption {
	return Override(func(p *policy.Policy) { p.Idempotent = true })
}

// Degraded points mark to the mark of the answer where that is degraded, not the
// real one but the best that was left, and to nil where it is the real one. On a
// stream it does so with the first message where the server knew by then, and when
// the stream has ended.
//
//	var mark *recoursev1.Degraded
//	reply, err := client.Process(ctx, req, interceptors.Degraded(&mark))
func Degraded(mark **recoursev1.Degraded) grpc.CallOption {
	return callOption{apply: func(s *callSettings) {
		if mark == nil {
			return
		}
		*mark = nil
		s.tell = append(s.tell, func(d *recoursev1.Degraded) { *mark = d })
	}}
}

// DegradedAsError makes a degraded answer a failure: UNAVAILABLE, with the error
// code that the real answer ended with. The client's own fallbacks are not asked.
// Use it for all calls of a connection with grpc.WithDefaultCallOptions.
func DegradedAsError() grpc.CallOption {
	return callOption{apply: func(s *callSettings) { s.strict = true }}
}

// WatchDegraded is for code that cannot pass call options: seen returns the mark
// of the last call made with the returned context whose answer was degraded, nil
// if there was none. It is safe for concurrent use.
func WatchDegraded(ctx context.Context) (watched context.Context, seen func() *recoursev1.Degraded) {
	w := &degradedWatch{outer: watchIn(ctx)}
	raise(&watching)
	return context.WithValue(ctx, watchKey{}, w), w.seen
}

type watchKey struct{}

type degradedWatch struct {
	outer *degradedWatch
	mu    sync.Mutex
	last  *recoursev1.Degraded
}

// watching spares programs that never watch the search in every context.
var watching atomic.Bool

func watchIn(ctx context.Context) *degradedWatch {
	if !watching.Load() {
		return nil
	}
	w, _ := ctx.Value(watchKey{}).(*degradedWatch)
	return w
}

func (w *degradedWatch) seen() *recoursev1.Degraded {
	w.mu.Lock()
	defer w.mu.Unlock()
	return proto.CloneOf(w.last)
}

func (w *degradedWatch) tell(d *recoursev1.Degraded) {
	for ; w != nil; w = w.outer {
		w.mu.Lock()
		w.last = d
		w.mu.Unlock()
	}
}

// callOption travels through gRPC, which ignores it.
type callOption struct {
	grpc.EmptyCallOption
	apply func(*callSettings)
}

// callSettings is what the options of one call ask of this package. Nil asks
// nothing.
type callSettings struct {
	changes  []func(*policy.Policy)
	tell     []func(*recoursev1.Degraded)
	strict   bool
	onFinish []func(error) // gRPC would call them for each attempt
	done     sync.Once     // they were called
}

// settingsOf reads the options that concern this package, and returns the others
// with those removed that it carries out itself.
func settingsOf(opts []grpc.CallOption) (s *callSettings, rest []grpc.CallOption) {
	if !concerned(opts) {
		return nil, opts
	}
	s = new(callSettings)
	for _, o := range opts {
		switch o := o.(type) {
		case callOption:
			o.apply(s)
		case grpc.OnFinishCallOption:
			s.onFinish = append(s.onFinish, o.OnFinish)
		default:
			rest = append(rest, o)
		}
	}
	return s, rest
}

func concerned(opts []grpc.CallOption) bool {
	for _, o := range opts {
		switch o.(type) {
		case callOption, grpc.OnFinishCallOption:
			return true
		}
	}
	return false
}

// asks reports whether there is more to it than what gRPC does by itself.
func (s *callSettings) asks() bool {
	return s != nil && (s.strict || len(s.changes)+len(s.tell) > 0)
}

// policy applies the call's own changes.
func (s *callSettings) policy(p *policy.Policy) (*policy.Policy, error) {
	if s == nil || len(s.changes) == 0 {
		return p, nil
	}
	own := *p
	for _, change := range s.changes {
		change(&own)
	}
	if err := own.Validate(); err != nil {
		return nil, status.New(codes.Internal, codeOverride, "the options of the call make an impossible policy",
			status.Cause(err), status.Outcome(status.NotApplied))
	}
	return &own, nil
}

func (s *callSettings) refusesDegraded() bool { return s != nil && s.strict }

// watches reports whether the application wants to know of a degraded answer.
func (s *callSettings) watches() bool { return s != nil && (s.strict || len(s.tell) > 0) }

// mark tells the application of a degraded answer.
func (s *callSettings) mark(d *recoursev1.Degraded) {
	if s == nil {
		return
	}
	for _, tell := range s.tell {
		tell(d)
	}
}

// waited reports whether the application wants to know the end of the call.
func (s *callSettings) waited() bool { return s != nil && len(s.onFinish) > 0 }

// finished tells the application that the call is over.
func (s *callSettings) finished(err error) {
	if !s.waited() {
		return
	}
	s.done.Do(func() {
		for _, f := range s.onFinish {
			call(f, err)
		}
	})
}

// call calls a function of the application, which may panic.
func call(f func(error), err error) {
	defer func() { _ = recover() }()
	if f != nil {
		f(err)
	}
}
