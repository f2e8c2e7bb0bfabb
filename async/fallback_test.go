package async_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/async"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
)

type answerer = func(context.Context, *status.Error) (string, error)

func chain(answers ...answerer) (chain []async.Substitute[string]) {
	for _, a := range answers {
		chain = append(chain, async.Fallback(a))
	}
	return chain
}

func failing(err error) answerer {
	return func(context.Context, *status.Error) (string, error) { return "rubbish", err }
}

func TestAFallbackAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []async.Failure
		o := &async.Operation[string]{Name: "work", Idempotent: true, OnFailure: func(_ context.Context, f async.Failure) {
			told = append(told, f)
		}}
		s := always(down(status.Domain("a.example"), status.Suggest("Wait.")))
		answer, err := o.Run(t.Context(), s.run, async.Fallback(canned))
		if answer != "canned" || err != nil || len(s.began) != 3 {
			t.Errorf("%q, %v after %d attempts, want the fallback's after 3", answer, err, len(s.began))
		}
		if len(told) != 1 || told[0].Operation != "work" || told[0].Err.ErrorCode() != "DOWN" {
			t.Fatalf("told of %+v, want one failure", told)
		}
		want := &recoursev1.Degraded{
			Kind: recoursev1.Degraded_KIND_SUBSTITUTE, ErrorCode: "DOWN", Domain: "a.example",
			Suggestion: "Wait.", RecoveryActions: told[0].Err.RecoveryActions(),
		}
		diff := cmp.Diff(want, told[0].Degraded, protocmp.Transform())
		if diff != "" || len(want.GetRecoveryActions()) == 0 {
			t.Errorf("mark (-want +got):\n%s", diff)
		}
	})
}

func TestWhichFallbackAnswers(t *testing.T) {
	panics := func(context.Context, *status.Error) (string, error) { panic("x") }
	exits := func(context.Context, *status.Error) (string, error) { runtime.Goexit(); return "", nil }
	cause := func(_ context.Context, cause *status.Error) (string, error) { return cause.ErrorCode(), nil }
	notFound := status.New(codes.NotFound, "NO_BOOK", "")
	tests := []struct {
		name  string
		err   error
		chain []async.Substitute[string]
		want  string // "": the error
	}{
		{"none", down(), nil, ""},
		{"the first", down(), []async.Substitute[string]{async.Fallback(canned), async.Fallback(cause)}, "canned"},
		{"the next", down(),
			[]async.Substitute[string]{async.Fallback(failing(errors.New("x"))), async.Fallback(canned)}, "canned"},
		{"the one after two that break", down(),
			[]async.Substitute[string]{async.Fallback(panics), async.Fallback(exits), {}, async.Fallback(cause)}, "DOWN"},
		{"none for the caller's faults", notFound, []async.Substitute[string]{async.Fallback(canned)}, ""},
		{"unless meant for one", notFound,
			[]async.Substitute[string]{async.Fallback(canned, "NO_SHELF", "NO_BOOK")}, "canned"},
		{"none that is meant for others", down(), []async.Substitute[string]{async.Fallback(canned, "NO_BOOK")}, ""},
		{"for the unexpected", errors.New("x"), []async.Substitute[string]{async.Fallback(cause)}, "ASYNC_WORK_FAILED"},
		{"by that name", errors.New("x"),
			[]async.Substitute[string]{async.Fallback(canned, "ASYNC_WORK_FAILED")}, "canned"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := async.Run(t.Context(), "work", always(test.err).run, test.chain...)
			if answer != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%q, %v, want %q", answer, err, test.want)
			}
		})
	}
}

func TestEveryServerFaultHasAFallback(t *testing.T) {
	for code := codes.OK + 1; code <= codes.Unauthenticated; code++ {
		want := ""
		switch code {
		case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted,
			codes.Internal, codes.Unknown, codes.DataLoss:
			want = "canned"
		}
		answer, _ := async.Run(t.Context(), "work", always(status.New(code, "X_FAILED", "")).run, async.Fallback(canned))
		if answer != want {
			t.Errorf("%v: %q, want %q", code, answer, want)
		}
	}
}

func TestAllFallbacksFail(t *testing.T) {
	first, second, cause := errors.New("first"), errors.New("second"), errors.New("cause")
	original := down(status.Cause(cause))
	var told async.Failure
	o := &async.Operation[string]{Name: "work", OnFailure: func(_ context.Context, f async.Failure) { told = f }}
	answer, err := o.Run(t.Context(), always(original).run,
		async.Fallback(failing(first)), async.Fallback(failing(second)))
	e := own(t, err)
	if e.ErrorCode() != "DOWN" || answer != "" {
		t.Errorf("%q, %v, want the original error", answer, e)
	}
	for _, behind := range []error{first, second, cause} {
		if !errors.Is(e, behind) || !errors.Is(told.Err, behind) {
			t.Errorf("%v has lost %v", e, behind)
		}
	}
	if told.Degraded != nil {
		t.Error("told of an answer")
	}
}

func TestFallbacksAreOff(t *testing.T) {
	o := &async.Operation[string]{Policies: policies(t, func(p *policy.Policy) { p.Fallback = false })}
	if answer, err := o.Run(t.Context(), always(down()).run, async.Fallback(canned)); err == nil {
		t.Errorf("%q, want the error", answer)
	}
}

// after answers when d has passed, if its context lasts as long.
func after(d time.Duration) answerer {
	return func(ctx context.Context, _ *status.Error) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		began := time.Now()
		<-ctx.Done()
		if time.Since(began) < d {
			return "", ctx.Err()
		}
		return "canned", nil
	}
}

func TestAFallbackHasItsOwnTime(t *testing.T) {
	tests := []struct {
		name   string
		caller time.Duration // 0: no deadline
		chain  []async.Substitute[string]
		want   time.Duration
		answer string
	}{
		{"after the operation's", 0, chain(after(9 * time.Second)), 39 * time.Second, "canned"},
		{"within the caller's, of which a part is kept", 10 * time.Second,
			chain(after(50 * time.Millisecond)), 9950 * time.Millisecond, "canned"},
		{"a twentieth", time.Second, chain(canned), 950 * time.Millisecond, "canned"},
		{"2ms at least", 20 * time.Millisecond, chain(canned), 18 * time.Millisecond, "canned"},
		{"all there is", time.Millisecond, chain(canned), 0, "canned"},
		{"none of which is needed", time.Minute, chain(canned), 30 * time.Second, "canned"},
		{"even after the caller's", 10 * time.Second, chain(after(5 * time.Second)), 14900 * time.Millisecond, "canned"},
		{"but no longer than it has", 0, chain(after(11 * time.Second)), 40 * time.Second, ""},
		{"together", 0, chain(after(11*time.Second), after(time.Second)), 40 * time.Second, ""},
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
				var answer string
				var err error
				if got := took(func() { answer, err = async.Run(ctx, "work", block, test.chain...) }); got != test.want {
					t.Errorf("took %v, want %v", got, test.want)
				}
				if answer != test.answer || test.answer == "" && own(t, err).ErrorCode() != status.CodeTimeout {
					t.Errorf("%q, %v, want %q", answer, err, test.answer)
				}
			})
		})
	}
}

func TestTheCallerGivesUpOnAFallback(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
		time.AfterFunc(3*time.Second, cancel)
		next := false
		var err error
		got := took(func() {
			_, err = async.Run(ctx, "work", always(down()).run,
				async.Fallback(func(ctx context.Context, _ *status.Error) (string, error) {
					if ctx.Value(key{}) != "v" {
						t.Error("the caller's values are missing")
					}
					return block(ctx)
				}),
				async.Fallback(func(context.Context, *status.Error) (string, error) { next = true; return "", nil }))
		})
		if e := own(t, err); got != 3*time.Second || e.ErrorCode() != "DOWN" || next {
			t.Errorf("%v after %v, next asked: %v; want the original error after 3s", e, got, next)
		}
	})
}

func TestAFallbackIsStoppedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &async.Operation[string]{Name: "work", Policies: policies(t, hardStop)}
		var err error
		got := took(func() {
			_, err = o.Run(t.Context(), always(down()).run,
				async.Fallback(func(context.Context, *status.Error) (string, error) {
					time.Sleep(time.Hour)
					return "late", nil
				}))
		})
		e := own(t, err)
		if got != 10*time.Second+2*time.Millisecond || e.ErrorCode() != "DOWN" || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("%v after %v, want the original error after 10s and a moment", e, got)
		}
		time.Sleep(time.Hour)
	})
}
