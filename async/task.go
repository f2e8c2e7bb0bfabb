package async

import (
	"context"
	"time"

	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/status"
)

// Go calls f in a goroutine of its own. The function that it returns waits for f and
// returns what f did, as often and by as many goroutines as it is called. A panic in f,
// or its end by runtime.Goexit, is an error: INTERNAL, with a *status.PanicError as its
// cause. In a handler, that error is the answer to its call.
//
// ctx is for f, which has to honour it: the wait ends with f and not before, so that
// no result is lost and no goroutine left. Call it even if nobody needs the result,
// for a panic is not seen otherwise.
func Go[T any](ctx context.Context, f func(context.Context) (T, error)) (wait func() (T, error)) {
	return start(func() (T, error) { return f(ctx) }).wait
}

// task is a function that runs in a goroutine of its own.
type task[T any] struct {
	result[T]
	done chan struct{}
}

func start[T any](f func() (T, error)) *task[T] {
	t := &task[T]{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.from(f)
	}()
	return t
}

func (t *task[T]) wait() (T, error) {
	<-t.done
	return t.value, t.err
}

// endsBy waits until the function has returned, or a moment after the end of ctx.
func (t *task[T]) endsBy(ctx context.Context) bool {
	select {
	case <-t.done:
		return true
	case <-ctx.Done():
	}
	timer := time.NewTimer(deadline.Grace)
	defer timer.Stop()
	select {
	case <-t.done:
		return true
	case <-timer.C:
		return false
	}
}

// result is what a function returned.
type result[T any] struct {
	value T
	err   error
}

// from calls f. If f ends the goroutine, r is set all the same, but only deferred
// functions can see it.
func (r *result[T]) from(f func() (T, error)) {
	returned := false
	defer func() {
		if !returned {
			r.err = status.Panicked(recover())
		}
	}()
	r.value, r.err = f()
	returned = true
}
