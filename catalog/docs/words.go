package docs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// code is a gRPC code in words.
type code struct {
	Name   string
	Number int
	HTTP   string // the HTTP status that google.rpc.Code names
	Family string // who has to change something: caller, time or service
	Means  string
}

const (
	ofCaller  = "caller"
	ofTime    = "time"
	ofService = "service"
)

// allCodes are in the order of their numbers.
var allCodes = []code{
	{"CANCELLED", 1, "499 Client Closed Request", ofCaller, "the call was cancelled"},
	{"UNKNOWN", 2, httpStatus(500), ofService, "nobody knows"},
	{"INVALID_ARGUMENT", 3, httpStatus(400), ofCaller, "the request is wrong"},
	{"DEADLINE_EXCEEDED", 4, httpStatus(504), ofTime, "the time was too short"},
	{"NOT_FOUND", 5, httpStatus(404), ofCaller, "it is not there"},
	{"ALREADY_EXISTS", 6, httpStatus(409), ofCaller, "it is there already"},
	{"PERMISSION_DENIED", 7, httpStatus(403), ofCaller, "the caller may not do this"},
	{"RESOURCE_EXHAUSTED", 8, httpStatus(429), ofTime, "a limit is used up"},
	{"FAILED_PRECONDITION", 9, httpStatus(400), ofCaller, "the system is in another state"},
	{"ABORTED", 10, httpStatus(409), ofTime, "a conflict with another operation"},
	{"OUT_OF_RANGE", 11, httpStatus(400), ofCaller, "a value is out of range"},
	{"UNIMPLEMENTED", 12, httpStatus(501), ofService, "the server does not do this"},
	{"INTERNAL", 13, httpStatus(500), ofService, "the server is broken"},
	{"UNAVAILABLE", 14, httpStatus(503), ofTime, "the server cannot do it at the moment"},
	{"DATA_LOSS", 15, httpStatus(500), ofService, "data is lost"},
	{"UNAUTHENTICATED", 16, httpStatus(401), ofCaller, "the caller is not known"},
}

func httpStatus(n int) string { return fmt.Sprint(n, " ", http.StatusText(n)) }

func codeNames() []string {
	var names []string
	for _, c := range allCodes {
		names = append(names, c.Name)
	}
	return names
}

func codeOf(name string) code {
	if i := slices.IndexFunc(allCodes, func(c code) bool { return c.Name == name }); i >= 0 {
		return allCodes[i]
	}
	return code{Name: orElse(name, "UNKNOWN"), Number: int(codes.Unknown), HTTP: httpStatus(500), Family: ofService, Means: "nobody knows"}
}

// answer is a short one, and what it means.
type answer struct{ Kind, Short, Text string }

func retryOf(verdict, delay string, byCode bool) answer {
	a := answer{"no", "No", "No program sends this request again. A person may."}
	switch verdict {
	case "SAME_REQUEST":
		a = answer{"yes", "Yes", "The same request may succeed later. Wait as long as the server says in RetryInfo, or else back off."}
		if delay != "" {
			a = answer{"yes", "After " + delay, "The same request may succeed later. Wait " + delay + " first."}
		}
	case "AFTER_ACTION":
		a = answer{"action", "After a change", "Not the same request as it is: first do one of the things that help."}
	case "AT_HIGHER_LEVEL":
		a = answer{"action", "Start over", "Not this call: start the larger unit again that it belongs to, such as the transaction."}
	case "":
		return answer{"action", "Not said", "The error does not say. The gRPC code decides."}
	}
	if byCode {
		a.Text += " The error does not say so itself: it follows from the gRPC code."
	}
	return a
}

func outcomeOf(outcome string) answer {
	switch outcome {
	case "NOT_APPLIED":
		return answer{"no", "Nothing happened", "The request had no effect, so that sending it again cannot do anything twice."}
	case "APPLIED":
		return answer{"yes", "It happened", "The request took effect although the call failed. Do not send it again: read the result."}
	case "PARTIALLY_APPLIED":
		return answer{"action", "Some of it happened", "Do not send the whole request again: find out what is left."}
	case "INDETERMINATE":
		return answer{"action", "Nobody can tell", "The request may have taken effect. Repeat it only if doing it twice is harmless."}
	}
	return answer{"action", "Not said", "Treat a request that changes something as if it may have taken effect."}
}

var actors = map[recoursev1.RecoveryAction_Actor]string{
	recoursev1.RecoveryAction_ACTOR_UNSPECIFIED: "The person at the keyboard",
	status.ByClient:       "The client library, by itself",
	status.ByCallerCode:   "Your code",
	status.ByEndUser:      "The person at the keyboard",
	status.ByAdmin:        "An administrator of your account",
	status.ByServiceOwner: "The people who run the service",
}

var types = map[string]string{
	"STRING": "text", "INT64": "whole number", "BOOL": "true or false", "DOUBLE": "number",
	"DURATION": "length of time", "TIMESTAMP": "point in time",
}

var sensitivities = map[string]string{
	"PUBLIC":   "everybody",
	"INTERNAL": "partners and own services",
	"PERSONAL": "own services, no log",
	"SECRET":   "nobody: it is never sent",
}

var visibilities = map[string]string{
	"PARTNER":  "Partners and the organization's own services see this error. Others get the gRPC code and no more.",
	"INTERNAL": "Only the organization's own services see this error. Others get the gRPC code and no more.",
}

// typed is what the kind of an action stands for: a usual label, and what there is to know
// beyond that.
func typed(a *recoursev1.RecoveryAction) (what, how string) {
	switch body := a.GetAction().(type) {
	case *recoursev1.RecoveryAction_RetryAfter:
		return "Try again", retryAfter(body.RetryAfter)
	case *recoursev1.RecoveryAction_Reauthenticate:
		return "Sign in again", reauthenticate(body.Reauthenticate)
	case *recoursev1.RecoveryAction_FixFields:
		if len(body.FixFields.GetFixes()) == 0 {
			return "Correct the request", "Correct the fields that BadRequest lists beside it."
		}
		return "Correct the request", ""
	case *recoursev1.RecoveryAction_CallMethod:
		return "Make another call first", sentence("Call", body.CallMethod.GetMethod(), "first.")
	case *recoursev1.RecoveryAction_Refresh:
		return "Read it again", refresh(body.Refresh)
	case *recoursev1.RecoveryAction_ReduceBatch:
		return "Send less at once", reduce(body.ReduceBatch)
	case *recoursev1.RecoveryAction_WaitForQuota:
		return "Wait for the quota", sentence("Wait until the quota", body.WaitForQuota.GetQuotaId(), "has room again.")
	case *recoursev1.RecoveryAction_RequestAccess:
		return "Ask for access", access(body.RequestAccess)
	case *recoursev1.RecoveryAction_PollOperation:
		return "Ask for the result later", sentence("The work goes on: ask for the result of the operation", body.PollOperation.GetOperation(), ".")
	case *recoursev1.RecoveryAction_RestartTransaction:
		return "Start over", sentence("Start the", orElse(body.RestartTransaction.GetScope(), "transaction"), "again from its beginning.")
	case *recoursev1.RecoveryAction_UpgradeClient:
		if v := body.UpgradeClient.GetMinVersion(); v != "" {
			return "Install a newer version", sentence("Version", v, "or newer is needed.")
		}
		return "Install a newer version", ""
	case *recoursev1.RecoveryAction_OpenLink:
		return "Read more", ""
	case *recoursev1.RecoveryAction_ContactSupport:
		return "Ask for help", support(body.ContactSupport)
	case *recoursev1.RecoveryAction_Custom:
		return "Something of the service's own", sentence("For clients that know", body.Custom.MessageName().Name(), ".")
	}
	return "", ""
}

// sentence puts a name from the catalogue between words.
func sentence[S ~string](before string, name S, after string) string {
	text := strings.TrimSpace(before + " " + status.Display(string(name), 128))
	if after == "." {
		return text + after
	}
	return text + " " + after
}

func retryAfter(r *recoursev1.RetryAfter) string {
	var parts []string
	if d := r.GetDelay(); d.CheckValid() == nil && d.AsDuration() > 0 {
		parts = append(parts, "wait "+d.AsDuration().String()+" first")
	}
	if d := r.GetMaxDelay(); d.CheckValid() == nil && d.AsDuration() > 0 {
		parts = append(parts, "waiting longer than "+d.AsDuration().String()+" makes no sense")
	}
	if n := r.GetMaxAttempts(); n > 0 {
		parts = append(parts, fmt.Sprintf("at most %d times", n))
	}
	return capital(strings.Join(parts, "; "))
}

func reauthenticate(r *recoursev1.Reauthenticate) string {
	how := "With other credentials."
	switch r.GetKind() {
	case recoursev1.Reauthenticate_KIND_REFRESH:
		how = "A fresh token of the same kind is enough; nobody has to sign in."
	case recoursev1.Reauthenticate_KIND_LOGIN:
		how = "The person has to sign in."
	case recoursev1.Reauthenticate_KIND_STEP_UP:
		how = "The person is signed in, but this needs a stronger proof, such as a second factor."
	}
	if scopes := r.GetScopes(); len(scopes) > 0 {
		how += " The token has to be good for: " + names(scopes) + "."
	}
	return how
}

func refresh(r *recoursev1.Refresh) string {
	how := sentence("Read", orElse(r.GetResource(), "what the request was about"), "again: it has changed since.")
	if f := r.GetStaleField(); f != "" {
		how += sentence(" Out of date is the field", f, ".")
	}
	return how
}

func reduce(r *recoursev1.ReduceBatch) string {
	var limits []string
	if n := r.GetMaxItems(); n > 0 {
		limits = append(limits, fmt.Sprintf("at most %d entries", n))
	}
	if n := r.GetMaxBytes(); n > 0 {
		limits = append(limits, fmt.Sprintf("at most %d bytes", n))
	}
	if len(limits) == 0 {
		limits = []string{"about half"}
	}
	return sentence("Of", orElse(r.GetField(), "the request"), strings.Join(limits, ", ")+".")
}

func access(r *recoursev1.RequestAccess) string {
	how := "Ask somebody for the permission"
	if p := r.GetPermissions(); len(p) > 0 {
		how += " " + names(p)
	}
	return sentence(how+" on", orElse(r.GetResource(), "the resource"), ".")
}

func support(c *recoursev1.ContactSupport) string {
	how := "Quote the request id."
	if ref := c.GetReference(); ref != "" && ref != exampleRequestID {
		how = sentence("Quote", ref, ".")
	}
	if ch := c.GetChannel(); ch != "" {
		how = sentence("Write to", ch, ".") + " " + how
	}
	return how
}

func names(list []string) string {
	shown := make([]string, len(list))
	for i, s := range list {
		shown[i] = status.Display(s, 128)
	}
	return strings.Join(shown, ", ")
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
