package async_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/async"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

func TestAnAnswerIsAnAnswer(t *testing.T) {
	answer, err := async.Run(t.Context(), "work", (&script{}).run)
	if answer != "real" || err != nil {
		t.Errorf("%q, %v, want the answer", answer, err)
	}
	nothing, err := async.Run(t.Context(), "work", func(context.Context) (*script, error) { return nil, nil })
	if nothing != nil || err != nil {
		t.Errorf("%v, %v, want a nil answer and no error", nothing, err)
	}
}

// The values of the caller's context reach the operation, and its own context ends
// with it.
func TestAnOperationHasAContextOfItsOwn(t *testing.T) {
	type key struct{}
	s := &script{}
	_, err := async.Run(context.WithValue(t.Context(), key{}, "v"), "work", s.run)
	if err != nil || s.ctx.Value(key{}) != "v" || s.ctx.Err() == nil {
		t.Errorf("error %v, value %v, context %v; want none, v and an ended context", err, s.ctx.Value(key{}), s.ctx.Err())
	}
}

func TestWhatAnOperationFailsWith(t *testing.T) {
	notFound := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book")
	received := status.Received(grpcstatus.Error(codes.NotFound, "no row"), "/library.v1.Library/Get", "id-1", false)
	stored := status.FromProto(status.ToProto(notFound))
	tests := []struct {
		name            string
		err             error
		code            codes.Code
		errorCode, work string // work: the operation
	}{
		{"its own error", notFound, codes.NotFound, "BOOK_NOT_FOUND", ""},
		{"wrapped", fmt.Errorf("look up: %w", notFound), codes.NotFound, "BOOK_NOT_FOUND", ""},
		{"that of a service", received, codes.NotFound, "NOT_FOUND", "/library.v1.Library/Get"},
		{"that of a service, wrapped",
			fmt.Errorf("ask: %w", received), codes.NotFound, "NOT_FOUND", "/library.v1.Library/Get"},
		{"a plain status", grpcstatus.Error(codes.NotFound, "no row"), codes.NotFound, "NOT_FOUND", ""},
		{"a stored one", stored, codes.NotFound, "BOOK_NOT_FOUND", ""},
		{"a stored one that nobody could explain", status.FromProto(status.ToProto(errors.New("x"))),
			codes.Internal, status.CodeUnexpected, ""},
		{"of two, the worse", errors.Join(notFound, down()), codes.NotFound, "BOOK_NOT_FOUND", ""},
		{"a timeout of its own", context.DeadlineExceeded, codes.DeadlineExceeded, status.CodeTimeout, "load book"},
		{"of a file", os.ErrDeadlineExceeded, codes.DeadlineExceeded, status.CodeDependencyTimeout, "load book"},
		{"nobody there",
			&net.OpError{Op: "dial", Err: errors.New("refused")},
			codes.Unavailable, status.CodeDependencyUnavailable, "load book"},
		{"known to a classifier", fmt.Errorf("scan: %w", sql.ErrNoRows), codes.NotFound, "NO_ROWS", "load book"},
		{"anything else", errors.New("secret"), codes.Internal, "ASYNC_LOAD_BOOK_FAILED", "load book"},
		{"a nil *status.Error", (*status.Error)(nil), codes.Internal, "ASYNC_LOAD_BOOK_FAILED", "load book"},
		{"of a service that could not explain it",
			status.Received(status.Classify(errors.New("x")).GRPCStatus().Err(), "/a.B/C", "", false),
			codes.Internal, status.CodeUnexpected, "/a.B/C"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &async.Operation[string]{Name: "load book", Classifiers: []status.Classifier{
				status.Sentinel(sql.ErrNoRows, codes.NotFound, "NO_ROWS", "no rows"),
			}}
			answer, err := o.Run(t.Context(), always(test.err).run)
			e := own(t, err)
			if e.Code() != test.code || e.ErrorCode() != test.errorCode || e.Operation() != test.work {
				t.Errorf("%v of %q, want %v %s of %q", e, e.Operation(), test.code, test.errorCode, test.work)
			}
			if answer != "" {
				t.Errorf("answer %q beside an error", answer)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v has lost %v", err, test.err)
			}
			if sent := e.GRPCStatus().String(); strings.Contains(sent, "secret") {
				t.Errorf("the original's text is in %s", sent)
			}
		})
	}
}

// An error of its own comes back as the very same, and what was wrapped around one is
// not lost.
func TestAKnownErrorIsLeftAlone(t *testing.T) {
	first := status.New(codes.NotFound, "BOOK_NOT_FOUND", "", status.Cause(sql.ErrNoRows))
	_, err := async.Run(t.Context(), "work", always(first).run)
	if err != error(first) {
		t.Errorf("another error: %v", err)
	}
	late := status.Received(grpcstatus.Error(codes.DeadlineExceeded, ""), "/a.B/C", "", true)
	_, err = async.Run(t.Context(), "work", always(late).run)
	if late.ErrorCode() != status.CodeTimeout || err != error(late) {
		t.Errorf("another error: %v, want %v", err, late)
	}
	wrapper := fmt.Errorf("shelf 7: %w", first)
	_, err = async.Run(t.Context(), "work", always(wrapper).run)
	if !errors.Is(err, wrapper) || !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("%v has lost what was around it", err)
	}
	// A server still takes it for what another service said.
	remote := status.Received(grpcstatus.Error(codes.NotFound, "no"), "/a.B/C", "", false)
	_, err = async.Run(t.Context(), "work", always(fmt.Errorf("ask: %w", remote)).run)
	if got := status.Classify(err).ErrorCode(); got != status.CodeDependencyFailed {
		t.Errorf("a handler that returns it fails with %s, want %s", got, status.CodeDependencyFailed)
	}
}

// What a part of an operation could not explain, the operation can at least give its
// name.
func TestAPartFails(t *testing.T) {
	cause := errors.New("x")
	_, err := async.Run(t.Context(), "work", always(status.Classify(cause)).run)
	if e := own(t, err); e.ErrorCode() != "ASYNC_WORK_FAILED" || e.Unwrap() != cause {
		t.Errorf("%v caused by %v, want that of the operation caused by %v", e, e.Unwrap(), cause)
	}
	_, err = async.Run(t.Context(), "work", func(ctx context.Context) (int, error) {
		return async.Run(ctx, "part", func(context.Context) (int, error) { return 0, cause })
	})
	if e := own(t, err); e.ErrorCode() != "ASYNC_PART_FAILED" {
		t.Errorf("%v, want that of the part", e)
	}
}

func TestAnOperationWithoutAName(t *testing.T) {
	_, err := async.Run(t.Context(), "", always(errors.New("x")).run)
	if e := own(t, err); e.ErrorCode() != "ASYNC_OPERATION_FAILED" || e.Operation() != "operation" {
		t.Errorf("%v of %q, want that of an operation", e, e.Operation())
	}
}

func TestTimeIsUp(t *testing.T) {
	tests := []struct {
		name   string
		caller time.Duration // what it allows; 0: no deadline
		policy time.Duration
		op     func(context.Context) (string, error)
		want   time.Duration
	}{
		{"the default", 0, -1, block, 30 * time.Second},
		{"the policy's", 0, 7 * time.Second, block, 7 * time.Second},
		{"the caller's, which is shorter", 3 * time.Second, 7 * time.Second, block, 3 * time.Second},
		{"the policy's, which is shorter", 9 * time.Second, 7 * time.Second, block, 7 * time.Second},
		{"the caller's alone", 100 * time.Second, 0, block, 100 * time.Second},
		{"a driver with words of its own", 0, 7 * time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", errors.New("pq: canceling statement due to user request")
		}, 7 * time.Second},
		{"a connection that was closed for it", 0, 7 * time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", net.ErrClosed
		}, 7 * time.Second},
		{"a part of it that could not explain it", 0, 7 * time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", status.Classify(errors.New("aborted"))
		}, 7 * time.Second},
		{"a call to a service", 0, 7 * time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", grpcstatus.FromContextError(ctx.Err()).Err()
		}, 7 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.caller)
					defer cancel()
				}
				o := &async.Operation[string]{Name: "slow work", Idempotent: true}
				if test.policy >= 0 {
					o.Policies = policies(t, func(p *policy.Policy) { p.Timeout = test.policy })
				}
				var err error
				if got := took(func() { _, err = o.Run(ctx, test.op) }); got != test.want {
					t.Errorf("took %v, want %v", got, test.want)
				}
				e := own(t, err)
				if !isTimeout(e) || e.Outcome() != status.Indeterminate {
					t.Errorf("%v with outcome %v, want a timeout that tells nothing", e, e.Outcome())
				}
				if e.Operation() != "slow work" || e.Suggestion() != "Try again in a few moments or check system status." {
					t.Errorf("of %q: %q", e.Operation(), e.Suggestion())
				}
			})
		})
	}
}

// What an operation says about itself is not replaced because it says it late.
func TestARealErrorSurvivesTheDeadline(t *testing.T) {
	for _, real := range []error{
		status.New(codes.DeadlineExceeded, "MODEL_TOO_SLOW", ""), status.New(codes.NotFound, "NO_BOOK", ""), sql.ErrNoRows,
		status.New(codes.Unavailable, status.CodeDependencyUnavailable, ""),
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			o := &async.Operation[string]{Classifiers: []status.Classifier{
				status.Sentinel(sql.ErrNoRows, codes.NotFound, "NO_ROWS", ""),
			}}
			_, err := o.Run(ctx, func(ctx context.Context) (string, error) {
				<-ctx.Done()
				return "", real
			})
			if e := own(t, err); e.ErrorCode() == status.CodeTimeout || !errors.Is(e, real) {
				t.Errorf("%v, want %v", e, real)
			}
		})
	}
}

// An operation that ignores its context is waited for, and what it did is not undone.
func TestALateAnswerIsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answer string
		var err error
		if got := took(func() { answer, err = async.Run(t.Context(), "work", stuckFor(time.Minute)) }); got != time.Minute {
			t.Errorf("took %v, want as long as the operation", got)
		}
		if answer != "late" || err != nil {
			t.Errorf("%q, %v, want the answer", answer, err)
		}
	})
}

func TestWhatCannotBegin(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	tests := []struct {
		name string
		ctx  context.Context
		code string
	}{
		{"cancelled", cancelled, status.CodeCancelled},
		{"expired", expired, status.CodeTimeout},
	}
	for _, test := range tests {
		s := &script{}
		_, err := async.Run(test.ctx, "work", s.run)
		e := own(t, err)
		if e.ErrorCode() != test.code || e.Outcome() != status.NotApplied || e.Operation() != "work" || len(s.began) != 0 {
			t.Errorf("%s: %v, %v, of %q after %d attempts", test.name, e, e.Outcome(), e.Operation(), len(s.began))
		}
	}
	synctest.Test(t, func(t *testing.T) { // less than MinTimeout
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		s := &script{}
		_, err := async.Run(ctx, "work", s.run)
		if e := own(t, err); e.ErrorCode() != status.CodeTimeout || e.Outcome() != status.NotApplied || len(s.began) != 0 {
			t.Errorf("%v, %v after %d attempts", e, e.Outcome(), len(s.began))
		}
	})
}

func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true}
		s := &script{failures: []error{down(), down()}}
		answer, err := o.Run(t.Context(), s.run)
		if answer != "real" || err != nil {
			t.Fatalf("%q, %v, want the answer", answer, err)
		}
		waits := s.waits()
		if len(waits) != 2 {
			t.Fatalf("%d repeats, want 2", len(waits))
		}
		for i, w := range waits {
			if most := 25 * time.Millisecond << i; w > most {
				t.Errorf("wait %d: %v, want at most %v", i+1, w, most)
			}
		}
	})
}

func TestWhatIsRepeated(t *testing.T) {
	conflict := status.New(codes.Aborted, "CONFLICT", "")
	given := status.New(codes.Unavailable, "DOWN", "", status.Advice(&recoursev1.RetryAdvice{
		Verdict: status.SameRequest, Why: whyExhausted, Attempts: 3,
	}))
	idempotent := func(p *policy.Policy) { p.Idempotent = true }
	tests := []struct {
		name       string
		err        error
		idempotent bool
		change     func(*policy.Policy)
		want       int // attempts
	}{
		{"it may do harm", down(), false, nil, 1},
		{"idempotent", down(), true, nil, 3},
		{"idempotent as the policy says", down(), false, idempotent, 3},
		{"nothing happened", down(status.Outcome(status.NotApplied)), false, nil, 3},
		{"it happened", down(status.Outcome(status.Applied)), true, nil, 1},
		{"never", down(status.Retry(status.Never)), true, nil, 1},
		{"as often as the policy says", down(), true, func(p *policy.Policy) { p.MaxAttempts = 5 }, 5},
		{"off", down(), true, func(p *policy.Policy) { p.MaxAttempts = 1 }, 1},
		{"another code", conflict, true, nil, 1},
		{"another code, listed", conflict, true, func(p *policy.Policy) { p.Codes = []codes.Code{codes.Aborted} }, 3},
		{"a known fault", status.New(codes.NotFound, "NO", ""), true, nil, 1},
		{"unexpected", errors.New("x"), true, nil, 1},
		{"a timeout of its own", context.DeadlineExceeded, true, nil, 1},
		{"no address", fmt.Errorf("dial: %w", net.ErrClosed), true, nil, 3},
		{"a service that another retry gave up on", given, true, nil, 2},
		{"a longer delay than anybody waits",
			down(status.RetryAfter(31 * time.Second)), true, func(p *policy.Policy) { p.Timeout = 0 }, 1},
		{"exhausted", status.New(codes.ResourceExhausted, "QUOTA", ""), true, nil, 1},
		{"exhausted for a time",
			status.New(codes.ResourceExhausted, "QUOTA", "", status.RetryAfter(time.Second)), true, nil, 3},
		{"something has to be done first", status.New(codes.Unauthenticated, "WHO", ""), true, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &async.Operation[string]{Name: "work", Idempotent: test.idempotent}
				if test.change != nil {
					o.Policies = policies(t, test.change)
				}
				s := always(test.err)
				_, err := o.Run(t.Context(), s.run)
				e := own(t, err)
				if len(s.began) != test.want {
					t.Errorf("%d attempts, want %d", len(s.began), test.want)
				}
				if !errors.Is(e, status.Classify(test.err)) && e.ErrorCode() != "ASYNC_WORK_FAILED" {
					t.Errorf("%v, want %v", e, test.err)
				}
				if e.Verdict() == status.SameRequest && test.want > 2 && attempts(e) != uint32(test.want) {
					t.Errorf("%d attempts in %v, want %d", attempts(e), e, test.want)
				}
			})
		})
	}
}

func TestADelayIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true}
		s := &script{failures: []error{down(status.RetryAfter(2 * time.Second))}}
		if _, err := o.Run(t.Context(), s.run); err != nil {
			t.Fatal(err)
		}
		if w := s.waits(); len(w) != 1 || w[0] < 2*time.Second || w[0] > 2500*time.Millisecond {
			t.Errorf("waits %v, want one of 2s and up to a quarter more", w)
		}
	})
}

func TestADelayThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o := &async.Operation[string]{Name: "work", Idempotent: true}
		real := down(status.RetryAfter(2 * time.Second))
		s := always(real)
		var err error
		if got := took(func() { _, err = o.Run(ctx, s.run) }); got != 0 || err != real || len(s.began) != 1 {
			t.Errorf("%v after %v and %d attempts, want the real error at once", err, got, len(s.began))
		}
	})
}

func TestTimeIsUpInASecondAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true}
		first := down(status.Meta("try", "first"))
		n := 0
		var err error
		got := took(func() {
			_, err = o.Run(t.Context(), func(ctx context.Context) (string, error) {
				if n++; n == 1 {
					return "", first
				}
				return block(ctx)
			})
		})
		e := own(t, err)
		if got != 30*time.Second || e.ErrorCode() != status.CodeTimeout || !errors.Is(e, first) || e.Operation() != "work" {
			t.Errorf("%v of %q after %v, want a timeout with the first error behind it after 30s", e, e.Operation(), got)
		}
	})
}

func TestAnAttemptHasItsOwnTime(t *testing.T) {
	slow := func(p *policy.Policy) { p.AttemptTimeout, p.Backoff = 2*time.Second, 0 }
	for _, idempotent := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := &async.Operation[string]{Name: "work", Idempotent: idempotent, Policies: policies(t, slow)}
			n := 0
			var err error
			got := took(func() {
				_, err = o.Run(t.Context(), func(ctx context.Context) (string, error) {
					n++
					return block(ctx)
				})
			})
			want := 1
			if idempotent {
				want = 3
			}
			if e := own(t, err); n != want || got != time.Duration(want)*2*time.Second || e.ErrorCode() != status.CodeTimeout {
				t.Errorf("%v after %d attempts in %v, want a timeout after %d", e, n, got, want)
			}
		})
	}
}

// What an attempt has left behind does not live on beside the next.
func TestAnAttemptEndsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true, Policies: policies(t, func(p *policy.Policy) {
			p.AttemptTimeout = 2 * time.Second
		})}
		var first context.Context
		_, err := o.Run(t.Context(), func(ctx context.Context) (string, error) {
			if first == nil {
				first = ctx
				return "", down()
			}
			if first.Err() == nil || ctx.Err() != nil {
				t.Errorf("contexts: first %v, second %v; want only the first ended", first.Err(), ctx.Err())
			}
			return "", nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTheCallerGivesUp(t *testing.T) {
	tests := []struct {
		name string
		op   func(context.Context) (string, error)
	}{
		{"while it works", block},
		{"while it waits", always(down(status.RetryAfter(10 * time.Second))).run},
		{"and a driver has words of its own", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", errors.New("operation aborted")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, cancel)
				o := &async.Operation[string]{Name: "work", Idempotent: true}
				asked := false
				var err error
				got := took(func() {
					_, err = o.Run(ctx, test.op, async.Fallback(func(context.Context, *status.Error) (string, error) {
						asked = true
						return "", nil
					}))
				})
				e := own(t, err)
				if got != 3*time.Second || e.ErrorCode() != status.CodeCancelled || e.Operation() != "work" || asked {
					t.Errorf("%v of %q after %v, fallback asked: %v; want it cancelled after 3s", e, e.Operation(), got, asked)
				}
			})
		})
	}
}

// An error of its own survives its caller's leaving too, and nothing follows it.
func TestTheCallerHasLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := &async.Operation[string]{Name: "work", Idempotent: true}
	n := 0
	_, err := o.Run(ctx, func(context.Context) (string, error) {
		n++
		cancel()
		return "", down()
	}, async.Fallback(func(context.Context, *status.Error) (string, error) {
		t.Error("a fallback was asked")
		return "", nil
	}))
	if e := own(t, err); e.ErrorCode() != "DOWN" || n != 1 {
		t.Errorf("%v after %d attempts, want the real error", e, n)
	}
}

// lagging is a context whose timer is late.
type lagging struct {
	context.Context
	end time.Time
}

func (l lagging) Deadline() (time.Time, bool) { return l.end, true }

func TestTheClockIsAskedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := lagging{t.Context(), time.Now().Add(time.Second)}
		_, err := async.Run(ctx, "work", func(context.Context) (string, error) {
			time.Sleep(time.Second)
			return "", errors.New("aborted")
		})
		if e := own(t, err); !isTimeout(e) {
			t.Errorf("%v, want a timeout", e)
		}
	})
}

// A budget belongs to an operation, not to a run: in a lasting outage there are hardly
// any repeats.
func TestABudgetIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true}
		n := 0
		fail := func(context.Context) (string, error) {
			n++
			return "", down()
		}
		var err error
		for range 100 {
			_, err = o.Run(t.Context(), fail)
		}
		if n > 130 {
			t.Errorf("%d attempts of 100 runs, want few repeats", n)
		}
		advice := own(t, err).RetryAdvice()
		if advice.GetVerdict() != status.Never || advice.GetWhy() != recoursev1.RetryAdvice_WHY_BUDGET_SPENT {
			t.Errorf("advice %v, want never, for the budget is spent", advice)
		}
		for range 100 { // it earns again
			if _, err := o.Run(t.Context(), (&script{}).run); err != nil {
				t.Fatal(err)
			}
		}
		s := &script{failures: []error{down()}}
		if _, err := o.Run(t.Context(), s.run); err != nil {
			t.Errorf("%v after a hundred successes, want a repeat", err)
		}
	})
}

// What its caller can mend is no reason to save repeats.
func TestSomebodyElsesFaultEarns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true}
		for range 100 {
			_, _ = o.Run(t.Context(), always(down()).run)
		}
		for range 100 {
			_, _ = o.Run(t.Context(), always(status.New(codes.NotFound, "NO", "")).run)
		}
		if _, err := o.Run(t.Context(), (&script{failures: []error{down()}}).run); err != nil {
			t.Errorf("%v, want a repeat", err)
		}
	})
}

func TestPoliciesByName(t *testing.T) {
	set, err := policy.Parse([]byte(`
error_handling: {async: {timeout_seconds: 9}}
methods:
  async: {async: {timeout_seconds: 8}}
  /async/response_generation: {async: {timeout_seconds: 7}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]time.Duration{
		"response generation":   7 * time.Second,
		" response/generation!": 7 * time.Second,
		"Response generation":   8 * time.Second,
		"":                      8 * time.Second,
		"?":                     8 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			o := &async.Operation[string]{Name: name, Policies: set}
			if got := took(func() { _, _ = o.Run(t.Context(), block) }); got != want {
				t.Errorf("%q: took %v, want %v", name, got, want)
			}
		})
	}
}

func TestNothingEndsTheProcess(t *testing.T) {
	inner := errors.New("inner")
	tests := []struct {
		name string
		op   func(context.Context) (string, error)
		is   any // the panic's value
	}{
		{"a panic", func(context.Context) (string, error) { panic("secret") }, "secret"},
		{"with an error", func(context.Context) (string, error) { panic(inner) }, inner},
		{"with a status", func(context.Context) (string, error) { panic(down()) }, nil},
		{"with nil", func(context.Context) (string, error) { panic(nil) }, nil},
		{"the end of the goroutine", func(context.Context) (string, error) { runtime.Goexit(); return "", nil }, nil},
		{"no function", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var told async.Failure
			o := &async.Operation[string]{Name: "work", Idempotent: true, OnFailure: func(_ context.Context, f async.Failure) {
				told = f
				runtime.Goexit() // nor does this
			}}
			_, err := o.Run(t.Context(), test.op)
			e := own(t, err)
			p, ok := e.Unwrap().(*status.PanicError)
			if !ok || e.ErrorCode() != "ASYNC_WORK_FAILED" || e.Code() != codes.Internal || len(p.Stack) == 0 {
				t.Fatalf("%v caused by %v, want INTERNAL caused by a panic", e, e.Unwrap())
			}
			if test.is != nil && p.Value != test.is {
				t.Errorf("value %v, want %v", p.Value, test.is)
			}
			if strings.Contains(e.GRPCStatus().String(), "secret") {
				t.Error("the panic's text is sent")
			}
			if told.Err != e || told.Operation != "work" || told.Degraded != nil {
				t.Errorf("told of %+v, want the failure", told)
			}
		})
	}
}

func TestAPanicAtTheEndOfTimeIsStillAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := async.Run(t.Context(), "work", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			panic("x")
		})
		if e := own(t, err); e.ErrorCode() != "ASYNC_WORK_FAILED" {
			t.Errorf("%v, want the panic", e)
		}
	})
}

func TestTheHookIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		o := &async.Operation[string]{Name: "work", Idempotent: true, OnFailure: func(context.Context, async.Failure) {
			n++
			panic("the hook's")
		}}
		if _, err := o.Run(t.Context(), (&script{failures: []error{down()}}).run); err != nil || n != 0 {
			t.Errorf("%v, told %d times, want success and nobody told", err, n)
		}
		if _, err := o.Run(t.Context(), always(down()).run); err == nil || n != 1 {
			t.Errorf("%v, told %d times, want an error told once", err, n)
		}
	})
}

func TestAHardStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Idempotent: true, Policies: policies(t, hardStop)}
		var err error
		const want = 30*time.Second + 2*time.Millisecond
		if got := took(func() { _, err = o.Run(t.Context(), stuckFor(time.Hour)) }); got != want {
			t.Errorf("took %v, want 30s and a moment", got)
		}
		if e := own(t, err); e.ErrorCode() != status.CodeTimeout || e.Outcome() != status.Indeterminate {
			t.Errorf("%v, want a timeout", e)
		}
		// One that heeds its context has its say.
		_, err = o.Run(t.Context(), func(ctx context.Context) (string, error) {
			<-ctx.Done()
			time.Sleep(time.Millisecond)
			return "", status.New(codes.DeadlineExceeded, "MODEL_TOO_SLOW", "")
		})
		if e := own(t, err); e.ErrorCode() != "MODEL_TOO_SLOW" {
			t.Errorf("%v, want its own error", e)
		}
		if answer, err := o.Run(t.Context(), (&script{}).run); answer != "real" || err != nil {
			t.Errorf("%q, %v, want the answer", answer, err)
		}
		// An error that comes too late is nobody's.
		told := 0
		o.OnFailure = func(context.Context, async.Failure) { told++ }
		_, err = o.Run(t.Context(), func(context.Context) (string, error) {
			time.Sleep(time.Hour)
			return "", down(status.Cause(errors.New("x")))
		})
		time.Sleep(time.Hour)
		if e := own(t, err); !isTimeout(e) || told != 1 {
			t.Errorf("%v, told %d times, want a timeout told once", e, told)
		}
		// The caller is not kept waiting either.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if got := took(func() { _, err = o.Run(ctx, stuckFor(time.Hour)) }); got != time.Second+2*time.Millisecond {
			t.Errorf("took %v, want 1s and a moment", got)
		}
		if e := own(t, err); e.ErrorCode() != status.CodeCancelled {
			t.Errorf("%v, want it cancelled", e)
		}
		time.Sleep(time.Hour) // the goroutines end
	})
}

// Two attempts never run at once, even if the first ignores the end of its time.
func TestAttemptsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := func(p *policy.Policy) { p.AttemptTimeout = time.Second }
		o := &async.Operation[string]{Name: "work", Idempotent: true, Policies: policies(t, hardStop, second)}
		var running atomic.Int32
		n := 0
		_, err := o.Run(t.Context(), func(context.Context) (string, error) {
			n++
			if running.Add(1) > 1 {
				t.Error("two attempts at once")
			}
			defer running.Add(-1)
			time.Sleep(3 * time.Second)
			return "", context.DeadlineExceeded
		})
		if e := own(t, err); n != 3 || e.ErrorCode() != status.CodeTimeout {
			t.Errorf("%v after %d attempts, want a timeout after 3", e, n)
		}
	})
}

func TestWhatIsLeftBehindIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var late []string
		o := &async.Operation[string]{Name: "work", Idempotent: true, Policies: policies(t, hardStop)}
		o.OnFailure = func(_ context.Context, f async.Failure) {
			if _, ok := f.Err.Unwrap().(*status.PanicError); ok {
				mu.Lock()
				defer mu.Unlock()
				late = append(late, f.Operation+" "+f.Err.ErrorCode())
			}
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, _ = o.Run(t.Context(), func(context.Context) (string, error) {
					time.Sleep(time.Hour)
					panic("at last")
				})
			})
		}
		wg.Wait()
		s := &script{}
		var err error
		if got := took(func() { _, err = o.Run(t.Context(), s.run) }); got != 0 || len(s.began) != 0 {
			t.Errorf("%d attempts in %v, want a refusal at once", len(s.began), got)
		}
		e := own(t, err)
		if e.ErrorCode() != "OPERATIONS_STUCK" || e.Code() != codes.Unavailable || e.Operation() != "work" {
			t.Errorf("%v of %q, want a refusal", e, e.Operation())
		}
		if e.Outcome() != status.NotApplied || e.Verdict() != status.SameRequest {
			t.Errorf("%v, %v, want it said that nothing happened", e.Outcome(), e.Verdict())
		}
		if d, ok := e.RetryDelay(); !ok || d != time.Second {
			t.Errorf("delay %v, want 1s", d)
		}
		answer, err := o.Run(t.Context(), s.run, async.Fallback(canned))
		if answer != "canned" || err != nil {
			t.Errorf("%q, %v, want the fallback's", answer, err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := o.Run(t.Context(), s.run); err != nil {
			t.Errorf("%v after all have ended", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(late) != 100 || late[0] != "work ASYNC_WORK_FAILED" {
			t.Errorf("told of %d late panics, want 100", len(late))
		}
	})
}

// An operation may be run by many at once.
func TestManyRuns(t *testing.T) {
	atOnce := func(p *policy.Policy) { p.Backoff = 0 }
	o := &async.Operation[int]{Name: "work", Idempotent: true, Policies: policies(t, atOnce)}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			n := 0
			got, err := o.Run(t.Context(), func(context.Context) (int, error) {
				if n++; n == 1 {
					return 0, down()
				}
				return i, nil
			}, async.Fallback(func(context.Context, *status.Error) (int, error) { return i, nil }))
			if err != nil || got != i {
				t.Errorf("%d, %v, want %d", got, err, i)
			}
		})
	}
	wg.Wait()
}

// Whatever an operation fails with, it is an answer with guidance, and nothing of the
// original is sent.
func FuzzEveryErrorIsAnAnswer(f *testing.F) {
	for _, seed := range []string{"work", "", "?!", "münchen", "a\x00b", strings.Repeat("long name ", 40)} {
		f.Add(seed, byte(0))
		f.Add(seed, byte(3))
	}
	const canary = "canary-7f3a"
	f.Fuzz(func(t *testing.T, name string, kind byte) {
		_, err := async.Run(t.Context(), name, func(context.Context) (string, error) {
			switch kind % 5 {
			case 0:
				panic(canary)
			case 1:
				return "", fmt.Errorf("%s: %w", canary, context.DeadlineExceeded)
			case 2:
				return "", &net.DNSError{Err: canary}
			case 3:
				return "", fmt.Errorf("%s: %w", canary, status.New(codes.NotFound, "NO", ""))
			}
			return "", errors.New(canary)
		})
		e := own(t, err)
		if e.Code() == codes.OK || e.Suggestion() == "" || e.ErrorCode() == "" {
			t.Errorf("not an answer: %v", e)
		}
		if sent := fmt.Sprint(e.GRPCStatus().Proto(), e); strings.Contains(sent, canary) {
			t.Errorf("leaked: %s", sent)
		}
		if diff := cmp.Diff(e.ErrorCode(), own(t, status.FromProto(status.ToProto(e))).ErrorCode()); diff != "" {
			t.Errorf("stored (-made +read):\n%s", diff)
		}
	})
}
