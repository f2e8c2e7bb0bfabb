package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
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
		return errNotYourHistory
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

var errNotYourHistory = status.New(codes.PermissionDenied, "NOT_YOUR_HISTORY", "user_id names somebody else, or nobody",
	status.Suggest("Leave user_id out, or use your own."),
	status.Recover(status.Action(status.ByCallerCode, "Use the user_id of the person who is signed in", fix("user_id", "NOT_THE_CALLER"))))

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
	switch len(p.fixes) {
	case 0:
		return nil
	case 1:
		return p.invalid("a field of the request is invalid", "Correct the field and send the request again.")
	}
	return p.invalid(fmt.Sprintf("%d fields of the request are invalid", len(p.fixes)), "Correct the fields and send the request again.")
}

func (p *problems) invalid(message, suggestion string) error {
	return status.New(codes.InvalidArgument, "FIELDS_INVALID", message, append(p.violations,
		status.Suggest(suggestion),
		status.Outcome(status.NotApplied),
		status.Recover(status.Action(status.ByCallerCode, "Correct the request", &recoursev1.FixFields{Fixes: p.fixes})))...)
}
