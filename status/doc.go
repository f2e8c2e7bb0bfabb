// Package status makes, classifies, reads, compares and encodes gRPC errors
// that tell the caller what to do next.
//
// An [Error] is a google.rpc.Status with an identity (an error code within a
// domain, as google.rpc.ErrorInfo carries it), a message that is safe to send,
// a suggestion for a person, ordered recovery actions, the outcome of the
// request and retry advice. Its cause stays in the process: nothing that a
// cause says reaches the wire or the text of [Error.Error].
//
// A server makes errors with [New], or returns any error at all and has
// [Classify] turn it into an Error. A client reads them with [From], [Detail]
// and the methods of Error; the same readers work, with less to say, on errors
// of servers that know nothing of this package.
//
// Every function and method here is safe for concurrent use, and no input, from
// a caller or from the network, makes one of them panic or fail: what cannot be
// used is left out and counted in [Error.Elided].
package status
