package interceptors

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/policy"
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
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs,
		slog.String("method", f.Method),
		slog.String("code", f.Err.Code().String()),
		slog.String("error_code", f.Err.ErrorCode()),
		slog.String("request_id", f.RequestID),
	)
	attrs = append(attrs, slog.String("cause", status.Display(f.chain(), maxCauseText)))
	if f.Attempts > 1 {
		attrs = append(attrs, slog.Int("attempts", f.Attempts))
	}
	if f.Degraded != nil {
		attrs = append(attrs, slog.String("degraded", degradedLine(f.Degraded)))
	}
	if f.Elided > 0 {
		attrs = append(attrs, slog.Int("elided", f.Elided))
	}
	if p := panicIn(f.Err); p != nil && (f.Policy == nil || f.Policy.StackTraces) {
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	return slog.GroupValue(attrs...)
}

// maxCauseText is the most of a chain of causes that a record shows, in bytes.
const maxCauseText = 4 << 10

// chain is the text of everything that led to the failure.
func (f Failure) chain() string {
	if f.Cause == nil { // of an answer that was made for want of one, or read without any
		return causes(f.Err)
	}
	return causes(f.Cause)
}

// panicIn finds the panic behind an error, where this package and status put it.
func panicIn(err error) *status.PanicError {
	for range maxCauses {
		switch e := err.(type) {
		case *status.PanicError:
			return e
		case afterwards:
			if p := panicIn(e.was); p != nil {
				return p
			}
			err = e.err
		case interface{ Unwrap() []error }: // of fallbacks that have failed too
			for _, one := range e.Unwrap() {
				if p, ok := one.(*status.Error); ok {
					one = p.Unwrap()
				}
				if p, ok := one.(*status.PanicError); ok {
					return p
				}
			}
			return nil
		default:
			inner, ok := status.From(err)
			if !ok || same(inner.Unwrap(), err) { // it was read from err itself
				return nil
			}
			err = inner.Unwrap()
		}
	}
	return nil
}

// same reports whether two errors are one. Those that cannot be compared are not.
func same(a, b error) (is bool) {
	defer func() { _ = recover() }()
	return a == b
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
		l.LogAttrs(ctx, level, message, f.LogValue().Group()...)
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

// causes returns the text of err and, since a *status.Error never shows its
// cause, of the causes behind one. fmt survives an Error method that panics.
func causes(err error) string {
	text := told(err)
	if p, ok := unwrapOwn(err).(*status.PanicError); ok {
		return p.Error() // what stands for a panic says nothing
	}
	for range maxCauses {
		e, ok := status.From(err)
		if !ok || e.Unwrap() == nil {
			break
		}
		if err = e.Unwrap(); readFrom(e, err) {
			break
		}
		more := told(err)
		if more == text {
			break
		}
		text += ": " + more
	}
	return text
}

// told is the text of an error. What grpc-go makes of an answer has the message in it as it
// came, with what may be for this service alone.
func told(err error) string {
	text := fmt.Sprint(err)
	e, ok := status.From(err)
	if !ok || !e.Received() || e.Message() == "" {
		return text
	}
	if shown := strings.TrimPrefix(e.Error(), e.Code().String()+" "+e.ErrorCode()+": "); shown != e.Message() {
		text = strings.ReplaceAll(text, e.Message(), shown)
	}
	return text
}

// readFrom reports whether e is what was made of err, an error of grpc-go's that says
// nothing else.
func readFrom(e *status.Error, err error) bool {
	if reflect.TypeOf(err) != plain {
		return false
	}
	st := grpcstatus.Convert(err)
	return st.Code() == e.Code() && st.Message() == e.Message()
}

var plain = reflect.TypeOf(grpcstatus.Error(codes.Unknown, ""))

const maxCauses = 8

func unwrapOwn(err error) error {
	if e, ok := err.(*status.Error); ok {
		return e.Unwrap()
	}
	return nil
}

// afterwards is a fault of a hook that was told of an error: neither may be lost.
type afterwards struct{ err, was error }

func (a afterwards) Error() string { return fmt.Sprintf("%v, when told of: %s", a.err, causes(a.was)) }
func (a afterwards) Unwrap() error { return a.err }

// report calls a hook that may panic.
func report(ctx context.Context, hook func(context.Context, Failure), f Failure) {
	if hook == nil {
		return
	}
	defer func() { _ = recover() }()
	hook(ctx, f)
}
