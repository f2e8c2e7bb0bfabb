package async

import (
	"context"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// read makes a *status.Error of what the operation returned to a context.
func (o *Operation[T]) read(ctx context.Context, err error) *status.Error {
	e, known := describe(err, o.Classifiers...)
	switch {
	case ended(ctx) && generic(e): // whatever it is, it came of that
		return o.sign(interruption(ctx, err))
	case undescribed(e):
		return o.unexpected(e.Unwrap())
	case known:
		return e
	}
	return o.sign(e)
}

func (o *Operation[T]) unexpected(cause error) *status.Error { return status.Operation(o.name(), cause) }

// sign says which operation an error made here is about.
func (o *Operation[T]) sign(e *status.Error) *status.Error {
	if e.Operation() != "" {
		return e
	}
	return e.With(status.Attach(&recoursev1.ErrorDetail{
		ErrorCode: e.ErrorCode(), Domain: e.Domain(), Operation: o.name(), // of another error it would be left out
	}))
}

// describe returns the status that err has, and whether it has one or was given one.
// What was wrapped around it stays behind it.
func describe(err error, classifiers ...status.Classifier) (e *status.Error, known bool) {
	e, known = status.From(err)
	if !known {
		return status.Classify(err, classifiers...), false
	}
	switch wrapper := err.(type) {
	case *status.Error:
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		_ = wrapper
		return e.With(status.Cause(err)), true
	}
	return e, true
}

func interruption(ctx context.Context, cause error) *status.Error {
	if ctx.Err() == context.Canceled {
		return status.Classify(context.Canceled).With(status.Cause(cause))
	}
	return status.Timeout(cause)
}

// generic reports whether an error has an identity that somebody gave it, rather than
// one that a context's end leads to, which is different for every driver.
func generic(e *status.Error) bool {
	switch e.ErrorCode() {
	case status.CodeTimeout, status.CodeCancelled, status.CodeDependencyTimeout, status.CodeDependencyUnavailable,
		"DEADLINE_EXCEEDED", "CANCELLED": // statuses of gRPC's own
		return true
	}
	return undescribed(e) && !panicked(e)
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

// serverFault tells failures of a service from those that its caller can mend, as the
// interceptors do.
func serverFault(c codes.Code) bool {
	switch c {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted,
		codes.Internal, codes.Unknown, codes.DataLoss:
		return true
	}
	return false
}
