package interceptors_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// traced is a context of somebody's that writes a line to its log, with the id of the
// request, for what it is asked.
type traced struct {
	context.Context
	self *context.Context
	busy *bool
}

func (c traced) Value(key any) any {
	if !*c.busy && fmt.Sprintf("%T", key) == "metadata.mdIncomingKey" {
		*c.busy = true
		_ = interceptors.RequestID(*c.self)
		*c.busy = false
	}
	return c.Context.Value(key)
}

// answersInTime tells of a call that waits for ever.
func answersInTime(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	done := make(chan rpctest.Result, 1)
	go func() { done <- rpctest.Do(t.Context(), conn, rpctest.Shapes[0]) }()
	limit, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	select {
	case r := <-done:
		if r.Err != nil {
			t.Error(r.Err)
		}
	case <-limit.Done():
		t.Error("deadlock")
	}
}

func TestAContextMayAskForTheID(t *testing.T) {
	busy := true
	above := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		self := new(context.Context)
		*self = traced{ctx, self, &busy}
		return handler(*self, req)
	}
	conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		busy = false
		_ = interceptors.RequestID(ctx)
		return rpctest.Echo(ctx, x)
	}, append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(above)}, quiet()...))
	answersInTime(t, conn)
}

// locked is a context with values of its own behind a lock, as web frameworks have.
type locked struct {
	context.Context
	mu    *sync.RWMutex
	asked func()
}

func (c locked) Value(key any) any {
	c.asked()
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.Context.Value(key)
}

// Two goroutines of a handler: one asks for the id, another asks for it while it holds
// the lock of the context for reading. A writer between makes it a deadlock. An innocent
// call that has its place in the same slot is stopped too.
func TestNoForeignCodeRunsUnderALock(t *testing.T) {
	mu := new(sync.RWMutex)
	var shared locked
	var expected atomic.Bool
	waits := make(chan struct{})
	once := sync.OnceFunc(func() { close(waits) })
	asked := func() {
		if expected.Load() {
			once()
		}
	}
	above := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		shared = locked{ctx, mu, asked}
		return handler(shared, req)
	}
	conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		bare := shared.Context // what an interceptor above keeps
		mu.Lock()
		expected.Store(true)
		told := make(chan struct{})
		go func() { _ = interceptors.RequestID(ctx); close(told) }() // waits for mu
		<-waits
		_ = interceptors.RequestID(bare) // must not wait for who waits for mu
		mu.Unlock()
		<-told
		return rpctest.Echo(ctx, x)
	}, append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(above)}, quiet()...))
	answersInTime(t, conn)
}

// Of two ServerOptions, one inside of the other, the inner one's call is the handler's.
func TestTheInnermostCallIsFound(t *testing.T) {
	for _, outerHard := range []bool{false, true} {
		outer := policies(t, func(p *policy.Policy) { p.HardStop = outerHard })
		inner := policies(t)
		var learnt []string
		shape := rpctest.Shapes[0]
		key := func(_ context.Context, req *text) string { return req.GetValue() }
		conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
			m, _ := x.Recv()
			if m == "degraded" {
				if err := interceptors.SetDegraded(ctx, &recoursev1.Degraded{Source: "handler"}); err != nil {
					t.Error(err)
				}
				return x.Send("bad")
			}
			return unavailable()
		}, append(interceptors.ServerOptions(unlogged, interceptors.Policies(outer)),
			interceptors.ServerOptions(unlogged, interceptors.Policies(inner), interceptors.Fallback(shape.Method(), interceptors.LastGood(time.Hour, func(ctx context.Context, req *text) string {
				learnt = append(learnt, key(ctx, req))
				return "one"
			})))...))
		_ = rpctest.Do(t.Context(), conn, shape, "degraded")
		if len(learnt) > 0 {
			t.Errorf("outer HardStop %t: a degraded answer is remembered as a good one: %v", outerHard, learnt)
		}
	}
}

// A goroutine that a handler leaves behind, and that calls another service: the id goes
// with it.
func TestTheIDOfWorkThatOutlivesItsCall(t *testing.T) {
	ids := make(chan string, 2)
	back := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		ids <- metadata.ValueFromIncomingContext(ctx, "x-request-id")[0]
		return rpctest.Echo(ctx, x)
	}, quiet(), append(interceptors.DialOptions(), grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if md, _ := metadata.FromOutgoingContext(ctx); len(md["x-request-id"]) == 0 {
			ids <- "none"
		}
		return invoker(ctx, method, req, reply, cc, opts...)
	}))...)
	_ = wrapperspb.String
	goOn := make(chan struct{})
	var id, later string
	var wg sync.WaitGroup
	conn := rpctest.Start(t, func(ctx context.Context, x rpctest.Exchange) error {
		id = interceptors.RequestID(ctx)
		ctx = context.WithoutCancel(ctx)
		wg.Go(func() {
			<-goOn
			later = interceptors.RequestID(ctx)
			_ = rpctest.Do(ctx, back, rpctest.Shapes[0])
		})
		return rpctest.Echo(ctx, x)
	}, quiet())
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "of-the-caller")
	if r := rpctest.Do(ctx, conn, rpctest.Shapes[0]); r.Err != nil {
		t.Fatal(r.Err)
	}
	close(goOn)
	if got := <-ids; got != id {
		t.Errorf("the next hop is sent the id %q, the call had %q", got, id)
	}
	go func() {
		for range ids {
		}
	}()
	wg.Wait()
	if later != id {
		t.Errorf("RequestID is %q, was %q", later, id)
	}
}
