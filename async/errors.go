package async

import (
	"context"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
)

// read makes a *status.Error of what the operation returned to a context.
func (o *Operation[T]) read(ctx context.Context, err error) *status.Error {
	e, known := describe(err, o.Classifiers...)
	switch {
	case ended(ctx) && mayFollow(e, known):
		return o.sign(interruption(ctx.Err(), err))
	case undescribed(e):
		return o.unexpected(e.Unwrap())
	case known:
		return e
	}
	return o.sign(e)
}

func (o *Operation[T]) unexpected(cause error) *status.Error {
	return status.Operation(o.name(), cause)
}

// sign says which operation an error made here is about.
func (o *Operation[T]) sign(e *status.Error) *status.Error {
	if e.Operation() != "" {
		return e
	}
	return e.With(status.Attach(&recoursev1.ErrorDetail{
		ErrorCode: e.ErrorCode(), Domain: e.Domain(), Operation: o.name(), // of another error it would be left out
	}))
}

// describe returns the status that err has, and whether it has one; or else what
// Classify makes of it. What was wrapped around a status stays behind it.
func describe(err error, classifiers ...status.Classifier) (e *status.Error, known bool) {
	if e, known = status.From(err); !known {
		return status.Classify(err, classifiers...), false
	}
	switch err.(type) {
	case *status.Error:
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		return e.With(status.Cause(err)), true
	}
	return e, true
}

// interruption is the error of an operation whose context has ended so, or will in a
// moment.
func interruption(ctxErr, cause error) *status.Error {
	if ctxErr == context.Canceled {
		return status.Classify(context.Canceled).With(status.Cause(cause))
	}
	return status.Timeout(cause)
}

// mayFollow reports whether e may be the consequence of a context that ended. Drivers
// report that as whatever they like.
func mayFollow(e *status.Error, known bool) bool {
	if isInterruption(e) {
		return true
	}
	if !known {
		return e.ErrorCode() == status.CodeUnexpected || e.ErrorCode() == status.CodeDependencyUnavailable
	}
	return undescribed(e) && !panicked(e)
}

func isInterruption(e *status.Error) bool {
	switch e.ErrorCode() {
	case status.CodeTimeout, status.CodeCancelled, status.CodeDependencyTimeout,
		"DEADLINE_EXCEEDED", "CANCELLED": // a status of gRPC's own
		return true
	}
	return false
}

// undescribed reports whether nobody has said anything about what went wrong.
func undescribed(e *status.Error) bool {
	cause := e.Unwrap()
	if e.ErrorCode() != status.CodeUnexpected || cause == nil {
		return false
	}
	_, described := status.From(cause)
	return !described || panicked(e)
}

func panicked(e *status.Error) bool {
	_, ok := e.Unwrap().(*status.PanicError)
	return ok
}
