package interceptors_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

// witness is an observer that writes down what it is told. What concerns one call it
// writes without a lock: the race detector proves that it is told one thing after the
// other.
type witness struct {
	t     testing.TB
	mu    sync.Mutex
	calls []*testimony
	after []interceptors.Event // of handlers that came back when their calls were over
	reads []func() (interceptors.Levels, bool)
	sides []interceptors.Side // of reads
}

// testimony is what a witness was told of one call, a line each.
type testimony struct {
	interceptors.Call
	target  string
	told    []string
	events  []interceptors.Event
	due     time.Time             // when the next attempt is announced for
	failure *interceptors.Failure // at the end
	ends    int
}

type (
	underway  struct{} // the key of a call's testimony
	attemptNo struct{} // the key of an attempt's number
)

// said is the testimony of the call that ctx belongs to, nil if there is none.
func said(ctx context.Context) *testimony {
	c, _ := ctx.Value(underway{}).(*testimony)
	return c
}

func (w *witness) Attach(side interceptors.Side, read func() (interceptors.Levels, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads, w.sides = append(w.reads, read), append(w.sides, side)
}

func (w *witness) Begin(ctx context.Context, o *interceptors.Observation) context.Context {
	if o.State != nil {
		w.t.Errorf("a call begins with the state %v of another", o.State)
	}
	c := &testimony{Call: o.Call, target: o.Target, told: []string{"begin"}}
	o.State = c
	w.mu.Lock()
	w.calls = append(w.calls, c)
	w.mu.Unlock()
	if c.Side == interceptors.ClientSide {
		ctx = metadata.AppendToOutgoingContext(ctx, "call", "begun")
	}
	return context.WithValue(ctx, underway{}, c)
}

// of is the testimony that something is to be added to.
func (w *witness) of(ctx context.Context, o *interceptors.Observation, line string) *testimony {
	c, _ := o.State.(*testimony)
	switch {
	case c == nil:
		w.t.Errorf("%s: of a call that has not begun", line)
		return new(testimony)
	case said(ctx) != c:
		w.t.Errorf("%s: the context is not that of the call", line)
	case c.ends > 0:
		w.t.Errorf("%s: after the end", line)
	case o.Call != c.Call || o.Target != c.target:
		w.t.Errorf("%s: of %v on %q, which began as %v on %q", line, o.Call, o.Target, c.Call, c.target)
	}
	c.told = append(c.told, line)
	return c
}

func (w *witness) Attempt(ctx context.Context, o *interceptors.Observation, n int) context.Context {
	c := w.of(ctx, o, fmt.Sprint("attempt ", n))
	if ctx.Value(attemptNo{}) != nil {
		w.t.Errorf("attempt %d has the context of attempt %v", n, ctx.Value(attemptNo{}))
	}
	if now := time.Now(); !c.due.IsZero() && !now.Equal(c.due) {
		w.t.Errorf("attempt %d is %v late", n, now.Sub(c.due))
	}
	if c.Side == interceptors.ClientSide {
		ctx = metadata.AppendToOutgoingContext(ctx, "attempt", strconv.Itoa(n))
	}
	return context.WithValue(ctx, attemptNo{}, n)
}

var eventNames = [...]string{
	interceptors.EventRefused: "refused", interceptors.EventRepeat: "repeat", interceptors.EventGivenUp: "given up",
	interceptors.EventFallback: "fallback", interceptors.EventAbandoned: "abandoned", interceptors.EventReturned: "returned",
}

// line is an event without its delay: "repeat backoff of 1: DOWN".
func line(e interceptors.Event) string {
	s := eventNames[e.Kind]
	if e.Reason != "" {
		s += " " + e.Reason
	}
	if e.Attempt > 0 {
		s += fmt.Sprint(" of ", e.Attempt)
	}
	if e.Err != nil {
		s += ": " + e.Err.ErrorCode()
	}
	return s
}

func (w *witness) Event(ctx context.Context, o *interceptors.Observation, e interceptors.Event) {
	if e.Kind == interceptors.EventReturned {
		if o != nil || said(ctx) == nil {
			w.t.Errorf("a handler came back to the call %v in %v", o, ctx)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.after = append(w.after, e)
		return
	}
	c := w.of(ctx, o, line(e))
	c.events = append(c.events, e)
	c.due = time.Time{}
	if e.Kind == interceptors.EventRepeat {
		c.due = time.Now().Add(e.Delay)
	}
}

func (w *witness) End(ctx context.Context, o *interceptors.Observation, f *interceptors.Failure) {
	c := w.of(ctx, o, "end")
	c.failure = f
	c.ends++
	if f != nil && f.Call != c.Call {
		w.t.Errorf("the failure is of %v, not %v", f.Call, c.Call)
	}
}

// testimonies are those of one side, all of calls that have ended.
func (w *witness) testimonies(side interceptors.Side) (calls []*testimony) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.Side == side {
			calls = append(calls, c)
		}
		if c.ends != 1 || c.told[len(c.told)-1] != "end" {
			w.t.Errorf("%v side: ended %d times: %q", c.Side, c.ends, c.told)
		}
	}
	return calls
}

// back are the handlers that came back when their calls were over.
func (w *witness) back() []interceptors.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.after)
}

// only is the testimony of the only call of a side.
func (w *witness) only(side interceptors.Side) *testimony {
	w.t.Helper()
	calls := w.testimonies(side)
	if len(calls) != 1 {
		w.t.Fatalf("%v side: %d calls, want one", side, len(calls))
	}
	return calls[0]
}

// tells compares what was told of the only call of a side.
func (w *witness) tells(side interceptors.Side, want ...string) *testimony {
	w.t.Helper()
	c := w.only(side)
	if diff := cmp.Diff(append(append([]string{"begin"}, want...), "end"), c.told); diff != "" {
		w.t.Errorf("%v side (-want +got):\n%s", side, diff)
	}
	return c
}

// start serves and dials under the eyes of the witness.
func (w *witness) start(h rpctest.Handler, server []interceptors.ServerOption, dial ...interceptors.DialOption) *grpc.ClientConn {
	return rpctest.Start(w.t, h, interceptors.ServerOptions(append(server, interceptors.Observe(w))...),
		interceptors.DialOptions(append(dial, interceptors.Observe(w))...)...)
}

// standing is a hook that looks at its context, and writes down when it is called.
type standing struct{ t testing.TB }

func (h standing) Begin(ctx context.Context, call interceptors.Call) (context.Context, interceptors.Run, error) {
	c := said(ctx)
	if c == nil || c.Side != call.Side || ctx.Value(attemptNo{}) != nil {
		h.t.Errorf("a hook on the %v begins in the context of %+v, attempt %v", call.Side, c, ctx.Value(attemptNo{}))
		return ctx, nil, nil
	}
	c.told = append(c.told, "hook begins")
	return ctx, stood{c}, nil
}

type stood struct{ *testimony }

func (stood) Message(bool, any) error { return nil }

func (s stood) End(err error) error {
	s.told = append(s.told, "hook ends")
	return err
}

// noted writes down when OnFailure is called.
func noted(ctx context.Context, _ interceptors.Failure) {
	c := said(ctx)
	c.told = append(c.told, "on failure")
}

// further is an interceptor between recourse and the network that looks at its context.
func further(t testing.TB) []grpc.DialOption {
	look := func(ctx context.Context) {
		if c := said(ctx); c == nil || c.Side != interceptors.ClientSide || ctx.Value(attemptNo{}) != 1 {
			t.Errorf("the network gets the context of %+v, attempt %v", c, ctx.Value(attemptNo{}))
		}
	}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker,
			opts ...grpc.CallOption) error {
			look(ctx)
			return next(ctx, method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer,
			opts ...grpc.CallOption) (grpc.ClientStream, error) {
			look(ctx)
			return next(ctx, desc, cc, method, opts...)
		}),
	}
}

// visible is a handler that looks at its context, and at what came over the network.
func visible(t testing.TB, h rpctest.Handler) rpctest.Handler {
	return func(ctx context.Context, x rpctest.Exchange) error {
		if c := said(ctx); c == nil || c.Side != interceptors.ServerSide || ctx.Value(attemptNo{}) != 1 {
			t.Errorf("the handler gets the context of %+v, attempt %v", c, ctx.Value(attemptNo{}))
		}
		for key, want := range map[string]string{"call": "begun", "attempt": "1"} {
			if got := strings.Join(metadata.ValueFromIncomingContext(ctx, key), " "); got != want {
				t.Errorf("%s %q came over the network, want %q", key, got, want)
			}
		}
		return h(ctx, x)
	}
}

// heard has a handler begin when its client has sent something: one that fails before
// may be noticed by who sends, and who sends no more does not repeat either.
func heard(h rpctest.Handler) rpctest.Handler {
	return func(ctx context.Context, x rpctest.Exchange) error {
		first, err := x.Recv()
		if err != nil {
			return err
		}
		return h(ctx, &again{Exchange: x, first: &first})
	}
}

// again is an exchange whose first message can be received once more.
type again struct {
	rpctest.Exchange
	first *string
}

func (a *again) Recv() (string, error) {
	if first := a.first; first != nil {
		a.first = nil
		return *first, nil
	}
	return a.Exchange.Recv()
}

// observed is an outcome with what an observer on each side is told of attempts.
type observed struct {
	outcome
	refusedBy interceptors.Side // where refused
}

func observedOutcomes() (all []observed) {
	for _, o := range append(outcomes(), outcome{
		name: "Goexit", handler: func(context.Context, rpctest.Exchange) error { runtime.Goexit(); return nil },
		client: codes.Internal, server: codes.Internal,
	}) {
		if o.refused {
			o.server = o.client
			all = append(all, observed{o, interceptors.ClientSide})
			o.name += " by the server"
		}
		if o.timeout > 0 {
			o.server = o.client
		}
		all = append(all, observed{o, interceptors.ServerSide})
	}
	return all
}

func TestAnObserverIsToldOfEveryCallOnce(t *testing.T) {
	refusal := status.New(codes.ResourceExhausted, "TOO_MANY", "too many calls")
	for _, o := range observedOutcomes() {
		for _, with := range []string{"", " with policies"} {
			t.Run(o.name+with, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					both := []interceptors.Option{interceptors.Use(standing{t}), interceptors.OnFailure(noted)}
					if with != "" {
						both = append(both, interceptors.Policies(policies(t, func(p *policy.Policy) { p.MaxAttempts = 1 })))
					}
					w := &witness{t: t}
					server := []interceptors.ServerOption{interceptors.Observe(w), trusted(status.Partner)}
					dial := []interceptors.DialOption{interceptors.Observe(w)}
					for _, option := range both {
						server, dial = append(server, option), append(dial, option)
					}
					if gate := interceptors.Use(&recorder{refuse: refusal}); o.refused && o.refusedBy == interceptors.ServerSide {
						server = append(server, gate)
					} else if o.refused {
						dial = append(dial, gate)
					}
					ctx, cancel := context.WithCancel(t.Context())
					if o.timeout > 0 {
						ctx, cancel = context.WithTimeout(ctx, o.timeout)
					}
					defer cancel()
					lis := rpctest.Serve(t, visible(t, o.handler), interceptors.ServerOptions(server...)...)
					cut := &cutter{}
					conn := rpctest.Dial(t, lis, append(append(interceptors.DialOptions(dial...), further(t)...), cut.option(lis))...)
					if o.cancel {
						time.AfterFunc(time.Second, cancel)
					}
					if o.disconnect {
						time.AfterFunc(time.Second, cut.all)
					}
					r := rpctest.Do(ctx, conn, shape)
					if got := grpcstatus.Code(r.Err); got != o.client {
						t.Fatalf("the application got %v, want %v", r.Err, o.client)
					}
					for _, side := range []interceptors.Side{interceptors.ClientSide, interceptors.ServerSide} {
						if side == interceptors.ServerSide && o.refused && o.refusedBy == interceptors.ClientSide {
							if n := len(w.testimonies(side)); n != 0 {
								t.Errorf("%d calls on the server", n)
							}
							continue
						}
						o.check(t, w.only(side), shape, with != "")
					}
					if id := r.Trailer["x-request-id"]; len(id) > 0 {
						for _, c := range w.calls {
							if c.failure == nil || c.failure.RequestID != id[0] {
								t.Errorf("%v side: the request is %v, want %v", c.Side, c.failure.RequestID, id)
							}
						}
					}
				})
			})
		}
	}
}

// check compares the testimony of one side with what has happened.
func (o observed) check(t *testing.T, c *testimony, shape rpctest.Shape, policies bool) {
	t.Helper()
	wantCall := interceptors.Call{Method: shape.Method(), Side: c.Side, ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}
	target, code, attempts := "passthrough:///memory", o.client, 1
	if c.Side == interceptors.ServerSide {
		target, code = "", o.server
	}
	if c.Call != wantCall || c.target != target {
		t.Errorf("%v on %q, want %v on %q", c.Call, c.target, wantCall, target)
	}
	want := []string{"begin", "hook begins", "attempt 1", "hook ends", "on failure", "end"}
	if o.refused && c.Side == o.refusedBy {
		want, attempts = append(want[:2:2], want[3:]...), 0
	}
	if code == codes.OK {
		want = append(want[:4:4], "end")
	}
	var told []string
	for _, line := range c.told {
		if !strings.HasPrefix(line, "given up") { // which another test is about
			told = append(told, line)
		}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("%v side (-want +got):\n%s", c.Side, diff)
	}
	f := c.failure
	if code == codes.OK {
		if f != nil {
			t.Errorf("%v side: %+v, want no failure", c.Side, f)
		}
		return
	}
	if f == nil || f.Err == nil {
		t.Errorf("%v side: failure %+v, want %v", c.Side, f, code)
		return
	}
	got := f.Err.Code()
	if o.timeout > 0 && c.Side == interceptors.ServerSide && got == codes.Canceled {
		got = code // the client's reset may come first
	}
	if got != code || f.Err.ErrorCode() == "" || f.Cause == nil || f.Saved || f.Degraded != nil {
		t.Errorf("%v side: %+v, want %v", c.Side, f, code)
	}
	if !policies {
		attempts = 0
	}
	if f.Attempts != attempts || (f.Policy != nil) != policies {
		t.Errorf("%v side: %d attempts, policy %v; want %d", c.Side, f.Attempts, f.Policy, attempts)
	}
	server := c.Side == interceptors.ServerSide
	if (f.Size > 0) != server || (f.Caller == status.Partner) != server || server && f.RequestID == "" {
		t.Errorf("%v side: size %d, caller %v, request %q", c.Side, f.Size, f.Caller, f.RequestID)
	}
}
