package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// policies makes a set whose methods may be repeated, changed as the test needs it.
func policies(t testing.TB, change ...func(*policy.Policy)) *policy.Set {
	t.Helper()
	layers := []policy.Layer{policy.Defaults(func(p *policy.Policy) { p.Idempotent = true })}
	for _, c := range change {
		layers = append(layers, policy.Defaults(c))
	}
	set, err := policy.New(layers...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// script is a handler that fails as it is told, call by call, and then echoes.
type script struct {
	mu       sync.Mutex
	failures []error
	began    []time.Time
	previous []string // grpc-previous-rpc-attempts of each call
}

func (s *script) handle(ctx context.Context, x rpctest.Exchange) error {
	s.mu.Lock()
	n := len(s.began)
	s.began = append(s.began, time.Now())
	previous := ""
	if v := metadata.ValueFromIncomingContext(ctx, "grpc-previous-rpc-attempts"); len(v) > 0 {
		previous = v[0]
	}
	s.previous = append(s.previous, previous)
	s.mu.Unlock()
	if n < len(s.failures) && s.failures[n] != nil {
		return s.failures[n]
	}
	return rpctest.Echo(ctx, x)
}

func (s *script) waits() (waits []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.began); i++ {
		waits = append(waits, s.began[i].Sub(s.began[i-1]))
	}
	return waits
}

func (s *script) attempts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.previous...)
}

func unavailable(opts ...status.Option) error {
	return status.New(codes.Unavailable, "DOWN", "down", opts...)
}

// inEveryShape runs a test for each kind of call, in virtual time.
func inEveryShape(t *testing.T, f func(t *testing.T, shape rpctest.Shape)) {
	t.Helper()
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, shape) })
		})
	}
}

func TestAClientRepeats(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		s := &script{failures: []error{unavailable(), unavailable()}}
		conn := rpctest.Start(t, s.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		r := rpctest.Do(t.Context(), conn, shape, "a")
		if r.Err != nil {
			t.Fatalf("error %v, want success", r.Err)
		}
		if diff := cmp.Diff([]string{"a"}, r.Replies); diff != "" {
			t.Errorf("replies (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"", "1", "2"}, s.attempts()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		for i, w := range s.waits() {
			if most := 25 * time.Millisecond << i; w > most {
				t.Errorf("wait %d: %v, want at most %v", i+1, w, most)
			}
		}
	})
}

func TestAClientGivesUp(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		s := &script{failures: []error{unavailable(), unavailable(), unavailable(status.Meta("try", "third"))}}
		conn := rpctest.Start(t, s.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		r := rpctest.Do(t.Context(), conn, shape, "a")
		e, ok := status.From(r.Err)
		if !ok || e.ErrorCode() != "DOWN" || e.Metadata()["try"] != "third" {
			t.Fatalf("error %v, want the third attempt's", r.Err)
		}
		want := &recoursev1.RetryAdvice{Verdict: status.SameRequest, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3}
		if got := e.RetryAdvice(); got.String() != want.String() {
			t.Errorf("advice %v, want %v", got, want)
		}
	})
}

func TestWhatIsNotRepeated(t *testing.T) {
	set := policies(t, func(p *policy.Policy) { p.Idempotent = false })
	tests := []struct {
		name     string
		err      error
		opts     []grpc.CallOption
		policies *policy.Set
		want     int // calls
	}{
		{"unsafe", unavailable(), nil, set, 1},
		{"safe by option", unavailable(), []grpc.CallOption{interceptors.Idempotent()}, set, 3},
		{"safe since nothing happened", unavailable(status.Outcome(status.NotApplied)), nil, set, 3},
		{"applied", unavailable(status.Outcome(status.Applied)), []grpc.CallOption{interceptors.Idempotent()}, set, 1},
		{"never", unavailable(status.Retry(status.Never)), nil, policies(t), 1},
		{"another code", status.New(codes.Aborted, "CONFLICT", ""), nil, policies(t), 1},
		{"another code, listed", status.New(codes.Aborted, "CONFLICT", ""), nil,
			policies(t, func(p *policy.Policy) { p.Codes = []codes.Code{codes.Aborted} }), 3},
		{"listed, but the server says no", status.New(codes.Aborted, "CONFLICT", "", status.Retry(status.Never)), nil,
			policies(t, func(p *policy.Policy) { p.Codes = []codes.Code{codes.Aborted} }), 1},
		{"off for the method", unavailable(), nil, policies(t, func(p *policy.Policy) { p.MaxAttempts = 1 }), 1},
		{"off for the call", unavailable(), []grpc.CallOption{interceptors.Override(func(p *policy.Policy) { p.MaxAttempts = 1 })}, policies(t), 1},
		{"a delay longer than anybody waits", unavailable(status.RetryAfter(31 * time.Second)), nil,
			policies(t, func(p *policy.Policy) { p.Timeout = 0 }), 1},
		{"exhausted without a delay", status.New(codes.ResourceExhausted, "QUOTA", ""), nil, policies(t), 1},
		{"exhausted with one", status.New(codes.ResourceExhausted, "QUOTA", "", status.RetryAfter(time.Second)), nil, policies(t), 3},
		{"something has to be done first", unavailable(status.Recover(&recoursev1.RecoveryAction{Required: true, Label: "do it"})), nil, policies(t), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{failures: []error{test.err, test.err, test.err, test.err}}
				dial := append(interceptors.DialOptions(interceptors.Policies(test.policies)), grpc.WithDefaultCallOptions(test.opts...))
				conn := rpctest.Start(t, s.handle, interceptors.ServerOptions(), dial...)
				for _, shape := range rpctest.Shapes {
					before := len(s.attempts())
					s.mu.Lock()
					s.failures = append(make([]error, before), test.err, test.err, test.err, test.err)
					s.mu.Unlock()
					r := rpctest.Do(t.Context(), conn, shape, "a")
					if r.Err == nil {
						t.Errorf("%s: success, want an error", shape.Name)
					}
					if got := len(s.attempts()) - before; got != test.want {
						t.Errorf("%s: %d calls, want %d", shape.Name, got, test.want)
					}
				}
			})
		})
	}
}

func TestAClientWaitsAsLongAsItIsTold(t *testing.T) {
	pushback := func(v string) func(context.Context) {
		return func(ctx context.Context) { _ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", v)) }
	}
	tests := []struct {
		name  string
		err   error
		set   func(context.Context)
		waits time.Duration // 0: not repeated
	}{
		{"RetryInfo", unavailable(status.RetryAfter(2 * time.Second)), nil, 2 * time.Second},
		{"pushback", unavailable(), pushback("2000"), 2 * time.Second},
		{"both, pushback longer", unavailable(status.RetryAfter(time.Second)), pushback("2000"), 2 * time.Second},
		{"both, RetryInfo longer", unavailable(status.RetryAfter(2 * time.Second)), pushback("500"), 2 * time.Second},
		{"pushback of never", unavailable(), pushback("-1"), 0},
		{"pushback of never beside RetryInfo", unavailable(status.RetryAfter(time.Second)), pushback("-1"), 0},
		{"pushback that nobody understands", unavailable(), pushback("soon"), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				s := &script{failures: []error{test.err}}
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					err := s.handle(ctx, x)
					if err != nil && test.set != nil {
						test.set(ctx)
					}
					return err
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
				r := rpctest.Do(t.Context(), conn, shape, "a")
				waits := s.waits()
				if test.waits == 0 {
					if r.Err == nil || len(waits) != 0 {
						t.Fatalf("error %v after %d attempts, want one attempt", r.Err, 1+len(waits))
					}
					return
				}
				if r.Err != nil || len(waits) != 1 {
					t.Fatalf("error %v after %d attempts, want success after two", r.Err, 1+len(waits))
				}
				// The server spreads its pushback by a quarter, and the client the longer of the two.
				if w := waits[0]; w < test.waits || w > test.waits*25/16 {
					t.Errorf("waited %v, want %v and up to 9/16 more", w, test.waits)
				}
			})
		})
	}
}

func TestAWaitThatDoesNotFit(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		s := &script{failures: []error{unavailable(status.RetryAfter(2*time.Second), status.Meta("kind", "real"))}}
		conn := rpctest.Start(t, s.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		r := rpctest.Do(ctx, conn, shape, "a")
		e, _ := status.From(r.Err)
		if took := time.Since(began); took != 0 || e.ErrorCode() != "DOWN" || e.Metadata()["kind"] != "real" {
			t.Errorf("%v after %v, want the real error at once", r.Err, took)
		}
		if d, ok := e.RetryDelay(); !ok || d != 2*time.Second {
			t.Errorf("delay %v, %v, want the server's", d, ok)
		}
	})
}

func TestTheCallerGivesUpWhileAClientWaits(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		s := &script{failures: []error{unavailable(status.RetryAfter(10 * time.Second))}}
		conn := rpctest.Start(t, s.handle, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		began := time.Now()
		r := rpctest.Do(ctx, conn, shape, "a")
		e, _ := status.From(r.Err)
		if took := time.Since(began); took != 3*time.Second || e.Code() != codes.Canceled {
			t.Errorf("%v after %v, want CANCELLED after 3s", r.Err, took)
		}
		down := status.New(codes.Unavailable, "DOWN", "")
		if !errors.Is(r.Err, down) {
			t.Errorf("%v has lost the last real error", r.Err)
		}
		if n := len(s.attempts()); n != 1 {
			t.Errorf("%d attempts, want one", n)
		}
	})
}

func TestTheDeadlineEndsTheRepeats(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		n := 0
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if n++; n == 1 {
				return unavailable()
			}
			<-ctx.Done()
			return ctx.Err()
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		r := rpctest.Do(ctx, conn, shape, "a")
		e, _ := status.From(r.Err)
		if took := time.Since(began); took != time.Second || e.Code() != codes.DeadlineExceeded || e.ErrorCode() != status.CodeTimeout {
			t.Errorf("%v after %v, want a timeout after 1s", r.Err, took)
		}
		if !errors.Is(r.Err, status.New(codes.Unavailable, "DOWN", "")) {
			t.Errorf("%v has lost the last real error", r.Err)
		}
	})
}

func TestTheBudgetEndsTheRepeats(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		calls, down := 0, true
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if calls++; down {
				return unavailable()
			}
			return rpctest.Echo(ctx, x)
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		attempts := func(n int) (made int, last *status.Error) {
			before := calls
			for range n {
				r := rpctest.Do(t.Context(), conn, shape, "a")
				last, _ = status.From(r.Err)
			}
			return calls - before, last
		}
		n, last := attempts(100)
		if n != 120 { // 20 tokens
			t.Errorf("%d attempts of 100 calls, want 120", n)
		}
		if last.ErrorCode() != "DOWN" || last.RetryAdvice().GetWhy() != recoursev1.RetryAdvice_WHY_BUDGET_SPENT {
			t.Errorf("%v with %v, want the real error and why it was not repeated", last, last.RetryAdvice())
		}
		time.Sleep(time.Hour) // which earns nothing
		if n, _ := attempts(1); n != 1 {
			t.Errorf("%d attempts after an hour, want 1", n)
		}
		for successes := range 6 {
			if n, _ := attempts(1); n != 1+successes/5 {
				t.Errorf("%d attempts after %d successes, want %d", n, successes, 1+successes/5)
			}
			down = false
			if n, err := attempts(1); n != 1 || err != nil {
				t.Fatalf("%d attempts, and %v, from a server that is back", n, err)
			}
			down = true
		}
	})
}

func TestAnAttemptHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // the server may still be in the attempt before
		var deadlines []bool
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			_, ok := ctx.Deadline()
			mu.Lock()
			deadlines = append(deadlines, ok)
			n := len(deadlines)
			mu.Unlock()
			if n < 3 {
				<-ctx.Done()
				return ctx.Err()
			}
			return rpctest.Echo(ctx, x)
		}
		set := policies(t, func(p *policy.Policy) { p.AttemptTimeout, p.Backoff = 100*time.Millisecond, 0 })
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(set))...)
		began := time.Now()
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a")
		if took := time.Since(began); r.Err != nil || took != 200*time.Millisecond {
			t.Errorf("error %v after %v, want success after 200ms", r.Err, took)
		}
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]bool{true, true, true}, deadlines); diff != "" {
			t.Errorf("deadline on the wire (-want +got):\n%s", diff)
		}
	})
}

func TestAStreamThatHasDeliveredIsNotRepeated(t *testing.T) {
	for _, shape := range rpctest.Shapes {
		if !shape.ServerStreams {
			continue
		}
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				handler := func(_ context.Context, x rpctest.Exchange) error {
					calls++
					for i := range 3 {
						if err := x.Send(fmt.Sprint("m", i)); err != nil {
							return err
						}
					}
					return unavailable(status.Outcome(status.NotApplied))
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if diff := cmp.Diff([]string{"m0", "m1", "m2"}, r.Replies); diff != "" {
					t.Errorf("replies (-want +got):\n%s", diff)
				}
				if e, _ := status.From(r.Err); calls != 1 || e.ErrorCode() != "DOWN" {
					t.Errorf("%v after %d calls, want the error after one", r.Err, calls)
				}
			})
		})
	}
}

// All attempts at a call are found under one id, though nobody has named it.
func TestOneCallHasOneID(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		var mu sync.Mutex
		var ids []string
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, interceptors.RequestID(ctx))
			return unavailable()
		}
		var failure interceptors.Failure
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)),
			interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { failure = f }))...)
		e, _ := status.From(rpctest.Do(t.Context(), conn, shape, "a").Err)
		mu.Lock()
		defer mu.Unlock()
		if len(ids) != 3 || ids[0] == "" || ids[0] != ids[1] || ids[0] != ids[2] || e.RequestID() != ids[0] {
			t.Errorf("%v, and %s in the error", ids, e.RequestID())
		}
		if failure.Attempts != 3 || failure.RequestID != ids[0] {
			t.Errorf("OnFailure is told of %d attempts and id %s", failure.Attempts, failure.RequestID)
		}
	})
}

// Why a call is not repeated is said where it is not plain.
func TestTheReasonForNoRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, dead, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t, strictly)))...)
		e, _ := status.From(rpctest.Do(t.Context(), conn, rpctest.Shapes[0], "a").Err)
		want := &recoursev1.RetryAdvice{Verdict: status.SameRequest, Why: recoursev1.RetryAdvice_WHY_NOT_IDEMPOTENT, Attempts: 1}
		if got := e.RetryAdvice(); got.String() != want.String() {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
