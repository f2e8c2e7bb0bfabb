package interceptors

import (
	"context"
	"log/slog"
	mathrand "math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/internal/throttle"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// attemptsKey carries the number of attempts before this one (gRFC A6).
const attemptsKey = "grpc-previous-rpc-attempts"

// calling is what a client does for one call of any shape: its time, its budget,
// and what is known of the present attempt.
type calling struct {
	client *client
	call   Call
	cc     *grpc.ClientConn
	method *clientMethod
	policy *policy.Policy
	opts   []grpc.CallOption // the application's, of each attempt
	lasting

	observed *observed // nil: nobody observes
	within   bool      // a call that this process serves
	limited  bool      // by a deadline that is not the caller's
	second   int64     // when it began, for the throttle; 0: to be read, or used already
	held     bool      // by the throttle, before the first attempt

	trouble *trouble // nil: no attempt has failed

	// Of the present attempt.
	trailer metadata.MD // what it ended with
	told    *evidence   // nil before the first, and where nobody needs it
	opened  bool        // as a stream
	open    bool        // the throttle waits for how it ends
}

// lasting is what a stream still needs once nothing can follow the present attempt.
type lasting struct {
	settings *callSettings
	caller   context.Context // as the application, or a policy, gave it
	ctx      context.Context // with the deadline of the whole call
	present  context.Context // of the present attempt
	cancel   context.CancelFunc
}

// trouble is what a call needs once an attempt has failed.
type trouble struct {
	retry.Run
	actions actions
	id      string // of the request, from a server
}

// enter fills it in. A request may be sent twice because of its method, or its policy,
// or an id of its own.
func (t *trouble) enter(k *calling, named bool) *trouble {
	t.Policy, t.Budget = k.policy, &k.method.target.budget
	t.Repeatable = named || k.idempotent()
	t.Deadline, _ = k.ctx.Deadline()
	if k.observed.wanted() && !k.held {
		t.Decided = k.observed.decided
	}
	return t
}

func (k *calling) idempotent() bool { return k.policy.Idempotent || k.method.facts.idempotent }

// evidence is what gRPC tells of an attempt, unless another interceptor keeps the
// options from it.
type evidence struct {
	trailer metadata.MD // of a unary call
	peer    peer.Peer   // set if it got as far as a connection
	ends    atomic.Int64
	due     int64             // what ends is when this attempt has ended
	end     grpc.CallOption   // that counts them
	options []grpc.CallOption // the application's, and our own, which are the same in each attempt
	room    [4]grpc.CallOption
	theirs  bool // there are some of the application's
	lent    bool // to an attempt
}

// evidences are of streams that went well.
var evidences = sync.Pool{New: func() any { return new(evidence) }}

// given returns the options of an attempt. A stream tells its trailer itself.
func (e *evidence) given(opts []grpc.CallOption, streams bool) []grpc.CallOption {
	if e.end == nil {
		e.end = grpc.OnFinish(func(error) { e.ends.Add(1) })
		e.options = e.room[:0]
	}
	e.due, e.lent, e.theirs = e.ends.Load()+1, true, len(opts) > 0
	if e.theirs || len(e.options) == 0 {
		e.options = append(append(e.options[:0], opts...), grpc.Peer(&e.peer))
		if !streams {
			e.options = append(e.options, grpc.Trailer(&e.trailer))
		}
		e.options = append(e.options, e.end) // the last: gRPC looks at none after it
	}
	return e.options[:len(e.options):len(e.options)]
}

// complete reports whether gRPC has nothing to add: it tells of the end after all else.
func (e *evidence) complete() bool { return e.ends.Load() == e.due }

// clear makes the evidence that is complete fit for another attempt.
func (e *evidence) clear() {
	e.trailer, e.peer, e.lent = nil, peer.Peer{}, false
	if e.theirs {
		clear(e.options)
		e.options = e.options[:0]
	}
}

// notSent reports whether no byte of the attempt has left the process.
func (k *calling) notSent() bool {
	e := k.told
	return e != nil && e.lent && e.complete() && e.peer.Addr == nil
}

// engaged reads a call's options, and reports whether there is anything to do.
func (c *client) engaged(ctx context.Context, opts []grpc.CallOption) (settings *callSettings, rest []grpc.CallOption, engaged bool) {
	settings, rest = settingsOf(opts)
	return settings, rest, c.engages() || settings.asks() || watchIn(ctx) != nil
}

// begin fixes the time and the rules of a call.
func (k *calling) begin(ctx context.Context) (err error) {
	if k.policy, err = k.settings.policy(k.client.policyOf(k.call.Method)); err != nil {
		return err
	}
	k.caller = ctx
	k.method = k.client.method(k.cc, k.call.Method)
	k.ctx, k.cancel = k.bounded(ctx)
	k.present = k.ctx
	return nil
}

// bounded gives the call its deadline, which is always sent: a server works on for
// nobody after a timeout that it does not know.
func (k *calling) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	var left time.Duration
	if ok {
		left = time.Until(end)
		k.second = secondsBefore(end, left)
	}
	own := ok
	if t := k.policy.Timeout; t > 0 && !k.call.streams() && (!ok || left > t) {
		left, ok, own = t, true, false
	}
	if ok && k.reserves() {
		left, own = left-deadline.Reserve(left), false
	}
	if !ok || own {
		return ctx, func() {}
	}
	k.limited = true
	bound, cancel := context.WithTimeout(ctx, left)
	if end, ok := bound.Deadline(); ok && k.second == 0 {
		k.second = secondsBefore(end, left)
	}
	return bound, cancel
}

// reserves reports whether something has to be done after the call: a fallback, or the
// answer of the call that it is made for.
func (k *calling) reserves() bool {
	return k.within || len(k.method.fallbacks) > 0 && k.policy.Fallback
}

// attempt returns the context of an attempt, and forgets the one before.
func (k *calling) attempt(n int) (context.Context, context.CancelFunc) {
	ctx, cancel := k.ctx, context.CancelFunc(func() {})
	if t := k.policy.AttemptTimeout; t > 0 && !k.call.streams() {
		ctx, cancel = context.WithTimeout(ctx, t)
	}
	if n > 1 {
		ctx = k.repeated(ctx, n)
		k.forget()
	}
	ctx = k.observed.attempt(ctx, max(n, k.made())) // of all, where each part of a stream has its own
	k.present = ctx
	return ctx, cancel
}

// repeated tells the server of a repeat, and has it found under the id of the first
// attempt: the caller's, or the one that the server made.
func (k *calling) repeated(ctx context.Context, n int) context.Context {
	before := strconv.Itoa(n - 1)
	if k.trouble.id == "" {
		k.trouble.id = usableID([]string{k.trouble.Last.RequestID()})
	}
	if id := k.trouble.id; id != "" && len(metadata.ValueFromOutgoingContext(ctx, requestIDKey)) == 0 {
		return metadata.AppendToOutgoingContext(ctx, attemptsKey, before, requestIDKey, id)
	}
	return metadata.AppendToOutgoingContext(ctx, attemptsKey, before)
}

// forget empties the targets that the application has given: an attempt that gets
// nowhere fills in none of them.
func (k *calling) forget() {
	k.trailer = nil
	for _, o := range k.opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = nil
		case grpc.TrailerCallOption:
			*o.TrailerAddr = nil
		case grpc.PeerCallOption:
			*o.PeerAddr = peer.Peer{}
		}
	}
}

// Admit counts an attempt, and refuses it while the server is overloaded.
func (k *calling) Admit() bool {
	if k.client.throttles() && k.ctx.Err() == nil { // else nothing will be sent
		second := k.second
		if k.second = 0; second == 0 {
			second = seconds()
		}
		k.open = k.method.target.throttle.Begin(second, mathrand.Float64)
		return k.open
	}
	return true
}

func (k *calling) throttled() error {
	err := status.New(codes.Unavailable, codeThrottled, "the service is overloaded; this client holds calls back for a while",
		status.Outcome(status.NotApplied), status.Retry(status.Never, recoursev1.RetryAdvice_WHY_OVERLOADED))
	k.held = true
	k.observed.tell(Event{Kind: EventRefused, Reason: "throttle", Err: err})
	return err
}

// answered tells the throttle, once, how an attempt fared: whether the server took
// it, or turned it away, or left it unanswered, for want of capacity.
func (k *calling) answered(taken bool) {
	switch {
	case !k.open:
		return
	case taken:
		k.method.target.throttle.Accepted(seconds)
	default:
		k.method.target.throttle.Refused(seconds())
	}
	k.open = false
}

// seconds is the throttles' clock, for less than half the price of time.Now. It is
// never 0.
func seconds() int64 { return int64(time.Since(epoch) / time.Second) }

// secondsBefore is what seconds said so long before end, where end is a time of the
// same clock: a deadline has had it read already.
func secondsBefore(end time.Time, left time.Duration) int64 {
	if end == end.Round(0) { // a time of day
		return 0
	}
	return int64((end.Sub(epoch) - left) / time.Second)
}

// epoch is a second before the process began.
var epoch = time.Now().Add(-time.Second)

// overload reports whether the server had no room for the attempt, which a server
// that merely fails has.
func (k *calling) overload(f *retry.Failure) bool {
	switch f.Err.Code() {
	case codes.ResourceExhausted:
		return !retry.TooLarge(f.Err)
	case codes.DeadlineExceeded:
		sent := k.opened || k.told != nil && k.told.peer.Addr != nil
		return sent && len(k.trailer) == 0 // and not answered
	case codes.Unavailable:
		advice := f.Err.RetryAdvice()
		return advice.GetWhy() == recoursev1.RetryAdvice_WHY_OVERLOADED || advice == nil && f.HasPushback
	}
	return false
}

// Judge tells what became of the present attempt. Contexts tell who gave up, not
// codes.
func (k *calling) Judge(err error) retry.Failure {
	f := retry.Failure{Err: read(k.present, err, k.call.Method, k.trailer)}
	f.GivenUp = k.ctx.Err() != nil || deadline.Passed(k.ctx)
	// The server may have seen the attempt's deadline pass a little earlier.
	f.TimedOut = !f.GivenUp && deadline.Passed(k.present) && f.Err.Code() == codes.DeadlineExceeded
	if f.NotSent = k.notSent(); f.NotSent && f.Err.Outcome() == status.Indeterminate {
		f.Err = f.Err.With(status.Outcome(status.NotApplied))
	}
	f.Pushback, f.HasPushback, f.Forbidden = pushbackIn(k.trailer)
	if f.Forbidden {
		// So says a server to stock clients too where the delay is longer than the attempt would have lasted. There is
		// still RetryInfo, and perhaps time for another attempt.
		delay, ok := f.Err.RetryDelay()
		f.Forbidden = !ok || f.Err.RetryAdvice().GetVerdict() != status.SameRequest || delay < timeLeft(k.present)
	}
	if f.Err.Code() == codes.Canceled {
		k.open = false // it says nothing of the server
	}
	k.answered(!k.overload(&f))
	if k.trouble.Policy == k.policy && k.nativeRetries() {
		once := *k.policy
		once.MaxAttempts = 1
		k.trouble.Policy = &once
	}
	return f
}

// pushbackIn reads when the server allows another attempt. What cannot be
// understood forbids it (gRFC A6).
func pushbackIn(trailer metadata.MD) (d time.Duration, has, forbidden bool) {
	values := trailer[pushbackKey]
	if len(values) == 0 {
		return 0, false, false
	}
	ms, err := strconv.ParseInt(values[0], 10, 32)
	if err != nil || ms < 0 || len(values) > 1 {
		return 0, false, true
	}
	return time.Duration(ms) * time.Millisecond, true, false
}

// nativeRetries reports whether the channel's service config repeats the method
// already: the two would multiply.
func (k *calling) nativeRetries() bool {
	if k.cc == nil || k.policy.MaxAttempts < 2 || k.client.ownRetry || k.cc.GetMethodConfig(k.call.Method).RetryPolicy == nil {
		return false
	}
	k.method.stacked.Do(func() {
		slog.Warn("recourse leaves the repeats of a method to gRPC: the channel's service config has a retryPolicy for it. "+
			"To have recourse repeat it, dial with interceptors.ReplaceRetryPolicy.", "method", k.call.Method)
	})
	return true
}

// worked is a call, or the part of a stream up to its next message, that has ended
// well.
func (k *calling) worked() {
	if k.trouble != nil {
		k.trouble.Worked()
	} else {
		k.method.target.budget.Earn()
	}
}

// settle ends a call that failed: it tells the budget, and the service that made the
// call.
func (k *calling) settle(err error) {
	k.trouble.End(err)
	if k.trouble.Upward != nil {
		k.tellAbove(k.trouble.Upward)
	}
}

// made is how many attempts there were, 0 where nothing repeats calls.
func (k *calling) made() int {
	if k.trouble == nil || k.held {
		return 0
	}
	return k.trouble.Made
}

// saved tells of a call that a repeat has saved.
func (k *calling) saved(err error) {
	if err == nil && k.trouble != nil && k.trouble.Last != nil {
		k.recovered(k.trouble.Last, nil)
	}
}

// recovered tells of a call that would have failed but for a repeat or a fallback.
func (k *calling) recovered(last *status.Error, d *recoursev1.Degraded) {
	f := Failure{
		Call: k.call, Err: last, Domain: last.Domain(), Cause: last.Unwrap(), RequestID: last.RequestID(),
		Degraded: d, Attempts: k.made(), Policy: k.policy, Saved: true,
	}
	k.observed.failed(f)
	switch {
	case k.client.onFailure != nil && d != nil:
		report(k.caller, k.client.onFailure, f)
	case k.client.policies != nil && k.policy.LogRecovery && k.client.observer == nil:
		report(k.caller, logRecovery, f)
	}
}

// tellAbove leaves word for the caller of the service that made this call.
func (k *calling) tellAbove(a *recoursev1.RetryAdvice) {
	callIn(k.caller, func(c *serverCall) { c.learnt.Store(a) })
}

// watched reports whether anybody wants to know of a degraded answer.
func (k *calling) watched() bool {
	return k.settings.watches() || watchIn(k.caller) != nil || k.observed.wanted()
}

// mark hands out the mark of a degraded answer.
func (k *calling) mark(d *recoursev1.Degraded) {
	k.observed.marked(d)
	k.settings.mark(d)
	watchIn(k.caller).tell(d)
}

// Remedy carries out what the error asks of a client library, each kind of action
// once a call.
func (k *calling) Remedy(ctx context.Context, f retry.Failure) bool {
	return k.trouble.actions.carryOut(ctx, k.client.handlers, f.Err)
}

// target is what all calls of a service on one target share.
type target struct {
	budget   retry.Budget
	throttle *throttle.Throttle
}

// clientMethod is what does not change between the calls of a method.
type clientMethod struct {
	on        string // the target's name
	target    *target
	facts     methodFacts
	fallbacks []*Substitute
	resume    *resumption
	stacked   sync.Once // the log has been told
}
