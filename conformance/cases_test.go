package conformance_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	theCode   = "BOOK_ON_LOAN"
	theDomain = "library.example.com"
)

type (
	detail  = recoursev1.ErrorDetail
	action  = recoursev1.RecoveryAction
	advice  = recoursev1.RetryAdvice
	headers = map[string]string
)

var identity = &errdetails.ErrorInfo{Reason: theCode, Domain: theDomain}

// of is an ErrorDetail about the error that identity names.
func of(d *detail) *detail {
	d.ErrorCode, d.Domain = theCode, theDomain
	return d
}

func delay(d *durationpb.Duration) *errdetails.RetryInfo { return &errdetails.RetryInfo{RetryDelay: d} }

func verdict(v recoursev1.RetryAdvice_Verdict) *advice { return &advice{Verdict: v} }

// book is how a call fails, with the details given.
func book(details ...proto.Message) golden.Call {
	return fails(codes.FailedPrecondition, "the book is on loan", details...)
}

func fails(c codes.Code, message string, details ...proto.Message) golden.Call {
	anys := make([]*anypb.Any, len(details))
	for i, d := range details {
		if a, ok := d.(*anypb.Any); ok {
			anys[i] = a
			continue
		}
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(d)
		if err != nil {
			panic(err)
		}
		anys[i] = &anypb.Any{TypeUrl: "type.googleapis.com/" + string(d.ProtoReflect().Descriptor().FullName()), Value: b}
	}
	if len(anys) == 0 {
		return golden.Call{Code: uint32(c), Message: message}
	}
	return golden.Call{Code: uint32(c), Message: message, Status: encoded(&spb.Status{Code: int32(c), Message: message, Details: anys})}
}

func encoded(st *spb.Status) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(st)
	if err != nil {
		panic(err)
	}
	return b
}

// raw is a detail whose bytes are no message of its type, or hold what no encoder would write.
func raw(name string, value []byte) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + name, Value: value}
}

// field is a field of bytes, with whatever is in them.
func field(n protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), value)
}

func trailers(c golden.Call, kv ...string) golden.Call {
	c.Trailers = pairs(kv)
	return c
}

func pairs(kv []string) headers {
	m := headers{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// answers is a call that did not fail.
func answers(kv ...string) golden.Call { return golden.Call{Trailers: pairs(kv)} }

func mark(d *recoursev1.Degraded) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(d)
	if err != nil {
		panic(err)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// act is an error with these actions.
func act(actions ...*action) golden.Call {
	return book(identity, of(&detail{RecoveryActions: actions}))
}

// everyAction has one of each kind, with everything in it that it can say.
func everyAction() map[string]proto.Message {
	return map[string]proto.Message{
		"retry-after":         &recoursev1.RetryAfter{MaxDelay: durationpb.New(time.Minute), MaxAttempts: 4, Delay: durationpb.New(1500 * time.Millisecond)},
		"reauthenticate":      &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_STEP_UP, Scopes: []string{"books.read", "books.write"}},
		"fix-fields":          &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: "items[0].copies", Reason: "TOO_MANY", AllowedValues: []string{"1", "2"}, SuggestedValue: "2"}, {Field: "reader"}}},
		"call-method":         &recoursev1.CallMethod{Method: "/library.v1.Library/Renew", CopyFields: map[string]string{"book": "name"}},
		"refresh":             &recoursev1.Refresh{Resource: "books/42", StaleField: "etag"},
		"reduce-batch":        &recoursev1.ReduceBatch{Field: "items", MaxItems: 100, MaxBytes: 1 << 40},
		"wait-for-quota":      &recoursev1.WaitForQuota{QuotaId: "loans", ResetsAt: &timestamppb.Timestamp{Seconds: 1800000000}},
		"request-access":      &recoursev1.RequestAccess{Permissions: []string{"library.books.lend"}, Resource: "books/42"},
		"poll-operation":      &recoursev1.PollOperation{Operation: "operations/7", Interval: durationpb.New(2 * time.Second)},
		"restart-transaction": &recoursev1.RestartTransaction{Scope: "session"},
		"upgrade-client":      &recoursev1.UpgradeClient{MinVersion: "2.1.0"},
		"open-link":           &recoursev1.OpenLink{Url: "https://library.example.com/loans"},
		"contact-support":     &recoursev1.ContactSupport{Channel: "desk@library.example.com", Reference: "req-42"},
		"custom":              &wrapperspb.StringValue{Value: "a type of the service's own"},
	}
}

// cases is every golden error by its name.
func cases() map[string]golden.Case {
	all := map[string]golden.Case{}
	add := func(name, about string, call golden.Call) {
		if _, twice := all[name]; twice {
			panic(name + " stands there twice")
		}
		all[name] = golden.Case{Name: name, About: about, Call: call}
	}

	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		add("plain-"+strings.ReplaceAll(strings.ToLower(code.Code(c).String()), "_", "-"),
			"a server that knows nothing of recourse: the code alone gives advice", fails(c, "it did not work"))
	}
	add("plain-code-of-the-future", "a code that nobody knows yet is UNKNOWN", fails(99, "it did not work"))
	add("plain-no-message", "a code and nothing else", fails(codes.NotFound, ""))

	add("everything", "all that an error can say", trailers(fails(codes.Unavailable, "the shelf cannot be reached",
		&errdetails.ErrorInfo{Reason: "SHELF_UNREACHABLE", Domain: theDomain, Metadata: map[string]string{"shelf": "B12", "floor": "2"}},
		delay(durationpb.New(1500*time.Millisecond)),
		&errdetails.RequestInfo{RequestId: "req-42"},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "Opening hours", Url: "https://library.example.com/hours"}}},
		&errdetails.LocalizedMessage{Locale: "de-DE", Message: "Das Regal ist nicht erreichbar."},
		&detail{
			ErrorCode: "SHELF_UNREACHABLE", Domain: theDomain, Suggestion: "Try again in a moment, or ask at the desk.",
			RecoveryActions: []*action{
				status.Action(status.ByClient, "Try again", &recoursev1.RetryAfter{}),
				status.Action(status.ByEndUser, "Ask at the desk", &recoursev1.ContactSupport{Channel: "desk@library.example.com"}),
			},
			Outcome: recoursev1.Outcome_OUTCOME_NOT_APPLIED,
			Retry:   &advice{Verdict: status.SameRequest, Attempts: 2}, Operation: "/library.v1.Library/Lend", CatalogVersion: "1.2.0",
		}), "x-request-id", "req-42", "grpc-retry-pushback-ms", "1500"))

	names := []string{}
	for name := range everyAction() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		label := "Do this: " + name
		add("action-"+name, "an action of this kind, with all that it can say",
			act(&action{Actor: status.ByCallerCode, Label: label, ThenRetry: true, Required: name == "fix-fields",
				Action: status.Action(0, "", everyAction()[name]).GetAction()}))
	}
	future := &action{Actor: 77, Label: "Take the new way"}
	future.ProtoReflect().SetUnknown(append(field(150, "\x0a\x03abc"), field(9, "more")...))
	add("action-unknown", "a kind of action, and an actor, of a later version: the label is shown, nothing is done", act(future))
	required := proto.CloneOf(future)
	required.Required = true
	add("action-unknown-required", "a required action that this reader does not know rules out an automatic repeat", act(required))
	add("action-label-only", "an action that is words only", act(&action{Label: "Wait for the librarian"}))
	add("action-of-each-actor", "who has to act", act(
		status.Action(status.ByClient, "a", &recoursev1.Refresh{}), status.Action(status.ByCallerCode, "b", &recoursev1.Refresh{}),
		status.Action(status.ByEndUser, "c", &recoursev1.Refresh{}), status.Action(status.ByAdmin, "d", &recoursev1.Refresh{}),
		status.Action(status.ByServiceOwner, "e", &recoursev1.Refresh{})))
	add("actions-beyond-five", "five actions are enough", act(
		&action{Label: "1"}, &action{Label: "2"}, &action{Label: "3"}, &action{Label: "4"}, &action{Label: "5"}, &action{Label: "6"}))
	add("action-undecodable", "an action that does not decode is left out alone", book(identity, raw("recourse.v1.ErrorDetail", slices.Concat(
		field(1, theCode), field(2, theDomain), field(3, "Ask at the desk."), field(4, "\x12\xff\xff"), field(4, "\x12\x05Renew")))))
	add("action-required-is-to-wait", "to wait is nothing that has to be done before", act(&action{
		Label: "Wait", Required: true, Action: &recoursev1.RecoveryAction_RetryAfter{RetryAfter: &recoursev1.RetryAfter{}}}))
	add("link-not-https", "a link that is not https is no action", act(
		status.Action(status.ByEndUser, "Read", &recoursev1.OpenLink{Url: "http://library.example.com/loans"}),
		status.Action(status.ByEndUser, "Run", &recoursev1.OpenLink{Url: "javascript:alert(1)"}),
		status.Action(status.ByEndUser, "Look", &recoursev1.OpenLink{Url: "https://library.example.com/loans"})))

	for v, name := range map[recoursev1.RetryAdvice_Verdict]string{
		status.SameRequest: "same-request", status.AfterAction: "after-action", status.AtHigherLevel: "at-higher-level", status.Never: "never",
	} {
		add("verdict-"+name, "the server's verdict", book(identity, of(&detail{Retry: verdict(v)})))
		add("verdict-"+name+"-of-a-busy-server", "the server's verdict where the code says to try again",
			fails(codes.Unavailable, "busy", identity, of(&detail{Retry: verdict(v)})))
		add("verdict-"+name+"-of-a-bug", "the server's verdict where the code says nothing",
			fails(codes.Internal, "a bug", identity, of(&detail{Retry: verdict(v)})))
	}
	add("verdict-unknown", "a verdict of a later version can only make a client more careful: NEVER", fails(codes.Unavailable, "busy", identity, of(&detail{Retry: verdict(9)})))
	add("verdict-unspecified-with-metadata", "an advice without a verdict is an advice: the metadata is not asked", fails(codes.Unavailable, "busy",
		&errdetails.ErrorInfo{Reason: theCode, Domain: theDomain, Metadata: map[string]string{"recourseRetry": "NEVER"}}, of(&detail{Retry: &advice{Attempts: 1}})))
	add("verdict-unspecified", "an advice without a verdict leaves it to the code", fails(codes.Unavailable, "busy", identity, of(&detail{Retry: &advice{Attempts: 1}})))
	add("verdict-never-despite-retry-action", "the client does not repeat what somebody else has ruled out since", fails(codes.Unavailable, "busy", identity, of(&detail{
		RecoveryActions: []*action{status.Action(status.ByClient, "Try again", &recoursev1.RetryAfter{}), status.Action(status.ByEndUser, "Try again later", &recoursev1.RetryAfter{})},
		Retry:           verdict(status.Never)})))
	for why := range recoursev1.RetryAdvice_Why_name {
		if name := recoursev1.RetryAdvice_Why(why).String(); why != 0 {
			add("why-"+strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "WHY_")), "_", "-"), "why the server rules a repeat out",
				fails(codes.Unavailable, "busy", identity, of(&detail{Retry: &advice{Verdict: status.Never, Why: recoursev1.RetryAdvice_Why(why), Attempts: 3, ExhaustedBy: "library.v1.Library"}})))
		}
	}
	add("why-unknown", "a reason of a later version says nothing", fails(codes.Unavailable, "busy", identity, of(&detail{Retry: &advice{Verdict: status.Never, Why: 77}})))
	for o := range recoursev1.Outcome_name {
		if name := recoursev1.Outcome(o).String(); o != 0 {
			add("outcome-"+strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "OUTCOME_")), "_", "-"), "whether the request took effect",
				book(identity, of(&detail{Outcome: recoursev1.Outcome(o)})))
		}
	}
	add("outcome-unknown", "an outcome of a later version says nothing", book(identity, of(&detail{Outcome: 77})))
	add("outcome-not-applied-at-deadline", "a deadline that passed before anything was done: the request may be sent again",
		fails(codes.DeadlineExceeded, "too late", identity, of(&detail{Outcome: status.NotApplied})))

	add("delay", "the least wait", fails(codes.Unavailable, "busy", identity, delay(durationpb.New(30*time.Second))))
	add("delay-of-nothing", "a delay of nothing is one", fails(codes.Unavailable, "busy", identity, delay(&durationpb.Duration{})))
	add("delay-missing", "a RetryInfo that says nothing", fails(codes.Unavailable, "busy", identity, delay(nil)))
	add("delay-below-a-millisecond", "what is less than a millisecond is cut", fails(codes.Unavailable, "busy", identity, delay(durationpb.New(1999*time.Microsecond))))
	add("delay-negative", "a negative delay is none to wait", fails(codes.Unavailable, "busy", identity, delay(durationpb.New(-time.Second))))
	add("delay-invalid", "a duration whose parts contradict each other is none", fails(codes.Unavailable, "busy", identity, delay(&durationpb.Duration{Seconds: 1, Nanos: -5})))
	add("delay-beyond-all-durations", "more than a duration may be is none", fails(codes.Unavailable, "busy", identity, delay(&durationpb.Duration{Seconds: math.MaxInt64})))
	add("delay-of-ten-thousand-years", "the longest duration there is counts as 292 years", fails(codes.Unavailable, "busy", identity, delay(&durationpb.Duration{Seconds: 315576000000})))
	add("delay-twice", "the first counts", fails(codes.Unavailable, "busy", identity, delay(durationpb.New(time.Second)), delay(durationpb.New(time.Minute))))
	add("delay-of-a-quota", "a used-up limit may be asked again where the server says when", fails(codes.ResourceExhausted, "enough", identity, delay(durationpb.New(time.Minute))))

	add("info-only", "a server that sends standard details alone", book(identity))
	add("info-missing", "an ErrorDetail says who it is about itself", book(of(&detail{Suggestion: "Ask at the desk."})))
	add("info-empty", "an ErrorInfo that says nothing", book(&errdetails.ErrorInfo{}, &detail{Suggestion: "Ask at the desk."}))
	add("info-twice", "the first counts", book(identity, &errdetails.ErrorInfo{Reason: "OTHER_ERROR", Domain: "other.example.com"}))
	add("info-last", "the ErrorInfo counts wherever it stands", book(of(&detail{Suggestion: "Ask at the desk."}), identity))
	add("info-of-another-style", "an error code is what the service says", book(&errdetails.ErrorInfo{Reason: "book-on-loan", Domain: "Library"}))
	add("info-undecodable", "an ErrorInfo of broken bytes is left out", book(raw("google.rpc.ErrorInfo", []byte{0x0a, 0xff})))
	add("info-undecodable-before-another", "one that does not decode is as if it were not there", book(raw("google.rpc.ErrorInfo", []byte{0x0a, 0xff}), identity))
	add("info-under-another-host", "what stands before the last slash of a type does not count", book(&anypb.Any{
		TypeUrl: "types.example.com/x/google.rpc.ErrorInfo", Value: slices.Concat(field(1, theCode), field(2, theDomain))}))
	add("metadata-odd", "keys that are none are left out", book(&errdetails.ErrorInfo{Reason: theCode, Domain: theDomain, Metadata: map[string]string{
		"__proto__": "a key", "": "no key", strings.Repeat("k", 65): "too long", "bad\nkey": "unclean", "value": " \x1b[31mred\n", "Key": "not as AIP-193 has it", "empty": ""}}))
	crowd := map[string]string{}
	for i := range 70 {
		crowd[fmt.Sprintf("key%02d", i)] = "v"
	}
	add("metadata-beyond-64", "the first 64 entries, in the order of their keys", book(&errdetails.ErrorInfo{Reason: theCode, Domain: theDomain, Metadata: crowd}))
	add("metadata-says-too-much", "an outcome or a verdict of more than 64 bytes is left out", book(&errdetails.ErrorInfo{Reason: theCode, Domain: theDomain, Metadata: map[string]string{
		"recourseOutcome": strings.Repeat("X", 65), "recourseRetry": strings.Repeat("Y", 65)}}))
	add("metadata-says-it-all", "a server behind a gateway that knows google.rpc only: outcome and verdict stand in the metadata", book(&errdetails.ErrorInfo{
		Reason: theCode, Domain: theDomain, Metadata: map[string]string{"recourseOutcome": "NOT_APPLIED", "recourseRetry": "AT_HIGHER_LEVEL", "book": "42"}}))
	add("metadata-verdict-unknown", "a verdict of a later version in the metadata", book(&errdetails.ErrorInfo{
		Reason: theCode, Domain: theDomain, Metadata: map[string]string{"recourseOutcome": "SIDEWAYS", "recourseRetry": "SOMETIMES"}}))
	add("metadata-says-nothing", "an outcome and a verdict without a name are none", book(&errdetails.ErrorInfo{
		Reason: theCode, Domain: theDomain, Metadata: map[string]string{"recourseOutcome": "", "recourseRetry": ""}}))
	add("metadata-against-detail", "the ErrorDetail goes before the metadata", book(&errdetails.ErrorInfo{
		Reason: theCode, Domain: theDomain, Metadata: map[string]string{"recourseOutcome": "APPLIED", "recourseRetry": "NEVER"}},
		of(&detail{Outcome: status.NotApplied, Retry: verdict(status.SameRequest)})))

	add("detail-of-another-error", "an ErrorDetail about another error, left behind by a hop between, is not heeded", book(identity,
		&detail{ErrorCode: "SHELF_DOWN", Domain: theDomain, Suggestion: "not this", Retry: verdict(status.Never), RecoveryActions: []*action{{Label: "not this"}}}))
	add("detail-of-another-domain", "the domain is part of what an ErrorDetail is about", book(identity, &detail{ErrorCode: theCode, Domain: "other.example.com", Suggestion: "not this"}))
	add("detail-twice", "of two ErrorDetails the first counts, the second fills in what it leaves out", book(identity,
		of(&detail{Suggestion: "the first"}), of(&detail{Suggestion: "the second", Outcome: status.NotApplied, RecoveryActions: []*action{{Label: "of the second"}}})))
	add("detail-twice-with-everything", "the second of two ErrorDetails says nothing that the first has said", book(identity,
		of(&detail{Suggestion: "1", Outcome: status.NotApplied, Retry: verdict(status.SameRequest), Operation: "one", RecoveryActions: []*action{{Label: "one"}}}),
		of(&detail{Suggestion: "2", Outcome: recoursev1.Outcome_OUTCOME_APPLIED, Retry: verdict(status.Never), Operation: "two", RecoveryActions: []*action{{Label: "two"}}})))
	add("detail-undecodable", "an ErrorDetail of broken bytes is left out", book(identity, raw("recourse.v1.ErrorDetail", []byte{0x0a, 0x0c, 'B'})))
	add("detail-empty-value", "an ErrorDetail of no bytes is about no error", book(identity, raw("recourse.v1.ErrorDetail", nil)))
	add("detail-with-unknown-fields", "what a later version adds does not disturb", book(identity, raw("recourse.v1.ErrorDetail", slices.Concat(
		field(1, theCode), field(2, theDomain), field(3, "Ask at the desk."), field(99, "more"), protowire.AppendVarint(protowire.AppendTag(nil, 98, protowire.VarintType), 7)))))
	add("unknown-detail", "a type that nobody knows is passed over", book(raw("acme.v1.Novelty", []byte{1, 2, 3}), identity, raw("acme.v1.Novelty", field(1, "x")), of(&detail{Suggestion: "Ask at the desk."})))
	add("unknown-detail-without-type", "a detail without a type", book(&anypb.Any{Value: []byte{1}}, &anypb.Any{}, identity))
	thirty := []proto.Message{}
	for range 32 {
		thirty = append(thirty, raw("acme.v1.Novelty", nil))
	}
	add("thirty-two-details-are-read", "what comes after 32 details is not read", book(append(slices.Clone(thirty), identity)...))
	add("thirty-two-details", "32 details are read", book(append(slices.Clone(thirty[:31]), identity)...))
	const large = "sixty-four-kib-are-read"
	add(large, "what comes after 64 KiB of details is not read", book(identity, raw("acme.v1.Novelty", make([]byte, 64<<10)), of(&detail{Suggestion: "too late"})))
	fileOnly := all[large]
	fileOnly.FileOnly = "no client takes trailers as long"
	all[large] = fileOnly
	garbage := book()
	garbage.Status = []byte("this is no status \xff\xfe")
	add("status-undecodable", "details that are no google.rpc.Status: the code and the message are left", garbage)
	other := book(identity)
	other.Message = "the message of the call"
	add("status-message", "the message of the status counts, which may be longer than a header takes", other)
	add("standard-details", "what google.rpc has for a bad request", fails(codes.InvalidArgument, "2 fields are invalid", identity,
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "reader", Reason: "REQUIRED", Description: "a reader is required"}}}))

	add("request-id-of-the-trailers", "every failed call has one", trailers(book(identity), "x-request-id", "req-1"))
	add("request-id-of-a-plain-server", "the trailers count without any details", trailers(fails(codes.Internal, "a bug"), "x-request-id", "req-1"))
	add("request-id-twice", "the detail goes before the trailers", trailers(book(identity, &errdetails.RequestInfo{RequestId: "req-2"}), "x-request-id", "req-1"))
	add("request-id-empty-in-the-detail", "an empty detail leaves it to the trailers", trailers(book(identity, &errdetails.RequestInfo{}), "x-request-id", "req-1"))
	add("request-id-of-the-second", "the first that is not empty counts", book(identity, &errdetails.RequestInfo{}, &errdetails.RequestInfo{RequestId: "req-2"}))
	add("request-id-hostile", "an id of control characters and of any length", trailers(book(identity,
		&errdetails.RequestInfo{RequestId: "req\r\n\x1b[2J-3 " + strings.Repeat("x", 200)}), "x-request-id", "req-1"))

	add("text-not-ascii", "text of all scripts, joined emoji and selectors stay", fails(codes.NotFound, "das Buch »Übung« fehlt: 本がありません 👩‍🚀 ❤️ می\u200cخواهم",
		&errdetails.ErrorInfo{Reason: theCode, Domain: theDomain, Metadata: map[string]string{"title": "Übung"}}, of(&detail{Suggestion: "本を返してください。", RecoveryActions: []*action{{Label: "Zurück zur Übersicht"}}})))
	add("text-control-characters", "control characters, escape sequences and line breaks are removed or become spaces", fails(codes.NotFound, "a\x00b\tc\r\nd\x1b[31me\x7ff\u0085g\u2028h",
		identity, of(&detail{Suggestion: "  x\x1b]0;title\x07y\n\nz  ", Operation: "op\nerate", RecoveryActions: []*action{{Label: "\x1b[2Jlabel\u00a0end\n"}}})))
	add("text-direction", "characters that turn, hide or fill are removed", fails(codes.NotFound, "abc\u202edef\u2066g\u200b\ufeff\u00adh\u2800i\U000e0041j\u115fk\u3164l\u180em\u2060n",
		identity, of(&detail{Suggestion: "\u202egnp.exe", RecoveryActions: []*action{{Label: "\u200e\u200f\u061c"}}})))
	add("text-long", "text is cut to its limit on the boundary of a character", fails(codes.NotFound, strings.Repeat("é", 200),
		&errdetails.ErrorInfo{Reason: strings.Repeat("A", 100), Domain: strings.Repeat("d", 300)},
		&detail{ErrorCode: strings.Repeat("A", 100), Domain: strings.Repeat("d", 300), Suggestion: strings.Repeat("本 ", 100),
			Operation: strings.Repeat("o", 300), RecoveryActions: []*action{{Label: "x" + strings.Repeat("👍", 30)}}}))
	add("text-at-the-limit", "text of just the limit stays", fails(codes.NotFound, strings.Repeat("m", 256),
		&errdetails.ErrorInfo{Reason: strings.Repeat("A", 63), Domain: strings.Repeat("d", 253)},
		&detail{ErrorCode: strings.Repeat("A", 63), Domain: strings.Repeat("d", 253), Suggestion: strings.Repeat("s", 256), RecoveryActions: []*action{{Label: strings.Repeat("l", 80)}}}))
	add("text-in-actions", "texts and lists inside of actions have limits too", act(
		status.Action(status.ByEndUser, "fix", &recoursev1.FixFields{Fixes: many(30)}),
		status.Action(status.ByEndUser, "ask", &recoursev1.RequestAccess{Permissions: []string{strings.Repeat("p", 300), "\x1b[31mread\n"}, Resource: "a\u202eb"}),
		status.Action(status.ByEndUser, "call", &recoursev1.CallMethod{Method: "/x.Y/Z", CopyFields: map[string]string{"a\tb": "e", "a\nb": "c\td", "a b": "the last"}})))
	add("text-not-utf8", "a byte that is no text costs that byte, not the error", book(
		raw("google.rpc.ErrorInfo", slices.Concat(field(1, theCode), field(2, theDomain), field(3, string(slices.Concat(field(1, "book"), field(2, "4\xff2")))))),
		raw("recourse.v1.ErrorDetail", slices.Concat(field(1, theCode), field(2, theDomain), field(3, "Ask at \xffthe desk."),
			field(4, string(slices.Concat(field(2, "Rene\xffw"), field(105, string(field(1, "books/\xff42")))))), field(7, "Le\xffnd")))))
	add("text-blank", "text of blanks is none", fails(codes.NotFound, "   ", identity, of(&detail{Suggestion: " \n\t "})))
	add("text-percent", "a message that looks like an encoding of one", fails(codes.NotFound, "100%25 of 100% %zz", identity))

	for _, budget := range []int{status.DefaultTrailerBytes, 7168} {
		add(fmt.Sprintf("largest-of-%d", budget), "as much as fits into the trailers, by the server's own measure", largest(budget))
	}

	stale := &recoursev1.Degraded{
		Kind: recoursev1.Degraded_KIND_STALE, ErrorCode: "SHELF_UNREACHABLE", Domain: theDomain, Suggestion: "The list may be out of date.",
		RecoveryActions: []*action{status.Action(status.ByEndUser, "Read it again", &recoursev1.Refresh{Resource: "books"})},
		Age:             durationpb.New(90 * time.Second), Source: "last good answer",
	}
	line := `stale;src="last good answer";age=90;reason=SHELF_UNREACHABLE`
	add("answer", "an answer that is the real one", answers())
	add("degraded", "an answer that is not the real one", answers("recourse-degraded-bin", mark(stale), "recourse-degraded", line))
	add("degraded-in-both", "the trailers win over headers that came before the first message", golden.Call{
		Headers:  pairs([]string{"recourse-degraded-bin", mark(stale), "recourse-degraded", line}),
		Trailers: pairs([]string{"recourse-degraded-bin", mark(&recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL}), "recourse-degraded", "partial"})})
	for k, name := range recoursev1.Degraded_Kind_name {
		if k != 0 {
			add("degraded-"+strings.ToLower(strings.TrimPrefix(name, "KIND_")), "a kind of degraded answer", answers("recourse-degraded-bin", mark(&recoursev1.Degraded{Kind: recoursev1.Degraded_Kind(k)})))
		}
	}
	add("degraded-text-only", "a proxy has dropped the binary part", answers("recourse-degraded", line))
	add("degraded-text-of-the-future", "a word that nobody knows yet still marks the answer", answers("recourse-degraded", "sideways;age=1"))
	add("degraded-undecodable", "a mark of broken bytes leaves the text", answers("recourse-degraded-bin", base64.RawStdEncoding.EncodeToString([]byte{0x12, 0xff}), "recourse-degraded", "default"))
	add("degraded-empty", "a mark that says nothing still marks the answer", answers("recourse-degraded-bin", ""))
	add("degraded-kind-unknown", "a kind of a later version", answers("recourse-degraded-bin", mark(&recoursev1.Degraded{Kind: 77, Suggestion: "See the new page."})))
	add("degraded-hostile", "its texts are as clean as those of errors", answers("recourse-degraded-bin", mark(&recoursev1.Degraded{
		Kind: recoursev1.Degraded_KIND_DEFAULT, ErrorCode: theCode, Domain: "library\u202e.example.com", Suggestion: "\x1b[31mred\n" + strings.Repeat("s", 300),
		RecoveryActions: []*action{{Label: "a\u200bb"}, status.Action(0, "Run", &recoursev1.OpenLink{Url: "javascript:alert(1)"})},
		Age:             &durationpb.Duration{Seconds: -5}, Source: strings.Repeat("z", 100) + "\n"})))
	add("degraded-no-code", "a domain without an error code says nothing", answers("recourse-degraded-bin", mark(&recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_DEFAULT, Domain: theDomain})))
	add("degraded-unusable", "what is left of a mark that is clean to nothing", answers("recourse-degraded-bin", mark(&recoursev1.Degraded{
		Kind: recoursev1.Degraded_KIND_DEFAULT, ErrorCode: "\u202e", Domain: theDomain, Suggestion: " \n ", Source: " a ",
		RecoveryActions: []*action{status.Action(0, "Run", &recoursev1.OpenLink{Url: "javascript:alert(1)"})}})))
	add("degraded-of-another-style", "an error code is what the service says", answers("recourse-degraded-bin", mark(&recoursev1.Degraded{
		Kind: recoursev1.Degraded_KIND_DEFAULT, ErrorCode: "book-on-loan", Domain: "Library"})))
	add("degraded-not-utf8", "a byte that is no text costs that byte, not the mark", answers("recourse-degraded-bin", base64.RawStdEncoding.EncodeToString(
		slices.Concat(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1), field(4, "Ask at \xffthe desk."))), "recourse-degraded", "default"))
	add("degraded-action-undecodable", "a mark is read whole, or not at all", answers("recourse-degraded-bin", base64.RawStdEncoding.EncodeToString(
		slices.Concat(field(4, "Ask at the desk."), field(5, "\x12\xff\xff"))), "recourse-degraded", "default"))
	add("degraded-failed", "a call that failed has no answer to be degraded", trailers(book(identity), "recourse-degraded-bin", mark(stale), "recourse-degraded", line))
	return all
}

func many(n int) (fixes []*recoursev1.FixFields_Fix) {
	for i := range n {
		fixes = append(fixes, &recoursev1.FixFields_Fix{Field: fmt.Sprintf("items[%d]", i)})
	}
	return fixes
}

// largest is an error that has just as much in it as the budget allows.
func largest(budget int) golden.Call {
	encode := func(n int) status.Encoded {
		return status.New(codes.InvalidArgument, "ROWS_INVALID", strings.Repeat("Many rows are invalid. ", 11), status.Suggest("Correct the rows and send them again."),
			status.Meta("firstRow", strings.Repeat("0123456789", n/10)+"0123456789"[:n%10]), status.Outcome(status.NotApplied),
			status.Violation("rows[0].text", "REQUIRED", "the row has no text"),
			status.Help("What a row may be", "https://library.example.com/rows"),
			status.Recover(status.Action(status.ByCallerCode, "Correct the rows", &recoursev1.FixFields{Fixes: many(25)})),
		).Encode(status.Rendering{Domain: theDomain, RequestID: "req-42", TrailerBytes: budget})
	}
	whole := sort.Search(budget, func(n int) bool { return elided(encode(n)) > 0 }) - 1
	enc := encode(whole)
	return golden.Call{Code: uint32(codes.InvalidArgument), Message: enc.Status.Message(), Status: encoded(enc.Status.Proto()), Trailers: headers{"x-request-id": "req-42"}}
}

func elided(enc status.Encoded) int {
	e, _ := status.From(enc.Status.Err())
	return e.Elided()
}
