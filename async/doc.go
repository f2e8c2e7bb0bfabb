// Package async handles the failures of work that is no RPC of its own: a query, a
// computation, a job that outlives the call that started it.
//
// [Run] bounds an operation in time, repeats it where that is safe, asks fallbacks
// for an answer, and makes a *status.Error of what is left, with the same rules and
// by the same engine as the interceptors. An [Operation] is one that is declared,
// with a policy and a budget of its own. [Go] and [Group] start goroutines whose
// errors, panics and ends by runtime.Goexit come back to whoever waits for them, so
// that none of these kills the process or is lost.
//
// # Errors
//
// Run fails with a *status.Error, always:
//
//   - An error with a status, made by status.New or returned by a service, comes back
//     as it is, with the number of attempts if there was more than one.
//   - When the operation's time is up it is ASYNC_TIMEOUT_FAILED: DEADLINE_EXCEEDED
//     with an outcome of INDETERMINATE, or NOT_APPLIED if it never began.
//     When its caller gave up it is ASYNC_CANCELLED.
//   - An error that the classifiers know, or that tells of a timeout or of an address
//     that cannot be reached, becomes what status.Classify makes of it.
//   - Anything else, a panic included, becomes status.Operation(name, err): INTERNAL
//     and ASYNC_<NAME>_FAILED. Where no name is known, as in Go, in Group and in the
//     interceptors, the same failure is ASYNC_UNEXPECTED_FAILED.
//
// The original error stays behind the new one as its cause, for logs; no text of it
// is sent. All but those of the first kind name the operation on the wire.
//
// In a handler nothing more is needed: return the error, and the interceptors make
// the answer.
//
// # Degraded answers
//
// Run returns a fallback's answer as it would the real one. That it is not is told to
// OnFailure, with the mark that a server sends: a handler whose own answer suffers
// passes it to interceptors.SetDegraded. Where one call has to know, its fallback can
// leave word, being a function of that call.
//
// # Work that goes on after its call
//
// Give it a context that does, context.WithoutCancel, and store its error with
// status.ToProto, in the error field of a long-running operation or a column of a
// table. It is what a public caller may see; a delay, which would mean nothing to
// whoever reads it later, is left out. The handler that is polled returns
// status.FromProto of it as its own error. An example shows both.
//
// # Goroutines
//
// Operations and fallbacks run in goroutines of their own, since nothing else
// survives runtime.Goexit, but Run waits for them: when it returns, nothing of it
// runs any more, and what its functions have captured is the caller's again. So they
// have to honour their context, as Run returns no sooner than they do. With the
// policy's HardStop it does not wait for one that ignores the end of its time. That
// goroutine is left behind and must share nothing with its caller; a hundred of an
// operation are borne, then it is refused until some have ended.
package async
