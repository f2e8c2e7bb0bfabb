package interceptors_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Thousands of calls of every kind, with everything turned on, that fail, are
// repeated, resumed, answered by a fallback, cancelled, left behind or never read to
// their end: when they are over, nothing is left of them.
func TestNoGoroutineIsLeft(t *testing.T) {
	calls := 4000
	if raceDetector {
		calls = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(5, 6))
		chance := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return random.IntN(n)
		}
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			switch chance(8) {
			case 0:
				return unavailable(status.Outcome(status.NotApplied))
			case 1:
				return status.New(codes.Code(1+chance(16)), "ODD", "")
			case 2:
				panic("help")
			case 3: // ignores its context
				time.Sleep(time.Duration(chance(5000)) * time.Millisecond)
			case 4:
				<-ctx.Done()
				return ctx.Err()
			case 5:
				_ = x.Send(strconv.Itoa(chance(10)))
				return unavailable()
			}
			return rpctest.Echo(ctx, x)
		}
		set := policies(t, func(p *policy.Policy) {
			p.HardStop, p.HandlerAttempts, p.FallbackTimeout = true, 2, time.Second
			p.Timeout, p.MaxTimeout, p.AttemptTimeout, p.FirstMessageTimeout, p.IdleTimeout = 3*time.Second, 3*time.Second, time.Second, time.Second, time.Second
		})
		server := []interceptors.ServerOption{unlogged, interceptors.Policies(set), interceptors.Limit(50, 50)}
		client := []interceptors.DialOption{unlogged, interceptors.Policies(set), counting(), interceptors.OnAction(
			func(context.Context, *recoursev1.Reauthenticate, *status.Error) error { return nil })}
		for _, shape := range rpctest.Shapes {
			server = append(server, interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("1")).For("ODD")))
			client = append(client, interceptors.Fallback(shape.Method(), substitute(shape, func(*text, *status.Error) (string, error) { return "1 2 3", nil }).For("DOWN")))
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(server...), interceptors.DialOptions(client...)...)
		call := func(i int) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 {
				time.AfterFunc(time.Duration(chance(2000))*time.Millisecond, cancel)
			}
			shape := rpctest.Shapes[i%4]
			if i%5 == 0 && shape.Name != "Unary" { // and the context is all that ends it
				_ = rpctest.Open(ctx, conn, shape)
				return
			}
			rpctest.Do(ctx, conn, shape, "1", "2", "3")
		}
		batch := func(n int) int {
			var running sync.WaitGroup
			for i := range n {
				running.Go(func() { call(i) })
				if i%20 == 0 {
					running.Wait()
				}
			}
			running.Wait()
			time.Sleep(time.Minute) // the last of those that ignore their context
			synctest.Wait()
			return runtime.NumGoroutine()
		}
		before := batch(100)
		after := batch(calls)
		t.Logf("%d goroutines after 100 calls, %d after %d more", before, after, calls)
		if after > before+3 { // of the runtime's own; what a call leaves would be there hundreds of times
			t.Errorf("%d goroutines after 100 calls, %d after %d more", before, after, calls)
		}
	})
}
