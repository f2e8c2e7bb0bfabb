package status_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The encoding is written by hand; what protobuf reads from it has to be what
// was put in.
func TestEncodeWritesWhatProtobufReads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		e, want := random(r)
		enc := e.Encode(status.Rendering{Trust: status.Internal, OmitGuidance: true, TrailerBytes: status.MaxTrailerBytes})
		got := arrived(t, enc)
		if d := diff(want(t), got); d != "" {
			t.Fatalf("error %d: -want +got:\n%s", i, d)
		}
		if size := trailerBlock(enc.Status.Proto()); size != enc.Size {
			t.Fatalf("error %d: Size = %d, the status that is sent takes %d", i, enc.Size, size)
		}
		if enc.Status.Code() != e.Code() || enc.Status.Message() != e.Message() {
			t.Fatalf("error %d: status %v of %v", i, enc.Status, e)
		}
	}
}

// random makes an error of random contents, and what should be sent of it.
func random(r *rand.Rand) (*status.Error, func(t testing.TB) *spb.Status) {
	text := func(limit int) string { // of all lengths, so that every length takes one byte, two or three
		if r.IntN(4) == 0 {
			return ""
		}
		alphabet := []rune("abcXYZ 09%é語🙂")
		var b strings.Builder
		for n := r.IntN(limit); b.Len() < n-4; {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		return strings.TrimSpace(b.String())
	}
	some := func() bool { return r.IntN(2) == 0 }

	code := codes.Code(1 + r.IntN(16))
	info := &errdetails.ErrorInfo{Reason: "BOOK_LENT", Domain: text(60)}
	own := &recoursev1.ErrorDetail{ErrorCode: info.Reason, Domain: info.Domain, Suggestion: text(256), Outcome: recoursev1.Outcome(r.IntN(5))}
	p := &spb.Status{Code: int32(code), Message: text(256)}
	opts := []status.Option{status.Domain(info.Domain), status.Suggest(own.Suggestion), status.Outcome(own.Outcome)}
	details := []proto.Message{info}
	for i := range r.IntN(4) {
		if info.Metadata == nil {
			info.Metadata = map[string]string{}
		}
		k, v := fmt.Sprintf("key%c", 'z'-i), text(300)
		info.Metadata[k] = v
		opts = append(opts, status.Meta(k, v))
	}
	if some() {
		d := time.Duration(r.Int64N(int64(1000 * time.Hour)))
		opts = append(opts, status.RetryAfter(d))
		if r.IntN(3) == 0 {
			d = 0
			opts = append(opts, status.RetryAfter(0))
		}
		own.Retry = &recoursev1.RetryAdvice{Verdict: sameRequest}
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(d.Round(time.Millisecond))})
	}
	if id := text(100); id != "" {
		opts = append(opts, status.Attach(&errdetails.RequestInfo{RequestId: id}))
		switch code {
		case codes.Unknown, codes.Internal, codes.Unavailable, codes.DataLoss:
			details = append(details, &errdetails.RequestInfo{RequestId: id})
		}
	}
	if some() {
		m := wrapperspb.String(text(500))
		opts, details = append(opts, status.Attach(m)), append(details, m)
	}
	if some() {
		m := unknownAny(text(200))
		opts, details = append(opts, status.Attach(m)), append(details, m)
	}
	for range r.IntN(3) {
		a := status.Action(recoursev1.RecoveryAction_Actor(r.IntN(6)), text(80), &recoursev1.CallMethod{Method: text(100), CopyFields: map[string]string{"a": text(20), "b": text(20)}})
		opts, own.RecoveryActions = append(opts, status.Recover(a)), append(own.RecoveryActions, a)
	}
	if some() { // never would remove the delay
		own.Retry = &recoursev1.RetryAdvice{Verdict: recoursev1.RetryAdvice_Verdict(r.IntN(4)), Why: recoursev1.RetryAdvice_Why(r.IntN(6))}
		opts = append(opts, status.Retry(own.Retry.Verdict, own.Retry.Why))
	}
	if some() {
		own.Operation, own.CatalogVersion, own.Elided = text(100), text(20), r.Uint32()%(1<<30)
		for range r.IntN(4) {
			own.Causes = append(own.Causes, &recoursev1.CauseLink{Service: text(40), Code: int32(r.IntN(17))})
		}
		opts = append(opts, status.Attach(&recoursev1.ErrorDetail{ErrorCode: own.ErrorCode, Domain: own.Domain,
			Operation: own.Operation, CatalogVersion: own.CatalogVersion, Elided: own.Elided, Causes: own.Causes}))
	}
	details = append(details, own)
	want := func(t testing.TB) *spb.Status {
		for _, d := range details {
			p.Details = append(p.Details, packed(t, d))
		}
		return p
	}
	return status.New(code, info.Reason, p.Message, opts...), want
}

func TestEncodeOrdersTheDetails(t *testing.T) {
	want := []string{
		"google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.RequestInfo",
		"google.rpc.BadRequest", "google.rpc.Help", "google.rpc.PreconditionFailure", "google.rpc.QuotaFailure",
		"google.rpc.ResourceInfo", "google.rpc.LocalizedMessage", "google.rpc.DebugInfo", "recourse.v1.Degraded",
		"recourse.v1.ErrorDetail",
	}
	r := status.Rendering{Trust: status.Internal, TechnicalDetails: true, TrailerBytes: status.MaxTrailerBytes}
	for name, e := range map[string]*status.Error{
		"made here": everything(),
		"with more of the same": everything(status.Violation("a", "", ""), status.Help("a", "https://a"), status.RetryAfter(1),
			status.Attach(&errdetails.ResourceInfo{}, &errdetails.ErrorInfo{Reason: "OTHER"}, &recoursev1.Degraded{}, &errdetails.RequestInfo{RequestId: "2"})),
		"received": remote(sent(t, everything(), r)),
	} {
		if d := diff(want, names(sent(t, e, r))); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
}

// Details that a server elsewhere put before its ErrorInfo stay there: some
// readers look at the first alone (Temporal).
func TestEncodeLeavesTheFirstDetailFirst(t *testing.T) {
	p := rpc(t, codes.NotFound, "m", wrapperspb.String("first"), unknownAny("x"), &errdetails.ErrorInfo{Reason: "X_Y"}, &errdetails.Help{}, &errdetails.RetryInfo{RetryDelay: durationpb.New(1e9)})
	want := []string{"google.protobuf.StringValue", "nobody.v1.Knows", "google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.Help", "google.protobuf.BoolValue", "recourse.v1.ErrorDetail"}
	e := status.Classify(plain(p)).With(status.Attach(wrapperspb.Bool(true)))
	enc := e.Encode(status.Rendering{})
	if d := diff(want, names(arrived(t, enc))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := len(enc.Status.Details()); got != 1 {
		t.Errorf("the status shows %d details before it is sent, want the first", got)
	}
}

func TestEncodeAddsWhatOnlyTheServerKnows(t *testing.T) {
	bare := status.New(codes.Internal, "X_Y", "m")
	named := bare.With(status.Domain("own.example.com"), status.Attach(&errdetails.RequestInfo{RequestId: "own"}))
	support := bare.With(status.Recover(status.Action(0, "Call", &recoursev1.ContactSupport{}), status.Action(0, "Write", &recoursev1.ContactSupport{Reference: "mine"})))
	tests := []struct {
		name                string
		e                   *status.Error
		r                   status.Rendering
		domain, id, support string
	}{
		{"nothing known", bare, status.Rendering{}, "", "", ""},
		{"all", bare, status.Rendering{Domain: domain, RequestID: "r"}, domain, "r", "r"},
		{"unclean", bare, status.Rendering{Domain: "a\nb", RequestID: "r\x00" + strings.Repeat("r", 200)}, "a b", strings.Repeat("r", 125) + "...", strings.Repeat("r", 125) + "..."},
		{"its own domain stays, the request id does not", named, status.Rendering{Domain: domain, RequestID: "r"}, "own.example.com", "r", "r"},
		{"its own request id", named, status.Rendering{}, "own.example.com", "own", "own"},
		{"its own action", support, status.Rendering{RequestID: "r"}, "", "r", "r"},
		{"not the server's fault", status.New(codes.NotFound, "X_Y", "m", status.Recover(status.Action(0, "Call", &recoursev1.ContactSupport{}))), status.Rendering{RequestID: "r"}, "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := test.e.RecoveryActions()
			p := sent(t, test.e, test.r)
			d := detail[*recoursev1.ErrorDetail](t, p)
			got := []string{detail[*errdetails.ErrorInfo](t, p).GetDomain(), d.GetDomain(), detail[*errdetails.RequestInfo](t, p).GetRequestId(), d.GetRecoveryActions()[0].GetContactSupport().GetReference()}
			if d := diff([]string{test.domain, test.domain, test.id, test.support}, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if len(d.GetRecoveryActions()) == 2 && d.GetRecoveryActions()[1].GetContactSupport().GetReference() != "mine" {
				t.Errorf("a reference that was there was changed: %v", d)
			}
			if d := diff(before, test.e.RecoveryActions()); d != "" {
				t.Errorf("the error itself changed: -before +after:\n%s", d)
			}
		})
	}
	// The usual actions are shared by all errors.
	if got := status.New(codes.Internal, "", "").RecoveryActions()[0].GetContactSupport().GetReference(); got != "" {
		t.Errorf("the usual action of INTERNAL has got the reference %q", got)
	}
}

func TestEncodeShowsEachTrustClassItsShare(t *testing.T) {
	const partner = "partner.example.com"
	panicked := status.Panicked("CANARY").With(status.Attach(&recoursev1.ErrorDetail{ErrorCode: status.CodeUnexpected, Causes: []*recoursev1.CauseLink{
		{Service: "near.CANARY", Domain: "secret.example.com", ErrorCode: "CANARY", Code: 9, RequestId: "CANARY"},
		{Service: "far", Domain: partner, ErrorCode: "FAR", Code: 5, RequestId: "far-1"}},
		Retry: &recoursev1.RetryAdvice{Verdict: never, Attempts: 3, ExhaustedBy: "CANARY"}}))
	attached := status.New(codes.Internal, status.CodeUnexpected, "m", status.Attach(&errdetails.DebugInfo{Detail: "CANARY"})).With(status.Cause(errors.New("CANARY")))
	near := &recoursev1.CauseLink{Service: "near.CANARY", Domain: "secret.example.com", ErrorCode: "CANARY", Code: 9, RequestId: "CANARY"}
	far := &recoursev1.CauseLink{Service: "far", Domain: partner, ErrorCode: "FAR", Code: 5, RequestId: "far-1"}
	hidden := &recoursev1.CauseLink{Code: 9, Redaction: recoursev1.CauseLink_REDACTION_FULL}
	farHidden := &recoursev1.CauseLink{Code: 5, Redaction: recoursev1.CauseLink_REDACTION_FULL}
	tests := []struct {
		trust     status.Trust
		technical bool
		domains   []string
		causes    []*recoursev1.CauseLink
		debug     bool
		exhausted string
	}{
		{status.Public, false, []string{partner}, nil, false, ""},
		{status.Public, true, []string{partner}, nil, false, ""},
		{status.Partner, false, nil, []*recoursev1.CauseLink{hidden, farHidden}, false, ""},
		{status.Partner, true, []string{partner}, []*recoursev1.CauseLink{hidden, far}, false, ""},
		{status.Internal, false, nil, []*recoursev1.CauseLink{near, far}, false, "CANARY"},
		{status.Internal, true, nil, []*recoursev1.CauseLink{near, far}, true, "CANARY"},
		{status.Trust(99), true, []string{partner}, nil, false, ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d technical %v", test.trust, test.technical), func(t *testing.T) {
			r := status.Rendering{Trust: test.trust, TechnicalDetails: test.technical, PartnerDomains: test.domains}
			p := sent(t, panicked, r)
			d := detail[*recoursev1.ErrorDetail](t, p)
			if d := diff(test.causes, d.GetCauses()); d != "" {
				t.Errorf("causes: -want +got:\n%s", d)
			}
			if got := d.GetRetry(); got.GetExhaustedBy() != test.exhausted || got.GetVerdict() != never || got.GetAttempts() != 3 {
				t.Errorf("advice %v, want exhausted by %q", got, test.exhausted)
			}
			debug := detail[*errdetails.DebugInfo](t, p)
			if (debug != nil) != test.debug {
				t.Errorf("debug information: %v, want %v", debug, test.debug)
			}
			if test.debug && (debug.GetDetail() != "panic: CANARY" || !strings.Contains(strings.Join(debug.GetStackEntries(), "\n"), "TestEncodeShowsEachTrustClassItsShare")) {
				t.Errorf("debug information: %v", debug)
			}
			if got := detail[*errdetails.DebugInfo](t, sent(t, attached, r)); (got.GetDetail() == "CANARY") != test.debug {
				t.Errorf("attached debug information: %v, want %v", got, test.debug)
			}
			if test.trust == status.Internal {
				return
			}
			for _, e := range []*status.Error{panicked, attached, remote(rpc(t, codes.NotFound, "m", &errdetails.DebugInfo{Detail: "CANARY"}, &recoursev1.ErrorDetail{Causes: []*recoursev1.CauseLink{near}}))} {
				if b, _ := proto.Marshal(sent(t, e, r)); bytes.Contains(b, []byte("CANARY")) {
					t.Errorf("%v: sent to a stranger: %q", e, b)
				}
			}
		})
	}
	if got := panicked.Causes(); len(got) != 2 || got[0].GetService() != "near.CANARY" || panicked.RetryAdvice().GetExhaustedBy() != "CANARY" {
		t.Errorf("redaction changed the error itself: %v", got)
	}
	// Everything that shows an error without being told for whom shows the public form.
	for name, text := range map[string]string{"JSON": marshalJSON(t, panicked), "GRPCStatus": panicked.GRPCStatus().Proto().String(), "ToProto": status.ToProto(panicked).String()} {
		if strings.Contains(text, "CANARY") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestCausesNameEachHopOnce(t *testing.T) {
	const internal = status.Internal
	hop := func(method, id string, behind ...*recoursev1.CauseLink) *status.Error {
		st := rpcStatus(t, codes.NotFound, &errdetails.ErrorInfo{Reason: "X_Y", Domain: domain}, &recoursev1.ErrorDetail{ErrorCode: "X_Y", Domain: domain, Causes: behind})
		return status.Received(st.Err(), method, id, false)
	}
	link := func(service, id string) *recoursev1.CauseLink {
		return &recoursev1.CauseLink{Service: service, Domain: domain, ErrorCode: "X_Y", Code: 5, RequestId: id}
	}
	tests := []struct {
		name string
		err  error
		want []*recoursev1.CauseLink
	}{
		{"one hop", hop("/b.B/Do", "1"), []*recoursev1.CauseLink{link("b.B", "1")}},
		{"two hops", hop("/b.B/Do", "1", link("c.C", "2")), []*recoursev1.CauseLink{link("b.B", "1"), link("c.C", "2")}},
		{"a loop", hop("/b.B/Do", "1", link("c.C", "2"), link("b.B", "1")), []*recoursev1.CauseLink{link("b.B", "1"), link("c.C", "2")}},
		{"one id at two services is no loop", hop("/b.B/Do", "1", link("c.C", "1")), []*recoursev1.CauseLink{link("b.B", "1"), link("c.C", "1")}},
		{"the same service without ids is no loop", hop("/b.B/Do", "", link("b.B", "")), []*recoursev1.CauseLink{link("b.B", ""), link("b.B", "")}},
		{"too many", hop("/b.B/Do", "1", link("c.C", "2"), link("d.D", "3"), link("e.E", "4"), link("f.F", "5")),
			[]*recoursev1.CauseLink{link("b.B", "1"), link("c.C", "2"), link("d.D", "3"), link("e.E", "4"), link("f.F", "5")}},
		{"a method without service", hop("Do", "1"), []*recoursev1.CauseLink{link("Do", "1")}},
		{"behind an error of ours", status.New(codes.Internal, "MINE", "", status.Cause(fmt.Errorf("a: %w", hop("/b.B/Do", "1")))), []*recoursev1.CauseLink{link("b.B", "1")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := status.Classify(test.err)
			got := detail[*recoursev1.ErrorDetail](t, sent(t, e, status.Rendering{Trust: internal})).GetCauses()
			if d := diff(test.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	// With six the middle goes; the nearest and the root stay.
	e := status.Classify(hop("/a.A/Do", "1", link("b.B", "2"), link("c.C", "3"), link("d.D", "4"), link("e.E", "5"), link("f.F", "6")))
	d := detail[*recoursev1.ErrorDetail](t, sent(t, e, status.Rendering{Trust: internal}))
	if got := d.GetCauses(); len(got) != 5 || got[0].GetService() != "a.A" || got[4].GetService() != "f.F" || d.GetElided() == 0 {
		t.Errorf("got %v, elided %d", got, d.GetElided())
	}
}

func TestOmitErrorDetailMirrorsOutcomeAndVerdict(t *testing.T) {
	for o := range recoursev1.Outcome_name {
		for v := range recoursev1.RetryAdvice_Verdict_name {
			e := status.New(codes.Unavailable, "X_Y", "m", status.Domain(domain), status.Meta("shelf", "B12"), status.Suggest("s"),
				status.Outcome(recoursev1.Outcome(o)), status.Retry(recoursev1.RetryAdvice_Verdict(v), recoursev1.RetryAdvice_WHY_OVERLOADED))
			p := sent(t, e, status.Rendering{OmitErrorDetail: true})
			want := rpc(t, codes.Unavailable, "m", &errdetails.ErrorInfo{Reason: "X_Y", Domain: domain, Metadata: map[string]string{
				"shelf":           "B12",
				"recourseOutcome": strings.TrimPrefix(recoursev1.Outcome(o).String(), "OUTCOME_"),
				"recourseRetry":   strings.TrimPrefix(recoursev1.RetryAdvice_Verdict(v).String(), "VERDICT_"),
			}})
			if d := diff(want, p); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			got := remote(p)
			if got.Outcome() != e.Outcome() || got.Verdict() != e.Verdict() {
				t.Errorf("%v and %v are read as %v and %v", e.Outcome(), e.Verdict(), got.Outcome(), got.Verdict())
			}
			if _, has := e.Metadata()["recourseOutcome"]; has {
				t.Error("the error itself has got the mirror")
			}
		}
	}
}

// However much metadata there is, and however little room.
func TestTheMirrorIsAlwaysThere(t *testing.T) {
	opts := []status.Option{status.Outcome(recoursev1.Outcome_OUTCOME_PARTIALLY_APPLIED), status.Retry(atHigherLevel, 0)}
	for i := range status.MaxMeta {
		opts = append(opts, status.Meta(fmt.Sprintf("key%02d", i), strings.Repeat("v", i)))
	}
	e := status.New(codes.Unavailable, "X_Y", "m", opts...)
	for _, r := range []status.Rendering{{OmitErrorDetail: true}, {OmitErrorDetail: true, TrailerBytes: status.MaxTrailerBytes}, {OmitErrorDetail: true, TrailerBytes: 600}, {OmitErrorDetail: true, TrailerBytes: 1}, {TrailerBytes: 500}, {TrailerBytes: 1}} {
		p := sent(t, e, r)
		got := remote(p)
		if got.Outcome() != e.Outcome() || got.Verdict() != e.Verdict() {
			t.Errorf("%+v: read as %v and %v", r, got.Outcome(), got.Verdict())
		}
	}
}

func TestOmitGuidanceSendsOnlyWhatTheErrorSays(t *testing.T) {
	for _, code := range everyCode() {
		d := detail[*recoursev1.ErrorDetail](t, sent(t, status.New(code, "X_Y", "m"), status.Rendering{OmitGuidance: true}))
		if d := diff(&recoursev1.ErrorDetail{ErrorCode: "X_Y"}, d); d != "" {
			t.Errorf("%v: -want +got:\n%s", code, d)
		}
		e := status.New(code, "X_Y", "m", status.Suggest("s"), status.Recover(&recoursev1.RecoveryAction{Label: "l"}))
		for _, omit := range []bool{false, true} {
			d := detail[*recoursev1.ErrorDetail](t, sent(t, e, status.Rendering{OmitGuidance: omit}))
			if d := diff(&recoursev1.ErrorDetail{ErrorCode: "X_Y", Suggestion: "s", RecoveryActions: []*recoursev1.RecoveryAction{{Label: "l"}}}, d); d != "" {
				t.Errorf("%v, omit %v: -want +got:\n%s", code, omit, d)
			}
		}
	}
}

func TestEncodeTellsStockClientsWhetherToRetry(t *testing.T) {
	retried := []codes.Code{codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.Internal, codes.Unknown, codes.DeadlineExceeded}
	for _, code := range everyCode() {
		for _, v := range []recoursev1.RetryAdvice_Verdict{0, sameRequest, afterAction, atHigherLevel, never, 99} {
			for _, wait := range []time.Duration{-1, 0, 1500 * time.Millisecond} {
				opts := []status.Option{status.Retry(v, 0)}
				if wait >= 0 {
					opts = append(opts, status.RetryAfter(wait))
				}
				enc := status.New(code, "X_Y", "m", opts...).Encode(status.Rendering{})
				forbidden := v > sameRequest && slices.Contains(retried, code)
				delay := wait
				if forbidden || v == never || v == 99 { // an unknown verdict is NEVER
					delay = -1
				}
				if enc.RetryForbidden != forbidden || enc.RetryDelay != delay {
					t.Errorf("%v, %v after %v: forbidden %v, delay %v; want %v, %v", code, v, wait, enc.RetryForbidden, enc.RetryDelay, forbidden, delay)
				}
				want := delay >= 0 || wait >= 0 && v != never && v != 99
				if got := detail[*errdetails.RetryInfo](t, arrived(t, enc)) != nil; got != want {
					t.Errorf("%v, %v after %v: RetryInfo sent: %v, want %v", code, v, wait, got, want)
				}
			}
		}
		if enc := status.New(code, "X_Y", "m").Encode(status.Rendering{}); enc.RetryForbidden || enc.RetryDelay != -1 {
			t.Errorf("%v without a verdict: %+v", code, enc)
		}
	}
}

func TestEncodeRoundsTheDelayToMilliseconds(t *testing.T) {
	tests := map[time.Duration]*durationpb.Duration{
		0: {}, 1: {}, 499 * time.Microsecond: {}, 500 * time.Microsecond: {Nanos: 1e6}, 999_600 * time.Microsecond: {Seconds: 1},
		time.Second: {Seconds: 1}, 90*time.Minute + 1: {Seconds: 5400}, 1<<63 - 1: {Seconds: 9223372036, Nanos: 854775807},
	}
	for d, want := range tests {
		e := status.New(codes.Unavailable, "X_Y", "", status.RetryAfter(d))
		got := detail[*errdetails.RetryInfo](t, sent(t, e, status.Rendering{}))
		if d := diff(&errdetails.RetryInfo{RetryDelay: want}, got); d != "" {
			t.Errorf("%v: -want +got:\n%s", d, d)
		}
	}
}

// Lengths are written when what they are of is there: protobuf writes the same bytes, whatever
// takes more than one, but for the value of a map that is empty. grpc-go shows the first detail.
func TestEncodeWritesWhatProtobufWrites(t *testing.T) {
	whole := status.Rendering{Domain: domain, RequestID: "17", TrailerBytes: status.MaxTrailerBytes}
	for n := 1; n < 300; n++ {
		text := strings.Repeat("x", n)
		made := status.New(codes.Internal, "X_Y", text, status.Meta("key", text), status.RetryAfter(time.Hour), status.Suggest(text),
			status.Attach(&errdetails.LocalizedMessage{Message: text}), status.Escalate(text, ""))
		same(t, made, whole, &errdetails.ErrorInfo{Reason: "X_Y", Domain: domain, Metadata: map[string]string{"key": text}})

		first := &errdetails.LocalizedMessage{Message: text}
		passed := restored(rpc(t, codes.Internal, "", first, &wrapperspb.StringValue{Value: text}, &errdetails.ErrorInfo{Reason: "X_Y"}))
		same(t, passed, whole, first)
	}
	same(t, restored(rpc(t, codes.Internal, "", &errdetails.LocalizedMessage{})), whole, &errdetails.LocalizedMessage{})
}

// same encodes e, and holds it to what protobuf makes of that, and to its first detail.
func same(t *testing.T, e *status.Error, r status.Rendering, first proto.Message) {
	t.Helper()
	enc := e.Encode(r)
	got, err := proto.Marshal(enc.Status.Proto())
	if err != nil {
		t.Fatal(err)
	}
	p := arrived(t, enc)
	deterministic := proto.MarshalOptions{Deterministic: true}
	for _, d := range p.GetDetails() {
		m, err := d.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		if d.Value, err = deterministic.Marshal(m); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := deterministic.Marshal(p); err != nil || !bytes.Equal(want, got) {
		t.Fatalf("%v: protobuf writes %d bytes, this package %d:\n%x\n%x", err, len(want), len(got), want, got)
	}
	shown := enc.Status.Details()
	if len(shown) != 1 {
		t.Fatalf("%d details are shown, want the first alone", len(shown))
	}
	if d := diff(first, shown[0]); d != "" {
		t.Fatalf("the first detail: -want +got:\n%s", d)
	}
}

// A LocalizedMessage is encoded by hand, and says what any message would.
func TestALocalizedMessageIsEncodedAsAnyMessage(t *testing.T) {
	later := &errdetails.LocalizedMessage{Locale: "de-CH", Message: "gesperrt"}
	later.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 9, protowire.BytesType), "of a later version"))
	for _, m := range []*errdetails.LocalizedMessage{
		{}, {Locale: "de-CH"}, {Message: "gesperrt"}, {Locale: " de\n", Message: "a\x1b\u202eb"}, {Message: "\n"}, {Message: "\xff\xff"}, later,
		{Message: strings.Repeat("ü", 600)},
	} {
		before := proto.CloneOf(m)
		want := proto.CloneOf(m)
		want.Locale, want.Message = status.Clean(m.GetLocale(), 0), status.Clean(m.GetMessage(), 0)
		value, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		p := sent(t, status.New(codes.NotFound, "X_Y", "", status.Attach(m)), status.Rendering{})
		if got := p.GetDetails()[1]; got.GetTypeUrl() != "type.googleapis.com/google.rpc.LocalizedMessage" || !bytes.Equal(got.GetValue(), value) {
			t.Errorf("%v: got %s of %q, want %q", m, got.GetTypeUrl(), got.GetValue(), value)
		}
		if d := diff(before, m); d != "" {
			t.Errorf("the message that was attached changed: -before +after:\n%s", d)
		}
	}
	if e := status.New(codes.NotFound, "X_Y", "", status.Attach((*errdetails.LocalizedMessage)(nil))); e.Elided() != 1 {
		t.Errorf("of no message %d are left out, want 1", e.Elided())
	}
}

// Encode borrows its memory from a pool.
func TestEncodeSharesNothingBetweenCalls(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var wg sync.WaitGroup
	for range 8 {
		var errs []*status.Error
		var want []*spb.Status
		for range 20 {
			e, w := random(r)
			errs, want = append(errs, e, everything()), append(want, w(t), nil)
		}
		rendering := status.Rendering{Trust: status.Internal, OmitGuidance: true, TrailerBytes: status.MaxTrailerBytes}
		want[1] = sent(t, everything(), rendering)
		wg.Go(func() {
			var encs []status.Encoded
			for _, e := range errs {
				encs = append(encs, e.Encode(rendering))
			}
			for i, enc := range encs {
				b, err := proto.Marshal(enc.Status.Proto())
				got := new(spb.Status)
				if err == nil {
					err = proto.Unmarshal(b, got)
				}
				w := want[i]
				if w == nil {
					w = want[1]
				}
				if d := diff(w, got); err != nil || d != "" {
					t.Errorf("%v -want +got:\n%s", err, d)
				}
			}
		})
	}
	wg.Wait()
}

// One Error answers many calls at once.
func TestErrorsAreSafeForConcurrentUse(t *testing.T) {
	made := everything()
	arrived := remote(sent(t, made, status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}))
	for _, e := range []*status.Error{made, arrived, made.With(status.Cause(arrived))} {
		want := sent(t, e, status.Rendering{TrailerBytes: 1000})
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if d := diff(want, sent(t, e, status.Rendering{TrailerBytes: 1000})); d != "" {
					t.Errorf("-want +got:\n%s", d)
				}
				sent(t, e, status.Rendering{Trust: status.Trust(i % 3), TechnicalDetails: true, OmitErrorDetail: i%2 == 0, RequestID: "r", TrailerBytes: 500 * i})
				e.With(status.Meta("key", "v"), status.Violation("a", "", ""), status.Recover(&recoursev1.RecoveryAction{})).Encode(status.Rendering{})
				_ = []any{e.Error(), e.GRPCStatus(), e.RecoveryActions(), e.Metadata(), e.Causes(), e.RetryAdvice(), marshalJSON(t, e), status.ToProto(e), status.PassThrough(e)}
				_, _ = status.Detail[*errdetails.BadRequest](e)
			})
		}
		wg.Wait()
	}
}
