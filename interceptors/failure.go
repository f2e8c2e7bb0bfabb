package interceptors

import (
	"context"
	"log/slog"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/chain"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// Failure is a call that failed.
type Failure struct {
	Call
	// Err is the error as it is answered, or on a client as it was read. Its
	// cause is whole; what of it a caller may see is decided when it is sent.
	Err *status.Error
	// Domain is that of the error: its own, or the server's where it names none.
	Domain string
	// Cause is what the handler returned, or on a client what gRPC did. For a
	// panic Err.Unwrap is the *status.PanicError.
	Cause error
	// RequestID is what the caller is told to quote, empty if there is none.
	RequestID string
	// Saved is true where the caller got an answer after all, of a repeat or a fallback.
	Saved bool
	// Degraded is the mark of that answer, if it is degraded.
	Degraded *recoursev1.Degraded
	// Attempts is how often a client has made the call, or a server has run its
	// handler; 0 where nothing repeats calls.
	Attempts int
	// Elided is how many things were left out of the error on the wire, and Size what
	// all trailers take there, in bytes, counted as HTTP/2 does; 0 on a client.
	Elided, Size int
	// Undeclared is true of an error that its method has not declared, where somebody
	// asked: see the function Undeclared, and [Observe].
	Undeclared bool
	// Caller is how much a server trusts its caller.
	Caller status.Trust
	// Policy is what holds for the method, nil if nothing does. It must not be changed.
	Policy *policy.Policy
}

// LogValue makes a group of everything that helps to find the cause, safe for a
// line of a log: method, code, error_code, request_id, cause, how many things were
// left out of the error if any were, attempts if there were several, the mark of a
// degraded answer, and the stack of a panic unless the policy's StackTraces is off.
// The cause shows what no caller may see; it is cut to 4 KiB.
func (f Failure) LogValue() slog.Value {
	return slog.GroupValue(f.attrs(make([]slog.Attr, 0, maxAttrs))...)
}

const maxAttrs = 9

// attrs appends what LogValue says.
func (f *Failure) attrs(to []slog.Attr) []slog.Attr {
	var space [512]byte
	cause := string(chain.Append(space[:0], f.Err, "", f.Cause))
	to = append(to,
		slog.String("method", f.Method),
		slog.String("code", f.Err.Code().String()),
		slog.String("error_code", f.Err.ErrorCode()),
		slog.String("request_id", f.RequestID),
		slog.String("cause", status.Display(cause, chain.MaxText)),
	)
	if f.Attempts > 1 {
		to = append(to, slog.Int("attempts", f.Attempts))
	}
	if f.Degraded != nil {
		to = append(to, slog.String("degraded", degradedLine(f.Degraded)))
	}
	if f.Elided > 0 {
		to = append(to, slog.Int("elided", f.Elided))
	}
	if p := chain.Panic(f.Err); p != nil && (f.Policy == nil || f.Policy.StackTraces) {
		to = append(to, slog.String("stack", string(p.Stack)))
	}
	return to
}

// logFailure writes what nobody else is shown: the server's faults, and causes
// that stay behind an answer; with a policy, all or only the former, and what a
// fallback made up for.
func logFailure(ctx context.Context, f Failure) {
	if f.Degraded != nil {
		if f.Policy == nil || f.Policy.LogRecovery {
			log(ctx, slog.LevelWarn, "call answered by a fallback", f)
		}
		return
	}
	level := slog.LevelInfo
	switch f.Err.Code() {
	case codes.Unknown, codes.Internal, codes.DataLoss:
		level = slog.LevelError
	case codes.Unavailable, codes.DeadlineExceeded:
		level = slog.LevelWarn
	default:
		if f.Policy == nil && f.Err.Unwrap() == nil || f.Policy != nil && !f.Policy.LogAllErrors {
			return
		}
	}
	log(ctx, level, "call failed", f)
}

// log describes a failure only where the log is on.
func log(ctx context.Context, level slog.Level, message string, f Failure) {
	if l := slog.Default(); l.Enabled(ctx, level) {
		l.LogAttrs(ctx, level, message, f.attrs(make([]slog.Attr, 0, maxAttrs))...)
	}
}

// logRecovery is what a client writes by itself: calls that would have failed.
func logRecovery(ctx context.Context, f Failure) {
	message := "call succeeded when it was repeated"
	if f.Degraded != nil {
		message = "call answered by a fallback"
	}
	log(ctx, slog.LevelInfo, message, f)
}

// report calls a hook that may panic.
func report(ctx context.Context, hook func(context.Context, Failure), f Failure) {
	if hook == nil {
		return
	}
	defer func() { _ = recover() }()
	hook(ctx, f)
}
