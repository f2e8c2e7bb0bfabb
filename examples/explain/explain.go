// Package explain shows errors to people at a terminal: what went wrong, what they can do about it, and what to quote
// to support. Nothing that a server says can move the cursor, add a line or change a colour.
package explain

import (
	"fmt"
	"os"
	"strings"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
)

// Style says how an explanation looks. The zero value is plain text, 80 columns wide.
type Style struct {
	Color bool
	Width int // columns; 0 means 80
}

// For returns the style that suits a file: colours on a terminal only, and not where NO_COLOR is set.
func For(f *os.File) Style {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return Style{Color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// Error explains err in a few lines, each ended by a newline; nil is explained by nothing. Any error will do: the less
// it says, the shorter the explanation.
func Error(err error, style Style) string {
	if err == nil {
		return ""
	}
	p := &page{style: style}
	e, ok := status.From(err)
	if !ok {
		p.headline("error:", status.Display(err.Error(), maxText))
		return p.String()
	}
	p.headline("error:", headline(e))
	p.paragraph(e.Suggestion())
	p.blank()
	p.problems(e)
	for _, a := range e.RecoveryActions() {
		if label := action(a, e); label != "" {
			p.row(actor(a.GetActor()), label)
		}
	}
	p.links(e)
	p.row("again", again(e))
	p.row("effect", effect(e.Outcome()))
	switch n := e.Elided(); n {
	case 0:
	case 1:
		p.row("more", "one more detail was left out")
	default:
		p.row("more", fmt.Sprintf("%d more details were left out", n))
	}
	p.row("request id", e.RequestID())
	p.row("code", identity(e.ErrorCode(), e.Domain())+" ("+e.Code().String()+")")
	return p.String()
}

// Degraded explains the mark of an answer that is not the real one. The empty mark of a real answer is explained by
// nothing.
func Degraded(d *recoursev1.Degraded, style Style) string {
	if d == nil {
		return ""
	}
	p := &page{style: style}
	p.headline("note:", "this is "+insteadOf(d))
	p.paragraph(status.Display(d.GetSuggestion(), maxText))
	p.blank()
	for _, a := range d.GetRecoveryActions() {
		p.row(actor(a.GetActor()), status.Display(action(a, nil), maxText))
	}
	if code := show(d.GetErrorCode()); code != "" {
		p.row("because", identity(code, show(d.GetDomain())))
	}
	p.row("source", show(d.GetSource()))
	return p.String()
}

func insteadOf(d *recoursev1.Degraded) string {
	switch d.GetKind() {
	case recoursev1.Degraded_KIND_STALE:
		if age := d.GetAge(); age.CheckValid() == nil {
			return "an earlier answer, from " + duration(age.AsDuration()) + " ago"
		}
		return "an earlier answer"
	case recoursev1.Degraded_KIND_PARTIAL:
		return "only a part of the answer"
	}
	return "not the real answer, but the best that was left"
}

// Limits of texts inside of details, which come as they were sent.
const (
	maxText  = 256
	maxName  = 100
	maxItems = 5 // of a list
)

// headline is the server's message, in the reader's language where the server knows it.
func headline(e *status.Error) string {
	if l, ok := status.Detail[*errdetails.LocalizedMessage](e); ok && l.GetMessage() != "" {
		return status.Display(l.GetMessage(), maxText)
	}
	if e.Message() == "" {
		return "the call failed"
	}
	return e.Message()
}

// problems says what exactly is wrong, or used up, or in the way.
func (p *page) problems(e *status.Error) {
	bad, _ := status.Detail[*errdetails.BadRequest](e)
	quota, _ := status.Detail[*errdetails.QuotaFailure](e)
	state, _ := status.Detail[*errdetails.PreconditionFailure](e)
	some(p, bad.GetFieldViolations(), func(v *errdetails.BadRequest_FieldViolation) {
		p.row("field", named(v.GetField(), v.GetDescription()))
	})
	some(p, quota.GetViolations(), func(v *errdetails.QuotaFailure_Violation) {
		p.row("quota", named("", v.GetDescription()))
	})
	some(p, state.GetViolations(), func(v *errdetails.PreconditionFailure_Violation) {
		p.row("state", named(v.GetSubject(), v.GetDescription()))
	})
}

func (p *page) links(e *status.Error) {
	help, _ := status.Detail[*errdetails.Help](e)
	some(p, help.GetLinks(), func(l *errdetails.Help_Link) {
		if link := address(l.GetUrl()); link != "" {
			p.row("read", named(l.GetDescription(), link))
		}
	})
}

// some shows the first items of a list and counts the others.
func some[T any](p *page, list []T, show func(T)) {
	for _, item := range list[:min(len(list), maxItems)] {
		show(item)
	}
	if more := len(list) - maxItems; more > 0 {
		p.row("", fmt.Sprintf("and %d more", more))
	}
}

func named(name, text string) string {
	name, text = status.Display(name, maxName), status.Display(text, maxText)
	if name == "" || text == "" {
		return name + text
	}
	return name + ": " + text
}

// again says whether sending the request again makes sense.
func again(e *status.Error) string {
	wait := "after a moment"
	if d, ok := e.RetryDelay(); ok {
		wait = "after " + duration(d)
	}
	switch e.Verdict() {
	case status.SameRequest:
		return "the same request may succeed " + wait + because(e)
	case status.AfterAction:
		if len(e.RecoveryActions()) == 0 {
			return "once the cause is removed" + because(e)
		}
		return "after one of these" + because(e)
	case status.AtHigherLevel:
		return "not this call alone: start over" + because(e)
	case status.Never:
		if e.Code() == codes.Canceled {
			return ""
		}
		return "not automatically: that is up to you" + because(e)
	}
	return ""
}

func because(e *status.Error) string {
	advice := e.RetryAdvice()
	switch advice.GetWhy() {
	case recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED:
		attempts := "several"
		if n := advice.GetAttempts(); n > 0 {
			attempts = fmt.Sprint(n)
		}
		if by := show(advice.GetExhaustedBy()); by != "" {
			return " (" + by + " gave up after " + attempts + " attempts)"
		}
		return " (given up after " + attempts + " attempts)"
	case recoursev1.RetryAdvice_WHY_OVERLOADED:
		return " (the service has too much to do)"
	case recoursev1.RetryAdvice_WHY_BUDGET_SPENT:
		return " (too many calls fail at the moment)"
	case recoursev1.RetryAdvice_WHY_NOT_IDEMPOTENT:
		return " (it must not be done twice)"
	case recoursev1.RetryAdvice_WHY_CIRCUIT_OPEN:
		return " (too many calls failed before)"
	}
	return ""
}

func effect(o recoursev1.Outcome) string {
	switch o {
	case status.NotApplied:
		return "none, nothing was changed"
	case status.Applied:
		return "done, although the call failed"
	case status.PartiallyApplied:
		return "partly done: find out what is left before you go on"
	case status.Indeterminate:
		return "not known: it may have been done"
	}
	return ""
}

// identity is what to search for, or to compare with errors.Is.
func identity(errorCode, domain string) string {
	if domain == "" {
		return errorCode
	}
	return errorCode + "@" + domain
}

func duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
