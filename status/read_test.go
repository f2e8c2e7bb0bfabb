package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestFromFindsTheStatusWhereverItIs(t *testing.T) {
	made := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book")
	overWire := plain(sent(t, made, status.Rendering{}))
	var none *status.Error
	tests := []struct {
		name string
		err  error
		want string // of Error, "" for none
	}{
		{"nil", nil, ""},
		{"a nil Error", none, ""},
		{"no status", io.EOF, ""},
		{"no status, wrapped", fmt.Errorf("a: %w", io.EOF), ""},
		{"context", fmt.Errorf("a: %w", errors.ErrUnsupported), ""},
		{"GRPCStatus is nil", statusError{}, ""},
		{"GRPCStatus is OK", statusError{grpcstatus.New(codes.OK, "fine")}, ""},
		{"GRPCStatus is OK with details", statusError{rpcStatus(t, codes.OK, &errdetails.BadRequest{})}, ""},
		{"GRPCStatus panics", &panicsOn{grpc: true}, ""},
		{"Unwrap panics", &panicsOn{unwrap: true}, ""},
		{"a cycle", &cycle{}, ""},
		{"a bush without end", &bush{}, ""},

		{"made here", made, "NotFound BOOK_NOT_FOUND: no such book"},
		{"wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", made)), "NotFound BOOK_NOT_FOUND: no such book"},
		{"joined", errors.Join(io.EOF, made), "NotFound BOOK_NOT_FOUND: no such book"},
		{"joined and wrapped", fmt.Errorf("%w, %w", io.EOF, fmt.Errorf("a: %w", errors.Join(nil, made))), "NotFound BOOK_NOT_FOUND: no such book"},
		{"grpc-go's", overWire, "NotFound BOOK_NOT_FOUND: no such book"},
		{"grpc-go's, wrapped: its own message, not the wrapper's", fmt.Errorf("a: %w", overWire), "NotFound BOOK_NOT_FOUND: no such book"},
		{"grpc-go's, joined", errors.Join(io.EOF, overWire), "NotFound BOOK_NOT_FOUND: no such book"},
		{"GRPCStatus of another type", statusError{grpcstatus.New(codes.Aborted, "a\nb")}, "Aborted ABORTED: a b"},
		{"unknown code", statusError{grpcstatus.New(99, "new")}, "Unknown UNKNOWN: new"},
		{"the worst of several", errors.Join(plain(rpc(t, codes.Unavailable, "u")), plain(rpc(t, codes.PermissionDenied, "p"))), "PermissionDenied PERMISSION_DENIED: p"},
		{"made here before received before grpc-go's", errors.Join(plain(rpc(t, codes.DataLoss, "g")), remote(rpc(t, codes.Internal, "r")), made), "NotFound BOOK_NOT_FOUND: no such book"},
		{"received before grpc-go's", errors.Join(plain(rpc(t, codes.DataLoss, "g")), remote(rpc(t, codes.Aborted, "r"))), "Aborted ABORTED: r"},
		{"a status around an Error", &statusAround{grpcstatus.New(codes.Aborted, "outer"), made}, "NotFound BOOK_NOT_FOUND: no such book"},
		{"a status around a status", &statusAround{grpcstatus.New(codes.Aborted, "outer"), overWire}, "Aborted ABORTED: outer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, ok := status.From(test.err)
			if ok != (test.want != "") || ok != (e != nil) {
				t.Fatalf("From = %v, %v", e, ok)
			}
			if ok && e.Error() != test.want {
				t.Errorf("got %q, want %q", e, test.want)
			}
			if _, has := status.Detail[*errdetails.BadRequest](test.err); has {
				t.Error("a detail that From does not see")
			}
		})
	}
}

type statusAround struct {
	st    *grpcstatus.Status
	inner error
}

func (s *statusAround) Error() string                  { return "around" }
func (s *statusAround) Unwrap() error                  { return s.inner }
func (s *statusAround) GRPCStatus() *grpcstatus.Status { return s.st }

func TestFromKeepsWhatItFinds(t *testing.T) {
	made := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book")
	if got := read(t, fmt.Errorf("a: %w", made)); got != made {
		t.Error("From made another Error of the one that was there")
	}
	first, second := remote(rpc(t, codes.Unavailable, "first")), remote(rpc(t, codes.NotFound, "second"))
	e := read(t, errors.Join(first, second))
	if e != second {
		t.Errorf("of two errors that were received From made %v", e)
	}
	// What a handler gets from From and returns is still a dependency's failure.
	if got := status.Classify(e); got.Code() != codes.Internal || strings.Contains(got.Error(), "second") {
		t.Errorf("Classify of an error that From returned: %v", got)
	}
}

func TestDetailReadsOneOfMany(t *testing.T) {
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a", Description: "unclean \x1b"}}}
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}
	first, second := &errdetails.ResourceInfo{ResourceName: "first"}, &errdetails.ResourceInfo{ResourceName: "second"}
	p := rpc(t, codes.FailedPrecondition, "m", unknownAny("x"), retry, broken("google.rpc.ResourceInfo"), first, unknownAny("y"), second, bad)
	p.Details = append(p.Details, nil, &anypb.Any{}, &anypb.Any{TypeUrl: "google.rpc.Help"})
	whole := status.New(codes.FailedPrecondition, "X_Y", "m", status.Attach(bad, first), status.RetryAfter(time.Second))
	for name, err := range map[string]error{
		"grpc-go's": plain(p), "wrapped": fmt.Errorf("a: %w", plain(p)), "joined": errors.Join(io.EOF, plain(p)), "received": remote(p),
		"of another type": statusError{grpcstatus.FromProto(p)},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, err, bad)
			check(t, err, retry)
			check(t, err, first)
			if got, ok := status.Detail[*errdetails.QuotaFailure](err); ok || got != nil {
				t.Errorf("a detail that is not there: %v", got)
			}
			var found []proto.Message
			for d := range status.Details[*errdetails.ResourceInfo](err) {
				found = append(found, d)
			}
			if d := diff([]proto.Message{first, second}, found); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			for d := range status.Details[*errdetails.ResourceInfo](err) {
				if d.GetResourceName() != "first" {
					t.Errorf("the loop went on after break: %v", d)
				}
				break
			}
		})
	}
	t.Run("made here", func(t *testing.T) {
		clean := proto.CloneOf(bad)
		clean.FieldViolations[0].Description = "unclean"
		check(t, whole, clean)
		check(t, whole, retry)
		check(t, whole, first)
		check(t, whole, &errdetails.ErrorInfo{Reason: "X_Y"})
	})
	t.Run("no status", func(t *testing.T) {
		for _, err := range []error{nil, io.EOF, (*status.Error)(nil)} {
			if _, ok := status.Detail[*errdetails.BadRequest](err); ok {
				t.Errorf("Detail(%v) found one", err)
			}
		}
	})
}

func check[T proto.Message](t *testing.T, err error, want T) {
	t.Helper()
	got, ok := status.Detail[T](err)
	if !ok {
		t.Errorf("no %T", want)
	} else if d := diff(want, got); d != "" {
		t.Errorf("%T: -want +got:\n%s", want, d)
	}
}

func TestDetailsOfATypeWithoutNameAreNone(t *testing.T) {
	err := plain(rpc(t, codes.NotFound, "m", &errdetails.Help{}))
	if m, ok := status.Detail[proto.Message](err); ok {
		t.Errorf("Detail[proto.Message] = %v", m)
	}
	if m, ok := status.Detail[*dynamicpb.Message](err); ok {
		t.Errorf("Detail[*dynamicpb.Message] = %v", m)
	}
}

func TestDetailMatchesTheTypeBehindTheLastSlash(t *testing.T) {
	a := packed(t, &errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://a"}}})
	for url, want := range map[string]bool{
		"type.googleapis.com/google.rpc.Help": true, "/google.rpc.Help": true, "a/b/google.rpc.Help": true, "google.rpc.Help": true,
		"type.googleapis.com/google.rpc.Helpful": false, "google.rpc.Help/": false, "": false,
	} {
		a.TypeUrl = url
		if _, got := status.Detail[*errdetails.Help](plain(rpc(t, codes.NotFound, "", a))); got != want {
			t.Errorf("%q read: %v, want %v", url, got, want)
		}
	}
}

func TestDetailMendsStringsThatAreNotUTF8(t *testing.T) {
	info := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "BAD\xff")
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "key")
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), "v\xc3\x28")
	info = protowire.AppendBytes(protowire.AppendTag(info, 3, protowire.BytesType), entry)
	info = protowire.AppendVarint(protowire.AppendTag(info, 99, protowire.VarintType), 7)
	err := plain(rpc(t, codes.NotFound, "", &anypb.Any{TypeUrl: "x/google.rpc.ErrorInfo", Value: info}))

	got, ok := status.Detail[*errdetails.ErrorInfo](err)
	if !ok {
		t.Fatal("one bad byte made the whole detail unreadable")
	}
	if got.GetReason() != "BAD\ufffd" || got.GetMetadata()["key"] != "v\ufffd(" || len(got.ProtoReflect().GetUnknown()) == 0 {
		t.Errorf("got %v, unknown fields %x", got, got.ProtoReflect().GetUnknown())
	}
	if got := read(t, err).Metadata()["key"]; got != "v\ufffd(" {
		t.Errorf("the metadata has %q", got)
	}
}

// If this fails, grpc-go or protobuf-go has changed its types: everything still works,
// with a copy of the status at each reading. Teach statusLayout the new ones.
func TestLayoutOfStatusIsKnown(t *testing.T) {
	if !status.KnowsLayout() {
		t.Error("grpc-go's Status is not what statusLayout expects")
	}
}

func TestReadersWithoutReflectionReadTheSame(t *testing.T) {
	p := sent(t, everything(), status.Rendering{TrailerBytes: status.MaxTrailerBytes})
	want, _ := status.Detail[*errdetails.BadRequest](plain(p))
	defer status.ForgetLayout()()
	got, ok := status.Detail[*errdetails.BadRequest](plain(p))
	if d := diff(want, got); !ok || d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for range status.Details[*errdetails.BadRequest](plain(p)) {
		break
	}
	if d := diff(p, sent(t, restored(p), status.Rendering{TrailerBytes: status.MaxTrailerBytes})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// The receiver gets all that the sender put in.
func TestReadersReturnWhatWasSent(t *testing.T) {
	e := everything()
	for name, got := range map[string]*status.Error{
		"From":      read(t, plain(sent(t, e, status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}))),
		"Received":  remote(sent(t, e, status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes})),
		"FromProto": restored(sent(t, e, status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes})),
	} {
		t.Run(name, func(t *testing.T) {
			facts := func(e *status.Error) map[string]any {
				delay, hasDelay := e.RetryDelay()
				return map[string]any{
					"Code": e.Code(), "ErrorCode": e.ErrorCode(), "Domain": e.Domain(), "Message": e.Message(), "Suggestion": e.Suggestion(),
					"Metadata": e.Metadata(), "Outcome": e.Outcome(), "RetryAdvice": e.RetryAdvice(), "Verdict": e.Verdict(),
					"RequestID": e.RequestID(), "Operation": e.Operation(), "Causes": e.Causes(), "CatalogVersion": e.CatalogVersion(),
					"delay": delay, "hasDelay": hasDelay, "Elided": e.Elided(),
				}
			}
			if d := diff(facts(e), facts(got)); d != "" {
				t.Errorf("-sent +read:\n%s", d)
			}
			want := e.RecoveryActions()
			want[3].GetContactSupport().Reference = "req-1" // filled in for the caller
			if d := diff(want, got.RecoveryActions()); d != "" {
				t.Errorf("-sent +read:\n%s", d)
			}
		})
	}
}

func TestTheErrorDetailOfAnotherErrorIsDropped(t *testing.T) {
	full := func(code, dom string) *recoursev1.ErrorDetail {
		return &recoursev1.ErrorDetail{
			ErrorCode: code, Domain: dom, Suggestion: "s", Operation: "o", CatalogVersion: "v", Outcome: recoursev1.Outcome_OUTCOME_APPLIED,
			Retry: &recoursev1.RetryAdvice{Verdict: sameRequest}, RecoveryActions: []*recoursev1.RecoveryAction{{Label: "l"}},
			Causes: []*recoursev1.CauseLink{{Service: "s"}}, Elided: 7,
		}
	}
	info := &errdetails.ErrorInfo{Reason: "BOOK_LENT", Domain: domain}
	tests := []struct {
		name    string
		details []proto.Message
		kept    bool
	}{
		{"agrees", []proto.Message{info, full("BOOK_LENT", domain)}, true},
		{"agrees, other order", []proto.Message{full("BOOK_LENT", domain), unknownAny(""), info}, true},
		{"other code", []proto.Message{info, full("BOOK_LOST", domain)}, false},
		{"other domain", []proto.Message{info, full("BOOK_LENT", "b.com")}, false},
		{"other domain, other order", []proto.Message{full("BOOK_LENT", "b.com"), info}, false},
		{"no domain", []proto.Message{info, full("BOOK_LENT", "")}, false},
		{"no identity", []proto.Message{info, full("", "")}, false},
		{"no ErrorInfo", []proto.Message{full("BOOK_LENT", domain)}, true},
		{"an empty ErrorInfo", []proto.Message{&errdetails.ErrorInfo{}, full("BOOK_LENT", domain)}, true},
		{"a broken ErrorInfo", []proto.Message{broken("google.rpc.ErrorInfo"), full("BOOK_LENT", domain)}, true},
		{"ErrorInfo of the domain alone", []proto.Message{&errdetails.ErrorInfo{Domain: domain}, full("BOOK_LENT", domain)}, false},
		{"two ErrorInfos, the second agrees", []proto.Message{info, &errdetails.ErrorInfo{Reason: "BOOK_LOST", Domain: domain}, full("BOOK_LOST", domain)}, false},
		{"a stale one before the right one", []proto.Message{info, full("BOOK_LOST", domain), full("BOOK_LENT", domain)}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := read(t, plain(rpc(t, codes.NotFound, "m", test.details...)))
			got := []any{e.Suggestion(), e.Operation(), e.CatalogVersion(), e.Outcome(), e.Verdict(), len(e.RecoveryActions()), len(e.Causes())}
			want := []any{"Check the name or id and try again.", "", "", recoursev1.Outcome_OUTCOME_UNSPECIFIED, never, 0, 0}
			if test.kept {
				want = []any{"s", "o", "v", recoursev1.Outcome_OUTCOME_APPLIED, sameRequest, 1, 1}
			}
			if d := diff(want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if !test.kept && e.Elided() == 0 {
				t.Error("the detail was dropped without being counted")
			}
		})
	}
}

func TestUnknownValuesReadOnTheSafeSide(t *testing.T) {
	with := func(d *recoursev1.ErrorDetail) *status.Error {
		d.ErrorCode = "X_Y"
		return read(t, plain(rpc(t, codes.Unavailable, "m", &errdetails.ErrorInfo{Reason: "X_Y"}, d)))
	}
	for _, v := range []int32{5, 99, -1, math.MaxInt32} {
		e := with(&recoursev1.ErrorDetail{Retry: &recoursev1.RetryAdvice{Verdict: recoursev1.RetryAdvice_Verdict(v), Why: recoursev1.RetryAdvice_Why(v)}})
		if v == 5 { // a known reason
			v = -1
			e = with(&recoursev1.ErrorDetail{Retry: &recoursev1.RetryAdvice{Verdict: 5, Why: -1}})
		}
		if e.Verdict() != never || e.RetryAdvice().GetVerdict() != never {
			t.Errorf("verdict %d reads %v and %v, want NEVER", v, e.Verdict(), e.RetryAdvice())
		}
		if got := e.RetryAdvice().GetWhy(); got != 0 {
			t.Errorf("why %d reads %v, want unspecified", v, got)
		}
		if got := with(&recoursev1.ErrorDetail{Outcome: recoursev1.Outcome(v)}).Outcome(); got != 0 {
			t.Errorf("outcome %d reads %v, want unspecified", v, got)
		}
	}
	if got := with(&recoursev1.ErrorDetail{Retry: &recoursev1.RetryAdvice{}}).Verdict(); got != sameRequest {
		t.Errorf("an empty advice reads %v, want what the code says", got)
	}
}

func TestUnknownActionsKeepTheirLabel(t *testing.T) {
	// An action with the number 199, which nobody has given out.
	future := &recoursev1.RecoveryAction{Actor: recoursev1.RecoveryAction_ACTOR_ADMIN, Label: "Turn it off and on", Required: true}
	body := protowire.AppendBytes(protowire.AppendTag(nil, 199, protowire.BytesType), []byte("\x0a\x01x"))
	future.ProtoReflect().SetUnknown(body)
	p := rpc(t, codes.Unavailable, "m", &errdetails.ErrorInfo{Reason: "X_Y"},
		&recoursev1.ErrorDetail{ErrorCode: "X_Y", RecoveryActions: []*recoursev1.RecoveryAction{future}})
	e := read(t, plain(p))
	actions := e.RecoveryActions()
	if len(actions) != 1 || actions[0].GetLabel() != future.Label || !actions[0].GetRequired() || actions[0].GetActor() != future.Actor || actions[0].GetAction() != nil {
		t.Fatalf("got %v", actions)
	}
	forwarded, _ := status.From(status.PassThrough(e))
	got := detail[*recoursev1.ErrorDetail](t, sent(t, forwarded, status.Rendering{})).GetRecoveryActions()
	if len(got) != 1 || string(got[0].ProtoReflect().GetUnknown()) != string(body) {
		t.Errorf("forwarded without its unknown bytes: %v", got)
	}
}

func TestMirrorSpeaksWhereTheErrorDetailIsMissing(t *testing.T) {
	unspecified := recoursev1.Outcome_OUTCOME_UNSPECIFIED
	applied := recoursev1.Outcome_OUTCOME_APPLIED
	tests := []struct {
		name    string
		meta    map[string]string
		detail  *recoursev1.ErrorDetail
		outcome recoursev1.Outcome
		verdict recoursev1.RetryAdvice_Verdict
		said    bool
	}{
		{"nothing", nil, nil, unspecified, sameRequest, false},
		{"both", map[string]string{"recourseOutcome": "APPLIED", "recourseRetry": "AFTER_ACTION"}, nil, applied, afterAction, true},
		{"nothing said", map[string]string{"recourseOutcome": "UNSPECIFIED", "recourseRetry": "UNSPECIFIED"}, nil, unspecified, sameRequest, false},
		{"unknown words", map[string]string{"recourseOutcome": "MAYBE", "recourseRetry": "PERHAPS"}, nil, unspecified, never, true},
		{"empty", map[string]string{"recourseOutcome": "", "recourseRetry": ""}, nil, unspecified, sameRequest, false},
		{"the detail wins", map[string]string{"recourseOutcome": "NOT_APPLIED", "recourseRetry": "NEVER"},
			&recoursev1.ErrorDetail{ErrorCode: "X_Y", Outcome: applied, Retry: &recoursev1.RetryAdvice{Verdict: atHigherLevel}}, applied, atHigherLevel, true},
		{"a dropped detail does not", map[string]string{"recourseOutcome": "APPLIED", "recourseRetry": "NEVER"},
			&recoursev1.ErrorDetail{ErrorCode: "STALE", Outcome: recoursev1.Outcome_OUTCOME_NOT_APPLIED, Retry: &recoursev1.RetryAdvice{Verdict: sameRequest}}, applied, never, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := rpc(t, codes.Unavailable, "m", &errdetails.ErrorInfo{Reason: "X_Y", Metadata: test.meta})
			if test.detail != nil {
				p.Details = append(p.Details, packed(t, test.detail))
			}
			e := read(t, plain(p))
			if e.Outcome() != test.outcome || e.Verdict() != test.verdict || (e.RetryAdvice() != nil) != test.said {
				t.Errorf("got %v, %v, %v; want %v, %v, said %v", e.Outcome(), e.Verdict(), e.RetryAdvice(), test.outcome, test.verdict, test.said)
			}
		})
	}
}

// TestUsualGuidance is the table of what a code alone suggests.
func TestUsualGuidance(t *testing.T) {
	tests := []struct {
		code    codes.Code
		name    string
		verdict recoursev1.RetryAdvice_Verdict
		action  any // the kind of the one usual action
	}{
		{codes.Canceled, "CANCELLED", never, nil},
		{codes.Unknown, "UNKNOWN", never, &recoursev1.RecoveryAction_ContactSupport{}},
		{codes.InvalidArgument, "INVALID_ARGUMENT", afterAction, &recoursev1.RecoveryAction_FixFields{}},
		{codes.DeadlineExceeded, "DEADLINE_EXCEEDED", never, nil},
		{codes.NotFound, "NOT_FOUND", never, nil},
		{codes.AlreadyExists, "ALREADY_EXISTS", never, nil},
		{codes.PermissionDenied, "PERMISSION_DENIED", afterAction, &recoursev1.RecoveryAction_RequestAccess{}},
		{codes.ResourceExhausted, "RESOURCE_EXHAUSTED", never, &recoursev1.RecoveryAction_WaitForQuota{}},
		{codes.FailedPrecondition, "FAILED_PRECONDITION", afterAction, &recoursev1.RecoveryAction_Refresh{}},
		{codes.Aborted, "ABORTED", atHigherLevel, &recoursev1.RecoveryAction_RestartTransaction{}},
		{codes.OutOfRange, "OUT_OF_RANGE", afterAction, &recoursev1.RecoveryAction_FixFields{}},
		{codes.Unimplemented, "UNIMPLEMENTED", never, &recoursev1.RecoveryAction_UpgradeClient{}},
		{codes.Internal, "INTERNAL", never, &recoursev1.RecoveryAction_ContactSupport{}},
		{codes.Unavailable, "UNAVAILABLE", sameRequest, &recoursev1.RecoveryAction_RetryAfter{}},
		{codes.DataLoss, "DATA_LOSS", never, &recoursev1.RecoveryAction_ContactSupport{}},
		{codes.Unauthenticated, "UNAUTHENTICATED", afterAction, &recoursev1.RecoveryAction_Reauthenticate{}},
		{99, "UNKNOWN", never, &recoursev1.RecoveryAction_ContactSupport{}},
	}
	if got, want := len(tests)-1, len(everyCode()); got != want {
		t.Errorf("%d codes in the table, want %d", got, want)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for how, e := range map[string]*status.Error{
				"a status without details": read(t, plain(rpc(t, test.code, "m"))),
				"made here, sent and read": read(t, plain(sent(t, restored(rpc(t, test.code, "m")), status.Rendering{}))),
			} {
				if e.ErrorCode() != test.name || e.Verdict() != test.verdict {
					t.Errorf("%s: got %s, %v; want %s, %v", how, e.ErrorCode(), e.Verdict(), test.name, test.verdict)
				}
				if err := clean(e.Suggestion(), status.MaxSuggestion); err != nil || e.Suggestion() == "" {
					t.Errorf("%s: suggestion %q, %v", how, e.Suggestion(), err)
				}
				var outcome recoursev1.Outcome
				if test.code == codes.Canceled || test.code == codes.DeadlineExceeded { // left before its end
					outcome = recoursev1.Outcome_OUTCOME_INDETERMINATE
				}
				if e.RetryAdvice() != nil || e.Outcome() != outcome {
					t.Errorf("%s: advice %v that nobody gave, outcome %v, want %v", how, e.RetryAdvice(), e.Outcome(), outcome)
				}
				actions := e.RecoveryActions()
				if test.action == nil && len(actions) == 0 {
					continue
				}
				if len(actions) != 1 || fmt.Sprintf("%T", actions[0].GetAction()) != fmt.Sprintf("%T", test.action) {
					t.Errorf("%s: actions %v, want one %T", how, actions, test.action)
					continue
				}
				if a := actions[0]; a.GetLabel() == "" || len(a.GetLabel()) > status.MaxLabel || a.GetActor() == 0 {
					t.Errorf("%s: action %v lacks label or actor", how, a)
				}
			}
		})
	}
}

func TestUsualVerdictHeedsDelayAndOutcome(t *testing.T) {
	tests := []struct {
		name string
		code codes.Code
		opt  status.Option
		want recoursev1.RetryAdvice_Verdict
	}{
		{"an exhausted resource with a delay", codes.ResourceExhausted, status.Attach(&errdetails.RetryInfo{RetryDelay: durationpb.New(1)}), sameRequest},
		{"an exhausted resource without", codes.ResourceExhausted, nil, never},
		{"another code with a delay", codes.NotFound, status.Attach(&errdetails.RetryInfo{RetryDelay: durationpb.New(1)}), never},
		{"a deadline, not applied", codes.DeadlineExceeded, status.Outcome(recoursev1.Outcome_OUTCOME_NOT_APPLIED), sameRequest},
		{"a deadline, indeterminate", codes.DeadlineExceeded, status.Outcome(recoursev1.Outcome_OUTCOME_INDETERMINATE), never},
	}
	for _, test := range tests {
		e := status.New(test.code, "", "", test.opt)
		for how, e := range map[string]*status.Error{"made here": e, "received": remote(sent(t, e, status.Rendering{}))} {
			if got := e.Verdict(); got != test.want {
				t.Errorf("%s, %s: %v, want %v", test.name, how, got, test.want)
			}
		}
	}
}

func TestRetryInfoReadsAsADelayThatIsNeverNegative(t *testing.T) {
	tests := []struct {
		name string
		d    *durationpb.Duration
		want time.Duration
		ok   bool
	}{
		{"none", nil, 0, false},
		{"zero", &durationpb.Duration{}, 0, true},
		{"a second", durationpb.New(time.Second), time.Second, true},
		{"negative", durationpb.New(-time.Second), 0, true},
		{"invalid", &durationpb.Duration{Seconds: 1, Nanos: -1}, 0, false},
		{"out of range", &durationpb.Duration{Seconds: math.MaxInt64}, 0, false},
		{"more than a time.Duration holds", &durationpb.Duration{Seconds: 315576000000}, math.MaxInt64, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := read(t, plain(rpc(t, codes.Unavailable, "m", &errdetails.RetryInfo{RetryDelay: test.d}, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})))
			if !test.ok { // the second one speaks
				test.want, test.ok = time.Hour, true
			}
			if got, ok := e.RetryDelay(); got != test.want || ok != test.ok {
				t.Errorf("got %v, %v, want %v, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestReadersTakeNoMoreThanTheirLimits(t *testing.T) {
	last := &errdetails.ResourceInfo{ResourceName: "last"}
	fill := func(n, size int) *spb.Status {
		p := rpc(t, codes.NotFound, "m", &errdetails.ErrorInfo{Reason: "X_Y"})
		for i := range n {
			p.Details = append(p.Details, &anypb.Any{TypeUrl: fmt.Sprintf("t/a.T%d", i), Value: make([]byte, size)})
		}
		p.Details = append(p.Details, packed(t, last))
		return p
	}
	tests := []struct {
		name    string
		p       *spb.Status
		lastIn  bool
		atLeast int // elided
	}{
		{"as many as allowed", fill(status.MaxDetails-2, 10), true, 0},
		{"one too many", fill(status.MaxDetails-1, 10), false, 1},
		{"thousands", fill(5000, 1), false, 5002 - status.MaxDetails},
		{"as large as allowed", fill(2, 30000), true, 0},
		{"too large", fill(2, 33000), false, 2},
		{"one too large", fill(1, status.MaxReceived), false, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := read(t, plain(test.p))
			if _, ok := status.Detail[*errdetails.ResourceInfo](e); ok != test.lastIn {
				t.Errorf("Detail reads the last: %v, want %v", ok, test.lastIn)
			}
			if got := e.Elided(); got < test.atLeast || test.atLeast == 0 && got > 0 {
				t.Errorf("elided %d, want %d", got, test.atLeast)
			}
			if got := e.ErrorCode(); got != "X_Y" {
				t.Errorf("ErrorCode() = %q", got)
			}
			// Passed on, the last of them has a chance where it was read.
			c, _ := status.From(status.PassThrough(e))
			if has := slices.Contains(names(sent(t, c, status.Rendering{TrailerBytes: status.MaxTrailerBytes})), "google.rpc.ResourceInfo"); has != test.lastIn {
				t.Errorf("passed on: %v, want %v", has, test.lastIn)
			}
		})
	}
}

func TestTextsThatWereReceivedAreCleanAndShort(t *testing.T) {
	dirty := "\x1b[31m" + strings.Repeat("x\u202e", 40000) + "\r\n"
	detail := &recoursev1.ErrorDetail{
		ErrorCode: "X_Y", Domain: domain, Suggestion: dirty, Operation: dirty, CatalogVersion: dirty,
		RecoveryActions: []*recoursev1.RecoveryAction{{Label: dirty}, {Label: "a"}, {Label: "b"}, {Label: "c"}, {Label: "d"}, {Label: "e"}, {Label: "f"}},
		Causes:          []*recoursev1.CauseLink{{Service: "a\n"}, {Service: "b"}, {Service: "c"}, {Service: "d"}, {Service: "e"}, {Service: "f"}, {Service: "g"}},
		Retry:           &recoursev1.RetryAdvice{Verdict: never, ExhaustedBy: "a\nb"},
	}
	cut := strings.ToValidUTF8(dirty[:5000], "")
	short := proto.CloneOf(detail)
	for _, s := range []*string{&short.Suggestion, &short.Operation, &short.CatalogVersion, &short.RecoveryActions[0].Label} {
		*s = cut
	}
	p := rpc(t, codes.NotFound, cut, &errdetails.ErrorInfo{Reason: "X_Y", Domain: domain, Metadata: map[string]string{"key": "a\x00b"}},
		&errdetails.RequestInfo{RequestId: cut}, short)
	st := grpcstatus.FromProto(p)
	e := status.Received(st.Err(), "/a.B/C", dirty, false)
	texts := map[string]struct {
		text  string
		limit int
	}{
		"Message": {e.Message(), status.MaxMessage}, "Suggestion": {e.Suggestion(), status.MaxSuggestion}, "Operation": {e.Operation(), 256},
		"CatalogVersion": {e.CatalogVersion(), 32}, "RequestID": {e.RequestID(), status.MaxRequestID}, "Domain": {e.Domain(), status.MaxDomain},
		"label": {e.RecoveryActions()[0].GetLabel(), status.MaxLabel}, "metadata": {e.Metadata()["key"], 0}, "cause": {e.Causes()[0].GetService(), 0},
		"exhausted_by": {e.RetryAdvice().GetExhaustedBy(), 128}, "Error": {e.Error(), 400},
	}
	for name, test := range texts {
		if err := clean(test.text, test.limit); err != nil || test.text == "" {
			t.Errorf("%s: %q, %v", name, test.text, err)
		}
	}
	if got := len(e.RecoveryActions()); got != status.MaxActions {
		t.Errorf("%d actions, want %d", got, status.MaxActions)
	}
	services := ""
	for _, c := range e.Causes() {
		services += c.GetService()
	}
	if !strings.HasPrefix(services, "ab") || !strings.HasSuffix(services, "fg") || len(e.Causes()) != status.MaxCauses {
		t.Errorf("causes %q: the nearest and the root have to stay", services)
	}
	if got := e.Elided(); got != 2+2 {
		t.Errorf("elided %d, want 2 actions and 2 causes", got)
	}
}

func TestCauseLinksAreCleanAndShort(t *testing.T) {
	long := strings.Repeat("x", 1000)
	link := func(code int32) *recoursev1.CauseLink {
		return &recoursev1.CauseLink{Service: "\n" + long, Domain: long + "\x1b", ErrorCode: long, RequestId: long, Code: code}
	}
	e := read(t, plain(rpc(t, codes.NotFound, "m", &recoursev1.ErrorDetail{ErrorCode: "X_Y",
		Causes: []*recoursev1.CauseLink{link(5), {Code: 17}, {Code: -1}, {Code: 0}}, Retry: &recoursev1.RetryAdvice{ExhaustedBy: long}, CatalogVersion: long})))
	cut := func(n int) string { return long[:n-3] + "..." }
	want := []*recoursev1.CauseLink{
		{Service: cut(128), Domain: cut(253), ErrorCode: long[:63], RequestId: cut(128), Code: 5}, {Code: 2}, {Code: 2}, {},
	}
	want[0].ErrorCode = strings.ToUpper(want[0].ErrorCode)
	if d := diff(want, e.Causes()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := e.RetryAdvice().GetExhaustedBy(); got != cut(128) {
		t.Errorf("exhausted by %d bytes", len(got))
	}
	if got := e.CatalogVersion(); got != cut(32) {
		t.Errorf("catalogue version of %d bytes", len(got))
	}
}

func TestRequestIDComesFromTheDetailOrTheTrailer(t *testing.T) {
	tests := []struct{ detail, trailer, want string }{
		{"", "", ""}, {"d", "", "d"}, {"", "t", "t"}, {"d", "t", "d"}, {"", " t\n", "t"},
	}
	for _, test := range tests {
		st := grpcstatus.FromProto(rpc(t, codes.NotFound, "m", &errdetails.RequestInfo{RequestId: test.detail}))
		if got := status.Received(st.Err(), "/a.B/C", test.trailer, false).RequestID(); got != test.want {
			t.Errorf("detail %q and trailer %q: %q, want %q", test.detail, test.trailer, got, test.want)
		}
	}
	if got := status.Received(grpcstatus.New(codes.NotFound, "").Err(), "/a.B/C", "", false).Operation(); got != "/a.B/C" {
		t.Errorf("Operation() = %q, want the method", got)
	}
}

func TestReceivedErrorsKeepTheirStatus(t *testing.T) {
	st := grpcstatus.FromProto(rpc(t, codes.NotFound, "a\nb", unknownAny("x"), &errdetails.DebugInfo{Detail: "d"}))
	e := status.Received(st.Err(), "/a.B/C", "", false)
	if e.GRPCStatus() != st {
		t.Error("GRPCStatus of a received error is not the status as it came")
	}
	if e.Unwrap() == nil || grpcstatus.Code(fmt.Errorf("a: %w", e)) != codes.NotFound {
		t.Errorf("grpc-go reads it as %v", grpcstatus.Code(e))
	}
}

func TestReceivedIsAFailureWhateverTheError(t *testing.T) {
	for name, err := range map[string]error{
		"plain": errors.New("odd"), "no status": withStatus{nil}, "zero": withStatus{new(grpcstatus.Status)},
		"OK": withStatus{grpcstatus.New(codes.OK, "fine")}, "nil": nil,
	} {
		e := status.Received(err, "", "", false)
		if e.Code() != codes.Unknown || e.Error() == "" || e.GRPCStatus().Code() != codes.Unknown {
			t.Errorf("%s: got %v", name, e)
		}
		if got := codes.Code(sent(t, e, status.Rendering{}).GetCode()); got != codes.Unknown {
			t.Errorf("%s: encoded as %v", name, got)
		}
	}
}

// withStatus is an error that carries any status at all.
type withStatus struct{ st *grpcstatus.Status }

func (withStatus) Error() string                    { return "odd" }
func (w withStatus) GRPCStatus() *grpcstatus.Status { return w.st }

func TestReceivedReadsWhateverACallReturned(t *testing.T) {
	own := status.New(codes.ResourceExhausted, "REFUSED", "refused by a policy")
	earlier := remote(rpc(t, codes.NotFound, "m"))
	tests := []struct {
		name   string
		err    error
		want   string
		own    bool // Classify takes it for this process's own
		method string
	}{
		{"a status", plain(rpc(t, codes.NotFound, "m")), "NotFound NOT_FOUND: m", false, "/a.B/C"},
		{"a status, wrapped", fmt.Errorf("a: %w", plain(rpc(t, codes.NotFound, "m"))), "NotFound NOT_FOUND: m", false, "/a.B/C"},
		{"several, the worst", errors.Join(plain(rpc(t, codes.Unavailable, "u")), plain(rpc(t, codes.NotFound, "m"))), "NotFound NOT_FOUND: m", false, "/a.B/C"},
		{"a refusal", fmt.Errorf("a: %w", own), "ResourceExhausted REFUSED: refused by a policy", true, "/a.B/C"},
		{"received before", fmt.Errorf("a: %w", earlier), "NotFound NOT_FOUND: m", false, "/shelf.v1.Shelf/Find"},
		{"a deadline", fmt.Errorf("a: %w", context.DeadlineExceeded), "DeadlineExceeded DEADLINE_EXCEEDED: a: context deadline exceeded", false, "/a.B/C"},
		{"a cancelled call", context.Canceled, "Canceled CANCELLED: context canceled", false, "/a.B/C"},
		{"anything else", io.EOF, "Unknown UNKNOWN: EOF", false, "/a.B/C"},
		{"a cycle", &cycle{"text"}, "Unknown UNKNOWN: text", false, "/a.B/C"},
		{"panics everywhere", &panicsOn{is: true, as: true, unwrap: true, grpc: true}, "Unknown UNKNOWN: secret text", false, "/a.B/C"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := status.Received(test.err, "/a.B/C", "id-1", false)
			if e.Error() != test.want || e.Operation() != test.method {
				t.Errorf("got %q of %q, want %q of %q", e, e.Operation(), test.want, test.method)
			}
			if got := status.Classify(e) == e; got != test.own {
				t.Errorf("counts as our own: %v, want %v", got, test.own)
			}
			if got := e.RequestID(); got != "id-1" && e != earlier {
				t.Errorf("request id %q", got)
			}
		})
	}
	shared := read(t, plain(rpc(t, codes.NotFound, "m")))
	status.Received(shared, "/a.B/C", "id-1", false)
	if shared.Operation() != "" || status.Classify(shared).Code() != codes.NotFound {
		t.Error("Received changed an Error that From had returned")
	}
	if own.RequestID() != "" || own.Operation() != "" {
		t.Error("Received changed the refusal itself")
	}
}

func TestFiniteCutsOffTreesWithoutEnd(t *testing.T) {
	many := make([]error, 1<<16)
	for i := range many {
		many[i] = io.EOF
	}
	endless := map[string]error{
		"a cycle": &cycle{"text"}, "a wrapped cycle": fmt.Errorf("a: %w", &cycle{"text"}), "a bush": &bush{"text"}, "too many": errors.Join(many...),
		"a cycle that panics when printed": &wrapped{&cycle{"text"}},
	}
	for name, err := range endless {
		got := status.Finite(err)
		if got == err || errors.Unwrap(got) != nil || errors.Is(got, io.ErrNoProgress) || got.Error() != err.Error() {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for _, err := range []error{nil, io.EOF, fmt.Errorf("a: %w", io.EOF), errors.Join(many[:1<<16-1]...), &panicsOn{unwrap: true}} {
		if got := status.Finite(err); got != err {
			t.Errorf("Finite(%v) = %v", err, got)
		}
	}
}

// The counter of the details before the ErrorInfo once went wrong when several
// of them were unusable, which made Encode panic.
func TestUnusableDetailsBeforeTheErrorInfoAreLeftOut(t *testing.T) {
	info := &errdetails.ErrorInfo{Reason: "X_Y", Domain: domain}
	for n := range 6 {
		for after := range 3 {
			var details []proto.Message
			for i := range n {
				details = append(details, broken([]string{"google.rpc.Help", "google.rpc.BadRequest", "google.rpc.DebugInfo", "google.rpc.ResourceInfo", "google.rpc.LocalizedMessage", "google.rpc.QuotaFailure"}[i]))
			}
			details = append(details, wrapperspb.String("before"), info)
			for i := range after {
				details = append(details, []proto.Message{wrapperspb.Int32(1), wrapperspb.Bool(true)}[i])
			}
			e := remote(rpc(t, codes.NotFound, "m", details...))
			c, _ := status.From(status.PassThrough(e))
			want := []string{"google.protobuf.StringValue", "google.rpc.ErrorInfo", "google.protobuf.Int32Value", "google.protobuf.BoolValue"}[:2+after]
			want = append(want, "recourse.v1.ErrorDetail")
			for how, e := range map[string]*status.Error{"received": e, "passed on": c} {
				if d := diff(want, names(sent(t, e, status.Rendering{}))); d != "" {
					t.Errorf("%d broken before and %d after, %s: -want +got:\n%s", n, after, how, d)
				}
			}
		}
	}
}
