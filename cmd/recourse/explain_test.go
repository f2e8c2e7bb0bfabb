package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var updateExplained = flag.Bool("update-explained", false, "write testdata/explain anew")

// ran is what became of a run of the command.
type ran struct {
	code        int
	out, errout string
}

func recourseOf(stdin string, args ...string) ran {
	var out, errout bytes.Buffer
	code := run(args, streams{strings.NewReader(stdin), &out, &errout})
	return ran{code, out.String(), errout.String()}
}

func explained(t *testing.T, text string, flags ...string) string {
	t.Helper()
	got := recourseOf(text, append([]string{"explain"}, flags...)...)
	if got.code != exitOK || got.errout != "" {
		t.Fatalf("explain: exit %d, %s", got.code, got.errout)
	}
	harmless(t, got.out)
	return got.out
}

// harmless fails where text could do more to a terminal than fill a screen.
func harmless(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("not UTF-8: %q", text)
	}
	for _, r := range text {
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Errorf("%U in %q", r, text)
			return
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "explain", name+".txt")
	if *updateExplained {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func detail(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// trailer is what travels in grpc-status-details-bin.
func trailer(t testing.TB, m proto.Message) string {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// failure is an error with these details.
func failure(t testing.TB, c codes.Code, message string, d *recoursev1.ErrorDetail, others ...proto.Message) *spb.Status {
	t.Helper()
	d.ErrorCode, d.Domain = "CART_TAKEN", "shop.example.com"
	st := &spb.Status{Code: int32(c), Message: message, Details: []*anypb.Any{
		detail(t, &errdetails.ErrorInfo{Reason: d.ErrorCode, Domain: d.Domain}),
	}}
	for _, m := range append(others, d) {
		st.Details = append(st.Details, detail(t, m))
	}
	return st
}

func quotaUsedUp(t testing.TB) *spb.Status {
	t.Helper()
	return status.New(codes.ResourceExhausted, "QUOTA_USED_UP", "all 2 calls of this minute are used up",
		status.Domain("assistant.example.com"), status.RetryAfter(42*time.Second), status.Outcome(status.NotApplied),
		status.Suggest("Wait a minute, or choose a plan with more calls."), status.Meta("callsPerMinute", "2"),
		status.Attach(&errdetails.RequestInfo{RequestId: "7Q4"},
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "plan:free", Description: "2 calls a minute"}}}),
		status.Recover(status.Action(status.ByEndUser, "Choose another plan", &recoursev1.OpenLink{Url: "https://assistant.example.com/plans"}),
			status.Action(status.ByCallerCode, "Wait until there are calls again", &recoursev1.WaitForQuota{QuotaId: "calls"})),
	).GRPCStatus().Proto()
}

func everyAction() []*recoursev1.RecoveryAction {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return []*recoursev1.RecoveryAction{
		status.Action(status.ByClient, "", &recoursev1.RetryAfter{Delay: durationpb.New(time.Second), MaxAttempts: 2}),
		status.Action(status.ByEndUser, "", &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_STEP_UP}),
		status.Action(status.ByCallerCode, "", &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: "a", AllowedValues: []string{"x", "y"}}}}),
		status.Action(status.ByCallerCode, "", &recoursev1.CallMethod{Method: "/shop.v1.Shop/Reserve"}),
		status.Action(status.ByCallerCode, "", &recoursev1.Refresh{Resource: "carts/7"}),
		status.Action(status.ByCallerCode, "", &recoursev1.ReduceBatch{Field: "items", MaxItems: 100}),
		status.Action(status.ByCallerCode, "", &recoursev1.WaitForQuota{QuotaId: "calls", ResetsAt: timestamppb.New(at)}),
		status.Action(status.ByAdmin, "", &recoursev1.RequestAccess{Permissions: []string{"orders.read"}, Resource: "orders/7"}),
		status.Action(status.ByClient, "", &recoursev1.PollOperation{Operation: "operations/42"}),
		status.Action(status.ByCallerCode, "", &recoursev1.RestartTransaction{Scope: "checkout"}),
		status.Action(status.ByEndUser, "", &recoursev1.UpgradeClient{MinVersion: "2.1"}),
		status.Action(status.ByEndUser, "", &recoursev1.OpenLink{Url: "https://shop.example.com/limits"}),
		status.Action(status.ByEndUser, "", &recoursev1.ContactSupport{Channel: "help@shop.example.com"}),
		{Actor: status.ByServiceOwner, Label: "An action of a later version", Required: true},
		{Actor: status.ByServiceOwner, Label: "Ask the oracle", Action: &recoursev1.RecoveryAction_Custom{
			Custom: &anypb.Any{TypeUrl: "type.googleapis.com/acme.v1.Oracle", Value: []byte{1, 2}}}},
	}
}

const evil = "\x1b]8;;https://evil.example\x07Sign in\x1b]8;;\x07\n  request id  FAKE\r\u202egnp.exe\u200b\x7f"

func hostileStatus(t testing.TB, text string) *spb.Status {
	t.Helper()
	d := &recoursev1.ErrorDetail{Suggestion: text, Operation: text, CatalogVersion: text, RecoveryActions: []*recoursev1.RecoveryAction{
		{Label: text}, status.Action(status.ByAdmin, text, &recoursev1.RequestAccess{Permissions: []string{text, text}}),
	}, Causes: []*recoursev1.CauseLink{{Service: text, Domain: text, ErrorCode: text, RequestId: text}}}
	st := failure(t, codes.Internal, text, d, &errdetails.RequestInfo{RequestId: text}, &errdetails.LocalizedMessage{Message: text},
		&errdetails.DebugInfo{Detail: text, StackEntries: []string{text, text}},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Description: text, Url: text}}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: text, Description: text}}})
	st.Details = append(st.Details, &anypb.Any{TypeUrl: "evil.example/" + text, Value: []byte(text)})
	return st
}

func TestExplain(t *testing.T) {
	huge := hostileStatus(t, strings.Repeat("much too long ", 1500))
	for range 40 {
		huge.Details = append(huge.Details, &anypb.Any{TypeUrl: "type.googleapis.com/acme.v1.Secret", Value: make([]byte, 999)})
	}
	newer, err := proto.Marshal(&recoursev1.RecoveryAction{Label: "x"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
	}{
		{"quota", trailer(t, quotaUsedUp(t))},
		{"only-a-code", trailer(t, &spb.Status{Code: 5}) + "="},
		{"code-of-tomorrow", trailer(t, &spb.Status{Code: 77, Message: "new"})},
		{"hostile", trailer(t, hostileStatus(t, evil))},
		{"huge", trailer(t, huge)},
		{"unknown-detail", trailer(t, &spb.Status{Code: 9, Message: "no", Details: []*anypb.Any{{TypeUrl: "a.example/acme.v1.Secret", Value: newer}}})},
		{"degraded", "recourse-degraded-bin: " + trailer(t, &recoursev1.Degraded{
			Kind: recoursev1.Degraded_KIND_STALE, Age: durationpb.New(83 * time.Second), ErrorCode: "STOCK_DOWN", Source: "cache"})},
		{"degraded-hostile", "recourse-degraded-bin: " + trailer(t, &recoursev1.Degraded{ErrorCode: evil, Suggestion: evil, Source: evil})},
		{"ok", `{"code": 0}`},
		{"name-of-ours", "DEPENDENCY_TIMEOUT"},
		{"name-of-grpc", "FailedPrecondition"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := explained(t, test.text)
			if lines := strings.Count(got, "\n"); lines > screenful {
				t.Errorf("%d lines are more than a screenful", lines)
			}
			golden(t, test.name, got)
			if all := explained(t, test.text, "-all"); len(all) > 64<<10 {
				t.Errorf("with -all %d bytes", len(all))
			}
			if written := explained(t, test.text, "-format", "json"); !json.Valid([]byte(written)) {
				t.Errorf("not JSON: %s", written)
			}
		})
	}
}

func TestExplainEveryAction(t *testing.T) {
	var text strings.Builder
	for _, a := range everyAction() {
		st := failure(t, codes.FailedPrecondition, "no", &recoursev1.ErrorDetail{RecoveryActions: []*recoursev1.RecoveryAction{a}})
		for line := range strings.Lines(explained(t, trailer(t, st))) {
			if strings.Contains(line, "program ") || strings.Contains(line, "developer ") || strings.Contains(line, "you ") ||
				strings.Contains(line, "your admin ") || strings.Contains(line, "operator ") {
				text.WriteString(line)
			}
		}
	}
	golden(t, "actions", text.String())
}

// The same error is the same document, however it reached whoever asks.
func TestExplainForms(t *testing.T) {
	st := quotaUsedUp(t)
	want := explained(t, trailer(t, st), "-format", "json")
	raw, err := proto.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	written, err := protojson.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	rest := `{"error": {"code": 429, "message": "all 2 calls of this minute are used up", "status": "RESOURCE_EXHAUSTED", "details": ` +
		string(written[bytes.Index(written, []byte("[")):len(written)-1]) + `}}`
	var grpcurl strings.Builder
	grpcurl.WriteString("ERROR:\n  Code: ResourceExhausted\n  Message: all 2 calls of this minute are used up\n  Details:\n")
	var connect []string
	for i, d := range st.GetDetails() {
		one, err := protojson.MarshalOptions{Multiline: true, Indent: "\t"}.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		grpcurl.WriteString("  " + string(rune('1'+i)) + ")\t" + string(one) + "\n")
		connect = append(connect, `{"type": "`+string(d.MessageName())+`", "value": "`+base64.RawStdEncoding.EncodeToString(d.GetValue())+`"}`)
	}
	file := filepath.Join(t.TempDir(), "error")
	if err := os.WriteFile(file, []byte("grpc-status-details-bin: "+trailer(t, st)+"\r\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	std := base64.StdEncoding.EncodeToString(raw)
	for name, text := range map[string]string{
		"padded": std, "URL-safe": base64.URLEncoding.EncodeToString(raw), "URL-safe, raw": base64.RawURLEncoding.EncodeToString(raw),
		"in lines": std[:60] + "\n  " + std[60:], "quoted": `"` + std + `"`,
		"header":   "Grpc-Status-Details-Bin:" + std,
		"trailers": "content-type: application/grpc\r\ngrpc-status: 8\r\ngrpc-message: all%202\r\n< grpc-status-details-bin: " + std + "\r\n",
		"raw":      string(raw), "protojson": string(written), "AIP-193": rest, "in a list": "[" + rest + "]", "grpcurl": grpcurl.String(),
		"Connect": `{"code": "resource_exhausted", "message": "all 2 calls of this minute are used up", "details": [` + strings.Join(connect, ",") + "]}",
	} {
		if diff := cmp.Diff(want, explained(t, text, "-format", "json")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, args := range [][]string{{trailer(t, st)}, {"grpc-status-details-bin:", std}, {"@" + file}} {
		if got := recourseOf("", append([]string{"explain", "-format=json"}, args...)...); got.out != want {
			t.Errorf("explain %q: %+v", args, got)
		}
	}
}

func TestExplainParts(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"code and message":      {"grpc-status: 5\ngrpc-message: no%20such%20book\nx-request-id: 7Q4\n", "error: no such book\nCheck"},
		"request id":            {"grpc-status: 5\nx-request-id: 7Q4", "request id  7Q4"},
		"text of grpc-go":       {"2026/11/01 failed: rpc error: code = Unavailable desc = connection refused", "error: connection refused"},
		"only grpcurl's code":   {"ERROR:\n  Code: NotFound\n  Message: \n", "NOT_FOUND (NotFound)"},
		"HTTP's number":         {`{"error": {"code": 503, "message": "no"}}`, "UNAVAILABLE (Unavailable)"},
		"number as text":        {`{"code": "5", "message": "no"}`, "NOT_FOUND (NotFound)"},
		"unknown to grpcurl":    {`{"code": 5, "details": [{"@error": "?", "@type": "type.googleapis.com/acme.v1.Secret", "@value": "AQID"}]}`, "acme.v1.Secret, 3 bytes, of a type"},
		"unknown inside":        {`{"code": 5, "details": [{"@type": "type.googleapis.com/recourse.v1.ErrorDetail", "errorCode": "NOT_FOUND", "suggestion": "Look.", "recoveryActions": [{"label": "Ask", "custom": {"@type": "acme.v1/X", "a": 1}}]}]}`, "Ask"},
		"degraded without name": {trailer(t, &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, ErrorCode: "STOCK_DOWN", Domain: "a.example"}), "only a part"},
		"degraded JSON":         {`{"kind": "KIND_DEFAULT", "errorCode": "STOCK_DOWN"}`, "because     STOCK_DOWN"},
		"an operation":          {`{"name": "operations/1", "done": true, "error": {"code": 9, "message": "no"}}`, "FAILED_PRECONDITION"},
	} {
		if got := explained(t, test.text); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q is not in\n%s", name, test.want, got)
		}
	}
}

func TestExplainUnderstandsNothing(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": " \n", "words": "it does not work", "number": "99", "JSON of something": `{"a": 1}`, "list": "[1]", "null": "null",
		"broken JSON": `{"code": 5`, "too large": strings.Repeat("A", maxPasted+1), "no such code": "NO_SUCH_CODE", "binary": "\xff\xfe",
		"header of nothing": "grpc-status-details-bin: ???",
	} {
		got := recourseOf(text, "explain")
		if got.code != exitFound || got.out != "" || !strings.HasPrefix(got.errout, "recourse: explain: ") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, args := range [][]string{{"-format", "xml", "5"}, {"-catalog", "no/such/file", "5"}, {"@no/such/file"}, {"-no-such-flag"}} {
		if got := recourseOf("", append([]string{"explain"}, args...)...); got.code != exitUsage || got.errout == "" {
			t.Errorf("explain %q: %+v", args, got)
		}
	}
}

// catalogFiles writes the catalogue of the example, as JSON and as a descriptor set.
func catalogFiles(t *testing.T) (asJSON, asSet string) {
	t.Helper()
	c, problems := catalog.Read([]protoreflect.FileDescriptor{assistantv1.File_assistant_v1_errors_proto, assistantv1.File_assistant_v1_assistant_proto})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var document bytes.Buffer
	if err := c.Write(&document); err != nil {
		t.Fatal(err)
	}
	asJSON, asSet = filepath.Join(t.TempDir(), "catalog.json"), filepath.Join(t.TempDir(), "set.binpb")
	set, err := proto.Marshal(descriptorSet(assistantv1.File_assistant_v1_assistant_proto, assistantv1.File_assistant_v1_errors_proto))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(asJSON, document.Bytes(), 0o666), os.WriteFile(asSet, set, 0o666)); err != nil {
		t.Fatal(err)
	}
	return asJSON, asSet
}

// descriptorSet has the files, and before them those that they import.
func descriptorSet(files ...protoreflect.FileDescriptor) *descriptorpb.FileDescriptorSet {
	set := new(descriptorpb.FileDescriptorSet)
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	for _, f := range files {
		add(f)
	}
	return set
}

func TestExplainWithCatalog(t *testing.T) {
	document, set := catalogFiles(t)
	for _, file := range []string{document, set} {
		golden(t, "catalog-name", explained(t, "QUOTA_USED_UP", "-catalog", file))
		golden(t, "catalog-error", explained(t, trailer(t, quotaUsedUp(t)), "-catalog", file))
		for _, name := range []string{"assistant.example.com/QUOTA_USED_UP", "QUOTA_USED_UP@assistant.example.com"} {
			if diff := cmp.Diff(explained(t, "QUOTA_USED_UP", "-catalog", file), explained(t, name, "-catalog", file)); diff != "" {
				t.Errorf("%s: -want +got\n%s", name, diff)
			}
		}
		got := recourseOf("", "explain", "-catalog", file, "QUOTA_USD_UP")
		if got.code != exitFound || !strings.Contains(got.errout, "did you mean QUOTA_USED_UP?") {
			t.Errorf("a name nearby: %+v", got)
		}
	}
	if got := recourseOf("", "explain", "QUOTA_USED_UP"); !strings.Contains(got.errout, "-catalog") {
		t.Errorf("without a catalogue: %+v", got)
	}
}

func FuzzExplain(f *testing.F) {
	f.Add([]byte("DEPENDENCY_UNAVAILABLE"))
	f.Add([]byte("grpc-status: 5\ngrpc-message: a%20b"))
	f.Add([]byte("ERROR:\n  Code: NotFound\n  Message: x\n  Details:\n  1)\t{\"@type\": \"type.googleapis.com/google.rpc.ErrorInfo\"}"))
	f.Add([]byte(`{"error": {"code": 404, "status": "NOT_FOUND", "details": [{"@type": "a/b", "value": "AQ"}]}}`))
	for _, m := range []proto.Message{quotaUsedUp(f), hostileStatus(f, evil), &recoursev1.Degraded{Kind: 2, ErrorCode: "STOCK_DOWN"}} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add([]byte("recourse-degraded-bin: " + trailer(f, m)))
		if written, err := protojson.Marshal(m); err == nil {
			f.Add(written)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, flags := range [][]string{{}, {"-all"}, {"-format=json"}} {
			got := recourseOf(string(text), append([]string{"explain"}, flags...)...)
			harmless(t, got.out)
			harmless(t, got.errout)
			if len(got.out)+len(got.errout) > 128<<10 {
				t.Errorf("%d bytes", len(got.out)+len(got.errout))
			}
			if len(flags) == 0 && strings.Count(got.out, "\n") > screenful {
				t.Errorf("more than a screenful:\n%s", got.out)
			}
			if got.code != exitOK && got.code != exitFound {
				t.Errorf("exit code %d", got.code)
			}
			if len(flags) > 0 && flags[0] == "-format=json" && got.code == exitOK && !json.Valid([]byte(got.out)) {
				t.Errorf("not JSON: %s", got.out)
			}
		}
	})
}

func TestFirstLines(t *testing.T) {
	wide := strings.Repeat("x", 3*columns) + "\n"
	for _, test := range []struct{ text, want string }{
		{"", ""}, {"a\n", "a\n"}, {"a\nb\nc\n", "a\nb\nc\n"}, {"a\nb\nc\nd\n", "a\nb\nand 2 more lines: -all shows them\n"},
		{"a\n" + wide, "a\nand one more line: -all shows it\n"}, {wide, wide}, {wide + wide, "and 2 more lines: -all shows them\n"},
	} {
		if got := firstLines(test.text, 3); got != test.want {
			t.Errorf("firstLines(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}
