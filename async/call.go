package async

import (
	"context"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// call is one run of an operation, with all its attempts.
type call[T any] struct {
	operation *Operation[T]
	policy    *policy.Policy
	caller    context.Context
	op        func(context.Context) (T, error)
	fallbacks []Substitute[T]

	ctx     context.Context // ends with the operation's time
	present context.Context // with the attempt's
	value   T               // what it returned
}

// run makes the attempts, and returns nil or what they failed with.
func (c *call[T]) run() *status.Error {
	ctx, cancel := c.bounded()
	defer cancel()
	c.ctx = ctx
	if e := c.refusal(); e != nil {
		return c.operation.sign(e)
	}
	r := retry.Run{
		Policy: c.policy, Budget: &c.operation.budget, Repeatable: c.operation.Idempotent || c.policy.Idempotent,
	}
	r.Deadline, _ = ctx.Deadline()
	err := c.Again(ctx, 1)
	if err != nil {
		err = r.Repeat(ctx, err, c)
	}
	r.End(err)
	e, _ := status.From(err)
	if code := e.ErrorCode(); code == status.CodeTimeout || code == status.CodeCancelled {
		return c.operation.sign(e) // the loop makes these too, and knows no name
	}
	return e
}

// bounded gives the operation its time.
func (c *call[T]) bounded() (context.Context, context.CancelFunc) {
	now := time.Now()
	end, ok := c.caller.Deadline()
	own := ok
	if ok && len(c.fallbacks) > 0 {
		end, own = end.Add(-deadline.Reserve(end.Sub(now))), false
	}
	if t := c.policy.Timeout; t > 0 && (!ok || end.Sub(now) > t) {
		end, ok, own = now.Add(t), true, false
	}
	if !ok || own {
		return c.caller, func() {}
	}
	return context.WithDeadline(c.caller, end)
}

// maxLeft is how many goroutines of an operation may be left behind: they still hold
// memory, and whatever they wait for.
const maxLeft = 100

// refusal is the error of an operation that cannot begin.
func (c *call[T]) refusal() *status.Error {
	end, ok := c.ctx.Deadline()
	switch err := c.ctx.Err(); {
	case err != nil:
		return interruption(err, err).With(status.Outcome(status.NotApplied))
	case ok && time.Until(end) < max(c.policy.MinTimeout, 1):
		return status.Timeout(context.DeadlineExceeded, status.Outcome(status.NotApplied))
	case c.operation.left.Load() >= maxLeft:
		return status.New(codes.Unavailable, "OPERATIONS_STUCK", "too many operations of this kind do not end",
			status.Outcome(status.NotApplied), status.RetryAfter(time.Second),
			status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED))
	}
	return nil
}

var _ retry.Op = (*call[int])(nil)

// Again makes one attempt. It never overlaps another: where an attempt has a time of
// its own, its end is not a hard stop.
func (c *call[T]) Again(ctx context.Context, _ int) (err error) {
	if t := c.policy.AttemptTimeout; t > 0 {
		attempt, cancel := context.WithTimeout(ctx, t)
		defer cancel()
		ctx = attempt
	}
	c.present = ctx
	c.value, err = c.do(c.ctx, func() (T, error) { return c.op(ctx) })
	return err
}

// Judge tells what became of the present attempt. Contexts tell who gave up.
func (c *call[T]) Judge(err error) retry.Failure {
	f := retry.Failure{Err: c.operation.read(c.present, err), GivenUp: ended(c.ctx)}
	f.Inner = f.Err.Received()
	f.TimedOut = !f.GivenUp && ended(c.present) && f.Err.ErrorCode() == status.CodeTimeout
	return f
}

// Admit is true: the budget is limit enough.
func (c *call[T]) Admit() bool { return true }

// Remedy is false: nobody here carries out what is meant for the client of a service.
func (c *call[T]) Remedy(context.Context, retry.Failure) bool { return false }

// do calls f, and waits for it to return, or where the policy has a hard stop for no
// longer than its limit.
func (c *call[T]) do(limit context.Context, f func() (T, error)) (T, error) {
	t := start(f)
	if !c.policy.HardStop || t.endsBy(limit) {
		return t.wait()
	}
	c.operation.left.Add(1)
	go c.late(t)
	var none T
	return none, limit.Err()
}

// late waits for what was left behind. What it returns nobody gets, but a panic is
// not hidden.
func (c *call[T]) late(t *task[T]) {
	_, err := t.wait()
	c.operation.left.Add(-1)
	if e, ok := err.(*status.Error); ok && panicked(e) {
		c.operation.report(c.caller, Failure{Operation: c.operation.name(), Err: c.operation.unexpected(e.Unwrap())})
	}
}

// ended reports whether nobody waits any more.
func ended(ctx context.Context) bool { return ctx.Err() != nil || deadline.Passed(ctx) }
