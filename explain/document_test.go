package explain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/explain"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// everything is an error with all that a developer may want to see.
func everything(t *testing.T) error {
	t.Helper()
	custom := &recoursev1.RecoveryAction{
		Actor: developer, Label: "Ask the oracle", ThenRetry: true,
		Action: &recoursev1.RecoveryAction_Custom{Custom: &anypb.Any{TypeUrl: "type.googleapis.com/acme.v1.Oracle", Value: []byte{1}}},
	}
	return grpcstatus.ErrorProto(&spb.Status{Code: int32(codes.Aborted), Message: "two carts at once", Details: []*anypb.Any{
		packed(t, &errdetails.ErrorInfo{Reason: "CART_TAKEN", Domain: "shop.example.com", Metadata: map[string]string{"cart": "carts/7", "limit": "1"}}),
		packed(t, &errdetails.RequestInfo{RequestId: "7Q4"}),
		packed(t, &errdetails.LocalizedMessage{Locale: "de", Message: "Zwei Körbe auf einmal"}),
		packed(t, &errdetails.ResourceInfo{ResourceType: "cart", ResourceName: "carts/7"}),
		packed(t, &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{QuotaId: "carts", Description: "one at a time"}}}),
		packed(t, &errdetails.ErrorInfo{Reason: "SECOND", Domain: "shop.example.com"}),
		{TypeUrl: "type.googleapis.com/acme.v1.Secret", Value: make([]byte, 120)},
		{TypeUrl: "type.googleapis.com/google.rpc.DebugInfo", Value: []byte{0xff}},
		{Value: []byte{1}},
		packed(t, &recoursev1.ErrorDetail{
			ErrorCode: "CART_TAKEN", Domain: "shop.example.com", Suggestion: "Finish the other one first.", Outcome: status.PartiallyApplied,
			Operation: "/shop.v1.Shop/Checkout", Elided: 2, CatalogVersion: "2026.11",
			RecoveryActions: []*recoursev1.RecoveryAction{custom, status.Action(person, "", &recoursev1.ContactSupport{Channel: "help@shop.example.com"})},
			Retry:           &recoursev1.RetryAdvice{Verdict: status.AtHigherLevel, Why: recoursev1.RetryAdvice_WHY_NOT_IDEMPOTENT},
			Causes: []*recoursev1.CauseLink{
				{Service: "stock.v1.Stock", Domain: "stock.example.com", ErrorCode: "SOLD_OUT", Code: 9, RequestId: "r1"},
				{Code: 99, Redaction: recoursev1.CauseLink_REDACTION_FULL},
			},
		}),
	}})
}

func TestFull(t *testing.T) {
	got := explain.Error(everything(t), explain.Style{Full: true})
	checkHarmless(t, got)
	checkGolden(t, "full", got)
}

func TestDocumentIsStable(t *testing.T) {
	written, err := json.MarshalIndent(explain.Of(everything(t)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "full-json", string(written)+"\n")
}

func TestDetailOfAnotherError(t *testing.T) {
	d := explain.Of(grpcstatus.ErrorProto(&spb.Status{Code: 5, Details: []*anypb.Any{
		packed(t, &errdetails.ErrorInfo{Reason: "ONE_THING", Domain: "a.example"}),
		packed(t, &recoursev1.ErrorDetail{ErrorCode: "OTHER", Domain: "b.example", Suggestion: "Ignore me."}),
	}}))
	if len(d.Details) != 1 || d.Details[0].Text != "it is about OTHER@b.example, and not heeded" {
		t.Errorf("details are %+v", d.Details)
	}
	if d.Suggestion == "Ignore me." {
		t.Error("the suggestion of another error is shown")
	}
}

func TestListsAreBounded(t *testing.T) {
	details := []*anypb.Any{}
	for range 100 {
		details = append(details, &anypb.Any{TypeUrl: "type.googleapis.com/acme.v1.Secret"})
	}
	err := grpcstatus.ErrorProto(&spb.Status{Code: 5, Details: details})
	d := explain.Of(err)
	if len(d.Details) != 25 || d.Elided < 75 {
		t.Errorf("%d details are kept, %d left out", len(d.Details), d.Elided)
	}
	if n := strings.Count(d.Text(explain.Style{Full: true}), "\n"); n > 24 {
		t.Errorf("the short form has %d lines", n)
	}
	if n := strings.Count(d.Text(explain.Style{Full: true, All: true}), "acme.v1.Secret"); n != 25 {
		t.Errorf("the long form has %d of 25 details", n)
	}
}

func assistant(t *testing.T) *catalog.Catalog {
	t.Helper()
	files := []protoreflect.FileDescriptor{assistantv1.File_assistant_v1_errors_proto, assistantv1.File_assistant_v1_assistant_proto}
	c, problems := catalog.Read(files)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func TestDeclared(t *testing.T) {
	for _, name := range []string{"NOT_YOUR_HISTORY", "QUOTA_USED_UP"} {
		d := explain.OfDeclared(assistant(t).Find(name))
		got := d.Text(explain.Style{})
		checkHarmless(t, got)
		checkGolden(t, "declared-"+strings.ToLower(name), got)
	}
}

func TestDeclareAddsToAnError(t *testing.T) {
	d := explain.Of(assistantv1.QuotaUsedUp{}.Err())
	d.Declare(assistant(t).Find(d.Domain + "/" + d.ErrorCode))
	checkGolden(t, "declare", d.Text(explain.Style{Full: true}))
}

func TestHostileDeclaration(t *testing.T) {
	evil := "\x1b[31mred\n  request id  FAKE\u202e\xff" + strings.Repeat("very long ", 1000)
	d := explain.OfDeclared(&catalog.Error{
		Reason: evil, Domain: evil, Code: evil, Title: evil, Description: evil, Message: evil, Suggestion: evil, Outcome: evil, Retry: evil,
		RetryDelay: evil, Page: evil, Visibility: evil, Severity: evil, Version: evil, Since: evil, DeprecatedSince: evil, ReplacedBy: evil,
		Methods: []string{evil}, Params: []catalog.Param{{Key: evil, Type: evil, Sensitivity: evil, Example: evil, Description: evil}},
		Links: []catalog.Link{{Description: evil, URL: evil}}, Actions: []json.RawMessage{json.RawMessage("{"), json.RawMessage(`{"label": 7}`)},
	})
	checkHarmless(t, d.Text(explain.Style{}))
	if written, err := json.Marshal(d); err != nil || len(written) > 16<<10 {
		t.Errorf("%d bytes of JSON, %v", len(written), err)
	}
}

func TestKnown(t *testing.T) {
	d := explain.OfKnown(status.Timeout(errors.New("slow")), "Out of time", "The deadline passed.")
	checkGolden(t, "known", d.Text(explain.Style{}))
}

func TestNoDocument(t *testing.T) {
	if explain.Of(nil) != nil || explain.OfDegraded(nil) != nil || explain.OfDeclared(nil) != nil || explain.OfKnown(nil, "", "") != nil {
		t.Error("there is a document of nothing")
	}
	var none *explain.Document
	if text := none.Text(explain.Style{}); text != "" {
		t.Errorf("no document is explained by %q", text)
	}
	explain.Of(errors.New("plain")).Declare(nil)
	if d := explain.Of(status.New(codes.Unavailable, "", "", status.RetryAfter(1500*time.Millisecond))); d.Retry.Delay != "1.5s" {
		t.Errorf("the delay is %q", d.Retry.Delay)
	}
}
