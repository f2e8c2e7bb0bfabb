package main

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/recourse-dev/recourse/explain"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// known are the errors that need no catalogue: those that package status makes, and the gRPC codes.
func known() []*explain.Document {
	dependency := status.Received(grpcstatus.Error(codes.NotFound, ""), "", "", false)
	list := []*explain.Document{
		explain.OfKnown(status.Classify(errors.New("")), "A failure that nobody described",
			"An error without a meaning of its own, or a panic. The server's log has its cause under the request id."),
		explain.OfKnown(status.Timeout(nil), "The time is up",
			"A deadline passed. Nobody knows whether the request took effect: ask before it is sent again."),
		explain.OfKnown(status.Classify(context.Canceled), "Somebody gave up",
			"The caller, or the program itself, no longer wanted the answer."),
		explain.OfKnown(status.Classify(dependency), "A service behind this one failed",
			"It answered with an error that means nothing to this service's caller. Callers that the server trusts see it among the causes."),
		explain.OfKnown(status.Classify(&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrNotExist}), "A service behind this one cannot be reached",
			"It is down, not yet up, or has too much to do."),
		explain.OfKnown(status.Classify(os.ErrDeadlineExceeded), "A service behind this one took too long",
			"It may still have done what it was asked for."),
	}
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		text := meanings[c]
		list = append(list, explain.OfKnown(status.New(c, "", ""), text.title, text.description))
	}
	return list
}

// meanings are those of the gRPC codes, after google.rpc.Code and AIP-193.
var meanings = map[codes.Code]struct{ title, description string }{
	codes.Canceled: {"The call was cancelled", "Typically by the caller. gRPC itself ends calls with it."},
	codes.Unknown: {"Nobody knows what happened", "A server returned an error without a status, or a status that is not known here. " +
		"A service that means something says something else."},
	codes.InvalidArgument:  {"The request is wrong", "Whatever the state of the system: it has to be changed before it is sent again."},
	codes.DeadlineExceeded: {"The time is up", "The request may have taken effect all the same, even though the call failed."},
	codes.NotFound:         {"It is not there", "Or the caller may not know that it is."},
	codes.AlreadyExists:    {"It is there already", "What the request should create exists."},
	codes.PermissionDenied: {"The caller may not do this", "The caller is known: other credentials of the same person do not help."},
	codes.ResourceExhausted: {"A limit is used up", "A quota of the caller's, or something that the system has only so much of. " +
		"A RetryInfo says when there is more."},
	codes.FailedPrecondition: {"The system is not in the state that the request needs", "The state has to be changed first. " +
		"Where only the one call has to be repeated it is UNAVAILABLE, where the larger operation has to, ABORTED."},
	codes.Aborted:       {"A conflict with another operation", "Typically of two transactions: the whole of it may be started again."},
	codes.OutOfRange:    {"A value is beyond the valid range", "Such as reading past an end. Unlike INVALID_ARGUMENT it may be valid at another time."},
	codes.Unimplemented: {"The server does not do this", "The method does not exist there, or is turned off."},
	codes.Internal:      {"The server is broken", "Something that always holds did not hold."},
	codes.Unavailable: {"The server cannot do it at the moment", "The same request may succeed later. " +
		"Whether it took effect this time is not known in general."},
	codes.DataLoss:        {"Data is lost or damaged", "And cannot be restored."},
	codes.Unauthenticated: {"The caller is not known", "There are no credentials, or none that are valid."},
}
