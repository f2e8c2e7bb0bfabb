package interceptors

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
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

// LogValue makes a group of everything that helps to find the cause, safe for a
// line of a log: method, code, error_code, request_id, cause, and the stack of a
// panic. The cause shows what no caller may see.
func (f Failure) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs,
		slog.String("method", f.Method),
		slog.String("code", f.Err.Code().String()),
		slog.String("error_code", f.Err.ErrorCode()),
		slog.String("request_id", f.RequestID),
	)
	if p, ok := f.Err.Unwrap().(*status.PanicError); ok {
		attrs = append(attrs, slog.String("cause", status.Display(p.Error(), 0)), slog.String("stack", string(p.Stack)))
	} else {
		attrs = append(attrs, slog.String("cause", status.Display(causes(f.Cause), 0)))
	}
	return slog.GroupValue(attrs...)
}

// logFailure writes what nobody else is shown.
func logFailure(ctx context.Context, f Failure) {
	switch f.Err.Code() {
	case codes.Unknown, codes.Internal, codes.DataLoss, codes.Unavailable, codes.DeadlineExceeded:
		slog.LogAttrs(ctx, slog.LevelError, "call failed", f.LogValue().Group()...)
	}
}

// causes returns the text of err and, since a *status.Error never shows its
// cause, of the causes behind one. fmt survives an Error method that panics.
func causes(err error) string {
	text := fmt.Sprint(err)
	for range maxCauses {
		e, ok := status.From(err)
		if !ok {
			break
		}
		err = e.Unwrap()
		if _, same := err.(interface{ GRPCStatus() *grpcstatus.Status }); same || err == nil {
			break // the error that a received one was read from says nothing more
		}
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
