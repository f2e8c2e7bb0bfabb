package async

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// Group runs parts of one piece of work in goroutines. The zero Group has no limit and
// cancels nothing when a part fails; [NewGroup] makes one that does. It must not be
// copied, and is safe for concurrent use.
type Group struct {
	ctx    context.Context // nil in the zero Group
	cancel context.CancelCauseFunc
	parts  sync.WaitGroup

	mu     sync.Mutex
	places chan struct{}   // nil: no limit
	ranked []*status.Error // of which one becomes the group's
	failed []error         // what came back, without what tells nothing
}

// NewGroup makes a group and the context for its parts, which is cancelled when a part
// fails, with that error as its cause, and when Wait returns. Wait has to be called.
func NewGroup(ctx context.Context) (*Group, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}, ctx
}

// SetLimit allows n parts to run at a time; 0 or less: any number. It holds for what
// [Group.Go] is called with from now on and does not count what runs already.
func (g *Group) SetLimit(n int) {
	var places chan struct{}
	if n > 0 {
		places = make(chan struct{}, n)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.places = places
}

// Go calls f in a goroutine of its own, once there is a place for it. If the group's
// context ends while it waits for one, f is not called, and that is an error. A panic
// in f, or its end by runtime.Goexit, is one too: INTERNAL, with a *status.PanicError
// as its cause.
func (g *Group) Go(f func() error) {
	release, ok := g.enter()
	if !ok {
		return
	}
	g.parts.Go(func() {
		defer release()
		var r result[struct{}]
		defer func() { g.note(r.err) }()
		r.from(func() (struct{}, error) { return struct{}{}, f() })
	})
}

// enter waits for a place.
func (g *Group) enter() (release func(), ok bool) {
	g.mu.Lock()
	places := g.places
	g.mu.Unlock()
	if places == nil {
		return func() {}, true
	}
	var over <-chan struct{}
	if g.ctx != nil {
		over = g.ctx.Done()
	}
	select {
	case places <- struct{}{}:
	default:
		select {
		case places <- struct{}{}:
		case <-over:
			g.note(g.ctx.Err())
			return nil, false
		}
	}
	return func() { <-places }, true
}

// note remembers what a part returned. After the first failure has cancelled the
// others, one that only says that it was cancelled tells nothing, and one without a
// status is kept for the log: more likely than not it comes of that too.
func (g *Group) note(err error) {
	if err == nil {
		return
	}
	e, known := describe(err)
	g.mu.Lock()
	first := len(g.ranked) == 0
	alone := first || g.ctx == nil
	if first && g.ctx != nil && ended(g.ctx) && mayFollow(e, known) { // the caller gave up
		e = interruption(g.ctx.Err(), err)
	}
	if alone || e.Code() != codes.Canceled {
		g.failed = append(g.failed, err)
	}
	if (alone || known && e.Code() != codes.Canceled) && !slices.Contains(g.ranked, e) {
		g.ranked = append(g.ranked, e)
	}
	g.mu.Unlock()
	if first && g.cancel != nil {
		g.cancel(status.Finite(err))
	}
}

// Wait waits for all parts, and returns nil or a *status.Error: of the failures the
// one that forbids a repeat most, as status.Classify ranks them, an error of this
// process before one that another service returned. All of them are its causes.
// Cancellations that follow the first failure do not count. It may be called again,
// and by many goroutines.
func (g *Group) Wait() error {
	g.parts.Wait()
	if g.cancel != nil {
		g.cancel(nil)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case len(g.ranked) == 0:
		return nil
	case len(g.failed) == 1:
		return g.ranked[0]
	}
	errs := make([]error, len(g.ranked))
	for i, e := range g.ranked {
		errs[i] = e
	}
	worst, _ := status.From(errors.Join(errs...))
	return worst.With(status.Cause(errors.Join(g.failed...)))
}
