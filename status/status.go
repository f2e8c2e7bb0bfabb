package status

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Error is a gRPC error with an identity and guidance. It is immutable; make one
// with [New] and derive another with [Error.With]. The methods of a nil *Error
// answer like those of a call that succeeded.
type Error struct {
	code    codes.Code
	amended bool // by With: the status is no longer as it was received
	message string
	cause   error

	// received is set on an error that was read rather than made here, and on
	// those derived from it. Its fields are decoded when the first reader asks.
	received *received
	fields   fields
	decoded  sync.Once

	noted *recoursev1.RetryAdvice // by Note

	status atomic.Pointer[grpcstatus.Status] // what GRPCStatus has made
	again  atomic.Pointer[rendition]         // what Encode may answer with
}

// fields is everything in an Error beyond code, message and cause.
type fields struct {
	errorCode, domain string
	meta              []pair // sorted by key, unique
	suggestion        string
	actions           []*recoursev1.RecoveryAction
	advice            *recoursev1.RetryAdvice // nil: no statement
	operation         string
	causes            []*recoursev1.CauseLink
	catalogVersion    string
	requestID         string
	delay             time.Duration
	outcome           recoursev1.Outcome
	elided            uint32
	visibility        recoursev1.ErrorOptions_Visibility // as it is declared
	hasDelay          bool
	suggests          bool // the suggestion is the declared one, with values in it
	bound             bool // declared is that of an error from elsewhere, whose actions filled are

	others []rawDetail // every further detail, encoded, at most one of a type
	lead   int         // how many of others stand before the ErrorInfo

	declared *declaration                 // nil: by no catalogue that this process knows
	filled   []*recoursev1.RecoveryAction // of the declared actions, those with values in them, as they stand in actions
}

type pair struct{ key, value string }

// New makes an Error. It cannot fail and never returns nil: text is cleaned and
// cut to its limit (message 256 bytes). The error code is UPPER_SNAKE_CASE of 3 to
// 63 letters, digits and underscores (AIP-193); in any other, letters are made
// upper case and runs of other characters one underscore, and one of which that
// leaves less than 3 characters becomes the name of the gRPC code. codes.OK or an
// unknown code, which cannot describe a failure, becomes INTERNAL.
func New(code codes.Code, errorCode, message string, opts ...Option) *Error {
	if code == codes.OK || code > codes.Unauthenticated {
		code = codes.Internal
	}
	made := new(struct { // with room for what many have, in one piece
		Error
		meta [1]pair
	})
	e := &made.Error
	e.code, e.message = code, clean(message, maxMessage)
	e.fields.errorCode = cleanErrorCode(errorCode)
	e.fields.meta = made.meta[:0]
	e.apply(opts)
	return e
}

// Operation makes the error of an operation that failed for the given cause, as
// one that runs outside of any RPC does: INTERNAL, with the error code
// ASYNC_<OPERATION>_FAILED. An operation "intent classification" yields
// ASYNC_INTENT_CLASSIFICATION_FAILED.
func Operation(operation string, cause error, opts ...Option) *Error {
	const suffix = "_FAILED" // stays whole when a long name has to be cut
	operation = clean(operation, maxOperation)
	name := upperSnake("ASYNC_"+operation, maxErrorCode-len(suffix))
	e := New(codes.Internal, name+suffix, operation+" failed", opts...)
	e.fields.operation = operation
	if e.cause == nil {
		e.cause = Finite(cause)
	}
	return e
}

func (e *Error) apply(opts []Option) {
	for _, opt := range opts {
		if opt != nil {
			opt(e)
		}
	}
}

// With returns a copy of e with further options applied. It keeps code, message
// and identity, and whose error it is: a server that returns one which another
// service returned answers for it as [Classify] says, whatever was added. To say
// something of your own about it, make an error with [New] and Cause(e).
func (e *Error) With(opts ...Option) *Error {
	if e == nil {
		return nil
	}
	c := e.copy()
	if e.received != nil {
		c.received, c.amended = e.received, true
		c.decoded.Do(func() {}) // copy did
	}
	c.apply(opts)
	return c
}

// Note is for a client's interceptors, as [Received] is. It returns a copy of e whose
// [Error.RetryAdvice] is a, but for the verdict, which stays: a says why e was not
// repeated, and how often it was, to whoever has it in this process. A status that was
// received stays as it came, so that it is not encoded anew.
func (e *Error) Note(a *recoursev1.RetryAdvice) *Error {
	if e == nil {
		return nil
	}
	a = proto.CloneOf(a)
	a.Verdict = e.Verdict()
	if r := e.asReceived(); r != nil {
		return &Error{code: e.code, message: e.message, cause: e.cause, received: r, noted: a}
	}
	return e.With(Advice(a))
}

// copy shares nothing that an option could change; an advice is replaced whole. The
// copy of an error that was received is one made here: its fields are decoded and its
// texts cleaned.
func (e *Error) copy() *Error {
	f := *e.view()
	f.meta = slices.Clone(f.meta)
	f.actions = slices.Clone(f.actions)
	f.causes = slices.Clone(f.causes)
	f.others = slices.Clone(f.others)
	if e.noted != nil {
		f.advice = e.noted
	}
	c := &Error{code: e.code, message: e.message, cause: e.cause, fields: f}
	if e.received != nil {
		c.fields.cleanOthers()
	}
	return c
}

// own is a copy that this service answers with: one of an error that was received is held
// to its declaration.
func (e *Error) own() *Error {
	c := e.copy()
	if e.received != nil {
		c.message = c.fields.bind(c.message)
	}
	return c
}

// view is the one way to the fields.
func (e *Error) view() *fields {
	if e == nil {
		return &fields{}
	}
	if e.received != nil {
		e.decoded.Do(func() { e.fields = e.received.decode() })
	}
	return &e.fields
}

// asReceived is what e came as, nil if it was made here or something was added.
func (e *Error) asReceived() *received {
	if e == nil || e.amended {
		return nil
	}
	return e.received
}

// said returns the verdict and the outcome that e states.
func (e *Error) said() (recoursev1.RetryAdvice_Verdict, recoursev1.Outcome) {
	if r := e.asReceived(); r != nil {
		if g := r.glance(); g.usual {
			return g.advice.verdict, g.outcome
		}
	}
	f := e.view()
	return f.advice.GetVerdict(), f.outcome
}

// Error returns the code, the error code and the message, never the cause: the
// text of an error that somebody wraps ends up in logs, and on the wire. Of one that was
// received and that a linked-in catalogue declares, what is personal is hidden.
func (e *Error) Error() string {
	if e == nil {
		return "nil *status.Error"
	}
	message := e.message
	if e.received != nil {
		f := *e.view()
		message = f.bind(message)
	}
	if message == "" {
		return e.code.String() + " " + e.ErrorCode()
	}
	return e.code.String() + " " + e.ErrorCode() + ": " + message
}

// Unwrap returns the cause, nil if there is none. On a client it is the error
// that gRPC returned.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.cause
}

// Is reports whether target is an Error with the same error code and domain, so
// that errors.Is compares what went wrong and not how it was said. A target
// without a domain, as one that a package declares before it knows its server,
// matches the error code in every domain. It works on both sides of the wire. A target
// may be [Declared] too.
func (e *Error) Is(target error) bool {
	if e == nil {
		return false
	}
	if d, ok := target.(interface{ declared() *declaration }); ok {
		of := d.declared()
		if of == nil {
			return false
		}
		of.parse()
		target = of.like
	}
	t, ok := target.(*Error)
	if !ok || t == nil {
		return false
	}
	if e.ErrorCode() != t.ErrorCode() {
		return false
	}
	return t.Domain() == "" || t.Domain() == e.Domain()
}

// GRPCStatus returns the status as the most distrusted caller may see it: no
// cause, no debug information, within the default size. It lets grpc-go, and
// everything that reads its statuses, understand an Error. On an error that was
// received it is the status as it came.
func (e *Error) GRPCStatus() *grpcstatus.Status {
	if e == nil {
		return nil
	}
	if r := e.asReceived(); r != nil {
		return r.status
	}
	if e.status.Load() == nil {
		e.status.CompareAndSwap(nil, grpcstatus.FromProto(e.proto(Rendering{})))
	}
	return e.status.Load()
}

// Received reports whether e was read rather than made in this process: from a call
// to another service, a status of grpc-go, or [FromProto]. What it says of its outcome
// is about that call then, not about what made it.
func (e *Error) Received() bool { return e != nil && e.received != nil }

// Code returns the gRPC status code, codes.OK for a nil Error only.
func (e *Error) Code() codes.Code {
	if e == nil {
		return codes.OK
	}
	return e.code
}

// ErrorCode returns the stable name of what went wrong, "BOOK_NOT_FOUND": the
// reason of google.rpc.ErrorInfo. Where the error has none, it is the name of
// the gRPC code, "NOT_FOUND".
func (e *Error) ErrorCode() string {
	if e == nil {
		return ""
	}
	if c := e.view().errorCode; c != "" {
		return c
	}
	return defaultsOf(e.code).name
}

// Domain returns the namespace of the error code, normally the DNS name of the
// service; empty if the error names none.
func (e *Error) Domain() string { return e.view().domain }

// Message returns the text for developers. It is clean: valid UTF-8 of at most
// 256 bytes without control, bidirectional or invisible characters.
func (e *Error) Message() string {
	if e == nil {
		return ""
	}
	return e.message
}

// Suggestion returns what a person may do next, at most 256 bytes of plain
// text: the error's own, or the usual one for its code.
func (e *Error) Suggestion() string {
	if e == nil {
		return ""
	}
	f := e.view()
	usual, _ := guidance(e.code, f.advice.GetVerdict())
	return cmp.Or(f.suggestion, usual)
}

// RecoveryActions returns what would help, best first. They are alternatives,
// at most five, with clean texts; a client may carry out those whose actor is
// the client library, and shows the label of one it does not know. Without any,
// it is what usually helps with the code. The caller owns the result.
func (e *Error) RecoveryActions() []*recoursev1.RecoveryAction {
	if e == nil {
		return nil
	}
	f := e.view()
	actions := f.actions
	if len(actions) == 0 {
		_, actions = guidance(e.code, f.advice.GetVerdict())
	}
	out := make([]*recoursev1.RecoveryAction, 0, len(actions))
	for _, a := range actions {
		if a.GetRetryAfter() != nil && a.GetActor() == ByClient && f.advice.GetVerdict() == Never {
			continue // what somebody said before somebody else ruled it out
		}
		out = append(out, proto.CloneOf(a))
	}
	return out
}

// ActionRequired reports whether one of the actions that e states has to be done before
// the request makes sense again: one that is marked as required, and is more than to
// wait. What usually helps with a code never is.
func (e *Error) ActionRequired() bool {
	if r := e.asReceived(); r != nil {
		if g := r.glance(); g.usual && !g.required {
			return false
		}
	}
	return slices.ContainsFunc(e.view().actions, func(a *recoursev1.RecoveryAction) bool {
		return a.GetRequired() && a.GetRetryAfter() == nil
	})
}

// Metadata returns the dynamic parts of the error by key, nil if there are
// none. The caller owns the map. Of an error that a linked-in catalogue declares, what
// is personal is empty: the map may be logged, see [Declared.From].
func (e *Error) Metadata() map[string]string {
	f := e.view()
	if len(f.meta) == 0 {
		return nil
	}
	declared := f.declared
	if e.received != nil {
		declared = f.secrets()
	}
	m := f.metadata()
	for key := range m {
		if declared.personal(key) {
			m[key] = ""
		}
	}
	return m
}

// Outcome returns whether the request took effect: what the server said, or
// OUTCOME_INDETERMINATE where the code tells of a call that was left before its
// end, or OUTCOME_UNSPECIFIED.
func (e *Error) Outcome() recoursev1.Outcome {
	if _, o := e.said(); o != recoursev1.Outcome_OUTCOME_UNSPECIFIED {
		return o
	}
	if c := e.Code(); c == codes.DeadlineExceeded || c == codes.Canceled {
		return Indeterminate
	}
	return recoursev1.Outcome_OUTCOME_UNSPECIFIED
}

// RetryAdvice returns the server's statement on repeating the request, nil if
// it made none. The caller owns it.
func (e *Error) RetryAdvice() *recoursev1.RetryAdvice {
	if e != nil && e.noted != nil {
		return proto.CloneOf(e.noted)
	}
	if r := e.asReceived(); r != nil {
		if g := r.glance(); g.usual {
			return g.advice.message()
		}
	}
	if a := e.view().advice; a != nil {
		return proto.CloneOf(a)
	}
	return nil
}

// Verdict returns whether the request may be repeated: the server's verdict, or
// the usual one for the code. A verdict that this version does not know reads
// as VERDICT_NEVER.
func (e *Error) Verdict() recoursev1.RetryAdvice_Verdict {
	if e == nil {
		return recoursev1.RetryAdvice_VERDICT_UNSPECIFIED
	}
	verdict, outcome := e.said()
	if verdict != recoursev1.RetryAdvice_VERDICT_UNSPECIFIED {
		return verdict
	}
	// AIP-194, with the rule of OpenTelemetry's protocol that an exhausted resource
	// may be asked again only if the server named a delay.
	_, delayed := e.RetryDelay()
	if e.code == codes.ResourceExhausted && delayed || e.code == codes.DeadlineExceeded && outcome == NotApplied {
		return SameRequest
	}
	return defaultsOf(e.code).verdict
}

// RetryDelay returns how long to wait at least before the request is repeated,
// and whether the server said so. It is never negative; a client caps it.
func (e *Error) RetryDelay() (time.Duration, bool) {
	if r := e.asReceived(); r != nil {
		return r.retryDelay()
	}
	f := e.view()
	return f.delay, f.hasDelay
}

// RequestID returns the id that finds this failure in the server's logs, what a
// person quotes to support; empty if there is none.
func (e *Error) RequestID() string { return e.view().requestID }

// Operation returns what failed: a full method name ("/pkg.Service/Method") or
// the name of an asynchronous operation; empty if nobody said.
func (e *Error) Operation() string { return e.view().operation }

// Causes returns the hops behind this error, nearest first, at most five. Only
// callers within the server's trust zone receive them. The caller owns the
// result.
func (e *Error) Causes() []*recoursev1.CauseLink {
	causes := e.view().causes
	out := make([]*recoursev1.CauseLink, len(causes))
	for i, c := range causes {
		out[i] = proto.CloneOf(c)
	}
	return out
}

// Elided returns how many things were left out of the error, because they were
// unusable or did not fit.
func (e *Error) Elided() int { return int(e.view().elided) }

// CatalogVersion returns the version of the catalogue that declared the error,
// empty if none did.
func (e *Error) CatalogVersion() string { return e.view().catalogVersion }

// PassThrough marks an error that a dependency returned as one to be sent on as
// it is, with its code, identity and details, as a proxy does. Without it a
// dependency's error becomes this service's own failure: its NOT_FOUND is not
// the caller's. Unclean text is removed even so, and who sees causes and debug
// information is decided as for every error.
//
// So are the values of its parameters, if the dependency's catalogue is linked in: whom
// its declaration keeps a value from sees the declared texts and actions without it. The
// dependency's LocalizedMessage stays behind. Of an error that no catalogue in this process
// declares everything goes on, with what the dependency has shown to this service alone:
// pass through only what was meant for your callers. An error without a status is returned
// unchanged.
func PassThrough(err error) error {
	e, ok := From(err)
	if !ok {
		return err
	}
	c := e.own()
	c.cause = err
	return c
}
