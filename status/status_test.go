package status_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestNewNeverDescribesASuccess(t *testing.T) {
	tests := []struct{ code, want codes.Code }{
		{codes.OK, codes.Internal},
		{17, codes.Internal},
		{math.MaxUint32, codes.Internal},
	}
	for _, c := range everyCode() {
		tests = append(tests, struct{ code, want codes.Code }{c, c})
	}
	for _, test := range tests {
		e := status.New(test.code, "BOOK_LENT", "lent")
		if got := e.Code(); got != test.want {
			t.Errorf("New(%d).Code() = %v, want %v", uint32(test.code), got, test.want)
		}
		if got := e.GRPCStatus().Code(); got != test.want {
			t.Errorf("New(%d).GRPCStatus().Code() = %v, want %v", uint32(test.code), got, test.want)
		}
	}
}

func TestNewMakesErrorCodesValid(t *testing.T) {
	long := strings.Repeat("ABCDEFGHIJ", 7)
	tests := []struct{ in, want string }{
		{"BOOK_NOT_FOUND", "BOOK_NOT_FOUND"},
		{"HTTP2", "HTTP2"},
		{"A_B", "A_B"},
		{"", "NOT_FOUND"},
		{"A", "NOT_FOUND"},
		{"AB", "NOT_FOUND"},
		{"___", "NOT_FOUND"},
		{"404", "NOT_FOUND"},
		{"本が見つかりません", "NOT_FOUND"},
		{"book not found", "BOOK_NOT_FOUND"},
		{"book-not.found!", "BOOK_NOT_FOUND"},
		{"  book  not  found  ", "BOOK_NOT_FOUND"},
		{"_BOOK_", "BOOK"},
		{"1ST_BOOK", "ST_BOOK"},
		{"BOOK\x00\xff\nNOT_FOUND", "BOOK_NOT_FOUND"},
		{"bücher", "B_CHER"},
		{long, long[:status.MaxErrorCode]},
		{long[:62] + "__TAIL", long[:62]},
		{long[:62] + "_", long[:62]},
	}
	for _, test := range tests {
		e := status.New(codes.NotFound, test.in, "")
		if got := e.ErrorCode(); got != test.want {
			t.Errorf("New(%q).ErrorCode() = %q, want %q", test.in, got, test.want)
		}
		p := sent(t, e, status.Rendering{})
		if got := detail[*errdetails.ErrorInfo](t, p).GetReason(); got != test.want {
			t.Errorf("New(%q) sends the reason %q, want %q", test.in, got, test.want)
		}
		if got := detail[*recoursev1.ErrorDetail](t, p).GetErrorCode(); got != test.want {
			t.Errorf("New(%q) sends the error code %q, want %q", test.in, got, test.want)
		}
	}
}

func TestNewCutsAndCleansTheMessage(t *testing.T) {
	full := strings.Repeat("m", status.MaxMessage)
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"at the limit", full, full},
		{"one over", full + "m", full[:status.MaxMessage-3] + "..."},
		{"on a rune boundary", strings.Repeat("語", 100), strings.Repeat("語", 84) + "..."},
		{"no space before the mark", strings.Repeat("m", 252) + " mmmmmm", strings.Repeat("m", 252) + "..."},
		{"controls", "a\x00b\x1b[31mc\r\nd", "ab[31mc  d"},
		{"invalid", "a\xffb", "a\ufffdb"},
		{"spaces around", "  a b\t", "a b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := status.New(codes.NotFound, "X_Y", test.in)
			if got := e.Message(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := e.GRPCStatus().Message(); got != test.want {
				t.Errorf("GRPCStatus has %q, want %q", got, test.want)
			}
		})
	}
}

func TestOptionsSetWhatTheReadersReturn(t *testing.T) {
	retryAction := status.Action(recoursev1.RecoveryAction_ACTOR_CLIENT, "Try again", &recoursev1.RetryAfter{})
	helpAction := status.Action(recoursev1.RecoveryAction_ACTOR_CLIENT, "Get help", &recoursev1.ContactSupport{})
	tests := []struct {
		name string
		opts []status.Option
		got  func(*status.Error) any
		want any
	}{
		{"nil option", []status.Option{nil}, func(e *status.Error) any { return e.Elided() }, 0},

		{"Domain", []status.Option{status.Domain(domain)}, func(e *status.Error) any { return e.Domain() }, domain},
		{"Domain, the later wins", []status.Option{status.Domain("a"), status.Domain("b")}, func(e *status.Error) any { return e.Domain() }, "b"},
		{"Domain, cleaned", []status.Option{status.Domain(" a\n.b ")}, func(e *status.Error) any { return e.Domain() }, "a .b"},
		{"Domain, cut", []status.Option{status.Domain(strings.Repeat("d", 300))}, func(e *status.Error) any { return len(e.Domain()) }, status.MaxDomain},
		{"no Domain", nil, func(e *status.Error) any { return e.Domain() }, ""},

		{"Suggest", []status.Option{status.Suggest("Wait.")}, func(e *status.Error) any { return e.Suggestion() }, "Wait."},
		{"Suggest, cut", []status.Option{status.Suggest(strings.Repeat("s", 300))}, func(e *status.Error) any { return len(e.Suggestion()) }, status.MaxSuggestion},
		{"no Suggest", nil, func(e *status.Error) any { return e.Suggestion() }, "Use what exists already, or choose another name."},

		{"Meta", []status.Option{status.Meta("b", "x"), status.Meta("limitPerRequest", "100"), status.Meta("aa", "1\n2")},
			func(e *status.Error) any { return e.Metadata() }, map[string]string{"limitPerRequest": "100", "aa": "1 2"}},
		{"Meta, the later wins", []status.Option{status.Meta("key", "1"), status.Meta("key", "2")},
			func(e *status.Error) any { return e.Metadata() }, map[string]string{"key": "2"}},
		{"Meta, an empty value", []status.Option{status.Meta("key", "")},
			func(e *status.Error) any { return e.Metadata() }, map[string]string{"key": ""}},
		{"no Meta", nil, func(e *status.Error) any { return e.Metadata() }, map[string]string(nil)},

		{"Cause", []status.Option{status.Cause(io.EOF)}, func(e *status.Error) any { return errors.Is(e, io.EOF) && e.Unwrap() == io.EOF }, true},
		{"no Cause", nil, func(e *status.Error) any { return e.Unwrap() == nil }, true},

		{"Recover", []status.Option{status.Recover(retryAction), status.Recover(nil, retryAction)},
			func(e *status.Error) any { return e.RecoveryActions() }, []*recoursev1.RecoveryAction{retryAction, retryAction}},
		{"Recover, too many", []status.Option{status.Recover(retryAction, retryAction, retryAction, retryAction, retryAction, retryAction, retryAction)},
			func(e *status.Error) any { return [2]int{len(e.RecoveryActions()), e.Elided()} }, [2]int{status.MaxActions, 2}},
		{"Recover, unclean", []status.Option{status.Recover(status.Action(0, strings.Repeat("l", 90)+"\x1b", &recoursev1.OpenLink{Url: "https://a\n"}))},
			func(e *status.Error) any { return e.RecoveryActions() },
			[]*recoursev1.RecoveryAction{status.Action(0, strings.Repeat("l", status.MaxLabel-3)+"...", &recoursev1.OpenLink{Url: "https://a"})}},

		{"Retry", []status.Option{status.Retry(never, recoursev1.RetryAdvice_WHY_BUDGET_SPENT)},
			func(e *status.Error) any { return e.RetryAdvice() },
			&recoursev1.RetryAdvice{Verdict: never, Why: recoursev1.RetryAdvice_WHY_BUDGET_SPENT}},
		{"Retry, unknown", []status.Option{status.Retry(77, -1)},
			func(e *status.Error) any { return e.RetryAdvice() }, &recoursev1.RetryAdvice{Verdict: never}},
		{"no Retry", nil, func(e *status.Error) any { return e.RetryAdvice() }, (*recoursev1.RetryAdvice)(nil)},

		{"RetryAfter", []status.Option{status.RetryAfter(time.Minute)}, delay, []any{time.Minute, true, sameRequest}},
		{"RetryAfter zero", []status.Option{status.RetryAfter(0)}, delay, []any{time.Duration(0), true, sameRequest}},
		{"RetryAfter negative", []status.Option{status.RetryAfter(-time.Minute)}, delay, []any{time.Duration(0), true, sameRequest}},
		{"RetryAfter the longest", []status.Option{status.RetryAfter(math.MaxInt64)}, delay, []any{time.Duration(math.MaxInt64), true, sameRequest}},
		{"RetryAfter with a verdict before", []status.Option{status.Retry(afterAction, 0), status.RetryAfter(1)}, delay, []any{time.Duration(1), true, afterAction}},
		{"RetryAfter with a verdict behind", []status.Option{status.RetryAfter(1), status.Retry(afterAction, 0)}, delay, []any{time.Duration(1), true, afterAction}},
		{"no RetryAfter", nil, delay, []any{time.Duration(0), false, never}},

		{"Outcome", []status.Option{status.Outcome(recoursev1.Outcome_OUTCOME_APPLIED)}, outcome, recoursev1.Outcome_OUTCOME_APPLIED},
		{"Outcome, unknown", []status.Option{status.Outcome(99)}, outcome, recoursev1.Outcome_OUTCOME_UNSPECIFIED},
		{"Outcome, negative", []status.Option{status.Outcome(-1)}, outcome, recoursev1.Outcome_OUTCOME_UNSPECIFIED},
		{"no Outcome", nil, outcome, recoursev1.Outcome_OUTCOME_UNSPECIFIED},

		{"Violation", []status.Option{status.Violation("a", "R_1", "d\x00"), status.Violation("b", "R_2", "e")}, badRequest,
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "a", Reason: "R_1", Description: "d"}, {Field: "b", Reason: "R_2", Description: "e"}}}},

		{"Help", []status.Option{status.Help("d", "https://a"), status.Help("e", "https://b")}, help,
			&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "d", Url: "https://a"}, {Description: "e", Url: "https://b"}}}},
		{"Help, unsafe", []status.Option{status.Help("d", "http://a"), status.Help("d", "javascript:alert(1)"), status.Help("d", "")},
			func(e *status.Error) any { return []any{help(e), e.Elided()} }, []any{(*errdetails.Help)(nil), 3}},

		{"Attach nothing", []status.Option{status.Attach(), status.Attach(nil), status.Attach((*errdetails.Help)(nil))},
			func(e *status.Error) any { return e.Elided() }, 2},
		{"Attach, the first of a type", []status.Option{status.Attach(&errdetails.ResourceInfo{ResourceName: "a"}, &errdetails.ResourceInfo{ResourceName: "b"})},
			func(e *status.Error) any {
				v, _ := status.Detail[*errdetails.ResourceInfo](e)
				return []any{v.GetResourceName(), e.Elided()}
			}, []any{"a", 1}},
		{"Attach merges lists", []status.Option{
			status.Attach(&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "a"}}}),
			status.Attach(&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "b"}}})},
			func(e *status.Error) any { v, _ := status.Detail[*errdetails.QuotaFailure](e); return v },
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "a"}, {Subject: "b"}}}},
		{"Attach a RetryInfo", []status.Option{status.Attach(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})},
			func(e *status.Error) any { d, ok := e.RetryDelay(); return []any{d, ok} }, []any{time.Second, true}},
		{"Attach a RetryInfo to one that has a delay", []status.Option{status.RetryAfter(1), status.Attach(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})},
			func(e *status.Error) any { d, ok := e.RetryDelay(); return []any{d, ok} }, []any{time.Duration(1), true}},
		{"Attach a RequestInfo", []status.Option{status.Attach(&errdetails.RequestInfo{RequestId: "r"})},
			func(e *status.Error) any { return e.RequestID() }, "r"},
		{"Attach an ErrorInfo", []status.Option{status.Meta("key", "mine"), status.Attach(&errdetails.ErrorInfo{
			Reason: "OTHER", Domain: domain, Metadata: map[string]string{"key": "theirs", "more": "m", "Bad Key": "x"}})},
			func(e *status.Error) any { return []any{e.ErrorCode(), e.Domain(), e.Metadata(), e.Elided()} },
			[]any{"BOOK_KNOWN", domain, map[string]string{"key": "mine", "more": "m", "Bad Key": "x"}, 0}},
		{"Attach an ErrorDetail", []status.Option{status.Attach(&recoursev1.ErrorDetail{ErrorCode: "BOOK_KNOWN", Suggestion: "s", Operation: "o", CatalogVersion: "v"})},
			func(e *status.Error) any {
				return []any{e.Suggestion(), e.Operation(), e.CatalogVersion(), e.Elided()}
			},
			[]any{"s", "o", "v", 0}},
		{"Attach the ErrorDetail of another error", []status.Option{status.Attach(&recoursev1.ErrorDetail{ErrorCode: "OTHER", Operation: "o"})},
			func(e *status.Error) any { return []any{e.Operation(), e.Elided()} }, []any{"", 1}},
		{"an automatic repeat that is ruled out", []status.Option{status.Recover(retryAction, helpAction), status.Retry(never, 0)},
			func(e *status.Error) any { return e.RecoveryActions() }, []*recoursev1.RecoveryAction{helpAction}},
		{"Attach an ErrorDetail to one that says it all", []status.Option{status.Suggest("mine"), status.Recover(helpAction), status.Retry(never, 0), status.Outcome(recoursev1.Outcome_OUTCOME_APPLIED),
			status.Attach(&recoursev1.ErrorDetail{ErrorCode: "BOOK_KNOWN", Suggestion: "theirs", RecoveryActions: []*recoursev1.RecoveryAction{{Label: "theirs"}},
				Retry: &recoursev1.RetryAdvice{Verdict: sameRequest}, Outcome: recoursev1.Outcome_OUTCOME_NOT_APPLIED})},
			func(e *status.Error) any {
				return []any{e.Suggestion(), e.RecoveryActions(), e.Verdict(), e.Outcome()}
			},
			[]any{"mine", []*recoursev1.RecoveryAction{helpAction}, never, recoursev1.Outcome_OUTCOME_APPLIED}},
		{"Attach what cannot be encoded", []status.Option{status.Attach(&anypb.Any{}, &anypb.Any{TypeUrl: "no-slash"}, &anypb.Any{TypeUrl: "a/\n"}, broken("google.rpc.Help"))},
			func(e *status.Error) any { return []any{names(e.GRPCStatus().Proto()), e.Elided()} },
			[]any{[]string{"google.rpc.ErrorInfo", "recourse.v1.ErrorDetail"}, 4}},
		{"Attach an unknown Any", []status.Option{status.Attach(unknownAny("\xff"))},
			func(e *status.Error) any { return e.GRPCStatus().Proto().GetDetails()[1] }, unknownAny("\xff")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := status.New(codes.AlreadyExists, "BOOK_KNOWN", "known", test.opts...)
			if d := diff(test.want, test.got(e)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func delay(e *status.Error) any {
	d, ok := e.RetryDelay()
	return []any{d, ok, e.Verdict()}
}

func outcome(e *status.Error) any { return e.Outcome() }

func badRequest(e *status.Error) any {
	v, _ := status.Detail[*errdetails.BadRequest](e)
	return v
}

func help(e *status.Error) any {
	v, _ := status.Detail[*errdetails.Help](e)
	return v
}

func TestMetaTakesKeysOfAIP193(t *testing.T) {
	tests := map[string]bool{
		"ab": true, "aB": true, "a1": true, "a-b": true, "a_b": true, strings.Repeat("k", 64): true,
		"": false, "a": false, "Ab": false, "1a": false, "_a": false, "a b": false, "a.b": false, "aé": false, "a\n": false,
		strings.Repeat("k", 65): false,
	}
	for key, want := range tests {
		e := status.New(codes.NotFound, "X_Y", "", status.Meta(key, "v"))
		if _, got := e.Metadata()[key]; got != want {
			t.Errorf("Meta(%q) kept: %v, want %v", key, got, want)
		}
		if got := e.Elided() == 1; got == want {
			t.Errorf("Meta(%q) counted as elided: %v, want %v", key, got, !want)
		}
	}
}

func TestMetaIsBounded(t *testing.T) {
	var opts []status.Option
	for i := range 2 * status.MaxMeta {
		opts = append(opts, status.Meta(fmt.Sprintf("key%03d", i), "v"))
	}
	opts = append(opts, status.Meta("key000", "w")) // there already
	e := status.New(codes.NotFound, "X_Y", "", opts...)
	if got := len(e.Metadata()); got != status.MaxMeta {
		t.Errorf("%d entries, want %d", got, status.MaxMeta)
	}
	if got := e.Elided(); got != status.MaxMeta {
		t.Errorf("elided %d, want %d", got, status.MaxMeta)
	}
	if got := e.Metadata()["key000"]; got != "w" {
		t.Errorf("key000 is %q, want w", got)
	}
}

func TestActionTakesEveryBody(t *testing.T) {
	bodies := []proto.Message{
		&recoursev1.RetryAfter{}, &recoursev1.Reauthenticate{}, &recoursev1.FixFields{}, &recoursev1.CallMethod{},
		&recoursev1.Refresh{}, &recoursev1.ReduceBatch{}, &recoursev1.WaitForQuota{}, &recoursev1.RequestAccess{},
		&recoursev1.PollOperation{}, &recoursev1.RestartTransaction{}, &recoursev1.UpgradeClient{}, &recoursev1.OpenLink{},
		&recoursev1.ContactSupport{}, &anypb.Any{TypeUrl: "a/b"},
	}
	oneof := (&recoursev1.RecoveryAction{}).ProtoReflect().Descriptor().Oneofs().ByName("action")
	seen := map[string]bool{}
	for _, body := range bodies {
		a := status.Action(recoursev1.RecoveryAction_ACTOR_ADMIN, "label", body)
		fd := a.ProtoReflect().WhichOneof(oneof)
		if fd == nil {
			t.Errorf("Action(%T) is empty", body)
			continue
		}
		seen[string(fd.Name())] = true
		if got := a.ProtoReflect().Get(fd).Message().Interface(); !proto.Equal(body, got) {
			t.Errorf("Action(%T) holds a %T", body, got)
		}
	}
	for i := range oneof.Fields().Len() {
		if name := string(oneof.Fields().Get(i).Name()); !seen[name] {
			t.Errorf("no body makes the action %s: Action does not know it", name)
		}
	}
}

func TestActionOfAForeignBodyIsCustom(t *testing.T) {
	a := status.Action(recoursev1.RecoveryAction_ACTOR_ADMIN, "label", wrapperspb.String("a\x00b"))
	if d := diff(packed(t, wrapperspb.String("ab")), a.GetCustom()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for name, body := range map[string]proto.Message{"nil": nil, "typed nil": (*wrapperspb.StringValue)(nil)} {
		if d := diff(&recoursev1.RecoveryAction{Label: "l"}, status.Action(0, "l", body)); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
	var none *recoursev1.Refresh
	e := status.New(codes.NotFound, "X_Y", "", status.Recover(status.Action(0, "l", none)))
	if got := sent(t, e, status.Rendering{}); detail[*recoursev1.ErrorDetail](t, got).GetRecoveryActions()[0].GetLabel() != "l" {
		t.Errorf("an action with a typed nil body did not arrive: %v", got)
	}
}

func TestWithChangesOnlyTheCopy(t *testing.T) {
	change := []status.Option{
		status.Domain("other.example.com"), status.Suggest("other"), status.Meta("shelf", "other"), status.Meta("aaa", "first"),
		status.Cause(io.EOF), status.Recover(&recoursev1.RecoveryAction{Label: "other"}), status.Retry(never, 0),
		status.RetryAfter(time.Hour), status.Outcome(recoursev1.Outcome_OUTCOME_APPLIED), status.Violation("other", "O", "o"),
		status.Help("other", "https://other.example.com"),
		status.Attach(&wrapperspb.StringValue{Value: "other"}, &errdetails.RequestInfo{RequestId: "other"}),
	}
	internal := status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}
	made := everything()
	arrived := remote(sent(t, made, internal))
	for name, e := range map[string]*status.Error{"made here": made, "received": arrived} {
		t.Run(name, func(t *testing.T) {
			before := sent(t, e, internal)
			cause := e.Unwrap()
			first := e.With(change...)
			firstBefore := sent(t, first, internal)
			second := e.With(status.Meta("abc", "second"), status.Violation("second", "S", "s"), status.Recover(&recoursev1.RecoveryAction{Label: "second"}))
			third := first.With(status.Meta("shelf", "third"), status.Violation("third", "T", "t"))
			_, _ = sent(t, second, internal), sent(t, third, internal)

			if d := diff(before, sent(t, e, internal)); d != "" {
				t.Errorf("With changed the original (-before +after):\n%s", d)
			}
			if e.Unwrap() != cause {
				t.Errorf("With changed the original's cause to %v", e.Unwrap())
			}
			if d := diff(firstBefore, sent(t, first, internal)); d != "" {
				t.Errorf("a second With changed what the first had made (-before +after):\n%s", d)
			}
			if first.Code() != e.Code() || first.ErrorCode() != e.ErrorCode() || first.Message() != e.Message() {
				t.Errorf("With changed code, identity or message: %v, was %v", first, e)
			}
		})
	}
}

// Two copies grow the same list, whatever room its array has left.
func TestCopiesDoNotShareArrays(t *testing.T) {
	for n := range 6 {
		var opts []status.Option
		add := func(name string) []status.Option {
			return []status.Option{
				status.Meta("key"+name, name), status.Recover(&recoursev1.RecoveryAction{Label: name}), status.Attach(&anypb.Any{TypeUrl: "t/" + name}),
				status.Violation(name, "", ""),
				status.Attach(&recoursev1.ErrorDetail{ErrorCode: "X_Y", Causes: []*recoursev1.CauseLink{{Service: name}}}),
			}
		}
		for i := range n {
			opts = append(opts, add(fmt.Sprint("b", i))...)
		}
		base := status.New(codes.NotFound, "X_Y", "", opts...)
		r := status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}
		first := base.With(add("first")...)
		before := []*spb.Status{sent(t, base, r), sent(t, first, r)}
		base.With(add("second")...)
		base.With(add("aaa")...)
		if d := diff(before, []*spb.Status{sent(t, base, r), sent(t, first, r)}); d != "" {
			t.Errorf("%d of each: -before +after:\n%s", n, d)
		}
	}
}

func TestAttachCleansEveryText(t *testing.T) {
	dirty := "a\x1b\nb"
	s := &structpb.Struct{Fields: map[string]*structpb.Value{
		dirty: structpb.NewStringValue(dirty), "c": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewStringValue(dirty)}}),
	}}
	want := &structpb.Struct{Fields: map[string]*structpb.Value{
		"a b": structpb.NewStringValue("a b"), "c": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewStringValue("a b")}}),
	}}
	debug := &errdetails.DebugInfo{StackEntries: []string{"fine", dirty}}
	before := proto.Clone(s)
	e := status.New(codes.NotFound, "X_Y", "", status.Attach(s, debug, &fieldmaskpb.FieldMask{Paths: []string{dirty}}))
	p := sent(t, e, status.Rendering{Trust: status.Internal, TechnicalDetails: true})
	if d := diff(want, detail[*structpb.Struct](t, p)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := diff(&errdetails.DebugInfo{StackEntries: []string{"fine", "a b"}}, detail[*errdetails.DebugInfo](t, p)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := diff(before, s); d != "" {
		t.Errorf("the message that was attached changed: -before +after:\n%s", d)
	}
}

func TestWithNothingEqualsTheOriginal(t *testing.T) {
	internal := status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}
	e := everything()
	if d := diff(sent(t, e, internal), sent(t, e.With(), internal)); d != "" {
		t.Errorf("-original +copy:\n%s", d)
	}
}

func TestMessagesAreCopiedOnTheWayIn(t *testing.T) {
	info := &errdetails.ResourceInfo{ResourceName: "books/1"}
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "isbn"}}}
	custom := unknownAny("before")
	known := packed(t, &errdetails.LocalizedMessage{Locale: "en", Message: "before"})
	body := &recoursev1.OpenLink{Url: "https://a"}
	action := status.Action(recoursev1.RecoveryAction_ACTOR_END_USER, "before", body)
	inner := status.Action(recoursev1.RecoveryAction_ACTOR_END_USER, "custom", unknownAny("before"))
	causes := &recoursev1.ErrorDetail{ErrorCode: "X_Y", Causes: []*recoursev1.CauseLink{{Service: "before"}}, Retry: &recoursev1.RetryAdvice{Verdict: never}}
	e := status.New(codes.NotFound, "X_Y", "", status.Attach(info, bad, custom, known, causes), status.Recover(action, inner))
	internal := status.Rendering{Trust: status.Internal}
	before := sent(t, e, internal)

	info.ResourceName = "books/2"
	bad.FieldViolations[0].Field = "other"
	bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{})
	copy(custom.Value, "after!")
	copy(known.Value, "\x00\x00\x00\x00\x00\x00\x00")
	body.Url = "https://evil"
	action.Label = "after"
	copy(inner.GetCustom().Value, "after!")
	causes.Causes[0].Service = "after"
	causes.Retry.Verdict = sameRequest

	if d := diff(before, sent(t, e, internal)); d != "" {
		t.Errorf("changing a message later changed the error (-before +after):\n%s", d)
	}
}

func TestCallersOwnWhatReadersReturn(t *testing.T) {
	internal := status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}
	made := everything()
	for name, e := range map[string]*status.Error{
		"made here": made, "received": remote(sent(t, made, internal)), "usual guidance": status.New(codes.Internal, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			before := sent(t, e, internal)
			for _, a := range e.RecoveryActions() {
				proto.Reset(a)
				a.Label = "changed"
			}
			if m := e.Metadata(); m != nil {
				m["shelf"] = "changed"
			}
			if a := e.RetryAdvice(); a != nil {
				a.Verdict = 3
				a.ExhaustedBy = "changed"
			}
			for _, c := range e.Causes() {
				c.Service = "changed"
			}
			for m := range status.Details[*errdetails.BadRequest](e) {
				m.FieldViolations = nil
			}
			p := e.GRPCStatus().Proto()
			for _, d := range p.GetDetails() {
				clear(d.Value)
			}
			if d := diff(before, sent(t, e, internal)); d != "" {
				t.Errorf("-before +after:\n%s", d)
			}
		})
	}
}

func TestErrorNeverPrintsTheCause(t *testing.T) {
	const canary = "CANARY-hunter2"
	cause := fmt.Errorf("dial 10.0.3.7 as %s: %w", canary, io.EOF)
	errs := map[string]*status.Error{
		"New":        status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Cause(cause)),
		"With":       status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book").With(status.Cause(cause)),
		"Operation":  status.Operation("lending", cause),
		"Timeout":    status.Timeout(cause),
		"Panicked":   status.Panicked(canary),
		"Classify":   status.Classify(cause),
		"Sentinel":   status.Classify(cause, status.Sentinel(io.EOF, codes.NotFound, "BOOK_NOT_FOUND", "no such book")),
		"Received":   status.Received(grpcstatus.New(codes.NotFound, "no such book").Err(), "/a.B/C", "", false),
		"no message": status.New(codes.NotFound, "", "", status.Cause(cause)),
	}
	for name, e := range errs {
		for verb, text := range map[string]string{
			"Error": e.Error(), "%v": fmt.Sprintf("%v", e), "%+v": fmt.Sprintf("%+v", e), "%s": fmt.Sprintf("%s", e), "%q": fmt.Sprintf("%q", e),
		} {
			if strings.Contains(text, canary) {
				t.Errorf("%s, %s: %q has the text of the cause", name, verb, text)
			}
		}
		if !strings.HasPrefix(e.Error(), e.Code().String()+" "+e.ErrorCode()) {
			t.Errorf("%s: Error() = %q, want code and error code first", name, e.Error())
		}
	}
	if got, want := errs["New"].Error(), "NotFound BOOK_NOT_FOUND: no such book"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got, want := errs["no message"].Error(), "NotFound NOT_FOUND"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestIsComparesErrorCodeAndDomain(t *testing.T) {
	in := func(code, dom string, opts ...status.Option) *status.Error {
		return status.New(codes.NotFound, code, "text", append(opts, status.Domain(dom))...)
	}
	overWire := func(e *status.Error) error { return plain(sent(t, e, status.Rendering{})) }
	tests := []struct {
		name        string
		err, target *status.Error
		want        bool
	}{
		{"equal", in("BOOK_LENT", "a.com"), in("BOOK_LENT", "a.com"), true},
		{"other code", in("BOOK_LENT", "a.com"), in("BOOK_LOST", "a.com"), false},
		{"other domain", in("BOOK_LENT", "a.com"), in("BOOK_LENT", "b.com"), false},
		{"target without domain", in("BOOK_LENT", "a.com"), in("BOOK_LENT", ""), true},
		{"error without domain", in("BOOK_LENT", ""), in("BOOK_LENT", "a.com"), false},
		{"neither has one", in("BOOK_LENT", ""), in("BOOK_LENT", ""), true},
		{"other gRPC code", in("BOOK_LENT", "a.com"), status.New(codes.Aborted, "BOOK_LENT", "x", status.Domain("a.com")), true},
		{"other text and details", in("BOOK_LENT", "a.com", status.Meta("key", "v")), status.New(codes.NotFound, "BOOK_LENT", "x"), true},
		{"code alone", in("", ""), in("", ""), true},
		{"no code against one", in("", ""), in("BOOK_LENT", ""), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := errors.Is(test.err, test.target); got != test.want {
				t.Errorf("in the process: errors.Is = %v, want %v", got, test.want)
			}
			if got := errors.Is(fmt.Errorf("wrapped: %w", test.err), test.target); got != test.want {
				t.Errorf("wrapped: errors.Is = %v, want %v", got, test.want)
			}
			from := read(t, overWire(test.err))
			if got := errors.Is(from, test.target); got != test.want {
				t.Errorf("as From reads it: errors.Is = %v, want %v", got, test.want)
			}
			received := remote(sent(t, test.err, status.Rendering{}))
			if got := errors.Is(received, test.target); got != test.want {
				t.Errorf("as a client receives it: errors.Is = %v, want %v", got, test.want)
			}
			if got := errors.Is(test.err, remote(sent(t, test.target, status.Rendering{}))); got != test.want {
				t.Errorf("with a target that was received: errors.Is = %v, want %v", got, test.want)
			}
		})
	}
	e := in("BOOK_LENT", "a.com")
	var none *status.Error
	if errors.Is(e, none) || none.Is(e) || none.Is(none) || e.Is(nil) || e.Is(io.EOF) {
		t.Error("a nil Error or another type matches")
	}
}

func TestNilErrorsAnswerLikeSuccess(t *testing.T) {
	var e *status.Error
	got := []any{
		e.Code(), e.ErrorCode(), e.Domain(), e.Message(), e.Suggestion(), e.RecoveryActions(), e.Metadata(), e.Outcome(), e.RetryAdvice(),
		e.Verdict(), e.RequestID(), e.Operation(), len(e.Causes()), e.Elided(), e.CatalogVersion(), e.Error(),
		e.Unwrap() == nil, e.Is(io.EOF), e.GRPCStatus() == nil, e.With(status.Domain("a")) == nil,
	}
	want := []any{
		codes.OK, "", "", "", "", []*recoursev1.RecoveryAction(nil), map[string]string(nil), recoursev1.Outcome_OUTCOME_UNSPECIFIED, (*recoursev1.RetryAdvice)(nil),
		recoursev1.RetryAdvice_VERDICT_UNSPECIFIED, "", "", 0, 0, "", "nil *status.Error",
		true, false, true, true,
	}
	if d := diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d, ok := e.RetryDelay(); d != 0 || ok {
		t.Errorf("RetryDelay() = %v, %v", d, ok)
	}
	if d := diff(status.Encoded{RetryDelay: -1}, e.Encode(status.Rendering{})); d != "" {
		t.Errorf("Encode: -want +got:\n%s", d)
	}
	if b, err := e.MarshalJSON(); string(b) != "null" || err != nil {
		t.Errorf("MarshalJSON() = %s, %v", b, err)
	}
	if b, err := json.Marshal(e); string(b) != "null" || err != nil {
		t.Errorf("json.Marshal = %s, %v", b, err)
	}
	if got := grpcstatus.Code(e); got != codes.Unknown { // inside an error interface it is no nil
		t.Errorf("grpc-go reads a nil Error as %v, want %v", got, codes.Unknown)
	}
}

func TestOperationNamesTheError(t *testing.T) {
	long := strings.Repeat("intent classification ", 20)
	tests := []struct{ operation, code, message, want string }{
		{"intent classification", "ASYNC_INTENT_CLASSIFICATION_FAILED", "intent classification failed", "intent classification"},
		{"Intent-Classification", "ASYNC_INTENT_CLASSIFICATION_FAILED", "Intent-Classification failed", "Intent-Classification"},
		{"db", "ASYNC_DB_FAILED", "db failed", "db"},
		{"2fa check", "ASYNC_2FA_CHECK_FAILED", "2fa check failed", "2fa check"},
		{"", "ASYNC_FAILED", "failed", ""},
		{"\x00\n", "ASYNC_FAILED", "failed", ""},
		{"意図分類", "ASYNC_FAILED", "意図分類 failed", "意図分類"},
		{"résumé", "ASYNC_R_SUM_FAILED", "résumé failed", "résumé"},
		{"a\nb", "ASYNC_A_B_FAILED", "a b failed", "a b"},
	}
	for _, test := range tests {
		e := status.Operation(test.operation, io.EOF)
		got := []any{e.Code(), e.ErrorCode(), e.Message(), e.Operation(), e.Unwrap()}
		want := []any{codes.Internal, test.code, test.message, test.want, io.EOF}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("Operation(%q): got %v, want %v", test.operation, got[i], want[i])
			}
		}
	}

	e := status.Operation(long, nil)
	if got := e.ErrorCode(); len(got) > status.MaxErrorCode || !strings.HasPrefix(got, "ASYNC_INTENT_CLASSIFICATION_INTENT_") || !strings.HasSuffix(got, "T_FAILED") && !strings.HasSuffix(got, "N_FAILED") {
		t.Errorf("a long name gives the code %q", got)
	}
	if err := clean(e.Message(), status.MaxMessage); err != nil {
		t.Errorf("a long name gives the message %v", err)
	}
	for n := range 80 { // wherever the cut falls
		e := status.Operation(strings.Repeat("a", n)+" bc", nil)
		if got := e.ErrorCode(); len(got) > status.MaxErrorCode || strings.Contains(got, "__") || !strings.HasSuffix(got, "_FAILED") {
			t.Errorf("a name of %d bytes gives the code %q", n+3, got)
		}
	}
}

func TestOperationOptionsWin(t *testing.T) {
	e := status.Operation("lending", io.EOF, status.Cause(io.ErrUnexpectedEOF), status.Domain(domain))
	if e.Unwrap() != io.ErrUnexpectedEOF || e.Domain() != domain {
		t.Errorf("got cause %v and domain %q", e.Unwrap(), e.Domain())
	}
}

func TestTimeoutIsIndeterminateUnlessSaid(t *testing.T) {
	e := status.Timeout(io.EOF)
	if e.Code() != codes.DeadlineExceeded || e.ErrorCode() != status.CodeTimeout || e.Unwrap() != io.EOF ||
		e.Outcome() != recoursev1.Outcome_OUTCOME_INDETERMINATE || e.Verdict() != never {
		t.Errorf("got %v, outcome %v, verdict %v", e, e.Outcome(), e.Verdict())
	}
	e = status.Timeout(nil, status.Outcome(recoursev1.Outcome_OUTCOME_NOT_APPLIED))
	if e.Verdict() != sameRequest {
		t.Errorf("a timeout that was not applied has the verdict %v, want %v", e.Verdict(), sameRequest)
	}
}

func TestPanickedKeepsValueAndStackAsCause(t *testing.T) {
	e := func() (e *status.Error) {
		defer func() { e = status.Panicked(recover()) }()
		panic(io.ErrClosedPipe)
	}()
	if e.Code() != codes.Internal || e.ErrorCode() != status.CodeUnexpected {
		t.Errorf("got %v", e)
	}
	var p *status.PanicError
	if !errors.As(e, &p) || p.Value != io.ErrClosedPipe || !strings.Contains(string(p.Stack), "TestPanickedKeepsValueAndStackAsCause") {
		t.Errorf("the cause is %#v", e.Unwrap())
	}
	if !errors.Is(e, io.ErrClosedPipe) {
		t.Error("the panic's value is not in the chain")
	}
	if got, want := p.Error(), "panic: io: read/write on closed pipe"; got != want {
		t.Errorf("cause reads %q, want %q", got, want)
	}
	errors.As(status.Panicked(nil), &p)
	if got, want := p.Error(), "the goroutine called runtime.Goexit"; got != want || p.Unwrap() != nil {
		t.Errorf("Goexit reads %q, want %q", got, want)
	}
}

func TestAttachSurvivesEveryMessage(t *testing.T) {
	deep := structpb.NewStringValue("deep\x00")
	for range 200 {
		deep = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{deep}})
	}
	nan, _ := structpb.NewStruct(map[string]any{"a\x00": math.NaN(), "b": []any{"c\n", nil}})
	var nothing *spb.Status
	for _, m := range []proto.Message{deep, nan, nothing, &spb.Status{Details: []*anypb.Any{nil}}, &anypb.Any{TypeUrl: "/"}, &structpb.Value{},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{nil}}, &recoursev1.ErrorDetail{RecoveryActions: []*recoursev1.RecoveryAction{nil}, Causes: []*recoursev1.CauseLink{nil}},
		&errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: math.MaxInt64, Nanos: math.MinInt32}}} {
		e := status.New(codes.NotFound, "X_Y", "m", status.Attach(m, m))
		p := sent(t, e, status.Rendering{})
		if got := detail[*errdetails.ErrorInfo](t, p).GetReason(); got != "X_Y" {
			t.Errorf("after Attach(%T) the reason is %q", m, got)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("after Attach(%T): %v", m, err)
		}
	}
}

func TestElidedSaturates(t *testing.T) {
	e := status.New(codes.NotFound, "X_Y", "",
		status.Attach(&recoursev1.ErrorDetail{ErrorCode: "X_Y", Elided: math.MaxUint32}, &recoursev1.ErrorDetail{ErrorCode: "X_Y", Elided: math.MaxUint32}), status.Meta("", ""))
	if got := e.Elided(); got != 1<<31+1 {
		t.Errorf("elided %d, want %d: more would overflow one day", got, 1<<31+1)
	}
}
