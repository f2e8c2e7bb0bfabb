package interceptors_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// recorder is a policy that writes down what it sees. Each of its calls is one
// in one.
type recorder struct {
	refuse error // at Begin
	mu     sync.Mutex
	calls  []*recorded
}

type recorded struct {
	policy  *recorder
	Call    interceptors.Call
	In, Out int
	Ends    int
	Code    codes.Code
}

func (r *recorder) Begin(ctx context.Context, call interceptors.Call) (context.Context, interceptors.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return ctx, nil, r.refuse
	}
	c := &recorded{policy: r, Call: call}
	r.calls = append(r.calls, c)
	return ctx, c, nil
}

func (c *recorded) Message(in bool, _ any) error {
	c.policy.mu.Lock()
	defer c.policy.mu.Unlock()
	if in {
		c.In++
	} else {
		c.Out++
	}
	return nil
}

func (c *recorded) End(err error) error {
	c.policy.mu.Lock()
	defer c.policy.mu.Unlock()
	c.Ends++
	c.Code = status.Classify(err).Code()
	// A *status.Error that was received classifies as this side's own failure.
	if e, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok {
		c.Code = e.GRPCStatus().Code()
	}
	return err
}

func (r *recorder) seen() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []recorded
	for _, c := range r.calls {
		out = append(out, recorded{Call: c.Call, In: c.In, Out: c.Out, Ends: c.Ends, Code: c.Code})
	}
	return out
}

// outcomes are the ways in which a call ends.
type outcome struct {
	name    string
	handler rpctest.Handler
	// drive makes the call; nil means rpctest.Do.
	timeout    time.Duration // of the caller, until its deadline
	cancel     bool          // the caller gives up after a second
	disconnect bool          // the server's connections are cut after a second
	refused    bool          // by an outer policy
	client     codes.Code    // what the application gets
	server     codes.Code    // what a policy on the server is told
}

func outcomes() []outcome {
	hang := func(ctx context.Context, _ rpctest.Exchange) error {
		<-ctx.Done()
		return ctx.Err()
	}
	return []outcome{
		{name: "ok", handler: rpctest.Echo},
		{name: "refused", handler: rpctest.Echo, refused: true, client: codes.ResourceExhausted},
		{name: "handler error", handler: fails(errBusy), client: codes.Unavailable, server: codes.Unavailable},
		{name: "panic", handler: func(context.Context, rpctest.Exchange) error { panic("x") }, client: codes.Internal, server: codes.Internal},
		{name: "cancel", handler: hang, cancel: true, client: codes.Canceled, server: codes.Canceled},
		{name: "deadline", handler: hang, timeout: 3 * time.Second, client: codes.DeadlineExceeded},
		{name: "disconnect", handler: hang, disconnect: true, client: codes.Unavailable, server: codes.Canceled},
	}
}

func TestEveryPolicySeesEveryCallEndOnce(t *testing.T) {
	refusal := status.New(codes.ResourceExhausted, "TOO_MANY", "too many calls")
	for _, o := range outcomes() {
		t.Run(o.name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
					rec, gate := &recorder{}, &recorder{}
					if o.refused {
						gate.refuse = refusal
					}
					use := interceptors.Use(rec, gate)
					server, dial := quiet(), interceptors.DialOptions()
					if side == interceptors.ServerSide {
						server = quiet(use)
					} else {
						dial = interceptors.DialOptions(use)
					}
					ctx, cancel := context.WithCancel(t.Context())
					if o.timeout > 0 {
						ctx, cancel = context.WithTimeout(ctx, o.timeout)
					}
					lis := rpctest.Serve(t, o.handler, server...)
					cut := &cutter{}
					conn := rpctest.Dial(t, lis, append(dial, cut.option(lis))...)
					if o.cancel {
						time.AfterFunc(time.Second, cancel)
					}
					if o.disconnect {
						time.AfterFunc(time.Second, cut.all)
					}
					start := time.Now()
					r := rpctest.Do(ctx, conn, shape)
					if got := grpcstatus.Code(r.Err); got != o.client {
						t.Errorf("%v side: the application got %v, want %v (%v)", side, got, o.client, r.Err)
					}
					want := o.timeout
					if o.cancel || o.disconnect {
						want = time.Second
					}
					if took := time.Since(start); took != want {
						t.Errorf("%v side: took %v, want %v", side, took, want)
					}
					cancel()
					synctest.Wait()
					seen := rec.seen()
					if len(seen) != 1 || seen[0].Ends != 1 {
						t.Fatalf("%v side: %+v, want one call that ended once", side, seen)
					}
					code := o.server
					if side == interceptors.ClientSide || o.refused || o.name == "deadline" {
						code = o.client
					}
					wantCall := recorded{Code: code, Ends: 1, Call: interceptors.Call{
						Method: shape.Method(), Side: side, ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams,
					}}
					got := seen[0]
					if o.name == "deadline" && side == interceptors.ServerSide && got.Code == codes.Canceled {
						got.Code = code // the client's reset may come first
					}
					if o.name == "ok" {
						wantCall.In, wantCall.Out = 1, 1
					} else {
						got.In, got.Out = 0, 0
					}
					if diff := cmp.Diff(wantCall, got, cmp.AllowUnexported(recorded{}), cmp.Comparer(func(a, b *recorder) bool { return a == b })); diff != "" {
						t.Errorf("%v side: %s", side, diff)
					}
				}
			})
		})
	}
}

// A stream that the application drops without reading its end ends for the
// policies all the same, and leaves no goroutine behind.
func TestAnAbandonedStreamEnds(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		if !shape.ClientStreams && !shape.ServerStreams {
			return
		}
		rec := &recorder{}
		hang := func(ctx context.Context, _ rpctest.Exchange) error {
			<-ctx.Done()
			return ctx.Err()
		}
		conn := rpctest.Start(t, hang, quiet(), interceptors.DialOptions(interceptors.Use(rec))...)
		ctx, cancel := context.WithCancel(t.Context())
		if err := rpctest.Open(ctx, conn, shape); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := rec.seen()[0].Ends; got != 0 {
			t.Fatalf("ended %d times before anybody gave up", got)
		}
		cancel()
		synctest.Wait()
		if got := rec.seen()[0]; got.Ends != 1 || got.Code != codes.Canceled {
			t.Errorf("got %+v", got)
		}
	})
}

// What a policy says in the middle decides, even if the handler ignores it.
func TestAPolicyEndsAStreamInTheMiddle(t *testing.T) {
	tooLong := status.New(codes.InvalidArgument, "TOO_LONG", "the message is too long")
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		eachShape(t, func(t *testing.T, shape rpctest.Shape) {
			ignores := func(ctx context.Context, x rpctest.Exchange) error {
				_, _ = x.Recv()
				_ = x.Send("reply")
				return nil
			}
			use := interceptors.Use(objector{tooLong})
			server, dial := quiet(), interceptors.DialOptions()
			if side == interceptors.ServerSide {
				server = quiet(use)
			} else {
				dial = interceptors.DialOptions(use)
			}
			conn := rpctest.Start(t, ignores, server, dial...)
			err := rpctest.Do(t.Context(), conn, shape).Err
			if !errors.Is(err, tooLong) {
				t.Errorf("side %v: %v", side, err)
			}
		})
	}
}

// objector objects to every message that comes in.
type objector struct{ err error }

func (o objector) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, o, nil
}

func (o objector) Message(in bool, _ any) error {
	if in {
		return o.err
	}
	return nil
}

func (o objector) End(err error) error { return err }

// The outermost policy is the first one named: it begins first, sees first what
// goes inward, to the handler or to the network, and has the last word.
func TestTheOrderOfPolicies(t *testing.T) {
	for side, inward := range map[interceptors.Side]string{interceptors.ServerSide: "in", interceptors.ClientSide: "out"} {
		eachShape(t, func(t *testing.T, shape rpctest.Shape) {
			var log []string
			use := interceptors.Use(noter{"outer", &log}, nil, noter{"inner", &log})
			server, dial := quiet(), interceptors.DialOptions()
			if side == interceptors.ServerSide {
				server = quiet(use)
			} else {
				dial = interceptors.DialOptions(use)
			}
			conn := rpctest.Start(t, rpctest.Echo, server, dial...)
			if r := rpctest.Do(t.Context(), conn, shape); r.Err != nil {
				t.Fatal(r.Err)
			}
			outward := map[string]string{"in": "out", "out": "in"}[inward]
			want := []string{
				"outer begins", "inner begins", "outer sees " + inward, "inner sees " + inward,
				"inner sees " + outward, "outer sees " + outward, "inner ends", "outer ends",
			}
			if diff := cmp.Diff(want, log); diff != "" {
				t.Errorf("%v side: %s", side, diff)
			}
		})
	}
}

type noter struct {
	name string
	log  *[]string
}

func (n noter) note(what string) { *n.log = append(*n.log, n.name+" "+what) }

func (n noter) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	n.note("begins")
	return ctx, n, nil
}

func (n noter) Message(in bool, _ any) error {
	if in {
		n.note("sees in")
	} else {
		n.note("sees out")
	}
	return nil
}

func (n noter) End(err error) error {
	n.note("ends")
	return err
}
