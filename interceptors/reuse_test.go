package interceptors

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What is told of an attempt may be used for another only because gRPC tells of the
// end after it has filled in all else.
func TestGRPCTellsOfTheEndLast(t *testing.T) {
	for _, fails := range []bool{false, true} {
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("seen", "yes"))
			if fails {
				return grpcstatus.Error(codes.Aborted, "no")
			}
			return rpctest.Echo(ctx, x)
		}
		conn := rpctest.Start(t, handler, nil)
		var trailer metadata.MD
		ends, late := 0, false
		_ = conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String("q"), new(wrapperspb.StringValue),
			grpc.OnFinish(func(error) { ends++; late = trailer["seen"] != nil }), grpc.Trailer(&trailer))
		if ends != 1 || !late {
			t.Errorf("fails %t: told of %d ends, after the trailer: %t", fails, ends, late)
		}
	}
}

// An interceptor below that returns before its call has ended leaves somebody behind
// who may still write: nothing of it reaches another call.
func TestWhoIsLeftBehindWritesToNoOtherCall(t *testing.T) {
	late := make(chan func(), 1)
	lent := func(opts []grpc.CallOption) (trailer *metadata.MD, end func(error)) {
		for _, o := range opts {
			switch o := o.(type) {
			case grpc.TrailerCallOption:
				trailer = o.TrailerAddr
			case grpc.OnFinishCallOption:
				end = o.OnFinish
			}
		}
		return trailer, end
	}
	leaves := func(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
		trailer, end := lent(opts)
		late <- func() {
			*trailer = metadata.Pairs(requestIDKey, "of-the-call-left-behind", pushbackKey, "-1")
			end(nil)
		}
		return nil
	}
	c := &client{}
	call := func(invoker grpc.UnaryInvoker) error {
		return c.unary(t.Context(), "/a.B/C", wrapperspb.String("q"), new(wrapperspb.StringValue), nil, invoker)
	}
	for range 100 {
		_ = call(leaves)
		write := <-late
		err := call(func(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
			trailer, end := lent(opts)
			write()
			defer end(nil)
			if len(*trailer) > 0 {
				t.Error("the trailer of another call")
			}
			return grpcstatus.Error(codes.Unavailable, "no")
		})
		var e interface{ RequestID() string }
		if !errors.As(err, &e) || e.RequestID() != "" {
			t.Fatalf("%v", err)
		}
	}
}

// A call that is over is not found by its context, whoever uses its state now. What is
// left of its id is what its caller has sent.
func TestAnEndedCallIsNotFound(t *testing.T) {
	s := newServer(OnFailure(nil))
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 200 {
				own := fmt.Sprintf("id-%d-%d", g, n)
				ctx := incomingWith(t.Context(), own)
				_, _ = s.unary(ctx, wrapperspb.String("q"), info, func(ctx context.Context, req any) (any, error) {
					wg.Go(func() { // outlives the call, or not
						if id := RequestID(ctx); id != "" && id != own {
							t.Errorf("%s is told %s", own, id)
						}
						_ = SetDegraded(ctx, &recoursev1.Degraded{})
					})
					if id := RequestID(ctx); id != own {
						t.Errorf("%s is told %s", own, id)
					}
					return req, nil
				})
				if id := RequestID(ctx); id != own {
					t.Errorf("%s has ended, and has the id %s", own, id)
				}
				if SetDegraded(ctx, &recoursev1.Degraded{}) == nil {
					t.Errorf("%s has ended, but takes a mark", own)
				}
			}
		})
	}
	wg.Wait()
}

func incomingWith(ctx context.Context, id string) context.Context {
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs(requestIDKey, id))
	return grpc.NewContextWithServerTransportStream(ctx, &addressed{})
}

type addressed struct {
	grpc.ServerTransportStream
	_ int
}

func (*addressed) SetTrailer(metadata.MD) error { return nil }

// Every call is found, whether or not the table has a place for it: of two
// interceptors, one inside of the other, of a stream that has no address, and where
// all places are taken.
func TestEveryCallInProgressIsFound(t *testing.T) {
	inner, outer := newServer(OnFailure(nil)), newServer(OnFailure(nil))
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	asks := func(ctx context.Context, _ any) (any, error) { return wrapperspb.String(RequestID(ctx)), nil }
	nested := func(ctx context.Context, req any) (any, error) {
		before := RequestID(ctx)
		reply, err := inner.unary(ctx, req, info, asks)
		if after := RequestID(ctx); after != before {
			t.Errorf("the outer call was %s, and is %s", before, after)
		}
		return reply, err
	}
	for _, row := range []struct {
		name    string
		stream  grpc.ServerTransportStream
		handler grpc.UnaryHandler
	}{
		{"one", &addressed{}, asks},
		{"two", &addressed{}, nested},
		{"no stream", nil, asks},
		{"no stream, two", nil, nested},
		{"no address", unaddressed{}, asks},
		{"no address, two", unaddressed{}, nested},
	} {
		ctx := t.Context()
		if row.stream != nil {
			ctx = grpc.NewContextWithServerTransportStream(ctx, row.stream)
		}
		reply, err := outer.unary(ctx, wrapperspb.String("q"), info, row.handler)
		if err != nil || reply.(*wrapperspb.StringValue).GetValue() == "" {
			t.Errorf("%s: %v, %v", row.name, reply, err)
		}
	}

	var table callTable
	var entered []*serverCall
	for key := uintptr(8); len(entered) <= probes; key += 8 {
		if slotOf(key, 0) == slotOf(8, 0) {
			entered = append(entered, &serverCall{key: key})
		}
	}
	for i, c := range entered {
		if got := table.add(c); got != (i < probes) {
			t.Errorf("call %d is entered: %t", i, got)
		}
	}
	for i, c := range entered[:probes] {
		if !table.show(c.key, func(found *serverCall) {
			if found != c {
				t.Errorf("call %d is another", i)
			}
		}) {
			t.Errorf("call %d is not found", i)
		}
		table.remove(c)
		if table.show(c.key, func(*serverCall) {}) {
			t.Errorf("call %d is found when it is over", i)
		}
	}
}

type unaddressed struct{ grpc.ServerTransportStream }

// A handler that is left behind still knows its call.
func TestALeftHandlerKnowsItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.HardStop, p.Timeout = true, time.Second }))
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(OnFailure(nil), Policies(set))
		seen := make(chan string, 2)
		_, err = s.unary(incomingWith(t.Context(), "own"), wrapperspb.String("q"), &grpc.UnaryServerInfo{FullMethod: "/a.B/C"},
			func(ctx context.Context, req any) (any, error) {
				time.Sleep(time.Minute)
				seen <- RequestID(ctx)
				return req, nil
			})
		if grpcstatus.Code(err) != codes.DeadlineExceeded {
			t.Error(err)
		}
		if id := <-seen; id != "own" {
			t.Errorf("the id is %q", id)
		}
	})
}

func TestBaton(t *testing.T) {
	var b baton
	var wg sync.WaitGroup
	n := 0
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				b.take()
				n++
				b.drop()
			}
		})
	}
	wg.Wait()
	if n != 8000 || !b.tryTake() || b.tryTake() {
		t.Errorf("taken %d times", n)
	}
	waited := b.wait()
	select {
	case <-waited:
		t.Error("it is not free")
	default:
	}
	b.drop()
	<-waited
	<-b.wait() // it is free now
}
