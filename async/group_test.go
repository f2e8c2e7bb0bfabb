package async_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/async"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

func TestGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		failed := errors.New("x")
		wait := async.Go(context.WithValue(t.Context(), key{}, 7), func(ctx context.Context) (int, error) {
			time.Sleep(time.Minute)
			return ctx.Value(key{}).(int), failed
		})
		got := took(func() {
			var wg sync.WaitGroup
			for range 3 { // by many, and again
				wg.Go(func() {
					for range 2 {
						if n, err := wait(); n != 7 || err != failed {
							t.Errorf("%d, %v, want what was returned", n, err)
						}
					}
				})
			}
			wg.Wait()
		})
		if got != time.Minute {
			t.Errorf("waited %v, want 1m", got)
		}
	})
}

// A wait ends with the goroutine and not with the context, so that nothing is lost.
func TestAWaitIsNotCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wait := async.Go(ctx, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // to clean up
			return "cleaned", nil
		})
		var got string
		if d := took(func() { got, _ = wait() }); d != 2*time.Second || got != "cleaned" {
			t.Errorf("%q after %v, want the result after 2s", got, d)
		}
	})
}

var bad = map[string]func(){
	"panic":      func() { panic("x") },
	"a status":   func() { panic(down()) },
	"Goexit":     runtime.Goexit,
	"nil":        func() { panic(nil) },
	"no pointer": func() { var p *int; *p = 1 },
}

func TestAPanicComesBack(t *testing.T) {
	for name, f := range bad {
		t.Run(name, func(t *testing.T) {
			n, err := async.Go(t.Context(), func(context.Context) (int, error) { f(); return 1, nil })()
			check := func(err error) {
				t.Helper()
				e := own(t, err)
				p := (*status.PanicError)(nil)
				if !errors.As(e, &p) || e.Code() != codes.Internal || e.ErrorCode() != status.CodeUnexpected {
					t.Errorf("%v caused by %v, want INTERNAL caused by a panic", e, e.Unwrap())
				}
			}
			check(err)
			if n != 0 {
				t.Errorf("result %d beside a panic", n)
			}
			g, ctx := async.NewGroup(t.Context())
			g.SetLimit(1)
			g.Go(func() error { f(); return nil })
			<-ctx.Done()
			if context.Cause(ctx) == context.Canceled {
				t.Error("the panic is not the cause of the cancellation")
			}
			check(g.Wait())
			check(g.Wait())
		})
	}
}

func TestAGroupWorks(t *testing.T) {
	for name, g := range map[string]*async.Group{"zero": {}, "new": newGroup(t.Context())} {
		var n atomic.Int32
		for range 10 {
			g.Go(func() error { n.Add(1); return nil })
		}
		if err := g.Wait(); err != nil || n.Load() != 10 {
			t.Errorf("%s: %v after %d parts, want 10 without an error", name, err, n.Load())
		}
		if err := g.Wait(); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
}

func newGroup(ctx context.Context) *async.Group {
	g, _ := async.NewGroup(ctx)
	return g
}

func TestTheFirstFailureEndsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, ctx := async.NewGroup(t.Context())
		first := down()
		g.Go(func() error { time.Sleep(time.Second); return first })
		for range 3 {
			g.Go(func() error { <-ctx.Done(); return ctx.Err() })
		}
		g.Go(func() error { <-ctx.Done(); return context.Cause(ctx) })
		var err error
		if got := took(func() { err = g.Wait() }); got != time.Second {
			t.Errorf("took %v, want 1s", got)
		}
		if context.Cause(ctx) != first {
			t.Errorf("cause %v, want the first failure", context.Cause(ctx))
		}
		if e := own(t, err); e.ErrorCode() != "DOWN" || e.Elided() != 0 || errors.Is(e, context.Canceled) {
			t.Errorf("%v, %d left out, want the first failure alone", e, e.Elided())
		}
	})
}

func TestWaitEndsTheContext(t *testing.T) {
	g, ctx := async.NewGroup(t.Context())
	g.Go(func() error { return ctx.Err() })
	if err := g.Wait(); err != nil || ctx.Err() != context.Canceled {
		t.Errorf("%v, context %v, want success and an ended context", err, ctx.Err())
	}
}

func TestTheErrorOfAGroup(t *testing.T) {
	notFound := status.New(codes.NotFound, "NO_BOOK", "")
	denied := status.New(codes.PermissionDenied, "DENIED", "")
	remote := status.Received(grpcstatus.Error(codes.NotFound, "x"), "/a.B/C", "", false)
	unknown := errors.New("x")
	field := func(name string) error {
		return status.New(codes.InvalidArgument, "BAD", "", status.Violation(name, "REQUIRED", ""))
	}
	tests := []struct {
		name   string
		errs   []error // in this order
		zero   bool    // the zero Group
		want   string
		behind []error
		elided int
	}{
		{"one", []error{notFound}, false, "NO_BOOK", nil, 0},
		{"a later one that is worse", []error{notFound, denied}, false, "DENIED", []error{notFound, denied}, 1},
		{"a later one that is not", []error{denied, notFound}, false, "DENIED", []error{notFound, denied}, 1},
		{"the same twice", []error{notFound, notFound}, false, "NO_BOOK", nil, 0},
		{"the same twice, and a worse one", []error{notFound, notFound, denied}, false, "DENIED", nil, 1},
		{"equal ones", []error{field("a"), field("b")}, false, "BAD", nil, 0},
		{"cancellations",
			[]error{down(), context.Canceled, grpcstatus.Error(codes.Canceled, "")}, false, "DOWN", nil, 0},
		{"nothing but cancellations",
			[]error{context.Canceled, context.Canceled}, false, status.CodeCancelled, nil, 0},
		{"a cancellation before a failure",
			[]error{context.Canceled, notFound}, false, "NO_BOOK", []error{context.Canceled}, 1},
		{"what a driver makes of a cancellation",
			[]error{down(), unknown, context.DeadlineExceeded}, false, "DOWN", []error{unknown}, 0},
		{"something unknown first",
			[]error{unknown, down()}, false, status.CodeUnexpected, []error{unknown, down()}, 1},
		{"a service's alone", []error{remote}, false, "NOT_FOUND", nil, 0},
		{"a service's and an own one", []error{remote, denied}, false, "DENIED", []error{remote}, 0},
		{"nothing is cancelled, so all count",
			[]error{down(), unknown}, true, status.CodeUnexpected, []error{down(), unknown}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := new(async.Group)
				if !test.zero {
					g, _ = async.NewGroup(t.Context())
				}
				for i, err := range test.errs {
					g.Go(func() error { time.Sleep(time.Duration(i) * time.Second); return err })
				}
				e := own(t, g.Wait())
				if e.ErrorCode() != test.want || e.Elided() != test.elided {
					t.Errorf("%v, %d left out, want %s and %d", e, e.Elided(), test.want, test.elided)
				}
				for _, b := range test.behind {
					if !errors.Is(e, b) {
						t.Errorf("%v has lost %v", e, b)
					}
				}
				if len(test.errs) == 1 && error(e) != test.errs[0] {
					t.Errorf("%v is not the part's own", e)
				}
				if again := own(t, g.Wait()); again.ErrorCode() != test.want || again.Elided() != test.elided {
					t.Errorf("again: %v", again)
				}
			})
		})
	}
}

func TestTheCallerOfAGroupGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		g, ctx := async.NewGroup(parent)
		g.Go(func() error { <-ctx.Done(); return errors.New("operation aborted") })
		if e := own(t, g.Wait()); e.ErrorCode() != status.CodeCancelled {
			t.Errorf("%v, want it cancelled", e)
		}
		parent, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g, ctx = async.NewGroup(parent)
		g.Go(func() error { <-ctx.Done(); return errors.New("operation aborted") })
		if e := own(t, g.Wait()); e.ErrorCode() != status.CodeTimeout {
			t.Errorf("%v, want a timeout", e)
		}
	})
}

// snake is an error whose chain leads back to itself.
type snake struct{}

func (s *snake) Error() string { return "snake" }
func (s *snake) Unwrap() error { return s }

func TestAnErrorWithoutEnd(t *testing.T) {
	g, ctx := async.NewGroup(t.Context())
	g.Go(func() error { return &snake{} })
	g.Go(func() error { <-ctx.Done(); return &snake{} })
	_, failed := async.Run(t.Context(), "work", always(&snake{}).run,
		async.Fallback(func(context.Context, *status.Error) (string, error) { return "", &snake{} }))
	for _, err := range []error{g.Wait(), failed, context.Cause(ctx)} {
		if errors.Is(err, context.Canceled) { // it would not return
			t.Errorf("%v, want the part's", err)
		}
	}
}

func TestAGroupHasALimit(t *testing.T) {
	for _, zero := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t.Context())
			if zero {
				g = new(async.Group)
			}
			g.SetLimit(2)
			var running atomic.Int32
			got := took(func() {
				for range 6 {
					g.Go(func() error {
						if running.Add(1) > 2 {
							t.Error("more than two at once")
						}
						defer running.Add(-1)
						time.Sleep(time.Second)
						return nil
					})
				}
				if err := g.Wait(); err != nil {
					t.Error(err)
				}
			})
			if got != 3*time.Second {
				t.Errorf("took %v, want 3s", got)
			}
			g.SetLimit(-1)
			if got := took(func() {
				for range 6 {
					g.Go(func() error { time.Sleep(time.Second); return nil })
				}
				_ = g.Wait()
			}); got != time.Second {
				t.Errorf("without a limit it took %v, want 1s", got)
			}
		})
	}
}

// Who waits for a place is released when there is no point in waiting any more.
func TestALimitHonoursTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		g, _ := async.NewGroup(parent)
		g.SetLimit(1)
		g.Go(func() error { time.Sleep(10 * time.Second); return nil })
		time.AfterFunc(3*time.Second, cancel)
		called := false
		if got := took(func() { g.Go(func() error { called = true; return nil }) }); got != 3*time.Second {
			t.Errorf("waited %v, want 3s", got)
		}
		if e := own(t, g.Wait()); e.ErrorCode() != status.CodeCancelled || called {
			t.Errorf("%v, called: %v; want a cancellation, for a part is missing", e, called)
		}
	})
}

func TestAGroupOfManyGoroutines(t *testing.T) {
	g, ctx := async.NewGroup(t.Context())
	g.SetLimit(8)
	for i := range 200 {
		g.Go(func() error {
			if i == 100 {
				return down()
			}
			return ctx.Err()
		})
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if e, _ := status.From(g.Wait()); e.ErrorCode() != "DOWN" {
				t.Errorf("%v, want the first failure", e)
			}
		})
	}
	wg.Wait()
}
