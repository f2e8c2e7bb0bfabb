package interceptors

import (
	"context"
	"errors"
	"io"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/throttle"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// client is everything that does not change between calls.
type client struct {
	onFailure func(context.Context, Failure)
	observer  Observer // nil: nobody
	hooks     []Hook
	policies  *policy.Set // nil: nothing is done but to read errors
	fallbacks map[string][]*Substitute
	resumes   map[string]*resumption
	handlers  map[protoreflect.FullName]actionHandler
	ownRetry  bool // instead of gRPC's

	methods registry
}

// engages reports whether there is more to do than to read errors.
func (c *client) engages() bool {
	return c.policies != nil || len(c.fallbacks) > 0 || len(c.handlers) > 0
}

// throttles reports whether calls are held back from an overloaded server.
func (c *client) throttles() bool { return c.policies != nil }

func (c *client) policyOf(method string) *policy.Policy {
	if c.policies == nil {
		return idle()
	}
	return c.policies.For(method)
}

// idle is the policy where none was given: what is asked for by options of its own
// works, and nothing else happens.
var idle = sync.OnceValue(func() *policy.Policy {
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) {
		p.Timeout, p.MinTimeout, p.MaxAttempts, p.ContactSupportThreshold = 0, 0, 1, 0
	}))
	if err != nil { // a test sees to it that there is none
		return &policy.Policy{MaxAttempts: 1, HandlerAttempts: 1}
	}
	return set.For("")
})

// registry holds the state of methods and targets, of each that is called.
type registry struct {
	known atomic.Pointer[map[string]onTargets] // by name

	mu      sync.Mutex
	size    int
	targets map[serviceKey]*target
	others  *clientMethod // those beyond maxMethods
}

// serviceKey is a service on a target.
type serviceKey struct{ target, service string }

// maxMethods bounds a registry: a proxy may call whatever it is asked to. Methods
// beyond it share one state.
const maxMethods = 4096

func (c *client) method(cc *grpc.ClientConn, name string) *clientMethod {
	on := targetOf(cc)
	if m := c.methods.find(on, name); m != nil {
		return m
	}
	return c.meet(on, name)
}

func targetOf(cc *grpc.ClientConn) string {
	if cc == nil {
		return ""
	}
	return cc.Target()
}

// budgets are the levels of all targets.
func (r *registry) budgets() []BudgetLevel {
	r.mu.Lock()
	defer r.mu.Unlock()
	levels := make([]BudgetLevel, 0, len(r.targets))
	for on, t := range r.targets {
		levels = append(levels, BudgetLevel{Target: on.target, Service: on.service, Level: t.budget.Level()})
	}
	return levels
}

// onTargets are the methods of a name: most clients have one target.
type onTargets struct {
	first  *clientMethod
	others map[string]*clientMethod // by target
}

func (r *registry) find(on, name string) *clientMethod {
	known := r.known.Load()
	if known == nil {
		return nil
	}
	of := (*known)[name]
	if of.first == nil || of.first.on == on {
		return of.first
	}
	return of.others[on]
}

// meet makes the state of a method that is called for the first time.
func (c *client) meet(on, name string) *clientMethod {
	r := &c.methods
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.find(on, name); m != nil {
		return m
	}
	if r.size >= maxMethods {
		if r.others == nil {
			r.others = &clientMethod{target: &target{throttle: throttle.New()}}
		}
		return r.others
	}
	service := serviceKey{on, serviceOf(name)}
	t := r.targets[service]
	if t == nil {
		t = &target{throttle: throttle.New()}
		if r.targets == nil {
			r.targets = map[serviceKey]*target{}
		}
		r.targets[service] = t
	}
	grown := map[string]onTargets{}
	if known := r.known.Load(); known != nil {
		grown = maps.Clone(*known)
	}
	m := &clientMethod{on: on, target: t, facts: factsOf(name), fallbacks: c.fallbacks[name], resume: c.resumes[name]}
	of := grown[name]
	if of.first == nil {
		of.first = m
	} else {
		others := map[string]*clientMethod{on: m}
		maps.Copy(others, of.others)
		of.others = others
	}
	grown[name] = of
	r.size++
	r.known.Store(&grown)
	return m
}

// outgoing hands the id of the call being served on to the service behind this
// one, so that one id finds a failure on every hop. It reports whether there is such a
// call.
func outgoing(ctx context.Context) (_ context.Context, within bool) {
	if !anyServer.Load() {
		return ctx, false
	}
	if streamKey(ctx) == 0 && !streamless.Load() {
		return ctx, false
	}
	within = callIn(ctx, func(*serverCall) {})
	if len(metadata.ValueFromOutgoingContext(ctx, requestIDKey)) > 0 {
		return ctx, within
	}
	id := RequestID(ctx)
	if id == "" {
		return ctx, within
	}
	return metadata.AppendToOutgoingContext(ctx, requestIDKey, id), within
}

// read makes a *status.Error of whatever a call ended with. Where no answer came,
// the id that the call was sent with is the one to quote.
func read(ctx context.Context, err error, method string, trailer metadata.MD) *status.Error {
	ids := trailer[requestIDKey]
	if len(ids) == 0 {
		ids = metadata.ValueFromOutgoingContext(ctx, requestIDKey)
	}
	id := usableID(ids)
	if id == "" && len(ids) > 0 {
		id = ids[0] // of a server that is less strict
	}
	return status.Received(unended(err, trailer), method, id, len(trailer) == 0 && deadline.Passed(ctx))
}

// unended puts right what grpc-go's own retry makes of a stream that the server has ended while a message was sent to it
// again: "max retries exhausted: …: EOF", an error without a status, which whoever looks for io.EOF takes for the end of a
// stream that went well. The details in the trailers still have the status; where there are none, it is UNKNOWN.
func unended(err error, trailer metadata.MD) error {
	if _, ok := err.(interface{ GRPCStatus() *grpcstatus.Status }); ok || !errors.Is(err, io.EOF) {
		return err
	}
	sent := new(spb.Status)
	for _, b := range trailer[detailsKey] {
		if proto.Unmarshal([]byte(b), sent) == nil && sent.GetCode() != int32(codes.OK) {
			return grpcstatus.FromProto(sent).Err()
		}
	}
	return grpcstatus.Error(codes.Unknown, err.Error())
}

// fail ends a call that went wrong.
func (c *client) fail(ctx context.Context, call Call, err error, trailer metadata.MD, attempts int, w *observed) error {
	e, ok := err.(*status.Error)
	if asJudged := ok && e.Received() && attempts > 0 && len(c.hooks) == 0; !asJudged {
		err = status.Finite(err)
		e = read(ctx, err, call.Method, trailer)
	}
	if c.onFailure == nil && !w.wanted() {
		return e // undecoded: its reader may want one detail, or only the code
	}
	f := Failure{Call: call, Err: e, Domain: e.Domain(), Cause: err, RequestID: e.RequestID(), Attempts: attempts, Elided: e.Elided()}
	if c.policies != nil {
		f.Policy = c.policyOf(call.Method)
	}
	w.failed(f)
	report(ctx, c.onFailure, f)
	return e
}
