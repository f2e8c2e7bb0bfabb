package interceptors

import (
	"context"
	"sync"
	"time"
	"weak"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/status"
)

// Observer is told what becomes of calls, for traces, metrics and logs. It is used by
// many calls at once, must not block, and changes nothing: a panic in it is ignored. It is
// told of one thing of a call after the other, under a lock of the call, which it must not
// use itself. Package telemetry has one.
type Observer interface {
	// Attach is called once for a server, and once for each DialOptions. What read
	// returns is true until whatever it tells of is gone.
	Attach(side Side, read func() (Levels, bool))
	// Begin is told of a call before anything is done for it. The context that it
	// returns, derived from ctx, is the call's: hooks, handlers and the network get it.
	// Nil stands for ctx.
	Begin(ctx context.Context, o *Observation) context.Context
	// Attempt is told of each attempt that a client makes, and of each run of a
	// handler, from 1, and returns its context as Begin does. What went wrong with the
	// one before an Event has told.
	Attempt(ctx context.Context, o *Observation, n int) context.Context
	// Event is told of what happens to a call on its way.
	Event(ctx context.Context, o *Observation, e Event)
	// End is told of the end of every call, once, with what went wrong: nil if nothing
	// did. Of a call that a repeat or a fallback has saved it is the failure that was
	// made up for. Its Err is nil where nothing is known but that the answer is
	// degraded.
	End(ctx context.Context, o *Observation, f *Failure)
}

// Observation is one call, from its Begin to its End, and must not be kept longer.
// Attempt and Event may be called from several goroutines, one after the other.
type Observation struct {
	Call
	// Target is what a client has dialled, as it was given to grpc.NewClient; empty on a
	// server.
	Target string
	// State is the observer's own.
	State any
}

// Event is something that happened to a call on its way.
type Event struct {
	Kind EventKind
	// Reason is a fixed word, see the kinds.
	Reason string
	// Err is what led to it, nil if nothing did.
	Err *status.Error
	// Attempt is the number of the attempt that has failed.
	Attempt int
	// Delay is how long a repeat waits.
	Delay time.Duration
	// Failure is what a handler that was left behind has panicked with, nil if it has
	// not.
	Failure *Failure
}

// EventKind says what an Event is.
type EventKind uint8

// Reasons are in parentheses.
const (
	// EventRefused: the call was not let through, by a client (throttle) or a server
	// (deadline, limit, stuck: too many handlers that do not return).
	EventRefused EventKind = iota + 1
	// EventRepeat: an attempt has failed, and another follows after Delay, which
	// was asked for by the policy (backoff) or the server (retry_info, pushback), or is
	// due to an action that was carried out (action).
	EventRepeat
	// EventGivenUp: an attempt has failed, and no other follows: the failure, or its
	// caller, rules it out (final), it might do harm (unsafe), all were made
	// (exhausted), the budget is empty (budget), there is too little time (time), or
	// the server is overloaded (throttle). It comes after an EventRepeat too, of a
	// call that was given up while it waited.
	EventGivenUp
	// EventFallback: a substitute was asked; Err is nil if it answers. The reason is
	// what Substitute.From says, "fallback" if nothing.
	EventFallback
	// EventAbandoned: the handler was left behind (deadline, silence).
	EventAbandoned
	// EventReturned: a handler that was left behind has returned, with Failure if it
	// panicked. The call has ended, and Observation is nil.
	EventReturned
)

// Levels are what an Observer may want to know at any time.
type Levels struct {
	// Abandoned is how many handlers are left behind and have not returned.
	Abandoned int
	// Budgets are those of a client's repeats.
	Budgets []BudgetLevel
}

// BudgetLevel is what is left of the budget for repeats of a service on a target,
// from 0 to 1.
type BudgetLevel struct {
	Target, Service string
	Level           float64
}

// Observe has an observer told of every call. It takes the place of what is logged by
// default, see [OnFailure]. Of several the last counts, and nil is none.
func Observe(o Observer) Option {
	return bothOption{
		server: func(s *server) { s.observer = o },
		client: func(c *client) { c.observer = o },
	}
}

// attach gives the observer a view of the levels that does not keep what it looks at.
func attach[T any](o Observer, side Side, of *T, read func(*T) Levels) {
	if o == nil {
		return
	}
	defer func() { _ = recover() }()
	there := weak.Make(of)
	o.Attach(side, func() (Levels, bool) {
		of := there.Value()
		if of == nil {
			return Levels{}, false
		}
		return read(of), true
	})
}

func (s *server) levels() Levels { return Levels{Abandoned: int(s.abandoned.Load())} }

func (c *client) levels() Levels { return Levels{Budgets: c.methods.budgets()} }

// observed is a call and its observer. Nil, or without one, it does nothing. A stream
// that its caller has given up ends while it may still be at work, so that there is a
// lock: nothing is told after the end.
type observed struct {
	observer Observer // nil: nobody

	mu       sync.Mutex
	ended    bool
	ctx      context.Context // the call's
	seen     Observation
	degraded *recoursev1.Degraded // a mark that came with the answer
	failure  *Failure             // how the call ended, or what was made up for
}

// wanted reports whether anybody observes the call.
func (w *observed) wanted() bool { return w != nil && w.observer != nil }

// begin returns the context of the call.
func (w *observed) begin(ctx context.Context, o Observer, call Call, target string) context.Context {
	w.observer, w.ctx, w.seen.Call, w.seen.Target = o, ctx, call, target
	w.ctx = guarded(ctx, func() context.Context { return o.Begin(ctx, &w.seen) })
	return w.ctx
}

// attempt returns the context of an attempt.
func (w *observed) attempt(ctx context.Context, n int) context.Context {
	if !w.wanted() {
		return ctx
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return ctx
	}
	return guarded(ctx, func() context.Context { return w.observer.Attempt(ctx, &w.seen, n) })
}

// guarded returns what an observer makes of a context.
func guarded(ctx context.Context, f func() context.Context) (next context.Context) {
	defer func() {
		if recover() != nil || next == nil {
			next = ctx
		}
	}()
	return f()
}

func (w *observed) tell(e Event) {
	if !w.wanted() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		tell(w.ctx, w.observer, &w.seen, e)
	}
}

func tell(ctx context.Context, to Observer, o *Observation, e Event) {
	defer func() { _ = recover() }()
	to.Event(ctx, o, e)
}

// decided tells what follows a failed attempt.
func (w *observed) decided(d retry.Decision) {
	kind := EventGivenUp
	if d.Again {
		kind = EventRepeat
	}
	w.tell(Event{Kind: kind, Reason: d.Reason, Err: d.Err, Attempt: d.Attempt, Delay: d.Wait})
}

// failed remembers a failure for the end: the last one counts.
func (w *observed) failed(f Failure) {
	if w.wanted() {
		last := f // f itself stays on the stack of those whom nobody watches
		w.mu.Lock()
		w.failure = &last
		w.mu.Unlock()
	}
}

// marked remembers that the answer is degraded.
func (w *observed) marked(d *recoursev1.Degraded) {
	if d != nil && w.wanted() {
		w.mu.Lock()
		w.degraded = d
		w.mu.Unlock()
	}
}

// end tells of the end, once.
func (w *observed) end() {
	if !w.wanted() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.ended = true
	f := w.failure
	switch {
	case w.degraded == nil:
	case f == nil:
		f = &Failure{Call: w.seen.Call, Degraded: w.degraded}
	case f.Degraded == nil && f.Saved:
		f.Degraded = w.degraded
	}
	defer func() { _ = recover() }()
	w.observer.End(w.ctx, &w.seen, f)
}
