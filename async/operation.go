package async

import (
	"cmp"
	"context"
	"strings"
	"sync/atomic"
	"unicode"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
)

// Operation is a kind of work that yields a T. Declare it once, for its budget is
// shared by all that run it. It must not be copied, nor changed once it is used; it
// may be run by many goroutines at once.
type Operation[T any] struct {
	// Name is what people call it, "response generation". It becomes part of the error
	// code and is sent, so it holds no data of requests. Empty: "operation".
	Name string

	// Policies says what holds for it. There it is a method of the service "async", with
	// underscores between the words of its name: "/async/response_generation". Read are
	// Timeout, MinTimeout, AttemptTimeout, MaxAttempts, Backoff, MaxBackoff,
	// BackoffMultiplier, Codes, Idempotent, Fallback, FallbackTimeout and HardStop, as a
	// client reads them. Nil: the defaults.
	Policies *policy.Set

	// Classifiers give errors without a status a meaning, as those of a server do.
	Classifiers []status.Classifier

	// Idempotent says that to do it twice does no more than to do it once, so that it
	// may be repeated. The policy can say so too. Otherwise it is repeated only where
	// an error's outcome is NOT_APPLIED.
	Idempotent bool

	// OnFailure is called once for every run that fails, or whose answer is a
	// fallback's; nil: nobody is told. It must not block; a panic in it is ignored.
	OnFailure func(ctx context.Context, f Failure)

	budget retry.Budget
	left   atomic.Int64 // goroutines left behind
}

// Failure is a run that failed.
type Failure struct {
	Operation string // its name
	// Err is the error of the operation; what it was made of is its cause.
	Err *status.Error
	// Degraded is set where a fallback has answered, and Run did not fail.
	Degraded *recoursev1.Degraded
}

// Run does what [Operation.Run] does, for an operation that is declared nowhere: the
// defaults of package policy hold, it is not idempotent, and no budget is shared with
// other runs. Declare an [Operation] for what runs often.
//
//	answer, err := async.Run(ctx, "response generation", generate, async.Fallback(canned))
func Run[T any](
	ctx context.Context, name string, op func(context.Context) (T, error), fallbacks ...Substitute[T],
) (T, error) {
	return (&Operation[T]{Name: name}).Run(ctx, op, fallbacks...)
}

// Run calls op, and if it fails calls it again as long as that is safe, may help and
// fits the time: its error's verdict asks for it, or its code as the policy has it;
// the operation is idempotent, or nothing happened yet; the attempts and the budget
// are not used up. It waits for as long as the error says, or backs off. A wait that
// does not fit returns the error at once.
//
// The time is the policy's Timeout, or what ctx has left if that is less. Where there
// are fallbacks, a twentieth of ctx's time, 2ms to 100ms, is kept for them.
//
// Then the fallbacks are asked, one after the other, see [Fallback]. If none has an
// answer, Run returns the error of op, with theirs among its causes. What op returns
// beside an error is dropped; with a nil error it is the answer, whatever it is and
// however late.
func (o *Operation[T]) Run(
	ctx context.Context, op func(context.Context) (T, error), fallbacks ...Substitute[T],
) (T, error) {
	c := &call[T]{operation: o, policy: o.Policies.For(o.policyName()), caller: ctx, op: op}
	if c.policy.Fallback {
		c.fallbacks = fallbacks
	}
	failed := c.run()
	if failed == nil {
		return c.value, nil
	}
	answer, mark, err := c.fallBack(failed)
	if mark != nil {
		o.report(ctx, Failure{Operation: o.name(), Err: failed, Degraded: mark})
		return answer, nil
	}
	o.report(ctx, Failure{Operation: o.name(), Err: err})
	return answer, err
}

func (o *Operation[T]) name() string { return cmp.Or(o.Name, "operation") }

func (o *Operation[T]) policyName() string {
	if o.Policies == nil {
		return ""
	}
	words := strings.FieldsFunc(o.name(), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
	})
	return "/async/" + strings.Join(words, "_")
}

// report calls the hook, which may panic or end its goroutine.
func (o *Operation[T]) report(ctx context.Context, f Failure) {
	if o.OnFailure == nil {
		return
	}
	_, _ = start(func() (struct{}, error) {
		o.OnFailure(ctx, f)
		return struct{}{}, nil
	}).wait()
}
