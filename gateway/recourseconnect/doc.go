// Package recourseconnect gives handlers and clients of Connect (connectrpc.com/connect) the
// errors of recourse, and all that package interceptors does for a gRPC server.
//
//	errors := connect.WithInterceptors(recourseconnect.Interceptor(interceptors.Domain("library.example.com")))
//	mux.Handle(libraryv1connect.NewLibraryHandler(service, errors))
//	client := libraryv1connect.NewLibraryClient(http.DefaultClient, url, errors)
//
// Connect by itself does not know errors of gRPC: one that a handler returns, of status.New or
// of a call to another service, goes out as CodeUnknown without details, and with all of its
// text. With the interceptor a handler answers any error as a gRPC server with
// interceptors.ServerOptions does, in all three protocols that Connect speaks; and a client
// gets each error as a *status.Error, which errors.As finds the *connect.Error in.
//
// [Proxy] serves a gRPC service that runs elsewhere to browsers and other clients of Connect
// and gRPC-Web, without generated code.
package recourseconnect
