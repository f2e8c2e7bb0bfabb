// Package interceptors installs recourse into gRPC: [ServerOptions] for a server
// and [DialOptions] for a client, each for unary calls and for all three kinds
// of stream.
//
// On a server, whatever comes out of a handler, or of an interceptor below, is
// turned into a status that tells the caller what to do next and nothing that it
// may not know: errors of any kind, panics, goroutines that end by
// runtime.Goexit, errors that other services returned. Pass ServerOptions
// first: what is installed before it, by grpc.UnaryInterceptor in any place,
// and stats handlers run outside of it and are not guarded.
//
// On a client, every error is a *status.Error.
//
// With [Policies], calls have deadlines, are repeated where that is safe and may
// help, and are refused where it would not; a [Fallback] answers for a call that has
// failed, and the answer is marked as degraded. docs/policies.md in the repository
// has all the rules and the order.
//
// A [Hook] takes part in calls of every shape on either side. The order of what this
// package itself does is fixed.
package interceptors
