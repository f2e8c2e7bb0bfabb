package status_test

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

func ExampleNew() {
	// [readme:error]
	err := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no book has the ISBN 978-3-16-148410-0",
		status.Meta("isbn", "978-3-16-148410-0"),
		status.Suggest("Check the ISBN on the back of the book."),
		status.Cause(sql.ErrNoRows)) // for the log, never for the caller
	// [/readme:error]
	fmt.Println(err)
	fmt.Println(err.Suggestion())
	// Output:
	// NotFound BOOK_NOT_FOUND: no book has the ISBN 978-3-16-148410-0
	// Check the ISBN on the back of the book.
}

func ExampleError_Is() {
	errNotFound := status.New(codes.NotFound, "BOOK_NOT_FOUND", "")

	// As it comes back from another process:
	received := grpcstatus.FromProto(status.ToProto(status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Domain("library.example.com")))).Err()

	e, _ := status.From(received)
	fmt.Println(errors.Is(e, errNotFound))
	// Output: true
}

func ExampleError_With() {
	errLent := status.New(codes.FailedPrecondition, "BOOK_LENT", "the book is lent")
	err := errLent.With(status.Meta("until", "2026-12-01"))
	fmt.Println(err.Metadata(), errLent.Metadata(), errors.Is(err, errLent))
	// Output: map[until:2026-12-01] map[] true
}

func ExampleFrom() {
	err := fmt.Errorf("list shelves: %w", grpcstatus.Error(codes.Unavailable, "replica is catching up"))
	if e, ok := status.From(err); ok {
		fmt.Println(e.Code(), e.ErrorCode(), e.Verdict())
		fmt.Println(e.Suggestion())
	}
	// Output:
	// Unavailable UNAVAILABLE VERDICT_SAME_REQUEST
	// Try again in a few moments or check system status.
}

func ExampleDetail() {
	err := fmt.Errorf("lend: %w", status.New(codes.InvalidArgument, "REQUEST_INVALID", "the request is invalid",
		status.Violation("items[0].copies", "TOO_MANY", "at most 3 copies")))
	if bad, ok := status.Detail[*errdetails.BadRequest](err); ok {
		for _, v := range bad.GetFieldViolations() {
			fmt.Printf("%s: %s\n", status.Display(v.GetField(), 80), status.Display(v.GetDescription(), 200))
		}
	}
	// Output: items[0].copies: at most 3 copies
}

func ExampleClassify() {
	err := fmt.Errorf("select from books where isbn = 'secret': %w", errors.New("connection reset by 10.0.3.7"))
	e := status.Classify(err)
	fmt.Println(e)
	fmt.Println(errors.Is(e, err)) // for the log
	// Output:
	// Internal ASYNC_UNEXPECTED_FAILED: an unexpected error occurred
	// true
}

func ExampleSentinel() {
	noRows := status.Sentinel(sql.ErrNoRows, codes.NotFound, "BOOK_NOT_FOUND", "no such book")
	fmt.Println(status.Classify(fmt.Errorf("find book: %w", sql.ErrNoRows), noRows))
	// Output: NotFound BOOK_NOT_FOUND: no such book
}

func ExampleDisplay() {
	fmt.Println(status.Display("\x1b[31mAll is well\x1b[0m\nlevel=error forged=true", 60))
	// Output: [31mAll is well[0m level=error forged=true
}

func ExamplePassThrough() {
	// What a call to the shelf service returned. A client's interceptors make it.
	st := grpcstatus.New(codes.NotFound, "no such shelf")
	err := status.Received(st.Err(), "/shelf.v1.Shelf/Find", "", false)

	fmt.Println(status.Classify(err))
	fmt.Println(status.Classify(status.PassThrough(err)))
	// Output:
	// Internal DEPENDENCY_FAILED: a service that this one depends on failed
	// NotFound NOT_FOUND: no such shelf
}

func ExampleAction() {
	err := status.New(codes.Unauthenticated, "TOKEN_EXPIRED", "the access token has expired",
		status.Recover(
			status.Action(status.ByClient, "Refresh the token", &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_REFRESH}),
			status.Action(status.ByEndUser, "Sign in again", &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_LOGIN})))
	for _, a := range err.RecoveryActions() {
		fmt.Println(a.GetActor(), a.GetLabel(), a.GetReauthenticate().GetKind())
	}
	// Output:
	// ACTOR_CLIENT Refresh the token KIND_REFRESH
	// ACTOR_END_USER Sign in again KIND_LOGIN
}

func ExampleRetryAfter() {
	err := status.New(codes.ResourceExhausted, "TOO_MANY_SEARCHES", "100 searches in a minute are used up", status.RetryAfter(30*time.Second))
	wait, ok := err.RetryDelay()
	fmt.Println(wait, ok, err.Verdict())
	// Output: 30s true VERDICT_SAME_REQUEST
}

func ExampleOperation() {
	fmt.Println(status.Operation("intent classification", errors.New("model crashed")))
	// Output: Internal ASYNC_INTENT_CLASSIFICATION_FAILED: intent classification failed
}

func ExampleToProto() {
	// A worker stores how its operation ended …
	stored := status.ToProto(status.Operation("export", errors.New("disk full")))
	// … and a server returns it, days later.
	err := status.FromProto(stored)
	fmt.Println(err)
	// Output: Internal ASYNC_EXPORT_FAILED: export failed
}

// [readme:more]
var (
	// What errors.Is looks for: a name, without the words around it.
	errSignedOut = status.New(codes.Unauthenticated, "SIGNED_OUT", "you were signed out",
		status.Recover(status.Action(status.ByEndUser, "Sign in", &recoursev1.Reauthenticate{})))
	// What an error of another package means here: interceptors.Classifiers(noRows).
	noRows = status.Sentinel(sql.ErrNoRows, codes.NotFound, "BOOK_NOT_FOUND", "no such book")
	// Two fields at once, in one google.rpc.BadRequest.
	errInvalid = status.New(codes.InvalidArgument, "ORDER_INVALID", "2 fields are invalid",
		status.Violation("copies", "TOO_MANY", "at most 3"), status.Violation("isbn", "MISSING", "is required"))
)

// [/readme:more]

func Example_declared() {
	fmt.Println(errSignedOut.RecoveryActions()[0].GetLabel())
	fmt.Println(status.Classify(fmt.Errorf("find: %w", sql.ErrNoRows), noRows))
	bad, _ := status.Detail[*errdetails.BadRequest](errInvalid)
	fmt.Println(len(bad.GetFieldViolations()), "fields")
	// Output:
	// Sign in
	// NotFound BOOK_NOT_FOUND: no such book
	// 2 fields
}
