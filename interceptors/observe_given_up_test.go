package interceptors_test

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// An observer is told of a stream that nobody reads to its end when its caller gives it
// up, and not before.
func TestAnObserverIsToldOfAStreamThatIsNotRead(t *testing.T) {
	tests := map[string]struct {
		reads int
		opts  []interceptors.DialOption
	}{
		"nothing":                      {0, nil},
		"a reply":                      {1, nil},
		"nothing, with policies":       {0, []interceptors.DialOption{interceptors.Policies(policies(t))}},
		"a reply, with policies":       {1, []interceptors.DialOption{interceptors.Policies(policies(t))}},
		"a reply, of one that resumes": {1, []interceptors.DialOption{interceptors.Policies(policies(t)), counting()}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
				if test.reads > 0 && !shape.ServerStreams {
					return // its only reply is the end
				}
				w := &witness{t: t}
				conn := w.start(func(ctx context.Context, x rpctest.Exchange) error {
					if _, err := x.Recv(); err != nil {
						return err
					}
					if err := x.Send("1"); err != nil {
						return err
					}
					<-ctx.Done()
					return ctx.Err()
				}, []interceptors.ServerOption{unlogged}, test.opts...)
				ctx, cancel := context.WithCancel(t.Context())
				s := opened(t, ctx, conn, shape)
				if err := s.SendMsg(wrapperspb.String("1")); err != nil {
					t.Fatal(err)
				}
				for range test.reads {
					if err := s.RecvMsg(new(text)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				synctest.Wait()
				for _, c := range w.calls {
					if c.ends != 0 {
						t.Errorf("%v side: %q before anybody gave up", c.Side, c.told)
					}
				}
				cancel()
				for _, side := range []interceptors.Side{interceptors.ClientSide, interceptors.ServerSide} {
					if f := w.tells(side, "attempt 1").failure; f == nil || f.Err.Code() != codes.Canceled {
						t.Errorf("%v side: %+v", side, f)
					}
				}
				var err error
				for err == nil { // what it learns now changes nothing
					err = s.RecvMsg(new(text))
				}
				if err == io.EOF {
					t.Error("a stream that was given up has ended well")
				}
				w.tells(interceptors.ClientSide, "attempt 1")
			})
		})
	}
}

// A call that its caller gives up before it is repeated has no other attempt.
func TestAnObserverIsToldOfACallThatIsGivenUpInABackOff(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		w := &witness{t: t}
		conn := w.start(fails(unavailable(status.RetryAfter(10*time.Second))), []interceptors.ServerOption{unlogged},
			interceptors.Policies(policies(t)))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		rpctest.Do(ctx, conn, shape, "a")
		f := w.tells(interceptors.ClientSide, "attempt 1", "repeat pushback of 1: DOWN", "given up final of 1: DOWN").failure
		if f == nil || f.Err.Code() != codes.Canceled || f.Saved || f.Attempts != 1 {
			t.Errorf("%+v", f)
		}
	})
}

// quitter gives its call up in the middle of being told something, and lets others run.
type quitter struct {
	*witness
	quit func()
	in   string
}

func (q *quitter) act(in string) {
	if q.in == in {
		q.quit()
		for range 1000 {
			runtime.Gosched()
		}
	}
}

func (q *quitter) Attempt(ctx context.Context, o *interceptors.Observation, n int) context.Context {
	if n > 1 {
		q.act("Attempt")
	}
	return q.witness.Attempt(ctx, o, n)
}

func (q *quitter) Event(ctx context.Context, o *interceptors.Observation, e interceptors.Event) {
	q.act("Event")
	q.witness.Event(ctx, o, e)
}

// The end of a stream that nobody reads comes when all else has been told.
func TestAnObserverIsNotToldOfTheEndInTheMiddle(t *testing.T) {
	for in, want := range map[string]string{"Event": "repeat backoff of 1: DOWN", "Attempt": "attempt 2"} {
		t.Run(in, func(t *testing.T) {
			inShapes(t, rpctest.Shapes[1:], func(t *testing.T, shape rpctest.Shape) {
				ctx, cancel := context.WithCancel(t.Context())
				q := &quitter{&witness{t: t}, cancel, in}
				conn := rpctest.Start(t, dead, quiet(), interceptors.DialOptions(interceptors.Observe(q), interceptors.Policies(policies(t)))...)
				s := opened(t, ctx, conn, shape)
				_ = s.SendMsg(wrapperspb.String("a")) // the server may have failed already
				_, _ = s.Header()
				if told := q.only(interceptors.ClientSide).told; !slices.Contains(told, want) {
					t.Errorf("told %q", told)
				}
			})
		})
	}
}

// Many calls at once, given up at any moment, in the middle of anything. The race
// detector watches, and so does the witness.
func TestAnObserverOfCallsThatAreGivenUpAtAnyMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, calls := &witness{t: t}, atomic.Int32{}
		server := []interceptors.ServerOption{unlogged, interceptors.Policies(policies(t, func(p *policy.Policy) {
			p.HandlerAttempts, p.HardStop, p.MaxTimeout = 2, true, 10*time.Millisecond
		}))}
		short := policies(t, func(p *policy.Policy) { p.FallbackTimeout = time.Second })
		dial := []interceptors.DialOption{unlogged, counting(), interceptors.Policies(short)}
		for _, shape := range rpctest.Shapes {
			slow := after
			if shape.ServerStreams {
				slow = func(shape rpctest.Shape, d time.Duration) *interceptors.Substitute {
					return substitute(shape, func(*text, *status.Error) (string, error) { time.Sleep(d); return "1 2 3", nil })
				}
			}
			both := interceptors.Fallback(shape.Method(), slow(shape, 3*time.Millisecond))
			server, dial = append(server, both), append(dial, both)
		}
		conn := w.start(func(ctx context.Context, x rpctest.Exchange) error {
			n := calls.Add(1)
			time.Sleep(time.Duration(n%17) * time.Millisecond)
			if n%3 == 0 {
				return unavailable()
			}
			if err := x.Send("1"); err != nil || n%5 == 0 {
				return err
			}
			return unavailable()
		}, server, dial...)
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 {
					time.AfterFunc(time.Duration(i/2%23)*time.Millisecond, cancel)
				}
				shape := rpctest.Shapes[i%4]
				if i%3 > 0 || shape.Name == "Unary" {
					rpctest.Do(ctx, conn, shape, "0")
					return
				}
				// A stream that nobody reads, whose end may come while it is repeated.
				s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}, shape.Method())
				if err == nil && s.SendMsg(wrapperspb.String("0")) == nil {
					_, _ = s.Header()
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		if n := len(w.testimonies(interceptors.ClientSide)); n != 400 {
			t.Errorf("%d calls of 400", n)
		}
	})
}
