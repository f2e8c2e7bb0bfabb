// Package gateway makes grpc-gateway answer with errors that say what to do next.
//
//	mux := runtime.NewServeMux(gateway.Config{Body: gateway.ProblemBody}.Options()...)
//
// What grpc-gateway does by itself loses an error where it matters most: one detail of a
// type that is not linked into the gateway turns any error into a 500 without code, message
// and details, and on a stream into nothing at all; the message of an UNAUTHENTICATED goes
// into the header WWW-Authenticate; all metadata of the service goes out. With this package
//
//   - an error has the HTTP status of its code, in one of three bodies, whatever its details
//     are;
//   - a caller sees what its class of trust may see, as on a gRPC server with package
//     interceptors: public callers no causes and no debug information. Texts are clean. A
//     fault of a server that has no google.rpc.ErrorInfo keeps its text to itself, unless
//     the caller is status.Internal: such texts, as "dial tcp 10.0.0.7:443", are for a log;
//   - headers say what programs need: Retry-After, X-Request-Id, WWW-Authenticate,
//     Cache-Control. None has text of an error;
//   - a degraded reply is marked with the header Recourse-Degraded and not cached;
//   - the request's X-Request-Id and Accept-Language reach the service.
//
// Give the connection to the service interceptors.DialOptions, for what is done about
// errors before callers see them, and for a log of what they do not see.
package gateway
