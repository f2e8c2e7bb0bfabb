// Package recourse is the front page of a library for gRPC errors that tell the
// caller what to do next, and for interceptors that carry them.
//
// A service returns an error with a stable code, a safe message, a suggestion
// for people and typed recovery actions for programs; any other error of a
// handler is classified and made safe. A client reads all of it with one dial
// option, and clients in other languages read most of it as google.rpc details;
// the retry that gRPC has built in obeys it in every language.
//
// There is nothing to import here. Start with
//
//   - [github.com/recourse-dev/recourse/status] to make, classify, read and compare errors,
//   - [github.com/recourse-dev/recourse/interceptors] for the server and dial options,
//   - [github.com/recourse-dev/recourse/policy] for what happens to calls that fail,
//   - [github.com/recourse-dev/recourse/async] for the same without an RPC,
//   - [github.com/recourse-dev/recourse/gen/go/recourse/v1] for the messages on the wire.
package recourse
