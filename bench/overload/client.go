package overload

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/internal/throttle"
	"github.com/recourse-dev/recourse/policy"
	rstatus "github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Client makes the options of a client. Those of each call have a state of their own.
type Client func(Scenario) []grpc.DialOption

// Contender is a client and a server.
type Contender struct {
	Name   string // of the client
	Client Client
	Server Server
}

// Contenders are all that are compared. The first is what this library is for.
var Contenders = []Contender{
	{"ours", Ours, Limited},
	{"ours, no throttle", OursNoThrottle, Limited},
	{"ours, no budget", OursNoBudget, Limited},
	{"no retries", NoRetries, Limited},
	{"3 attempts, no budget", Plain, Limited},
	{"3 attempts, cancelled", PlainCancelled, Limited},

	{"ours", Ours, Aware},
	{"no retries", NoRetries, Aware},
	{"3 attempts, no budget", Plain, Aware},
	{"3 attempts, cancelled", PlainCancelled, Aware},

	{"ours", Ours, Naive},
	{"ours, no throttle", OursNoThrottle, Naive},
	{"ours, no budget", OursNoBudget, Naive},
	{"no retries", NoRetries, Naive},
	{"3 attempts, no budget", Plain, Naive},
}

// policies are the same on both sides.
func policies(s Scenario) *policy.Set {
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) {
		p.Idempotent = true
		p.AttemptTimeout, p.MaxAttempts = s.Attempt, s.Attempts
		p.LogAllErrors, p.LogRecovery = false, false
	}))
	if err != nil {
		panic(err) // no scenario has such a policy
	}
	return set
}

// Ours is a client of this library.
func Ours(s Scenario) []grpc.DialOption {
	return interceptors.DialOptions(interceptors.Policies(policies(s)))
}

// OursNoThrottle has the budget of retries only: without Policies there is no
// throttle, and the options of a call say the rest.
func OursNoThrottle(s Scenario) []grpc.DialOption {
	p := *policies(s).For(method)
	same := interceptors.Override(func(q *policy.Policy) { *q = p })
	return append(interceptors.DialOptions(), grpc.WithDefaultCallOptions(same))
}

// OursNoBudget has the throttle only. It is made of the same parts, since no option
// of the library takes the budget away.
func OursNoBudget(s Scenario) []grpc.DialOption {
	c := &unbudgeted{policy: policies(s).For(method), throttle: throttle.New()}
	return append(interceptors.DialOptions(), grpc.WithChainUnaryInterceptor(c.call))
}

// NoRetries is gRPC by itself. Its own retries need a service config.
func NoRetries(Scenario) []grpc.DialOption { return nil }

// Plain is a loop around the call, as it is often written: attempts with a time
// limit, and exponential back-off with full jitter between them.
func Plain(s Scenario) []grpc.DialOption {
	return loop(s, context.WithTimeout)
}

// PlainCancelled ends an attempt by cancelling it, as some libraries do: the server
// is told only when it is over, and believes until then that it has all the time of
// the call.
func PlainCancelled(s Scenario) []grpc.DialOption {
	return loop(s, func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(d, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	})
}

func loop(s Scenario, limited func(context.Context, time.Duration) (context.Context, context.CancelFunc)) []grpc.DialOption {
	attempt := func(ctx context.Context, call func(context.Context) error) (err error, timedOut bool) {
		attemptCtx, cancel := limited(ctx, s.Attempt)
		defer cancel()
		err = call(attemptCtx)
		return err, attemptCtx.Err() != nil && ctx.Err() == nil
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any,
		cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		for n := 1; ; n++ {
			err, timedOut := attempt(ctx, func(ctx context.Context) error { return invoker(ctx, method, req, reply, cc, opts...) })
			if err == nil || n == s.Attempts || !timedOut && status.Code(err) != codes.Unavailable {
				return err
			}
			timer := time.NewTimer(time.Duration(rand.Float64() * float64(25*time.Millisecond<<(n-1))))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return status.FromContextError(ctx.Err()).Err()
			}
		}
	})}
}

type unbudgeted struct {
	policy   *policy.Policy
	throttle *throttle.Throttle
}

func (c *unbudgeted) call(ctx context.Context, method string, req, reply any,
	cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	o := &unbudgetedCall{unbudgeted: c, ctx: ctx}
	o.invoke = func(ctx context.Context) error { return invoker(ctx, method, req, reply, cc, opts...) }
	if !o.Admit() {
		return rstatus.New(codes.Unavailable, "HELD_BACK", "the service is overloaded")
	}
	err := o.Again(ctx, 1)
	if err == nil {
		return nil
	}
	run := retry.Run{Policy: c.policy, Repeatable: true}
	run.Deadline, _ = ctx.Deadline()
	return run.Repeat(ctx, err, o)
}

// unbudgetedCall is one call of it, with all its attempts.
type unbudgetedCall struct {
	*unbudgeted
	ctx    context.Context
	invoke func(context.Context) error
	late   bool // the attempt's own time was over
}

func (o *unbudgetedCall) Admit() bool { return o.throttle.Begin(time.Now().Unix(), rand.Float64) }

func (o *unbudgetedCall) Again(ctx context.Context, _ int) error {
	ctx, cancel := context.WithTimeout(ctx, o.policy.AttemptTimeout)
	defer cancel()
	err := o.invoke(ctx)
	o.late = ctx.Err() != nil
	if err == nil {
		o.throttle.Accepted(time.Now().Unix)
	}
	return err
}

func (o *unbudgetedCall) Judge(err error) retry.Failure {
	f := retry.Failure{Err: rstatus.Classify(rstatus.PassThrough(err)), GivenUp: o.ctx.Err() != nil}
	f.TimedOut = !f.GivenUp && o.late
	_, hint := f.Err.RetryDelay()
	if now := time.Now(); f.TimedOut || f.GivenUp || hint {
		o.throttle.Refused(now.Unix())
	} else {
		o.throttle.Accepted(now.Unix)
	}
	return f
}

func (o *unbudgetedCall) Remedy(context.Context, retry.Failure) bool { return false }

// newClient connects a contender's client. What it sends, the innermost interceptor
// counts.
func newClient(s Scenario, c Contender, log *log, lis *bufconn.Listener) (*grpc.ClientConn, error) {
	options := append(c.Client(s),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, _, reply any,
			cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			id := log.send()
			err := invoker(ctx, method, wrapperspb.Int64(id), reply, cc, opts...)
			if err == nil {
				log.use(id)
			}
			return err
		}))
	return grpc.NewClient("passthrough:///memory", options...)
}
