package interceptors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// Failure is a call that failed.
type Failure struct {
	Call
	// Err is the error as it is answered, or on a client as it was read. Its
	// cause is whole; what of it a caller may see is decided when it is sent.
	Err *status.Error
	// Cause is what the handler returned, or on a client what gRPC did.
	Cause error
	// RequestID is what the caller is told to quote, empty if there is none.
	RequestID string
	// Elided is how many things were left out of the error on the wire.
	Elided int
}

// logFailure writes what nobody else is shown.
func logFailure(ctx context.Context, f Failure) {
	switch f.Err.Code() {
	case codes.Unknown, codes.Internal, codes.DataLoss, codes.Unavailable, codes.DeadlineExceeded:
	default:
		return
	}
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs,
		slog.String("method", f.Method),
		slog.String("code", f.Err.Code().String()),
		slog.String("error_code", f.Err.ErrorCode()),
		slog.String("request_id", f.RequestID),
		slog.String("cause", status.Display(causes(f.Cause), 0)),
	)
	if p, ok := errors.AsType[*status.PanicError](f.Cause); ok {
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	slog.LogAttrs(ctx, slog.LevelError, "call failed", attrs...)
}

// causes returns the text of err and, since a *status.Error never shows its
// cause, of every cause behind one. fmt survives an Error method that panics.
func causes(err error) string {
	text := fmt.Sprint(err)
	for range maxCauses {
		e, ok := errors.AsType[*status.Error](err)
		if !ok || e.Unwrap() == nil {
			break
		}
		err = e.Unwrap()
		text += ": " + fmt.Sprint(err)
	}
	return text
}

const maxCauses = 8

// report calls a hook that may panic.
func report(ctx context.Context, hook func(context.Context, Failure), f Failure) {
	if hook == nil {
		return
	}
	defer func() { _ = recover() }()
	hook(ctx, f)
}
