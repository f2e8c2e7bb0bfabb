package status

import (
	"slices"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Limits, for tests that stay beside them.
const (
	MaxMessage    = maxMessage
	MaxSuggestion = maxSuggestion
	MaxDomain     = maxDomain
	MaxErrorCode  = maxErrorCode
	MaxLabel      = maxLabel
	MaxRequestID  = maxRequestID
	MaxActions    = maxActions
	MaxCauses     = maxCauses
	MaxViolations = maxViolations
	MaxLinks      = maxLinks
	MaxDetails    = maxDetails
	MaxReceived   = maxReceived
	MaxMeta       = maxMeta
)

var Clean, IsClean = clean, isClean[string]

// Mend is what repairs a detail whose strings are not valid UTF-8.
func Mend(b []byte, m proto.Message) ([]byte, bool) {
	return mend(b, m.ProtoReflect().Descriptor(), maxNesting)
}

// CountTrims counts the steps of fit, those that found nothing to do included,
// until the function that it returns is called.
func CountTrims(n *int) (restore func()) {
	whole := trimOrder
	trimOrder = make([]func(*draft) bool, len(whole))
	for i, step := range whole {
		trimOrder[i] = func(d *draft) bool {
			*n++
			return step(d)
		}
	}
	return func() { trimOrder = whole }
}

// KnowsLayout reports whether the readers see into a Status of grpc-go.
func KnowsLayout() bool { return statusLayout() != nil }

// ForgetLayout makes the readers go through Status.Proto, as they would if
// grpc-go changed its Status.
func ForgetLayout() (restore func()) {
	known := statusLayout
	statusLayout = func() *layout { return nil }
	return func() { statusLayout = known }
}

// Glanced is what programs read of a received error without decoding it, Decoded
// the same after decoding; usual is false where only the latter tells.
func Glanced(e *Error) (said Said, usual bool) {
	g := e.received.glance()
	said.Advice, said.Outcome, said.Required = g.advice.message(), g.outcome, g.required
	said.Delay, said.HasDelay = e.received.retryDelay()
	return said, g.usual
}

func Decoded(e *Error) Said {
	f := e.received.decode()
	return Said{f.advice, f.outcome, f.delay, f.hasDelay, (&Error{fields: f}).ActionRequired()}
}

type Said struct {
	Advice   *recoursev1.RetryAdvice
	Outcome  recoursev1.Outcome
	Delay    time.Duration
	HasDelay bool
	Required bool // at a glance: perhaps
}

// Absorbed is what an Error without anything takes over from one detail.
func Absorbed(url string, value []byte) *Error {
	e := New(codes.Unavailable, "", "")
	e.fields.absorb(newRaw(url, value))
	return e
}

// EncodedAnew is what e is sent as where nothing of its declaration was encoded before.
func EncodedAnew(e *Error, r Rendering) Encoded { return encodedWith(rest{}, e, r) }

// TakesRest reports whether e is sent with what its declaration has encoded.
func TakesRest(e *Error, r Rendering) bool {
	marked := e.fields.declared.rest
	marked.encoded = append(slices.Clone(marked.encoded), marked.encoded...)
	return encodedWith(marked, e, r).Size != EncodedAnew(e, r).Size
}

func encodedWith(other rest, e *Error, r Rendering) Encoded {
	if d := e.fields.declared; d != nil {
		own := d.rest
		d.rest = other
		defer func() { d.rest = own }()
	}
	return e.copy().Encode(r)
}
