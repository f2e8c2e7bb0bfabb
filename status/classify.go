package status

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Error codes of the errors that this package makes itself, for failures that
// nobody described.
const (
	CodeUnexpected            = "ASYNC_UNEXPECTED_FAILED" // any error without a meaning of its own, a panic
	CodeTimeout               = "ASYNC_TIMEOUT_FAILED"    // a deadline passed
	CodeCancelled             = "ASYNC_CANCELLED"         // somebody gave up
	CodeDependencyFailed      = "DEPENDENCY_FAILED"       // a service behind this one failed
	CodeDependencyUnavailable = "DEPENDENCY_UNAVAILABLE"  // a service behind this one cannot be reached, or is overloaded
	CodeDependencyTimeout     = "DEPENDENCY_TIMEOUT"      // a service behind this one took too long
)

// Classifier gives errors of other packages a meaning. It returns nil for those
// it does not know. It may use errors.Is and errors.As freely and must be safe
// for concurrent use.
type Classifier func(err error) *Error

// Sentinel makes a Classifier for errors that errors.Is takes for target:
//
//	status.Sentinel(sql.ErrNoRows, codes.NotFound, "BOOK_NOT_FOUND", "no such book")
func Sentinel(target error, code codes.Code, errorCode, message string, opts ...Option) Classifier {
	made := New(code, errorCode, message, opts...)
	return func(err error) *Error {
		if !is(err, target) {
			return nil
		}
		return made.With(Cause(err))
	}
}

// Classify turns any error into an Error. It returns nil for nil: test for that
// before returning the result as an error, since a nil *Error in an error is a
// failure. The result keeps err as its cause, for logs, unless it is an Error made
// here that has one, and shows none of its text unless that text was put into a
// status by name. It looks for, in this order:
//
//   - an Error made in this process, anywhere in the chain;
//   - what the classifiers know, the first that does;
//   - an error that another service returned, as a client with this module's
//     interceptors reads it: it becomes this service's own failure, with a code
//     that is true for this service's caller, unless [PassThrough] marked it;
//   - a status of grpc-go's making, which keeps its code, and its message and
//     details unless its code says that they were meant for a log (UNKNOWN,
//     INTERNAL, DATA_LOSS);
//   - a [Declared], which is there to compare with: the error that it declares, if that
//     has no parameters, and otherwise INTERNAL;
//   - an error of a context, a timeout, an unreachable network address;
//   - anything else, a panic included: INTERNAL.
//
// Of several errors of one kind in an errors.Join, the one that forbids a
// repeat most wins, whatever their order; violations of equal errors are
// merged and the others counted.
func Classify(err error, classifiers ...Classifier) *Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok && e != nil && e.received == nil {
		return e
	}
	found := search(err)
	if e := worst(found.own); e != nil {
		return e
	}
	err = Finite(err)
	for _, c := range classifiers {
		switch e := try(c, err); {
		case e == nil:
		case e.received == nil:
			return e.because(err)
		case e.received.remote: // handed back, with or without something added
			return dependency(e, err)
		default:
			return e.adopt(err)
		}
	}
	if e := worst(found.remote); e != nil {
		return dependency(e, err)
	}
	if e := worst(found.foreign); e != nil {
		return e.adopt(err)
	}
	return unspoken(err)
}

// because keeps err as the cause of an error that has none.
func (e *Error) because(err error) *Error {
	if e.cause != nil {
		return e
	}
	c := e.copy()
	c.cause = err
	return c
}

// try runs a classifier that may panic.
func try(c Classifier, err error) (e *Error) {
	defer func() {
		if recover() != nil {
			e = nil
		}
	}()
	if c == nil {
		return nil
	}
	return c(err)
}

// found sorts the errors in a tree that carry a status.
type found struct{ own, remote, foreign []*Error }

func search(err error) (f found) {
	budget := maxTree
	f.walk(err, maxDepth, &budget)
	return f
}

func (f *found) walk(err error, depth int, budget *int) {
	if err == nil || depth == 0 || *budget == 0 {
		return
	}
	*budget--
	if e, ok := err.(*Error); ok {
		if e != nil { // a nil *Error is a failure that nobody described
			f.add(e)
		}
		return
	}
	before, foreign := len(f.own)+len(f.remote), len(f.foreign)
	several, one := unwrap(err)
	f.walk(one, depth-1, budget)
	for _, inner := range several {
		f.walk(inner, depth-1, budget)
	}
	if len(f.own)+len(f.remote) > before {
		return // an Error within says more than the status around it
	}
	if st, ok := statusOf(err); ok {
		f.foreign = append(f.foreign[:foreign], fromStatus(st, err))
	}
}

func (f *found) add(e *Error) {
	switch {
	case e.received == nil:
		f.own = append(f.own, e)
	case e.received.remote:
		f.remote = append(f.remote, e)
	default:
		f.foreign = append(f.foreign, e)
	}
}

// deciding returns the error that says most about a repeat, nil if there is none.
func deciding(errs []*Error) *Error {
	if len(errs) == 0 {
		return nil
	}
	d := errs[0]
	for _, e := range errs[1:] {
		if outranks(e, d) {
			d = e
		}
	}
	return d
}

// worst returns the error that decides, with the violations of those equal to
// it and the number of the others.
func worst(errs []*Error) *Error {
	w := deciding(errs)
	if len(errs) < 2 {
		return w
	}
	joined := w.With()
	for _, e := range errs {
		if e == w {
			continue
		}
		if !joined.mergeViolations(e) {
			joined.fields.elided++
		}
		if a := e.view().advice; a.GetVerdict() == Never && joined.fields.advice.GetVerdict() != Never {
			joined.fields.advice = proto.CloneOf(a) // not lost in company
		}
	}
	return joined
}

// outranks does not depend on who came first.
func outranks(a, b *Error) bool {
	return cmp.Or(
		cmp.Compare(defaultsOf(a.code).severity, defaultsOf(b.code).severity),
		cmp.Compare(a.Verdict(), b.Verdict()),
		cmp.Compare(b.ErrorCode(), a.ErrorCode()),
		cmp.Compare(b.Domain(), a.Domain()),
		cmp.Compare(b.message, a.message),
	) > 0
}

// mergeViolations takes over the violations of an equal error, and reports
// whether nothing of it is lost.
func (e *Error) mergeViolations(other *Error) bool {
	if e.code != other.code || e.ErrorCode() != other.ErrorCode() || e.Domain() != other.Domain() {
		return false
	}
	merged := false
	for _, r := range other.view().others {
		switch r.name {
		case nameBadRequest, namePrecond, nameQuota:
			if r, ok := cleanRaw(r); ok {
				e.fields.merge(r)
				merged = true
			}
		}
	}
	return merged
}

// adopt makes a status of grpc-go's this service's own: of one whose text was
// meant for a log, what programs read.
func (e *Error) adopt(err error) *Error {
	c := e.own()
	c.cause = err
	if c.fields.outcome == NotApplied {
		c.fields.outcome = 0 // of a call further down, perhaps: this one may have done something before
	}
	if defaultsOf(e.code).unspecific {
		f := c.fields
		c.message = defaultsOf(e.code).message
		c.fields = fields{
			errorCode: f.errorCode, domain: f.domain, outcome: c.fields.outcome, advice: f.advice,
			delay: f.delay, hasDelay: f.hasDelay, requestID: f.requestID, elided: f.elided, catalogVersion: f.catalogVersion, visibility: f.visibility,
		}
		if f.errorCode == "" {
			c.fields.errorCode = CodeUnexpected
		}
	} else if c.message == "" {
		c.message = defaultsOf(e.code).message
	}
	return c
}

// dependency answers for an error that another service returned: the codes that
// would mislead this service's caller are translated, texts and details stay
// behind. The delay survives, and so does a verdict of never: whoever is above
// must not repeat what was given up below.
func dependency(e *Error, cause error) *Error {
	f := e.view()
	var out *Error
	switch e.code {
	case codes.Unavailable, codes.ResourceExhausted:
		out = dependencyUnavailable()
		if f.hasDelay {
			RetryAfter(f.delay)(out)
		} else if e.code == codes.ResourceExhausted {
			RetryAfter(overloadDelay)(out)
		}
	case codes.DeadlineExceeded:
		out = dependencyTimeout()
	default:
		out = New(codes.Internal, CodeDependencyFailed, "a service that this one depends on failed", Suggest(suggestReport))
	}
	if f.advice.GetVerdict() == Never {
		out.fields.advice = proto.CloneOf(f.advice)
	}
	out.cause = cause
	return out
}

func dependencyUnavailable(opts ...Option) *Error {
	return New(codes.Unavailable, CodeDependencyUnavailable, "a service that this one depends on is not available",
		append(opts, Suggest(suggestLater))...)
}

func dependencyTimeout(opts ...Option) *Error {
	return New(codes.DeadlineExceeded, CodeDependencyTimeout, "a service that this one depends on did not answer in time",
		append(opts, Suggest(suggestLater), Outcome(Indeterminate))...)
}

// overloadDelay is the least wait after an overload that names none.
const overloadDelay = time.Second

// unspoken classifies an error without any status.
func unspoken(err error) *Error {
	if e := sentinel(err); e != nil {
		return e
	}
	switch {
	case is(err, context.DeadlineExceeded):
		return Timeout(err)
	case is(err, context.Canceled):
		return New(codes.Canceled, CodeCancelled, "the call was cancelled", Cause(err))
	case is(err, os.ErrDeadlineExceeded) || isTimeout(err):
		return dependencyTimeout(Cause(err))
	case isUnreachable(err):
		return dependencyUnavailable(Cause(err))
	}
	return unexpected(err)
}

// Timeout makes the error of an operation that ran out of time: whether it took
// effect is not known.
func Timeout(cause error, opts ...Option) *Error {
	e := New(codes.DeadlineExceeded, CodeTimeout, "the operation did not finish in time",
		Suggest(suggestLater), Outcome(Indeterminate), Cause(cause))
	e.apply(opts)
	return e
}

func unexpected(err error) *Error {
	return New(codes.Internal, CodeUnexpected, messageUnknown, Suggest(suggestReport), Cause(err))
}

func isTimeout(err error) (timeout bool) {
	walk(err, func(err error) bool {
		timeout = isTimeoutOne(err)
		return !timeout
	})
	return timeout
}

func isTimeoutOne(err error) (timeout bool) {
	defer func() {
		if recover() != nil {
			timeout = false
		}
	}()
	t, ok := err.(net.Error)
	return ok && t.Timeout()
}

// isUnreachable tells the failures of a connection, not those of a local socket
// that the program misuses.
func isUnreachable(err error) bool {
	for _, target := range [...]error{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EHOSTUNREACH, syscall.ENETUNREACH, io.ErrClosedPipe, net.ErrClosed,
	} {
		if is(err, target) {
			return true
		}
	}
	if _, ok := as[*net.DNSError](err); ok {
		return true
	}
	op, ok := as[*net.OpError](err)
	return ok && op != nil && op.Op == "dial"
}

// PanicError is the cause of an error that stands for a panic, or for a
// goroutine that ended by runtime.Goexit.
type PanicError struct {
	Value any    // what panic was called with, nil for runtime.Goexit
	Stack []byte // the stack of the goroutine, as runtime/debug.Stack prints it, cut to 64 KiB
}

func (p *PanicError) Error() string {
	if p.Value == nil {
		return "the goroutine called runtime.Goexit"
	}
	return fmt.Sprintf("panic: %v", p.Value)
}

// Unwrap returns the panic's value if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Panicked makes the error for a recovered panic: INTERNAL, with a *[PanicError]
// as its cause and nothing of it in its text. Call it in the deferred function
// that recovered, with the value or, for runtime.Goexit, with nil.
func Panicked(value any) *Error {
	return unexpected(&PanicError{Value: value, Stack: stack()})
}

// stack prints the stack of this goroutine. Printing is what takes the time: a
// buffer that holds most stacks at once is better than one that grows.
func stack() []byte {
	buf := make([]byte, 6<<10)
	if n := runtime.Stack(buf, false); n < len(buf) {
		return buf[:n]
	}
	buf = make([]byte, 64<<10)
	return bytes.Clone(buf[:runtime.Stack(buf, false)])
}
