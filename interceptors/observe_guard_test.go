package interceptors_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// wild is an observer that does something it must not do in one of its methods, and
// returns no contexts.
type wild struct {
	in   string // the method; in none if empty
	does func()
	ends atomic.Int32
}

func (o *wild) act(in string) {
	if o.in == in {
		o.does()
	}
}

func (o *wild) Attach(interceptors.Side, func() (interceptors.Levels, bool)) { o.act("Attach") }

func (o *wild) Begin(context.Context, *interceptors.Observation) context.Context {
	o.act("Begin")
	return nil
}

func (o *wild) Attempt(context.Context, *interceptors.Observation, int) context.Context {
	o.act("Attempt")
	return nil
}

func (o *wild) Event(context.Context, *interceptors.Observation, interceptors.Event) { o.act("Event") }

func (o *wild) End(context.Context, *interceptors.Observation, *interceptors.Failure) {
	o.ends.Add(1)
	o.act("End")
}

var observerMethods = []string{"Attach", "Begin", "Attempt", "Event", "End"}

// Calls fare as without the observer, whatever it does.
func TestAnObserverThatPanics(t *testing.T) {
	for _, in := range append(observerMethods, "none") {
		t.Run(in, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				o := &wild{in: in, does: func() { panic("help") }}
				s := &script{failures: []error{unavailable(), status.New(codes.NotFound, "NONE", "")}}
				twice := policies(t, func(p *policy.Policy) { p.MaxAttempts = 2 })
				conn := rpctest.Start(t, s.handle,
					interceptors.ServerOptions(unlogged, interceptors.Observe(o), interceptors.Policies(policies(t, hardStop))),
					interceptors.DialOptions(interceptors.Observe(o), interceptors.Policies(twice))...)
				if e, _ := status.From(rpctest.Do(t.Context(), conn, shape, "a").Err); e.ErrorCode() != "NONE" {
					t.Errorf("%v, want the error of the second attempt", e)
				}
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if diff := cmp.Diff([]string{"a"}, r.Replies); diff != "" || r.Err != nil {
					t.Errorf("%v, replies (-want +got):\n%s", r.Err, diff)
				}
				synctest.Wait()
				if n := o.ends.Load(); n != 5 { // two calls, in three attempts
					t.Errorf("%d ends, want 5", n)
				}
			})
		})
	}
}

// No observer is none, and one that is nil inside is one that panics.
func TestNoObserver(t *testing.T) {
	for name, o := range map[string]interceptors.Observer{"nil": nil, "nil inside": (*wild)(nil)} {
		t.Run(name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := rpctest.Start(t, rpctest.Echo, interceptors.ServerOptions(unlogged, interceptors.Observe(o)),
					interceptors.DialOptions(interceptors.Observe(o))...)
				if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
					t.Error(r.Err)
				}
			})
		})
	}
}

// Who waits for a server's answer gets one, even if the observer ends the goroutine
// that should have given it.
func TestAnObserverThatEndsTheGoroutineOfAServer(t *testing.T) {
	panics := func(context.Context, rpctest.Exchange) error { panic("help") }
	for _, in := range observerMethods[1:] {
		for name, handler := range map[string]rpctest.Handler{"success": rpctest.Echo, "failure": dead, "panic": panics} {
			if in == "Event" && name == "success" {
				continue // nothing happens
			}
			t.Run(in+" "+name, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					for _, with := range [][]interceptors.ServerOption{
						nil,
						{interceptors.Policies(policies(t, func(p *policy.Policy) { p.HandlerAttempts = 2 }))},
						{interceptors.Policies(policies(t, func(p *policy.Policy) { p.HardStop = true })), interceptors.Limit(1, 1)},
					} {
						o := &wild{in: in, does: runtime.Goexit}
						conn := rpctest.Start(t, handler,
							interceptors.ServerOptions(append(with, unlogged, interceptors.Observe(o))...), interceptors.DialOptions()...)
						for range 2 { // a permit is given back
							began := time.Now()
							ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
							r := rpctest.Do(ctx, conn, shape, "a")
							cancel()
							e, _ := status.From(r.Err)
							if took := time.Since(began); took > time.Second || e == nil || e.Code() != codes.Internal && e.ErrorCode() != "DOWN" {
								t.Errorf("%v after %v", r.Err, took)
							}
						}
						synctest.Wait()
						if n := o.ends.Load(); n != 2 {
							t.Errorf("%d ends of 2 calls", n)
						}
					}
				})
			})
		}
	}
}

// What else ends the goroutine of a call on a server an observer is told of.
func TestAnObserverIsToldOfAGoroutineThatEnds(t *testing.T) {
	for name, option := range map[string]interceptors.ServerOption{
		"hook begins": interceptors.Use(explosive{at: "Begin, by Goexit"}),
		"hook ends":   interceptors.Use(explosive{at: "End, by Goexit"}),
		"OnFailure":   interceptors.OnFailure(func(context.Context, interceptors.Failure) { runtime.Goexit() }),
	} {
		t.Run(name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				w := &witness{t: t}
				conn := w.start(dead, []interceptors.ServerOption{unlogged, option})
				rpctest.Do(t.Context(), conn, shape, "a")
				f := w.only(interceptors.ServerSide).failure
				if f == nil || f.Err.Code() != codes.Internal || f.Err.ErrorCode() != status.CodeUnexpected || f.Cause == nil {
					t.Errorf("%+v", f)
				}
			})
		})
	}
}

// A goroutine of the application that the observer ends is gone, but nothing of its call
// stays: it has an end, and whoever sends meanwhile learns of it.
func TestAnObserverThatEndsTheGoroutineOfAClient(t *testing.T) {
	for _, in := range observerMethods[1:] {
		t.Run(in, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				for _, opts := range [][]interceptors.DialOption{nil, {interceptors.Policies(policies(t))}} {
					if in == "Event" && opts == nil {
						continue // nothing happens
					}
					o := &wild{in: in, does: runtime.Goexit}
					conn := rpctest.Start(t, heard(dead), quiet(), interceptors.DialOptions(append(opts, interceptors.Observe(o))...)...)
					ctx, cancel := context.WithCancel(t.Context())
					var call sync.WaitGroup
					call.Go(func() { rpctest.Do(ctx, conn, shape, "a") })
					call.Wait()
					synctest.Wait()
					if n := o.ends.Load(); n != 1 {
						t.Errorf("%d ends before the context's", n)
					}
					cancel()
					synctest.Wait()
					if n := o.ends.Load(); n != 1 {
						t.Errorf("%d ends", n)
					}
				}
			})
		})
	}
}

// Another goroutine sends when the observer ends the one that receives.
func TestAnObserverThatEndsTheReceiver(t *testing.T) {
	inShapes(t, uploads, func(t *testing.T, shape rpctest.Shape) {
		o := &wild{in: "Event", does: runtime.Goexit}
		conn := rpctest.Start(t, dead, quiet(), interceptors.DialOptions(interceptors.Observe(o), interceptors.Policies(policies(t)))...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := opened(t, ctx, conn, shape)
		var receives, sends sync.WaitGroup
		receives.Go(func() { _ = s.RecvMsg(new(text)) })
		receives.Wait()
		sends.Go(func() {
			for range 3 {
				_ = s.SendMsg(wrapperspb.String("a"))
			}
			_ = s.CloseSend()
		})
		sends.Wait()
		if n := o.ends.Load(); n != 1 {
			t.Errorf("%d ends", n)
		}
	})
}

// An error does not become a success because the observer ends the goroutine in which a
// fallback is asked.
func TestAnObserverThatEndsAFallback(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		for name, s := range map[string]*interceptors.Substitute{
			"fails":   substitute(shape, func(*text, *status.Error) (string, error) { return "", unavailable() }),
			"answers": substitute(shape, func(*text, *status.Error) (string, error) { return "b", nil }),
		} {
			o := &wild{in: "Event", does: runtime.Goexit}
			// No attempt is given up, so that the fallback is the first event.
			conn := start(dead, interceptors.Fallback(shape.Method(), s), interceptors.Observe(only{o, interceptors.EventFallback}))
			var call sync.WaitGroup
			var r rpctest.Result
			back := false
			call.Go(func() {
				r = rpctest.Do(t.Context(), conn, shape, "a")
				back = true
			})
			call.Wait()
			if back && r.Err == nil {
				t.Errorf("%s: %v without an error", name, r.Replies)
			}
			synctest.Wait()
			if n := o.ends.Load(); n != 1 {
				t.Errorf("%s: %d ends", name, n)
			}
		}
	})
}

// only hands on the events of one kind.
type only struct {
	*wild
	kind interceptors.EventKind
}

func (o only) Event(ctx context.Context, of *interceptors.Observation, e interceptors.Event) {
	if e.Kind == o.kind {
		o.wild.Event(ctx, of, e)
	}
}

// With an observer nothing is logged by default, and OnFailure is called all the same.
func TestAnObserverTakesThePlaceOfTheLog(t *testing.T) {
	for _, test := range []struct {
		name     string
		failures []error
		fallback bool
		told     int // OnFailure, on both sides
	}{
		{"a failure", []error{unavailable(), unavailable(), unavailable()}, false, 4},
		{"a repeat", []error{unavailable()}, false, 1},
		{"a fallback", []error{unavailable(), unavailable(), unavailable()}, true, 4},
	} {
		for _, with := range []string{"", ", OnFailure"} {
			t.Run(test.name+with, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					var log bytes.Buffer
					defer slog.SetDefault(slog.Default())
					slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
					var told atomic.Int32
					w, set := &witness{t: t}, policies(t)
					server, dial := []interceptors.ServerOption{interceptors.Policies(set)}, []interceptors.DialOption{interceptors.Policies(set)}
					if with != "" {
						count := interceptors.OnFailure(func(context.Context, interceptors.Failure) { told.Add(1) })
						server, dial = append(server, count), append(dial, count)
					}
					if test.fallback {
						dial = append(dial, interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned"))))
					}
					conn := w.start((&script{failures: test.failures}).handle, server, dial...)
					rpctest.Do(t.Context(), conn, shape, "a")
					synctest.Wait()
					if log.Len() > 0 {
						t.Errorf("logged:\n%s", &log)
					}
					if n := int(told.Load()); with != "" && n != test.told || with == "" && n != 0 {
						t.Errorf("OnFailure was called %d times, want %d", n, test.told)
					}
				})
			})
		}
	}
}

// The levels of a client: each service on each target has its own.
func TestAnObserverReadsTheBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{t: t}
		lis := rpctest.Serve(t, dead, quiet()...)
		dial := interceptors.DialOptions(interceptors.Observe(w), interceptors.Policies(policies(t)))
		calls := func(conn *grpc.ClientConn, method string, n int) {
			for range n {
				_ = conn.Invoke(t.Context(), method, wrapperspb.String("a"), new(text))
			}
		}
		levels := func() map[string]float64 {
			seen := map[string]float64{}
			l, there := w.reads[0]()
			if !there || l.Abandoned != 0 {
				t.Errorf("%+v, %v", l, there)
			}
			for _, b := range l.Budgets {
				seen[b.Target+" "+b.Service] = b.Level
			}
			return seen
		}
		conn := rpctest.Dial(t, lis, dial...)
		if got := levels(); len(got) != 0 {
			t.Errorf("%v before any call", got)
		}
		calls(conn, rpctest.Shapes[0].Method(), 5) // 10 of 20 tokens
		calls(conn, "/other.Service/Method", 1)
		want := map[string]float64{"passthrough:///memory recourse.test.Echo": 0.5, "passthrough:///memory other.Service": 1}
		if diff := cmp.Diff(want, levels()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(w.sides) != 1 || w.sides[0] != interceptors.ClientSide {
			t.Errorf("attached to %v", w.sides)
		}
	})
}

// What an observer reads keeps nothing alive, and tells that it is gone.
func TestAnObserverOfWhatIsGone(t *testing.T) {
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		t.Run(side.String(), func(t *testing.T) {
			w := &witness{t: t}
			synctest.Test(t, func(t *testing.T) { // at whose end nothing runs any more
				set := policies(t)
				server, dial := quiet(), []grpc.DialOption{}
				if side == interceptors.ServerSide {
					server = interceptors.ServerOptions(unlogged, interceptors.Observe(w), interceptors.Policies(set))
				} else {
					dial = interceptors.DialOptions(interceptors.Observe(w), interceptors.Policies(set))
				}
				conn := rpctest.Start(t, dead, server, dial...)
				for _, shape := range rpctest.Shapes {
					rpctest.Do(t.Context(), conn, shape, "a")
				}
				runtime.GC()
				if len(w.reads) != 1 || w.sides[0] != side {
					t.Fatalf("attached to %v, want once to the %v", w.sides, side)
				}
				if _, there := w.reads[0](); !there {
					t.Error("gone while in use")
				}
			})
			for range 10 { // pools give up what they hold in two
				runtime.GC()
				if l, there := w.reads[0](); !there {
					if len(l.Budgets) != 0 || l.Abandoned != 0 {
						t.Errorf("%+v of what is gone", l)
					}
					return
				}
			}
			t.Error("still there")
		})
	}
}

// One observer of several is told of each.
func TestAnObserverIsAttachedOnceToEach(t *testing.T) {
	w := &witness{t: t}
	for range 2 {
		interceptors.DialOptions(interceptors.Observe(w))
	}
	interceptors.ServerOptions(interceptors.Observe(w), interceptors.Observe(w))
	if diff := cmp.Diff([]interceptors.Side{interceptors.ClientSide, interceptors.ClientSide, interceptors.ServerSide}, w.sides); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
