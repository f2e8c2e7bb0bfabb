package async_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dev/recourse/async"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
)

func ExampleRun() {
	generate := func(context.Context) (string, error) {
		return "", errors.New("model file is damaged")
	}
	canned := func(_ context.Context, cause *status.Error) (string, error) {
		return "I cannot answer that at the moment. " + cause.Suggestion(), nil
	}

	answer, err := async.Run(context.Background(), "response generation", generate, async.Fallback(canned))
	fmt.Println(answer, err)

	_, err = async.Run(context.Background(), "response generation", generate)
	fmt.Println(err)
	fmt.Println(errors.Unwrap(err)) // for the log
	// Output:
	// I cannot answer that at the moment. Please report this issue to support. <nil>
	// Internal ASYNC_RESPONSE_GENERATION_FAILED: response generation failed
	// model file is damaged
}

// An operation that is declared has a policy, a budget for its repeats, and somebody
// who is told.
func ExampleOperation() {
	policies, err := policy.Parse([]byte(`
methods:
  /async/load_book:
    async: {timeout_seconds: 2, max_retries: 4}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	loadBook := &async.Operation[string]{
		Name:       "load book",
		Policies:   policies,
		Idempotent: true,
		Classifiers: []status.Classifier{
			status.Sentinel(sql.ErrNoRows, codes.NotFound, "BOOK_NOT_FOUND", "no such book"),
		},
		OnFailure: func(_ context.Context, f async.Failure) {
			// In a handler of a server: interceptors.SetDegraded(ctx, f.Degraded)
			fmt.Println("log:", f.Operation, f.Err.ErrorCode(), "degraded:", f.Degraded != nil)
		},
	}

	attempts := 0
	title, err := loadBook.Run(context.Background(), func(context.Context) (string, error) {
		if attempts++; attempts < 3 {
			return "", status.New(codes.Unavailable, "SHELF_BUSY", "")
		}
		return "The Trial", nil
	})
	fmt.Println(title, err, "after", attempts, "attempts")

	_, err = loadBook.Run(context.Background(), func(context.Context) (string, error) {
		return "", fmt.Errorf("scan: %w", sql.ErrNoRows)
	})
	fmt.Println(err)

	title, err = loadBook.Run(context.Background(),
		func(context.Context) (string, error) { return "", errors.New("disk on fire") },
		async.Fallback(func(context.Context, *status.Error) (string, error) { return "from the cache", nil }))
	fmt.Println(title, err)
	// Output:
	// The Trial <nil> after 3 attempts
	// log: load book BOOK_NOT_FOUND degraded: false
	// NotFound BOOK_NOT_FOUND: no such book
	// log: load book ASYNC_LOAD_BOOK_FAILED degraded: true
	// from the cache <nil>
}

// The error of work that goes on after its call is stored, and returned by the handler
// that is polled.
func ExampleRun_stored() {
	// What is kept: google.longrunning.Operation has the same two fields.
	type job struct {
		done bool
		err  *spb.Status
	}
	jobs := map[string]*job{"import-7": {}}

	start := func(ctx context.Context) { // the handler of Import
		work := context.WithoutCancel(ctx)
		wait := async.Go(work, func(ctx context.Context) (int, error) {
			return async.Run(ctx, "import", func(context.Context) (int, error) {
				return 0, status.New(codes.Unavailable, "SHELF_BUSY", "the shelf is being moved", status.RetryAfter(time.Minute))
			})
		})
		_, err := wait() // normally in the goroutine that owns the job
		*jobs["import-7"] = job{done: true, err: status.ToProto(err)}
	}
	poll := func() error { return status.FromProto(jobs["import-7"].err) } // the handler of GetOperation

	start(context.Background())
	e, _ := status.From(poll())
	fmt.Println(jobs["import-7"].done, e)
	_, delayed := e.RetryDelay()
	fmt.Println("a delay that has passed long ago:", delayed)
	// Output:
	// true Unavailable SHELF_BUSY: the shelf is being moved
	// a delay that has passed long ago: false
}

func ExampleGo() {
	wait := async.Go(context.Background(), func(context.Context) (int, error) {
		var shelves []int
		return shelves[7], nil // panics
	})
	_, err := wait()
	fmt.Println(err)
	var p *status.PanicError
	fmt.Println(errors.As(err, &p))
	// Output:
	// Internal ASYNC_UNEXPECTED_FAILED: an unexpected error occurred
	// true
}

func ExampleGroup() {
	g, ctx := async.NewGroup(context.Background())
	g.SetLimit(4)
	for _, shelf := range []string{"fiction", "poetry", "drama"} {
		g.Go(func() error {
			if shelf == "poetry" {
				return status.New(codes.NotFound, "SHELF_NOT_FOUND", "there is no shelf "+shelf)
			}
			<-ctx.Done() // the others end with the first failure
			return ctx.Err()
		})
	}
	fmt.Println(g.Wait())
	// Output: NotFound SHELF_NOT_FOUND: there is no shelf poetry
}
