package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
)

const (
	maxText     = 500
	maxPosition = 10_000
)

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// validate looks at every request before a handler does. What a person may not do is said before what is wrong with
// the request.
func validate(who user, req any) error {
	if r, ok := req.(interface{ GetUserId() string }); ok && r.GetUserId() != "" && r.GetUserId() != who.name {
		return assistantv1.NotYourHistory{Permission: "history.write", Resource: "users/" + r.GetUserId() + "/history"}.Err()
	}
	var p problems
	switch r := req.(type) {
	case *assistantv1.ClassifyIntentRequest:
		p.text("query", r.GetQuery())
	case *assistantv1.ProcessRequest:
		p.text("query", r.GetQuery())
		if id := r.GetRequestId(); id != "" && !uuid.MatchString(id) {
			p.add("request_id", "NOT_A_UUID", "must be a UUID, or empty")
		}
	case *assistantv1.GenerateRequest:
		p.text("prompt", r.GetPrompt())
		if r.GetStartPosition() > maxPosition {
			p.add("start_position", "OUT_OF_RANGE", fmt.Sprintf("must be at most %d", maxPosition))
		}
	case *assistantv1.ChatRequest:
		p.text("message", r.GetMessage())
	}
	return p.err()
}

// problems collects what is wrong with a request, so that it can be put right in one go.
type problems struct {
	violations []status.Option
	fixes      []*recoursev1.FixFields_Fix
}

func (p *problems) text(field, value string) {
	switch n := utf8.RuneCountInString(value); {
	case strings.TrimSpace(value) == "":
		p.add(field, "REQUIRED", "must not be empty")
	case n > maxText:
		p.add(field, "TOO_LONG", fmt.Sprintf("must have at most %d characters, not %d", maxText, n))
	}
}

func (p *problems) add(field, reason, description string) {
	p.violations = append(p.violations, status.Violation(field, reason, description))
	p.fixes = append(p.fixes, &recoursev1.FixFields_Fix{Field: field, Reason: reason})
}

func (p *problems) err() error {
	if len(p.fixes) == 0 {
		return nil
	}
	which := status.Action(status.ByCallerCode, "Correct the request", &recoursev1.FixFields{Fixes: p.fixes})
	return assistantv1.FieldsInvalid{Count: int64(len(p.fixes))}.Err(append(p.violations, status.Recover(which))...)
}
