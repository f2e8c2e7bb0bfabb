package explain_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/explain"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

var update = flag.Bool("update", false, "write testdata anew")

const (
	program   = status.ByClient
	developer = status.ByCallerCode
	person    = status.ByEndUser
	admin     = status.ByAdmin
	operator  = status.ByServiceOwner
)

var quota = status.New(codes.ResourceExhausted, "QUOTA_USED_UP", "all 2 calls of this minute are used up",
	status.Domain("assistant.example.com"),
	status.Suggest("Wait a minute, or choose a plan with more calls."),
	status.RetryAfter(42*time.Second),
	status.Outcome(status.NotApplied),
	status.Attach(
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Description: "the free plan has 2 calls a minute"}}},
		&errdetails.RequestInfo{RequestId: "7Q4"}),
	status.Help("Plans and their limits", "https://assistant.example.com/plans"),
	status.Recover(
		status.Action(developer, "Wait until there are calls again", &recoursev1.WaitForQuota{QuotaId: "calls-per-minute"}),
		status.Action(person, "Choose another plan", nil)))

func TestError(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		style explain.Style
	}{
		{"quota", quota, explain.Style{}},
		{"quota-color", fmt.Errorf("wrapped: %w", quota), explain.Style{Color: true}},
		{"quota-narrow", quota, explain.Style{Width: 44}},
		{"fields", fields(7), explain.Style{}},
		{"indeterminate", status.Timeout(context.DeadlineExceeded), explain.Style{}},
		{"exhausted", status.New(codes.Unavailable, "", "no replica answered", status.Attach(&recoursev1.ErrorDetail{
			ErrorCode: "UNAVAILABLE",
			Retry: &recoursev1.RetryAdvice{
				Verdict: status.Never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3,
			},
		})), explain.Style{}},
		{"exhausted-elsewhere", status.New(codes.Unavailable, "", "nobody answered", status.Advice(&recoursev1.RetryAdvice{
			Verdict: status.Never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED,
			Attempts: 3, ExhaustedBy: "stock.example.com",
		})), explain.Style{}},
		{"plain-status", grpcstatus.Error(codes.PermissionDenied, "no"), explain.Style{}},
		{"no-status", errors.New("open \x1b[31mfile\x1b[0m:\nno such file"), explain.Style{}},
		{"hostile", hostile("\x1b]8;;https://evil.example\x07Sign in\x1b]8;;\x07\n  request id  FAKE\r\u202egnp.exe\u200b\x00\xff\x7f"), explain.Style{}},
		{"long", hostile(strings.Repeat("much too long ", 150)), explain.Style{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := explain.Error(test.err, test.style)
			checkHarmless(t, strings.NewReplacer("\x1b[1;31m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(got))
			checkGolden(t, test.name, got)
		})
	}
}

func TestDegraded(t *testing.T) {
	evil := "\x1b[31mred\n  request id  FAKE\u202e\xff"
	tests := []struct {
		name string
		mark *recoursev1.Degraded
	}{
		{"none", nil},
		{"real", nil},
		{"stale", &recoursev1.Degraded{
			Kind: recoursev1.Degraded_KIND_STALE, Age: durationpb.New(83 * time.Second), Source: "cache",
			ErrorCode: "STOCK_DOWN", Domain: "stock.example.com", Suggestion: "Try again in a minute.",
			RecoveryActions: []*recoursev1.RecoveryAction{status.Action(program, "", &recoursev1.RetryAfter{})},
		}},
		{"stale-since-when", &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE}},
		{"partial", &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, ErrorCode: "STOCK_DOWN"}},
		{"hostile", &recoursev1.Degraded{
			Kind: 99, Source: evil, ErrorCode: evil, Domain: evil, Suggestion: evil,
			RecoveryActions: []*recoursev1.RecoveryAction{{Label: evil}, {}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := explain.Degraded(test.mark, explain.Style{})
			checkHarmless(t, got)
			checkGolden(t, "degraded-"+test.name, got)
		})
	}
}

func TestActions(t *testing.T) {
	actions := []*recoursev1.RecoveryAction{
		status.Action(program, "", &recoursev1.RetryAfter{Delay: durationpb.New(1500 * time.Millisecond)}),
		status.Action(program, "", &recoursev1.RetryAfter{MaxAttempts: 2}),
		status.Action(program, "", &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_STEP_UP}),
		status.Action(program, "", &recoursev1.Reauthenticate{Scopes: []string{"orders.read", "orders.write"}}),
		status.Action(developer, "", &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{
			{Field: "size", AllowedValues: []string{"S", "M", "L"}}, {Field: "count", SuggestedValue: "3"}, {Field: "sku"},
		}}),
		status.Action(developer, "", &recoursev1.CallMethod{Method: "/shop.v1.Shop/Reserve"}),
		status.Action(developer, "", &recoursev1.Refresh{Resource: "carts/7"}),
		status.Action(developer, "", &recoursev1.ReduceBatch{Field: "items", MaxItems: 100, MaxBytes: 1 << 20}),
		status.Action(developer, "", &recoursev1.WaitForQuota{QuotaId: "calls-per-minute"}),
		status.Action(admin, "", &recoursev1.RequestAccess{Permissions: []string{"shop.orders.read"}}),
		status.Action(program, "", &recoursev1.PollOperation{Operation: "operations/42"}),
		status.Action(developer, "", &recoursev1.RestartTransaction{Scope: "checkout"}),
		status.Action(person, "", &recoursev1.UpgradeClient{MinVersion: "2.1"}),
		status.Action(person, "", &recoursev1.OpenLink{Url: "https://shop.example.com/limits"}),
		status.Action(person, "", &recoursev1.OpenLink{Url: "https://shop.example.com@evil.example/"}),
		status.Action(person, "", &recoursev1.OpenLink{Url: "https://sh\u043ep.example.com/"}),
		status.Action(person, "", &recoursev1.ContactSupport{Channel: "help@shop.example.com", Reference: "case 7"}),
		{Actor: operator, Label: "Add a replica", Required: true},
		{Actor: operator}, // of a kind that this program does not know, and without a label
		{},
	}
	var text strings.Builder
	for some := range slices.Chunk(actions, 5) { // no error has more
		text.WriteString(explain.Error(status.New(codes.FailedPrecondition, "BLOCKED", "blocked", status.Recover(some...)), explain.Style{}))
	}
	checkGolden(t, "actions", text.String())
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}

func TestNothingToExplain(t *testing.T) {
	if got := explain.Error(nil, explain.Style{}); got != "" {
		t.Errorf("Error(nil) = %q, want nothing", got)
	}
}

func TestFor(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if explain.For(file).Color {
		t.Error("colours in a file")
	}
	t.Setenv("NO_COLOR", "1")
	terminal, err := os.Open(os.DevNull) // a character device as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	if explain.For(terminal).Color {
		t.Error("colours although NO_COLOR is set")
	}
}

func FuzzError(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		checkHarmless(t, explain.Error(hostile(text), explain.Style{}))
		checkHarmless(t, explain.Error(errors.New(text), explain.Style{Width: 1}))
	})
}

// checkHarmless fails where a text could do more to a terminal than fill lines.
func checkHarmless(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("invalid UTF-8 in %q", text)
	}
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d') {
			t.Errorf("character %U in %q", r, text)
		}
	}
	if n := strings.Count(text, "\n  request id"); n > 1 {
		t.Errorf("%d request ids in %q", n, text)
	}
}

func fields(n int) error {
	opts := []status.Option{status.Suggest("Correct the fields and send the request again.")}
	for i := range n {
		opts = append(opts, status.Violation(fmt.Sprintf("items[%d].sku", i), "REQUIRED", "must not be empty"))
	}
	return status.New(codes.InvalidArgument, "FIELDS_INVALID", "the request is invalid", append(opts, status.Domain("shop.example.com"))...)
}

// hostile says the same in every place that a server can write to.
func hostile(text string) error {
	clean := strings.ToValidUTF8(text, "?") // protobuf takes no other; package status reads the rest
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: "HOSTILE", Domain: clean, Metadata: map[string]string{"key": clean}},
		&errdetails.RequestInfo{RequestId: clean},
		&errdetails.LocalizedMessage{Locale: "en", Message: clean},
		&errdetails.Help{Links: []*errdetails.Help_Link{
			{Description: clean, Url: "https://shop.example.com/" + clean}, {Description: clean, Url: "https://shop.example.com/"}}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: clean, Description: clean}}},
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: clean, Description: clean}}},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Subject: clean, Description: clean}}},
		&recoursev1.ErrorDetail{ErrorCode: "HOSTILE", Domain: clean, Suggestion: clean, RecoveryActions: []*recoursev1.RecoveryAction{
			status.Action(person, clean, &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: clean, SuggestedValue: clean}}}),
			status.Action(admin, clean, &recoursev1.RequestAccess{Permissions: []string{clean, clean}}),
			status.Action(person, clean, &recoursev1.ContactSupport{Channel: clean, Reference: clean}),
		}},
	}
	st, err := grpcstatus.New(codes.Internal, text).WithDetails(details...)
	if err != nil {
		return err
	}
	return st.Err()
}
