// Package retry is the one place where calls, streams, handlers and plain
// operations are repeated: the rules, as a state machine that takes time as an
// argument, and the loop that follows them.
package retry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/fallback"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Failure is what is known of an attempt that failed.
type Failure struct {
	Err *status.Error

	Forbidden bool          // the server pushed back: not again
	Pushback  time.Duration // the server's, where HasPushback
	HasPushback,
	NotSent, // no byte of the attempt has left the process
	TimedOut, // the attempt's own timer ended it
	GivenUp, // the call's deadline or its caller did: nothing may follow
	Inner bool // what the error says of its outcome is about a part of the operation
}

// reason is why a call is not repeated any more.
type reason uint8

const (
	over      reason = iota // the failure itself rules it out, or the call was given up
	unsafe                  // it may have had an effect that must not happen twice
	exhausted               // all attempts were made
	spent                   // the budget is empty
	tooLate                 // the wait does not fit into the time left, or is longer than anybody waits
)

// Decision is what follows an attempt that failed.
type Decision struct {
	Err     *status.Error
	Attempt int  // its number
	Again   bool // another follows, after Wait
	Wait    time.Duration
	// Reason is who asked for the wait (backoff, retry_info, pushback, or action for one
	// that was carried out), or why there is no other attempt (final, unsafe, exhausted,
	// budget, time, throttle).
	Reason string
}

var reasons = [...]string{over: "final", unsafe: "unsafe", exhausted: "exhausted", spent: "budget", tooLate: "time"}

// Run is the part of one call. The zero value and a policy are enough; it is not
// safe for concurrent use.
type Run struct {
	Policy     *policy.Policy
	Budget     *Budget   // nil: unlimited
	Deadline   time.Time // after which nobody waits; zero: none
	Repeatable bool      // sending the request twice does no more than once
	Attempts   int       // made so far

	Decided func(Decision) // told of each; nil: nobody wants to know

	// Upward is set by a Repeat that failed: what the caller of the service that
	// made the call has to know, nil if nothing.
	Upward *recoursev1.RetryAdvice

	// Last is the last failure that was repeated, nil if there was none, and Made all
	// attempts, those before the last progress included.
	Last *status.Error
	Made int

	why        reason
	asked      string // for the wait
	chance     bool   // a last attempt after another hop had given up
	overloaded bool
	charged    int64 // what the present attempt has cost; returned if it works
	remedies   int   // attempts that followed an action rather than a wait
}

// The back-off after an overload that names no delay (AWS SDK retry behaviour
// 2.1, throttling), and the longest hint that is waited for: with a longer one the
// caller is better served by the error.
const (
	overloadBackoff    = time.Second
	maxOverloadBackoff = 20 * time.Second
	maxHint            = 30 * time.Second
)

// Worked ends a call, or the part of a stream up to its next message, well.
func (r *Run) Worked() {
	if r.Budget != nil {
		r.refund()
		r.Budget.Earn()
	}
}

// End ends a call with its outcome. A server that is well enough to say no has
// worked; a call that its caller has given up says nothing of the server.
func (r *Run) End(err error) {
	e, failed := status.From(err)
	if !failed || e.Code() != codes.Canceled && !fallback.ServerFault(e.Code()) {
		r.Worked()
	}
}

// Progressed is [Run.Worked] in the middle of a stream that can be resumed: what
// comes next has its own attempts.
func (r *Run) Progressed() {
	r.Worked()
	r.Attempts, r.remedies, r.chance = 1, 0, false
}

func (r *Run) refund() {
	if r.charged > 0 {
		r.Budget.add(r.charged)
		r.charged = 0
	}
}

// Hopeful reports whether another attempt may follow a failure, if time and budget
// allow it.
func (r *Run) Hopeful(f Failure) bool {
	return !f.GivenUp && !f.Forbidden && r.invites(f, f.Err.RetryAdvice()) && r.safe(f) && r.hasAttempts()
}

func (r *Run) hasAttempts() bool {
	return !r.chance && max(r.Attempts, 1)-r.remedies < r.Policy.MaxAttempts
}

// next decides what follows a failure: wait and try again, or not.
func (r *Run) next(now time.Time, draw float64, f Failure, advice *recoursev1.RetryAdvice) (wait time.Duration, again bool) {
	r.overloaded = f.Err.Code() == codes.ResourceExhausted || advice.GetWhy() == recoursev1.RetryAdvice_WHY_OVERLOADED
	r.why = over
	if f.GivenUp || f.Forbidden || !r.invites(f, advice) {
		return 0, false
	}
	if !r.safe(f) {
		r.why = unsafe
		return 0, false
	}
	secondHand := advice.GetWhy() == recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED
	if !r.hasAttempts() {
		r.why = exhausted
		return 0, false
	}
	hint, hinted := f.hint()
	wait, r.asked = r.backoff(draw, r.overloaded && !hinted), "backoff"
	if theirs := hint + time.Duration(draw*float64(hint)/4); hinted && theirs >= wait { // not all at once
		wait, r.asked = theirs, f.hinter()
	}
	if hint > maxHint || !r.fits(now, wait) {
		r.why = tooLate
		return 0, false
	}
	if !r.pay(f, secondHand) {
		r.why = spent
		return 0, false
	}
	r.chance = secondHand
	return wait, true
}

// invites reports whether the failure itself speaks for a repeat.
func (r *Run) invites(f Failure, advice *recoursev1.RetryAdvice) bool {
	if f.Err.ActionRequired() {
		return false // pointless before that is done
	}
	if advice.GetVerdict() != recoursev1.RetryAdvice_VERDICT_UNSPECIFIED {
		return advice.GetVerdict() == status.SameRequest
	}
	code := f.Err.Code()
	switch {
	case f.TimedOut:
		return true
	case slices.Contains(r.Policy.Codes, code):
		return !TooLarge(f.Err)
	}
	return f.Err.Verdict() == status.SameRequest
}

// TooLarge tells grpc-go's own refusal of a message, which is the same whatever
// the number of attempts, from a server's. It has no other mark.
func TooLarge(e *status.Error) bool {
	return e.Code() == codes.ResourceExhausted && strings.Contains(e.Message(), "larger than max")
}

// safe reports whether another attempt can do no harm.
func (r *Run) safe(f Failure) bool {
	switch f.Err.Outcome() {
	case status.NotApplied:
		if !f.Inner {
			return true
		}
	case status.Applied, status.PartiallyApplied:
		return false
	}
	return r.Repeatable || f.NotSent
}

// pay charges the budget. A hop that gave up has had its attempts: this one adds
// another only while its own target has been well.
func (r *Run) pay(f Failure, secondHand bool) bool {
	if r.Budget == nil {
		return true
	}
	if secondHand && !r.Budget.overHalf() {
		return false
	}
	cost := int64(costRepeat)
	if f.TimedOut {
		cost = costTimeout
	}
	if !r.Budget.take(cost) {
		return false
	}
	r.charged = cost
	if r.overloaded {
		r.charged = 0 // a repeat that adds to an overload is paid for even if it works
	}
	return true
}

func (r *Run) fits(now time.Time, wait time.Duration) bool {
	return r.Deadline.IsZero() || wait+r.Policy.MinTimeout <= r.Deadline.Sub(now)
}

// backoff is exponential with full jitter: anything between nothing and the
// exponential (Brooker, "Exponential Backoff And Jitter", 2015).
func (r *Run) backoff(draw float64, overload bool) time.Duration {
	base, ceiling := r.Policy.Backoff, r.Policy.MaxBackoff
	if overload {
		base, ceiling = max(base, overloadBackoff), max(ceiling, maxOverloadBackoff)
	}
	if base <= 0 {
		return 0 // for nothing times infinity is no number
	}
	waits := max(r.Attempts-r.remedies-1, 0)
	longest := float64(base) * math.Pow(max(r.Policy.BackoffMultiplier, 1), float64(waits))
	return time.Duration(draw * min(longest, float64(ceiling)))
}

// hint is the longest wait that the server asked for.
func (f Failure) hint() (time.Duration, bool) {
	d, ok := f.Err.RetryDelay()
	if f.HasPushback {
		return max(d, f.Pushback), true
	}
	return d, ok
}

// hinter is who asked for that.
func (f Failure) hinter() string {
	if d, _ := f.Err.RetryDelay(); f.HasPushback && f.Pushback >= d {
		return "pushback"
	}
	return "retry_info"
}

// Op is what is repeated.
type Op interface {
	// Judge tells what became of an attempt that ended with err.
	Judge(err error) Failure
	// Remedy carries out a recovery action of the failure, and reports whether one
	// was: then the request may be sent again.
	Remedy(ctx context.Context, f Failure) bool
	// Admit is asked before the wait, and may refuse another attempt.
	Admit() bool
	// Again makes the attempt of the given number, from 2.
	Again(ctx context.Context, attempt int) error
}

// Repeat makes further attempts after one that failed with err, as long as the
// rules allow it. It returns nil, or the last failure with what became of the
// call. Nothing is left running when it returns.
func (r *Run) Repeat(ctx context.Context, err error, op Op) error {
	r.Attempts, r.Made = max(r.Attempts, 1), max(r.Made, 1)
	var last *status.Error
	for {
		f := op.Judge(err)
		if last != nil && (f.NotSent || f.Err.ErrorCode() == status.CodeTimeout || f.Err.Code() == codes.Canceled) { // which says too little
			f.Err = f.Err.With(status.Cause(errors.Join(f.Err.Unwrap(), last)))
		}
		last = f.Err
		advice := last.RetryAdvice()
		wait, again := r.remedy(ctx, f, op)
		if !again {
			wait, again = r.next(time.Now(), rand.Float64(), f, advice)
		}
		why := reasons[r.why]
		if again && !op.Admit() {
			r.refund()
			r.overloaded, again, why = true, false, "throttle"
		}
		if r.Decided != nil {
			r.decided(again, wait, why, last)
		}
		if !again {
			return r.lastWord(f, advice)
		}
		if cause := sleep(ctx, wait); cause != nil {
			r.refund()
			if r.Decided != nil {
				r.decided(false, 0, reasons[over], last)
			}
			return interrupted(cause, last)
		}
		r.Attempts++
		r.Made++
		r.Last = last
		if err = op.Again(ctx, r.Attempts); err == nil {
			return nil
		}
	}
}

func (r *Run) decided(again bool, wait time.Duration, why string, last *status.Error) {
	d := Decision{Err: last, Attempt: r.Made, Again: again, Reason: why}
	if again {
		d.Wait, d.Reason = wait, r.asked
	}
	r.Decided(d)
}

// remedy is asked only where the failure calls for an action, and a repeat would
// do no harm. Who the caller is a server asks before anything else. The wait is the
// server's.
func (r *Run) remedy(ctx context.Context, f Failure, op Op) (wait time.Duration, done bool) {
	if f.GivenUp || f.Forbidden || f.Err.Verdict() != status.AfterAction {
		return 0, false
	}
	wait, _ = f.hint()
	stranger := f.Err.Code() == codes.Unauthenticated && f.Err.Outcome() == recoursev1.Outcome_OUTCOME_UNSPECIFIED
	if !stranger && !r.safe(f) || wait > maxHint || !r.fits(time.Now(), wait) || !op.Remedy(ctx, f) {
		return 0, false
	}
	r.remedies++
	r.asked = "action"
	return wait, true
}

// lastWord is the last real error, with the number of attempts and why there are
// no more of them. Upward is what the hop above has to know of it.
func (r *Run) lastWord(f Failure, theirs *recoursev1.RetryAdvice) error {
	e := f.Err
	a := &recoursev1.RetryAdvice{
		Verdict: e.Verdict(), Why: theirs.GetWhy(), Attempts: uint32(r.Attempts), ExhaustedBy: theirs.GetExhaustedBy(),
	}
	secondHand := a.GetWhy() == recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED
	if secondHand { // who gave up first is nearest to the fault
		a.Attempts = theirs.GetAttempts()
	}
	switch {
	case theirs.GetVerdict() == status.Never:
		r.Upward = a
		return e
	case f.GivenUp:
		return e
	case a.GetVerdict() != status.SameRequest:
		if a.GetAttempts() > 1 && r.why == exhausted { // its code is one of the policy's
			a.Why = recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED
		}
		return counted(e, a)
	case secondHand:
		if r.chance || r.why == spent {
			a.Verdict = status.Never
		}
	case f.Forbidden, r.overloaded:
		never := proto.CloneOf(a)
		never.Verdict = status.Never
		if r.overloaded {
			never.Why = recoursev1.RetryAdvice_WHY_OVERLOADED
		}
		r.Upward = never
		return counted(e, a)
	case r.why == spent:
		a.Verdict, a.Why = status.Never, recoursev1.RetryAdvice_WHY_BUDGET_SPENT
	case r.chance:
		a.Verdict, a.Why = status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED
	case r.why == exhausted && r.Attempts > 1:
		a.Why = recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED
	case r.why == unsafe && a.GetWhy() == recoursev1.RetryAdvice_WHY_UNSPECIFIED:
		a.Why = recoursev1.RetryAdvice_WHY_NOT_IDEMPOTENT
		return e.Note(a)
	default:
		return counted(e, a)
	}
	r.Upward = a
	return e.With(status.Advice(a))
}

// counted adds the number of attempts where there was more than one.
func counted(e *status.Error, a *recoursev1.RetryAdvice) error {
	if a.GetAttempts() < 2 {
		return e
	}
	return e.Note(a)
}

// interrupted is the error of a wait that the caller, or the time, ended.
func interrupted(cause error, last *status.Error) error {
	both := errors.Join(cause, last)
	if errors.Is(cause, context.DeadlineExceeded) {
		return status.Timeout(both)
	}
	return status.Classify(context.Canceled).With(status.Cause(both))
}

func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
