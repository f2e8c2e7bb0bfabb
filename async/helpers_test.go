package async_test

import (
	"context"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// policies makes a set that holds for every operation, changed as the test needs it.
func policies(t testing.TB, change ...func(*policy.Policy)) *policy.Set {
	t.Helper()
	var layers []policy.Layer
	for _, c := range change {
		layers = append(layers, policy.Defaults(c))
	}
	set, err := policy.New(layers...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func hardStop(p *policy.Policy) { p.HardStop = true }

// script is an operation that fails as it is told, attempt by attempt, and then
// answers "real".
type script struct {
	failures []error
	began    []time.Time
	ctx      context.Context // of the last attempt
}

func (s *script) run(ctx context.Context) (string, error) {
	s.ctx = ctx
	s.began = append(s.began, time.Now())
	if n := len(s.began); n <= len(s.failures) {
		return "rubbish", s.failures[n-1]
	}
	return "real", nil
}

// always fails as long as anybody asks.
func always(err error) *script {
	s := &script{}
	for range 20 {
		s.failures = append(s.failures, err)
	}
	return s
}

func (s *script) waits() (waits []time.Duration) {
	for i := 1; i < len(s.began); i++ {
		waits = append(waits, s.began[i].Sub(s.began[i-1]))
	}
	return waits
}

func down(opts ...status.Option) error {
	return status.New(codes.Unavailable, "DOWN", "down", opts...)
}

// block waits for the end of its context, as an operation should.
func block(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// stuckFor ignores its context.
func stuckFor(d time.Duration) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		time.Sleep(d)
		return "late", nil
	}
}

func canned(context.Context, *status.Error) (string, error) { return "canned", nil }

// own returns the error of an operation, which is a *status.Error itself.
func own(t testing.TB, err error) *status.Error {
	t.Helper()
	e, ok := err.(*status.Error)
	if !ok || e == nil {
		t.Fatalf("error %v (%T), want a *status.Error", err, err)
	}
	return e
}

func isTimeout(e *status.Error) bool {
	return e.ErrorCode() == status.CodeTimeout && e.Code() == codes.DeadlineExceeded
}

func attempts(e *status.Error) uint32 { return e.RetryAdvice().GetAttempts() }

// took measures f in virtual time.
func took(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

var whyExhausted = recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED
