package async

import (
	"context"
	"errors"
	"slices"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/fallback"
	"github.com/recourse-dev/recourse/status"
)

// Substitute answers in place of an operation that failed. Make one with [Fallback].
type Substitute[T any] struct {
	answer func(ctx context.Context, cause *status.Error) (T, error)
	codes  []string // empty: failures of a service
}

// Fallback makes a substitute of a function, for failures with one of the error codes,
// such as "MODEL_OVERLOADED", or the name of a gRPC code where an error has none of its
// own. Without error codes it is for the failures of a service: UNAVAILABLE,
// DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNKNOWN, DATA_LOSS. cause
// is what the operation failed with.
//
// It is asked after all repeats. All substitutes together may take the policy's
// FallbackTimeout, even if the time of the operation and of its caller is up, but they
// end when the caller gives up. One that fails or panics leaves the answer to the next.
// They are asked unless the policy's Fallback is off.
func Fallback[T any](
	answer func(ctx context.Context, cause *status.Error) (T, error), errorCodes ...string,
) Substitute[T] {
	return Substitute[T]{answer: answer, codes: slices.Clone(errorCodes)}
}

// fallBack asks the fallbacks for an answer. It returns the mark of theirs, or the
// error of the operation.
func (c *call[T]) fallBack(e *status.Error) (answer T, mark *recoursev1.Degraded, err *status.Error) {
	if len(c.fallbacks) == 0 || c.caller.Err() == context.Canceled {
		return answer, nil, e
	}
	ctx, cancel := deadline.Outliving(c.caller, c.policy.FallbackTimeout)
	defer cancel()
	failed := []error{e.Unwrap()}
	for _, s := range c.fallbacks {
		if !fallback.MeantFor(s.codes, e) || ctx.Err() != nil {
			continue
		}
		value, err := c.do(ctx, func() (T, error) { return s.answer(ctx, e) })
		if err == nil {
			return value, fallback.Mark(recoursev1.Degraded_KIND_SUBSTITUTE, "", e), nil
		}
		failed = append(failed, err)
	}
	if len(failed) == 1 {
		return answer, nil, e
	}
	return answer, nil, e.With(status.Cause(errors.Join(failed...)))
}
