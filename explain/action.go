package explain

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
)

func actor(a recoursev1.RecoveryAction_Actor) string {
	switch a {
	case status.ByClient:
		return "program"
	case status.ByCallerCode:
		return "developer"
	case status.ByAdmin:
		return "your admin"
	case status.ByServiceOwner:
		return "operator"
	}
	return "you"
}

// action keeps an action: its label, or the usual one of its type, and its typed part. One that this program does not
// know is its label, or nothing.
func (d *Document) action(a *recoursev1.RecoveryAction) {
	usual, detail := typed(a, d.RequestID)
	label := cmp.Or(status.Display(a.GetLabel(), maxName), usual)
	if label == "" {
		return
	}
	d.Actions = append(d.Actions, Action{
		Actor: word(a.GetActor()), Type: actionType(a), Label: label, Detail: status.Display(detail, 0),
		Required: a.GetRequired(), ThenRetry: a.GetThenRetry(), actor: a.GetActor(),
	})
}

// text puts an action into words.
func (a Action) text() string {
	text := a.Label
	if a.Detail != "" {
		text += " (" + a.Detail + ")"
	}
	if a.Required {
		text += ", before anything else"
	}
	return text
}

// actionType is the name of the field that an action's typed part is in, or the full name of a service's own type.
func actionType(a *recoursev1.RecoveryAction) string {
	if custom := a.GetCustom(); custom != nil {
		return show(typeName(custom.GetTypeUrl()))
	}
	m := a.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("action"))
	if field == nil {
		return ""
	}
	return string(field.Name())
}

// typed returns the usual label of a type of action, and what it says beyond that.
func typed(a *recoursev1.RecoveryAction, requestID string) (usual, detail string) {
	switch body := a.GetAction().(type) {
	case *recoursev1.RecoveryAction_RetryAfter:
		b := body.RetryAfter
		if d := b.GetDelay(); d.CheckValid() == nil && d.AsDuration() > 0 {
			return "Try again", "after " + duration(d.AsDuration())
		}
		if n := b.GetMaxAttempts(); n > 0 {
			return "Try again", fmt.Sprintf("at most %d times", n)
		}
		return "Try again", ""
	case *recoursev1.RecoveryAction_Reauthenticate:
		return "Sign in again", reauthenticate(body.Reauthenticate)
	case *recoursev1.RecoveryAction_FixFields:
		return "Correct the request", fixes(body.FixFields)
	case *recoursev1.RecoveryAction_CallMethod:
		return "Make another call first", show(body.CallMethod.GetMethod())
	case *recoursev1.RecoveryAction_Refresh:
		return "Read it again", show(body.Refresh.GetResource())
	case *recoursev1.RecoveryAction_ReduceBatch:
		return "Send less at once", atMost(body.ReduceBatch)
	case *recoursev1.RecoveryAction_WaitForQuota:
		return "Wait for the quota", show(body.WaitForQuota.GetQuotaId())
	case *recoursev1.RecoveryAction_RequestAccess:
		return "Request access", list(body.RequestAccess.GetPermissions())
	case *recoursev1.RecoveryAction_PollOperation:
		return "Ask for the result later", show(body.PollOperation.GetOperation())
	case *recoursev1.RecoveryAction_RestartTransaction:
		return "Start over", ""
	case *recoursev1.RecoveryAction_UpgradeClient:
		if v := show(body.UpgradeClient.GetMinVersion()); v != "" {
			return "Install a newer version", "at least " + v
		}
		return "Install a newer version", ""
	case *recoursev1.RecoveryAction_OpenLink:
		if link := address(body.OpenLink.GetUrl()); link != "" {
			return "Read more", link
		}
	case *recoursev1.RecoveryAction_ContactSupport:
		return "Contact support", contact(body.ContactSupport, requestID)
	}
	return "", ""
}

func reauthenticate(r *recoursev1.Reauthenticate) string {
	if r.GetKind() == recoursev1.Reauthenticate_KIND_STEP_UP {
		return "with a second factor"
	}
	return list(r.GetScopes())
}

func fixes(f *recoursev1.FixFields) string {
	var fields []string
	for _, fix := range f.GetFixes() {
		field := show(fix.GetField())
		switch {
		case fix.GetSuggestedValue() != "":
			field += " = " + show(fix.GetSuggestedValue())
		case len(fix.GetAllowedValues()) > 0:
			field += ": " + strings.ReplaceAll(list(fix.GetAllowedValues()), ", ", " or ")
		}
		fields = append(fields, field)
	}
	return list(fields)
}

func atMost(r *recoursev1.ReduceBatch) string {
	var limits []string
	if n := r.GetMaxItems(); n > 0 {
		limits = append(limits, fmt.Sprintf("at most %d entries", n))
	}
	if n := r.GetMaxBytes(); n > 0 {
		limits = append(limits, fmt.Sprintf("at most %d bytes", n))
	}
	if len(limits) == 0 {
		return show(r.GetField())
	}
	return named(show(r.GetField()), strings.Join(limits, ", "))
}

func contact(c *recoursev1.ContactSupport, requestID string) string {
	channel, reference := show(c.GetChannel()), show(c.GetReference())
	if reference == "" {
		reference = requestID
	}
	switch {
	case reference == "":
		return channel
	case reference == requestID:
		reference = "the request id"
	}
	if channel == "" {
		return "quote " + reference
	}
	return channel + ", quote " + reference
}

func show(text string) string { return status.Display(text, maxName) }

func list(items []string) string {
	shown := make([]string, 0, maxItems+1)
	for i, item := range items {
		if i == maxItems {
			shown = append(shown, fmt.Sprintf("and %d more", len(items)-i))
			break
		}
		if item = show(item); item != "" {
			shown = append(shown, item)
		}
	}
	return strings.Join(shown, ", ")
}

// address returns a web address that can be shown: https, in plain letters, without user information that makes one
// host look like another, and no longer than a person can check.
func address(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(link) > maxText {
		return ""
	}
	if strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return link
}
