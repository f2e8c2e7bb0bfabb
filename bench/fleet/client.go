package fleet

import (
	"math/rand/v2"
	"time"

	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/internal/throttle"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
)

// client is a process that makes calls.
type client struct {
	sim     *simulation
	retrier retrier
}

// retrier is what decides, for all calls of a client.
type retrier interface {
	// admit is asked before each attempt, and may refuse it.
	admit(now time.Time, draw float64) bool
	// attempt is the longest that one may take.
	attempt() time.Duration
	// begin starts the state of a call.
	begin(deadline time.Time) retry.Run
	worked(now time.Time, run *retry.Run)
	// failed decides whether another attempt follows.
	failed(now time.Time, random *rand.Rand, run *retry.Run, f retry.Failure) (wait time.Duration, again bool)
}

// call is one call with all its attempts.
type call struct {
	client   *client
	began    time.Duration
	deadline time.Duration
	run      retry.Run
}

// attempt is one of them, until it is over for its client.
type attempt struct {
	call     *call
	deadline time.Duration
	over     bool
}

func (c *client) call() {
	s := c.sim
	k := &call{client: c, began: s.now, deadline: s.now + s.Deadline}
	if !c.retrier.admit(s.clock(), s.random.Float64()) {
		s.ended(k.began, false)
		return
	}
	k.run = c.retrier.begin(epoch.Add(k.deadline))
	k.try()
}

// try sends an attempt, with its deadline.
func (k *call) try() {
	s := k.client.sim
	k.run.Attempts++
	if k.began >= s.Calm {
		s.attempts++
	}
	a := &attempt{call: k, deadline: min(k.deadline, s.now+k.client.retrier.attempt())}
	s.at(a.deadline, func() { a.done(timeout) })
	s.server.arrive(a)
}

// done ends the attempt: with an answer, an error, or at its deadline. What comes
// later nobody gets.
func (a *attempt) done(err *status.Error) {
	if a.over {
		return
	}
	a.over = true
	k, s := a.call, a.call.client.sim
	if err == nil {
		k.client.retrier.worked(s.clock(), &k.run)
		s.ended(k.began, true)
		return
	}
	f := retry.Failure{Err: err, GivenUp: s.now >= k.deadline}
	f.TimedOut = err == timeout && !f.GivenUp
	f.Pushback, f.HasPushback = err.RetryDelay() // the server sends it in both forms
	wait, again := k.client.retrier.failed(s.clock(), s.random, &k.run, f)
	if !again {
		s.ended(k.began, false)
		return
	}
	s.at(s.now+wait, k.try)
}

// ours is a client of this library: its decisions, its budget, its throttle.
type ours struct {
	policy   *policy.Policy
	budget   *retry.Budget
	throttle *throttle.Throttle // nil: none
}

func newOurs(c Client) *ours {
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) {
		p.Idempotent = true
		p.MaxAttempts, p.AttemptTimeout = c.Attempts, c.AttemptTimeout
		if c.NoBackoff {
			p.Backoff = 0
		}
	}))
	if err != nil {
		panic(err) // no setting has such a policy
	}
	o := &ours{policy: set.For(""), budget: new(retry.Budget)}
	if c.Kind == OursThrottled {
		o.throttle = throttle.New()
	}
	return o
}

func (o *ours) admit(now time.Time, draw float64) bool {
	return o.throttle == nil || o.throttle.Begin(now.Unix(), func() float64 { return draw })
}

func (o *ours) attempt() time.Duration {
	if o.policy.AttemptTimeout > 0 {
		return o.policy.AttemptTimeout
	}
	return time.Hour
}

func (o *ours) begin(deadline time.Time) retry.Run {
	return retry.Run{Policy: o.policy, Budget: o.budget, Deadline: deadline, Repeatable: true}
}

func (o *ours) worked(now time.Time, run *retry.Run) {
	o.answered(now, true)
	run.Worked()
}

func (o *ours) failed(now time.Time, random *rand.Rand, run *retry.Run, f retry.Failure) (wait time.Duration, again bool) {
	o.answered(now, f.Err != timeout && !f.HasPushback)
	return run.Next(now, random.Float64(), f, func() bool { return o.admit(now, random.Float64()) })
}

func (o *ours) answered(now time.Time, taken bool) {
	switch {
	case o.throttle == nil:
	case taken:
		o.throttle.Accepted(now.Unix)
	default:
		o.throttle.Refused(now.Unix())
	}
}

// peer is a client that retries what is unavailable or timed out, by another
// library's rule.
type peer struct {
	Client
	bucket bucket
}

// bucket allows retries.
type bucket interface {
	call(now time.Time)
	worked()
	failed(now time.Time) (again bool)
}

func (p *peer) admit(now time.Time, _ float64) bool {
	p.bucket.call(now)
	return true
}

func (p *peer) attempt() time.Duration {
	if p.AttemptTimeout > 0 {
		return p.AttemptTimeout
	}
	return time.Hour
}

func (p *peer) begin(deadline time.Time) retry.Run { return retry.Run{Deadline: deadline} }
func (p *peer) worked(_ time.Time, _ *retry.Run)   { p.bucket.worked() }

func (p *peer) failed(now time.Time, random *rand.Rand, run *retry.Run, f retry.Failure) (wait time.Duration, again bool) {
	if !p.bucket.failed(now) || f.GivenUp || run.Attempts >= p.Attempts {
		return 0, false
	}
	if !p.NoBackoff {
		wait = time.Duration(random.Float64() * float64(25*time.Millisecond<<(run.Attempts-1)))
	}
	return wait, now.Add(wait).Before(run.Deadline)
}

// unlimited is no budget at all.
type unlimited struct{}

func (unlimited) call(time.Time)        {}
func (unlimited) worked()               {}
func (unlimited) failed(time.Time) bool { return true }

// tokens is gRPC's retry throttling, with ten tokens and a tenth for a success
// (gRFC A6).
type tokens struct{ lacks float64 }

func (t *tokens) call(time.Time) {}
func (t *tokens) worked()        { t.lacks = max(t.lacks-0.1, 0) }
func (t *tokens) failed(time.Time) bool {
	t.lacks = min(t.lacks+1, 10)
	return t.lacks < 5
}

// shared allows retries for a fifth of the calls, and ten a second in any case:
// the default of Finagle, Linkerd and tower, which keep it for ten seconds.
type shared struct {
	tokens float64
	last   time.Time
}

func (b *shared) call(now time.Time) {
	if b.last.IsZero() {
		b.last = now.Add(-10 * time.Second)
	}
	b.tokens = min(b.tokens+0.2+10*now.Sub(b.last).Seconds(), 120)
	b.last = now
}

func (b *shared) worked() {}

func (b *shared) failed(now time.Time) bool {
	b.call(now)
	b.tokens -= 0.2
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
