package explain

import (
	"cmp"
	"maps"
	"slices"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// Schema is the version of a [Document]'s JSON form. Within a version fields are only added.
const Schema = 1

// Kinds of documents.
const (
	KindError    = "error"    // an error that somebody has got
	KindDegraded = "degraded" // the mark of an answer that is not the real one
	KindDeclared = "declared" // an error as it is declared, or as gRPC or package status knows it
)

// Document is everything that is known of an error, as [Error] and [Degraded] show it and fit for JSON. All of its texts
// are clean and all of its lists bounded. Words such as "SAME_REQUEST" are the names of recourse.v1 without their prefix.
type Document struct {
	Schema         int               `json:"schema"`
	Kind           string            `json:"kind"`
	Code           string            `json:"code,omitempty"` // as google.rpc.Code spells it
	ErrorCode      string            `json:"errorCode,omitempty"`
	Domain         string            `json:"domain,omitempty"`
	CatalogVersion string            `json:"catalogVersion,omitempty"`
	Message        string            `json:"message,omitempty"`
	Localized      string            `json:"localizedMessage,omitempty"`
	Suggestion     string            `json:"suggestion,omitempty"`
	Operation      string            `json:"operation,omitempty"`
	Problems       []Problem         `json:"problems,omitempty"`
	Actions        []Action          `json:"actions,omitempty"` // best first
	Retry          *Retry            `json:"retry,omitempty"`
	Outcome        string            `json:"outcome,omitempty"`
	RequestID      string            `json:"requestId,omitempty"`
	Parameters     map[string]string `json:"parameters,omitempty"`
	Links          []Link            `json:"links,omitempty"`
	Causes         []Cause           `json:"causes,omitempty"` // nearest first
	Details        []Detail          `json:"details,omitempty"`
	Elided         int               `json:"elided,omitempty"` // how many things were left out on the way, or here
	Mark           *Mark             `json:"degraded,omitempty"`
	Declared       *Declaration      `json:"declared,omitempty"` // what the catalogue says

	code codes.Code // OK: none
}

// Problem is what exactly is wrong, used up or in the way.
type Problem struct {
	Kind   string `json:"kind"` // field, quota, state
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Action is something that helps.
type Action struct {
	Actor     string `json:"actor,omitempty"`
	Type      string `json:"type,omitempty"` // the name of the field in recourse.v1.RecoveryAction, empty for one that is not known
	Label     string `json:"label"`
	Detail    string `json:"detail,omitempty"`
	Required  bool   `json:"required,omitempty"`
	ThenRetry bool   `json:"thenRetry,omitempty"`

	actor recoursev1.RecoveryAction_Actor
}

// Retry is whether sending the request again makes sense.
type Retry struct {
	Verdict     string `json:"verdict,omitempty"`
	Why         string `json:"why,omitempty"`
	Delay       string `json:"delay,omitempty"` // as Go writes durations
	Attempts    uint32 `json:"attempts,omitempty"`
	ExhaustedBy string `json:"exhaustedBy,omitempty"`

	verdict recoursev1.RetryAdvice_Verdict
	why     recoursev1.RetryAdvice_Why
	delay   time.Duration // negative: not said
}

// Link is a page that helps. Its address is safe to be shown.
type Link struct {
	Description string `json:"description,omitempty"`
	URL         string `json:"url"`
}

// Cause is a hop behind the error.
type Cause struct {
	Service   string `json:"service,omitempty"`
	Code      string `json:"code"`
	ErrorCode string `json:"errorCode,omitempty"`
	Domain    string `json:"domain,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	Redacted  bool   `json:"redacted,omitempty"`
}

// Detail is a detail of the status that nothing else in the document shows.
type Detail struct {
	Type  string `json:"type"`
	Bytes int    `json:"bytes"`
	Known bool   `json:"known"`          // this program knows the type
	Text  string `json:"text,omitempty"` // of a known one
}

// Mark is how an answer differs from the real one.
type Mark struct {
	Kind   string `json:"kind,omitempty"`
	Age    string `json:"age,omitempty"`
	Source string `json:"source,omitempty"`

	kind recoursev1.Degraded_Kind
}

// Limits of texts inside of details, which come as they were sent, and of lists.
const (
	maxText  = 256
	maxName  = 100
	maxItems = 5  // of a list that is shown
	maxList  = 25 // of one that is kept
)

// Of reads an error of any kind, nil for nil. One without a status has a message and no more.
func Of(err error) *Document {
	if err == nil {
		return nil
	}
	d := &Document{Schema: Schema, Kind: KindError}
	e, ok := status.From(err)
	if !ok {
		d.Message = status.Display(err.Error(), maxText)
		return d
	}
	d.read(e)
	return d
}

// read takes everything from an error.
func (d *Document) read(e *status.Error) {
	d.identify(e.Code(), e.ErrorCode(), e.Domain())
	d.CatalogVersion, d.Operation, d.RequestID = e.CatalogVersion(), e.Operation(), e.RequestID()
	d.Message, d.Suggestion, d.Outcome, d.Elided = e.Message(), e.Suggestion(), word(e.Outcome()), e.Elided()
	if l, ok := status.Detail[*errdetails.LocalizedMessage](e); ok {
		d.Localized = status.Display(l.GetMessage(), maxText)
	}
	d.problems(e)
	for _, a := range e.RecoveryActions() {
		d.action(a)
	}
	d.retry(e)
	d.parameters(e.Metadata())
	help, _ := status.Detail[*errdetails.Help](e)
	keep(d, help.GetLinks(), func(l *errdetails.Help_Link) { d.link(l.GetDescription(), l.GetUrl()) })
	for _, c := range e.Causes() {
		d.Causes = append(d.Causes, Cause{
			Service: show(c.GetService()), Code: codeName(codeOf(c.GetCode())), ErrorCode: show(c.GetErrorCode()),
			Domain: show(c.GetDomain()), RequestID: show(c.GetRequestId()),
			Redacted: c.GetRedaction() == recoursev1.CauseLink_REDACTION_FULL,
		})
	}
	if st, ok := grpcstatus.FromError(e); ok {
		d.details(st.Proto().GetDetails())
	}
}

func (d *Document) identify(c codes.Code, errorCode, domain string) {
	d.code, d.Code, d.ErrorCode, d.Domain = c, codeName(c), errorCode, domain
}

// codeName is a code as google.rpc.Code spells it, which an error without an error code of its own is called by.
func codeName(c codes.Code) string { return status.New(c, "", "").ErrorCode() }

// codeOf reads a code from the network.
func codeOf(n int32) codes.Code {
	if n < 1 || n > int32(codes.Unauthenticated) {
		return codes.Unknown
	}
	return codes.Code(n)
}

func (d *Document) problems(e *status.Error) {
	bad, _ := status.Detail[*errdetails.BadRequest](e)
	quota, _ := status.Detail[*errdetails.QuotaFailure](e)
	state, _ := status.Detail[*errdetails.PreconditionFailure](e)
	add := func(kind, name, reason, text string) {
		d.Problems = append(d.Problems, Problem{kind, show(name), show(reason), status.Display(text, maxText)})
	}
	keep(d, bad.GetFieldViolations(), func(v *errdetails.BadRequest_FieldViolation) {
		add("field", v.GetField(), v.GetReason(), v.GetDescription())
	})
	keep(d, quota.GetViolations(), func(v *errdetails.QuotaFailure_Violation) {
		add("quota", cmp.Or(v.GetQuotaId(), v.GetSubject()), "", v.GetDescription())
	})
	keep(d, state.GetViolations(), func(v *errdetails.PreconditionFailure_Violation) {
		add("state", v.GetSubject(), v.GetType(), v.GetDescription())
	})
}

// keep reads the first items of a list from the network and counts the others.
func keep[T any](d *Document, list []T, read func(T)) {
	for _, item := range list[:min(len(list), maxList)] {
		read(item)
	}
	d.Elided += max(0, len(list)-maxList)
}

func (d *Document) retry(e *status.Error) {
	r := &Retry{verdict: e.Verdict(), delay: -1}
	r.Verdict = word(r.verdict)
	if advice := e.RetryAdvice(); advice != nil {
		r.why, r.Why = advice.GetWhy(), word(advice.GetWhy())
		r.Attempts, r.ExhaustedBy = advice.GetAttempts(), show(advice.GetExhaustedBy())
	}
	if delay, ok := e.RetryDelay(); ok {
		r.delay, r.Delay = delay, delay.String()
	}
	d.Retry = r
}

func (d *Document) parameters(values map[string]string) {
	keys := slices.Sorted(maps.Keys(values))
	keep(d, keys, func(key string) {
		if d.Parameters == nil {
			d.Parameters = map[string]string{}
		}
		d.Parameters[show(key)] = status.Display(values[key], maxText)
	})
}

// link keeps a link that can be shown.
func (d *Document) link(description, url string) {
	if url = address(url); url != "" {
		d.Links = append(d.Links, Link{show(description), url})
	}
}

// OfDegraded reads the mark of an answer, nil for nil.
func OfDegraded(m *recoursev1.Degraded) *Document {
	if m == nil {
		return nil
	}
	d := &Document{Schema: Schema, Kind: KindDegraded}
	d.ErrorCode, d.Domain = show(m.GetErrorCode()), show(m.GetDomain())
	d.Suggestion = status.Display(m.GetSuggestion(), maxText)
	d.Mark = &Mark{Kind: word(m.GetKind()), Source: show(m.GetSource()), kind: m.GetKind()}
	if m.GetKind() == recoursev1.Degraded_KIND_STALE && m.GetAge().CheckValid() == nil {
		d.Mark.Age = duration(m.GetAge().AsDuration())
	}
	for _, a := range m.GetRecoveryActions()[:min(len(m.GetRecoveryActions()), maxItems)] {
		d.action(a)
	}
	return d
}
