// Package recourse is the front page of a library for gRPC errors that tell the caller what to do next, and for
// interceptors that do it.
//
// A service returns an error with a stable code, a safe message, a suggestion for people and typed recovery actions
// for programs; any other error of a handler is classified and made safe. A client learns whether its request was
// applied and whether to send it again, and with one dial option it does so: within its deadline, its retry budget and
// what the server allows. Clients in other languages read the same from google.rpc details.
//
// There is nothing to import here. Start with
//
//   - [github.com/recourse-dev/recourse/status] to make, classify, read and compare errors,
//   - [github.com/recourse-dev/recourse/interceptors] for the server and dial options,
//   - [github.com/recourse-dev/recourse/gen/go/recourse/v1] for the messages on the wire.
package recourse
