package status

import (
	"slices"
	"strings"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Option adds to an Error that is being made. Options are applied in order; of
// two that set the same thing the later wins.
type Option func(*Error)

// Domain names the namespace of the error code, normally the service's DNS
// name. A server's interceptors fill in their own where an error has none.
func Domain(domain string) Option {
	return func(e *Error) { e.fields.domain = clean(domain, maxDomain) }
}

// Suggest says what a person may do next, in at most 256 bytes of plain text.
func Suggest(text string) Option {
	return func(e *Error) { e.fields.suggestion, e.fields.suggests = clean(text, maxSuggestion), false }
}

// Meta adds a dynamic part of the error to google.rpc.ErrorInfo's metadata. The
// key has 2 to 64 letters, digits, dashes or underscores and starts with a small
// letter; by convention it is lowerCamelCase and has its unit in it
// ("limitPerRequest"). Any other is left out, as are recourseOutcome and
// recourseRetry, which this package writes itself. Every value that the
// message shows belongs here too (AIP-193).
func Meta(key, value string) Option {
	return func(e *Error) {
		if !validMetaKey(key) || isMirror(key) {
			e.fields.elided++
			return
		}
		e.fields.setMeta(key, value)
	}
}

// Cause keeps the error behind this one for logs and errors.Is. It never
// reaches the wire, except as debug information for callers that the server
// trusts and was told to show it to.
func Cause(err error) Option {
	return func(e *Error) { e.cause = Finite(err) }
}

// Recover adds what would help, best first; see [Action]. At most five are
// kept.
func Recover(actions ...*recoursev1.RecoveryAction) Option {
	return func(e *Error) {
		for _, a := range actions {
			if a != nil {
				e.fields.addAction(proto.CloneOf(a))
			}
		}
	}
}

// Escalate sends the person to support first, before everything else that would
// help: channel is where to turn, reference what to quote there, empty for the
// request id. It takes the place of another ContactSupport.
func Escalate(channel, reference string) Option {
	return func(e *Error) {
		f := &e.fields
		actions := f.actions
		if len(actions) == 0 {
			_, actions = guidance(e.code, f.advice.GetVerdict())
		}
		f.actions = nil
		f.addAction(Action(ByEndUser, "Contact support", &recoursev1.ContactSupport{Channel: channel, Reference: reference}))
		for _, a := range actions {
			switch {
			case a.GetContactSupport() != nil:
			case len(f.actions) < maxActions:
				f.actions = append(f.actions, a) // itself: it is clean, and known as a declared one
			default:
				f.elided++
			}
		}
	}
}

// Action makes a recovery action: who acts, what to show them (at most 80 bytes)
// and the typed body, one of the messages of recourse.v1 such as
// &recoursev1.Reauthenticate{}. A body of any other type travels as a custom
// action; without a body the label is all there is.
func Action(actor recoursev1.RecoveryAction_Actor, label string, body proto.Message) *recoursev1.RecoveryAction {
	a := &recoursev1.RecoveryAction{Actor: actor, Label: label}
	switch b := body.(type) {
	case nil:
	case *recoursev1.RetryAfter:
		a.Action = &recoursev1.RecoveryAction_RetryAfter{RetryAfter: b}
	case *recoursev1.Reauthenticate:
		a.Action = &recoursev1.RecoveryAction_Reauthenticate{Reauthenticate: b}
	case *recoursev1.FixFields:
		a.Action = &recoursev1.RecoveryAction_FixFields{FixFields: b}
	case *recoursev1.CallMethod:
		a.Action = &recoursev1.RecoveryAction_CallMethod{CallMethod: b}
	case *recoursev1.Refresh:
		a.Action = &recoursev1.RecoveryAction_Refresh{Refresh: b}
	case *recoursev1.ReduceBatch:
		a.Action = &recoursev1.RecoveryAction_ReduceBatch{ReduceBatch: b}
	case *recoursev1.WaitForQuota:
		a.Action = &recoursev1.RecoveryAction_WaitForQuota{WaitForQuota: b}
	case *recoursev1.RequestAccess:
		a.Action = &recoursev1.RecoveryAction_RequestAccess{RequestAccess: b}
	case *recoursev1.PollOperation:
		a.Action = &recoursev1.RecoveryAction_PollOperation{PollOperation: b}
	case *recoursev1.RestartTransaction:
		a.Action = &recoursev1.RecoveryAction_RestartTransaction{RestartTransaction: b}
	case *recoursev1.UpgradeClient:
		a.Action = &recoursev1.RecoveryAction_UpgradeClient{UpgradeClient: b}
	case *recoursev1.OpenLink:
		a.Action = &recoursev1.RecoveryAction_OpenLink{OpenLink: b}
	case *recoursev1.ContactSupport:
		a.Action = &recoursev1.RecoveryAction_ContactSupport{ContactSupport: b}
	case *anypb.Any:
		a.Action = &recoursev1.RecoveryAction_Custom{Custom: b}
	default:
		if raw, ok := encodeDetail(body); ok {
			a.Action = &recoursev1.RecoveryAction_Custom{Custom: raw.any()}
		}
	}
	return a
}

// Retry gives a verdict on repeating the request, where the usual one for the
// code would be wrong, and if there is one the reason for it. With any other than
// [SameRequest] a server also stops the retries of stock gRPC clients, for codes
// that they commonly retry.
func Retry(verdict recoursev1.RetryAdvice_Verdict, why ...recoursev1.RetryAdvice_Why) Option {
	return func(e *Error) {
		advice := &recoursev1.RetryAdvice{Verdict: verdict}
		if len(why) > 0 {
			advice.Why = why[0]
		}
		e.fields.setAdvice(advice)
	}
}

// Advice is [Retry] with everything that recourse.v1.RetryAdvice can say. It is
// copied.
func Advice(a *recoursev1.RetryAdvice) Option {
	a = proto.CloneOf(a)
	return func(e *Error) {
		if a != nil {
			e.fields.setAdvice(proto.CloneOf(a))
		}
	}
}

// Verdicts, for [Retry].
const (
	// SameRequest may succeed if it is sent again as it is.
	SameRequest = recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
	// AfterAction may succeed once a recovery action was carried out.
	AfterAction = recoursev1.RetryAdvice_VERDICT_AFTER_ACTION
	// AtHigherLevel may succeed as part of a larger operation started anew.
	AtHigherLevel = recoursev1.RetryAdvice_VERDICT_AT_HIGHER_LEVEL
	// Never must not be sent again by a program.
	Never = recoursev1.RetryAdvice_VERDICT_NEVER
)

// Outcomes, for [Outcome].
const (
	NotApplied       = recoursev1.Outcome_OUTCOME_NOT_APPLIED
	Applied          = recoursev1.Outcome_OUTCOME_APPLIED
	PartiallyApplied = recoursev1.Outcome_OUTCOME_PARTIALLY_APPLIED
	Indeterminate    = recoursev1.Outcome_OUTCOME_INDETERMINATE
)

// Who carries out a recovery action, for [Action].
const (
	ByClient       = recoursev1.RecoveryAction_ACTOR_CLIENT        // the client library, alone
	ByCallerCode   = recoursev1.RecoveryAction_ACTOR_CALLER_CODE   // the program that made the call
	ByEndUser      = recoursev1.RecoveryAction_ACTOR_END_USER      // the person at the program
	ByAdmin        = recoursev1.RecoveryAction_ACTOR_ADMIN         // who administers the caller's account or site
	ByServiceOwner = recoursev1.RecoveryAction_ACTOR_SERVICE_OWNER // who runs the service
)

// RetryAfter says that the same request may succeed after at least d, and lets
// stock gRPC clients wait that long. A negative d counts as zero.
func RetryAfter(d time.Duration) Option {
	return func(e *Error) {
		e.fields.delay, e.fields.hasDelay = max(d, 0), true
		if e.fields.advice == nil {
			e.fields.advice = comeBack
		}
	}
}

// comeBack is the advice that goes with a delay. Like every advice in an Error it
// is replaced and never changed.
var comeBack = &recoursev1.RetryAdvice{Verdict: SameRequest}

// Outcome says whether the request took effect.
func Outcome(o recoursev1.Outcome) Option {
	if _, known := recoursev1.Outcome_name[int32(o)]; !known {
		o = recoursev1.Outcome_OUTCOME_UNSPECIFIED
	}
	return func(e *Error) { e.fields.outcome = o }
}

// Violation adds a bad request field: its path in the message ("items[0].sku"),
// a reason in UPPER_SNAKE_CASE and a description for people.
func Violation(field, reason, description string) Option {
	return func(e *Error) { e.fields.addViolation(field, reason, description) }
}

// Help adds a link to documentation that needs no login. Only https links are
// kept.
func Help(description, url string) Option {
	return func(e *Error) { e.fields.addLink(description, url) }
}

// Attach adds details of any type: those of google.rpc, or a service's own. They
// are copied at once and their texts cleaned. Violations and links of one type
// are merged; of other types the first is kept, since an error carries at most
// one of each (AIP-193). A message that cannot be encoded is left out. An
// attached ErrorInfo, RetryInfo, RequestInfo or ErrorDetail adds what the error
// does not say already.
func Attach(details ...proto.Message) Option {
	return func(e *Error) {
		for _, m := range details {
			raw, ok := encodeDetail(m)
			if !ok {
				e.fields.elided++
				continue
			}
			e.fields.absorb(raw)
		}
	}
}

func (f *fields) addViolation(field, reason, description string) {
	b, at := open(make([]byte, 0, len(field)+len(reason)+len(description)+lengths), badRequestViolations)
	b = appendString(b, violationField, clean(field, 0))
	b = appendString(b, violationDescription, clean(description, 0))
	b = appendString(b, violationReason, clean(reason, 0))
	f.merge(rawDetail{typePrefix, nameBadRequest, at.close(b)})
}

func (f *fields) addLink(description, url string) {
	if url = clean(url, 0); !isHTTPS(url) {
		f.elided++
		return
	}
	b, at := open(make([]byte, 0, len(description)+len(url)+lengths), helpLinks)
	b = appendString(b, linkDescription, clean(description, 0))
	b = appendString(b, linkURL, url)
	f.merge(rawDetail{typePrefix, nameHelp, at.close(b)})
}

func (f *fields) setMeta(key, value string) {
	value = clean(value, maxMetaValue)
	i, found := findMeta(f.meta, key)
	if found {
		f.meta[i].value = value
		return
	}
	if len(f.meta) == maxMeta {
		f.elided++
		return
	}
	f.meta = append(f.meta, pair{})
	copy(f.meta[i+1:], f.meta[i:])
	f.meta[i] = pair{key, value}
}

func findMeta(meta []pair, key string) (int, bool) {
	return slices.BinarySearchFunc(meta, key, func(p pair, k string) int { return strings.Compare(p.key, k) })
}

// addAction takes ownership of a.
func (f *fields) addAction(a *recoursev1.RecoveryAction) {
	link := a.GetOpenLink()
	if len(f.actions) >= maxActions || link != nil && !isHTTPS(link.GetUrl()) {
		f.elided++
		return
	}
	limits := texts{text: maxActionText, list: maxActionList}
	limits.message(a.ProtoReflect(), maxNesting)
	a.Label = clean(a.GetLabel(), maxLabel)
	f.actions = append(f.actions, a)
}

// setAdvice takes ownership of a.
func (f *fields) setAdvice(a *recoursev1.RetryAdvice) {
	tidyAdvice(a)
	f.advice = a
}

func tidyAdvice(a *recoursev1.RetryAdvice) {
	a.ExhaustedBy = clean(a.GetExhaustedBy(), maxService)
	if _, known := recoursev1.RetryAdvice_Verdict_name[int32(a.GetVerdict())]; !known {
		a.Verdict = Never
	}
	a.ProtoReflect().SetUnknown(nil) // of a later version, which may say more than a caller should hear
	if _, known := recoursev1.RetryAdvice_Why_name[int32(a.GetWhy())]; !known {
		a.Why = recoursev1.RetryAdvice_WHY_UNSPECIFIED
	}
}
