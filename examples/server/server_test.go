package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/catalog"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

func TestClassify(t *testing.T) {
	tests := []struct {
		query  string
		intent string
		sure   bool
	}{
		{"Will it rain in Oslo tomorrow?", "weather", true},
		{"do I need an umbrella", "weather", true},
		{"Where is my order 4711?", "order_status", true},
		{"track my parcels", "order_status", true},
		{"I want my money back, it arrived broken", "refund", true},
		{"book a flight to Rome", "book_flight", true},
		{"HELLO!", "greeting", true},
		{"rain rain rain", "weather", true},
		{"tomorrow", "book_flight", false},
		{"rain or refund", "refund", false},
		{"blue ideas sleep furiously", "none", false},
		{"", "none", false},
		{"\xff\x00 ☃ 42", "none", false},
	}
	for _, test := range tests {
		got := classify(test.query)
		if got.GetIntent() != test.intent || (got.GetConfidence() >= enough) != test.sure {
			t.Errorf("classify(%q) = %s %.2f, want %s, sure: %t", test.query, got.GetIntent(), got.GetConfidence(), test.intent, test.sure)
		}
	}
}

func TestClassifyAlternatives(t *testing.T) {
	got := classify("a refund for the broken parcel, and rain tomorrow")
	before, total := got.GetConfidence(), got.GetConfidence()
	var names []string
	for _, other := range got.GetAlternatives() {
		if other.GetConfidence() > before {
			t.Errorf("%s comes after one that is less likely", other.GetIntent())
		}
		before = other.GetConfidence()
		total += before
		names = append(names, other.GetIntent())
	}
	if want := "refund weather order_status book_flight"; got.GetIntent()+" "+strings.Join(names, " ") != want {
		t.Errorf("intents are %s %v, want %s", got.GetIntent(), names, want)
	}
	if total >= 1 {
		t.Errorf("the confidences add up to %.2f: there is no room for doubt", total)
	}
}

// What the assistant says in another language it says of all its errors.
func TestTranslations(t *testing.T) {
	texts, err := translations()
	if err != nil {
		t.Fatal(err)
	}
	if missing := texts.Missing(catalog.Linked()); len(missing) > 0 || !slices.Equal(texts.Locales(), []string{"de"}) {
		t.Errorf("of the languages %v there is missing: %v", texts.Locales(), missing)
	}
	text, ok := texts.Render(assistantv1.ChatFull{TurnsPerChat: 3}.Err(), "de-CH")
	if !ok || text.Message != "ein Gespräch hat höchstens 3 Runden" || text.Suggestion != "Beginne ein neues Gespräch." {
		t.Errorf("got %v", text)
	}
}

func TestQuota(t *testing.T) {
	var q quota
	who := user{name: "quinn", plan: "free", perMinute: 2}
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		after time.Duration
		wait  time.Duration // 0: let in
	}{
		{0, 0},
		{10 * time.Second, 0},
		{10 * time.Second, 50 * time.Second},
		{59*time.Second + time.Millisecond, time.Second},
		{time.Minute, 0},
		{90 * time.Second, 0},
		{100 * time.Second, 20 * time.Second},
	}
	for _, test := range tests {
		err := q.spend(who, start.Add(test.after))
		e, _ := status.From(err)
		if wait, _ := e.RetryDelay(); (err == nil) != (test.wait == 0) || wait != test.wait {
			t.Errorf("after %v: %v, wait %v; want to wait %v", test.after, err, wait, test.wait)
		}
	}
	if err := q.spend(user{name: "ada", perMinute: 1}, start); err != nil {
		t.Errorf("one user's calls count for another: %v", err)
	}
}

func TestHistory(t *testing.T) {
	var h history
	first := entry{"id", "will it rain", "yes"}
	for range 2 {
		if err := h.add("ada", first); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.entries["ada"]); n != 1 {
		t.Errorf("a repeated request left %d entries, want 1", n)
	}
	if err := h.add("ada", entry{"id", "where is my order", ""}); !errors.Is(err, errReused) {
		t.Errorf("a request id for two queries: got %v, want %v", err, errReused)
	}
	if err := h.add("quinn", entry{"id", "where is my order", ""}); err != nil {
		t.Errorf("one user's request ids count for another: %v", err)
	}
	if err := h.add("", first); err != nil || len(h.entries) != 2 {
		t.Errorf("a history without a user: %v, %d users", err, len(h.entries))
	}
	for i := range 3 * entriesPerUser {
		if err := h.add("ada", entry{query: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.entries["ada"]); n != entriesPerUser {
		t.Errorf("%d entries, want %d", n, entriesPerUser)
	}
}

func TestValidate(t *testing.T) {
	ada := user{name: "ada"}
	tests := []struct {
		name string
		req  any
		want string // the error code, "" for none
	}{
		{"a query", &assistantv1.ProcessRequest{Query: "hello", UserId: "ada", RequestId: "7f9c24e8-3b12-4fef-91e0-56a2f1b3c7d4"}, ""},
		{"nothing but spaces", &assistantv1.ClassifyIntentRequest{Query: " \n"}, "FIELDS_INVALID"},
		{"somebody else", &assistantv1.ProcessRequest{UserId: "quinn"}, "NOT_YOUR_HISTORY"},
		{"too long", &assistantv1.ChatRequest{Message: strings.Repeat("ä", maxText+1)}, "FIELDS_INVALID"},
		{"just long enough", &assistantv1.ChatRequest{Message: strings.Repeat("ä", maxText)}, ""},
		{"too far", &assistantv1.GenerateRequest{Prompt: "the sea", StartPosition: maxPosition + 1}, "FIELDS_INVALID"},
		{"no rules", &assistantv1.TranscribeRequest{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, _ := status.From(validate(ada, test.req))
			if e.ErrorCode() != test.want {
				t.Errorf("got %v, want %q", e, test.want)
			}
		})
	}
}

// What a person is told to ask about has to be understood.
func TestHintsAreUnderstood(t *testing.T) {
	e, _ := status.From(assistantv1.IntentNotUnderstood{}.Err())
	hint := e.RecoveryActions()[1].GetLabel()
	for _, about := range []string{"the weather", "an order", "a refund", "a flight"} {
		if !strings.Contains(hint, about) {
			t.Errorf("%q does not name %s", hint, about)
		}
		if got := classify(about); got.GetConfidence() < enough {
			t.Errorf("%q is not understood", about)
		}
	}
}

func TestThePoliciesAreValid(t *testing.T) {
	policies, err := policy.Load("../recourse.yaml", policy.Defaults(hardStop))
	if err != nil {
		t.Fatal(err)
	}
	model := policies.For(assistantv1.ModelBackend_Complete_FullMethodName)
	own := policies.For(assistantv1.Assistant_Process_FullMethodName)
	if model.Timeout >= own.Timeout || !own.HardStop {
		t.Errorf("the model has %v, the assistant %v, hard stop: %t", model.Timeout, own.Timeout, own.HardStop)
	}
	serverOptions(policies, nil, 1) // which panics if the fallback does not fit its method
}

func TestErrorsFitTheWire(t *testing.T) {
	e, _ := status.From(huge())
	if e.Code() != codes.InvalidArgument {
		t.Fatalf("code is %v", e.Code())
	}
	if enc := e.Encode(status.Rendering{}); enc.Size > status.DefaultTrailerBytes || enc.Elided == 0 {
		t.Errorf("%d bytes, %d things left out", enc.Size, enc.Elided)
	}
}
