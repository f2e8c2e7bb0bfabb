package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// word is the name of an enum's value, as documents write it.
func word(v protoreflect.Enum) string { return catalog.Word(v) }

func insteadOf(m *Mark) string {
	switch m.kind {
	case recoursev1.Degraded_KIND_STALE:
		if m.Age != "" {
			return "an earlier answer, from " + m.Age + " ago"
		}
		return "an earlier answer"
	case recoursev1.Degraded_KIND_PARTIAL:
		return "only a part of the answer"
	}
	return "not the real answer, but the best that was left"
}

// again says whether sending the request again makes sense.
func (d *Document) again() string {
	r := d.Retry
	if r == nil {
		return ""
	}
	switch r.verdict {
	case status.SameRequest:
		wait := "after a moment"
		if r.delay >= 0 {
			wait = "after " + duration(r.delay)
		}
		return "the same request may succeed " + wait + r.because()
	case status.AfterAction:
		if len(d.Actions) == 0 {
			return "once the cause is removed" + r.because()
		}
		return "after one of these" + r.because()
	case status.AtHigherLevel:
		return "not this call alone: start over" + r.because()
	case status.Never:
		if d.code == codes.Canceled {
			return ""
		}
		return "not automatically: that is up to you" + r.because()
	}
	return ""
}

func (r *Retry) because() string {
	switch r.why {
	case recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED:
		attempts := "several"
		if r.Attempts > 0 {
			attempts = fmt.Sprint(r.Attempts)
		}
		if r.ExhaustedBy != "" {
			return " (" + r.ExhaustedBy + " gave up after " + attempts + " attempts)"
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

func effect(outcome string) string {
	switch outcome {
	case "NOT_APPLIED":
		return "none, nothing was changed"
	case "APPLIED":
		return "done, although the call failed"
	case "PARTIALLY_APPLIED":
		return "partly done: find out what is left before you go on"
	case "INDETERMINATE":
		return "not known: it may have been done"
	}
	return ""
}

func named(name, text string) string {
	if name == "" || text == "" {
		return name + text
	}
	return name + ": " + text
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
