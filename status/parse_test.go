package status_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// What is parsed by hand has to grow with the schema.
func TestParsersKnowEveryField(t *testing.T) {
	for m, fields := range map[proto.Message]int{
		&errdetails.ErrorInfo{}: 3, &errdetails.RetryInfo{}: 1, &errdetails.RequestInfo{}: 2, &durationpb.Duration{}: 2, &anypb.Any{}: 2, &spb.Status{}: 3,
		&recoursev1.ErrorDetail{}: 10, &recoursev1.ContactSupport{}: 2, &recoursev1.RecoveryAction{}: 18, &recoursev1.RetryAdvice{}: 4, &errdetails.Help_Link{}: 2, &errdetails.BadRequest_FieldViolation{}: 4,
	} {
		if d := m.ProtoReflect().Descriptor(); d.Fields().Len() != fields {
			t.Errorf("%s has %d fields, and status reads and writes it by hand as if it had %d", d.FullName(), d.Fields().Len(), fields)
		}
	}
}

func TestAdviceTravelsWhole(t *testing.T) {
	want := &recoursev1.RetryAdvice{Verdict: never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 300, ExhaustedBy: "shelf.v1.Shelf"}
	p := sent(t, status.New(codes.Unavailable, "SHELF_DOWN", "m", status.Advice(want)), status.Rendering{Trust: status.Internal})
	if d := diff(want, detail[*recoursev1.ErrorDetail](t, p).GetRetry()); d != "" {
		t.Errorf("sent, -want +got:\n%s", d)
	}
	if d := diff(want, remote(p).RetryAdvice()); d != "" {
		t.Errorf("read, -want +got:\n%s", d)
	}
}

func TestDelaysAreReadAsDurations(t *testing.T) {
	for _, d := range []*durationpb.Duration{
		{}, {Seconds: 2}, {Nanos: 5e8}, {Seconds: 1, Nanos: 999_999_999}, {Seconds: -1}, {Nanos: -1}, {Seconds: -1, Nanos: 1}, {Seconds: 1, Nanos: -1},
		{Nanos: 1e9}, {Nanos: -1e9}, {Nanos: math.MinInt32}, {Seconds: 315_576_000_000}, {Seconds: 315_576_000_001}, {Seconds: -315_576_000_001},
		{Seconds: math.MaxInt64}, {Seconds: math.MinInt64}, {Seconds: math.MaxInt64 / 1_000_000_000, Nanos: 999_999_999},
	} {
		got, ok := remote(rpc(t, codes.Unavailable, "m", &errdetails.RetryInfo{RetryDelay: d})).RetryDelay()
		if want := max(d.AsDuration(), 0); ok != d.IsValid() || ok && got != want {
			t.Errorf("%v is read as %v, %v", d, got, ok)
		}
	}
}

// One broken action does not hide what else the server said.
func TestBrokenActionIsLeftOutAlone(t *testing.T) {
	d := &recoursev1.ErrorDetail{ErrorCode: "SHELF_DOWN", Retry: &recoursev1.RetryAdvice{Verdict: never}, RecoveryActions: []*recoursev1.RecoveryAction{{Label: "Wait"}}}
	value, err := proto.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	value = protowire.AppendBytes(protowire.AppendTag(value, 4, protowire.BytesType), []byte{0xff})
	e := remote(rpc(t, codes.Unavailable, "m", &anypb.Any{TypeUrl: "type.googleapis.com/recourse.v1.ErrorDetail", Value: value}))
	if got := e.RecoveryActions(); len(got) != 1 || got[0].GetLabel() != "Wait" || e.Elided() != 1 || e.Verdict() != never {
		t.Errorf("actions %v, %d elided, verdict %v", got, e.Elided(), e.Verdict())
	}
}

// glancesAsItDecodes compares the two ways to the same facts.
func glancesAsItDecodes(t *testing.T, st *grpcstatus.Status) (usual bool) {
	t.Helper()
	e := status.Received(st.Err(), "/a.B/C", "", false)
	got, usual := status.Glanced(e)
	want := status.Decoded(e)
	if !usual {
		got.Advice, got.Outcome = want.Advice, want.Outcome
	}
	if d := diff(want.Advice, got.Advice); d != "" {
		t.Errorf("advice at a glance, -decoded +glanced:\n%s", d)
	}
	if usual && want.Required && !got.Required {
		t.Error("a required action is overlooked at a glance")
	}
	got.Required = want.Required
	if got.Advice = want.Advice; !reflect.DeepEqual(got, want) {
		t.Errorf("at a glance %+v, decoded %+v", got, want)
	}
	return usual
}

func TestGlanceSuffices(t *testing.T) {
	for name, enc := range situations(t) {
		p := arrived(t, enc)
		if usual := glancesAsItDecodes(t, grpcstatus.FromProto(p)); !usual && name != "behind-a-gateway" {
			t.Errorf("%s: nothing unusual, and decoded all the same", name)
		}
	}
}

func TestErrorReturnedAgainIsEncodedOnce(t *testing.T) {
	declared := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Meta("shelf", "B12"))
	first := declared.Encode(status.Rendering{Domain: domain, RequestID: "1"})
	declared.Encode(status.Rendering{Domain: domain, RequestID: "2"})
	for _, r := range []status.Rendering{
		{Domain: domain, RequestID: "3"},
		{Domain: domain, Reserved: 100},
		{Domain: domain, Reserved: status.DefaultTrailerBytes - 10},
		{Domain: domain, TrailerBytes: 400},
		{Domain: domain, OmitErrorDetail: true},
		{Domain: domain, OmitGuidance: true},
		{Domain: domain, Trust: status.Internal},
		{Domain: "other.example.com"},
	} {
		fresh := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Meta("shelf", "B12"))
		got, want := declared.Encode(r), fresh.Encode(r)
		if d := diff(arrived(t, want), arrived(t, got)); d != "" {
			t.Errorf("%+v: -made anew +returned again:\n%s", r, d)
		}
		if got.Status, want.Status = nil, nil; got != want {
			t.Errorf("%+v: %+v, want %+v", r, got, want)
		}
	}
	if d := diff(arrived(t, first), arrived(t, declared.Encode(status.Rendering{Domain: domain}))); d != "" {
		t.Errorf("-first +last:\n%s", d)
	}
	amended := declared.With(status.Meta("shelf", "C1"))
	if got := detail[*errdetails.ErrorInfo](t, sent(t, amended, status.Rendering{Domain: domain})).GetMetadata()["shelf"]; got != "C1" {
		t.Errorf("an amended error says %q", got)
	}
}

// Where the server is at fault, the id of the request is in the encoding.
func TestErrorWithRequestIDIsEncodedEachTime(t *testing.T) {
	declared := status.New(codes.Internal, "BROKEN", "m")
	for _, id := range []string{"1", "2", "3", "4"} {
		if got := detail[*errdetails.RequestInfo](t, sent(t, declared, status.Rendering{RequestID: id})).GetRequestId(); got != id {
			t.Errorf("the id is %q, want %q", got, id)
		}
	}
}

func TestLongStackIsWhole(t *testing.T) {
	panicking := func(n int) (stack []byte) {
		defer func() { stack = status.Panicked(recover()).Unwrap().(*status.PanicError).Stack }()
		descend(n)
		return nil
	}
	for _, depth := range []int{1, 90} {
		if got := string(panicking(depth)); !strings.Contains(got, "testing.tRunner") || !strings.Contains(got, "TestLongStackIsWhole") {
			t.Errorf("depth %d: a stack of %d bytes does not reach the start of the goroutine", depth, len(got))
		}
	}
	if n := len(panicking(90)); n < 6<<10 || n > 64<<10 {
		t.Errorf("the test wants a stack longer than the first buffer, and got %d bytes", n)
	}
}

// FuzzParse holds what is parsed by hand against the decoder.
func FuzzParse(f *testing.F) {
	const prefix = "type.googleapis.com/"
	names := []string{"google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.RequestInfo", "recourse.v1.ErrorDetail"}
	for _, enc := range situations(f) {
		for _, d := range arrived(f, enc).GetDetails() {
			for i := range names {
				f.Add(uint8(i), d.GetValue())
			}
		}
	}
	f.Add(uint8(1), []byte("\x0a\x02\x08\x01\x0a\x02\x10\x05"))
	f.Add(uint8(0), []byte("\x0a\x01A\x0a\x01\xff\x1a\x08\x0a\x01k\x12\x01v\x12\x00\x1a\x03\x0a\x01k"))
	f.Fuzz(func(t *testing.T, which uint8, value []byte) {
		name := names[int(which)%len(names)]
		got := status.Absorbed(prefix+name, value)
		var m proto.Message
		switch name {
		case "google.rpc.ErrorInfo":
			m = &errdetails.ErrorInfo{}
		case "google.rpc.RetryInfo":
			m = &errdetails.RetryInfo{}
		case "google.rpc.RequestInfo":
			m = &errdetails.RequestInfo{}
		default:
			m = &recoursev1.ErrorDetail{}
		}
		st := grpcstatus.FromProto(&spb.Status{Code: 14, Details: []*anypb.Any{{TypeUrl: prefix + name, Value: value}}})
		glancesAsItDecodes(t, st)
		if proto.Unmarshal(value, m) != nil {
			return // repaired or refused, in part or as a whole
		}
		// What the decoder has read and written again says the same.
		canonical, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		want := status.Absorbed(prefix+name, canonical)
		if d := diff(facts(want), facts(got)); d != "" {
			t.Errorf("-decoded +parsed:\n%s", d)
		}
		switch m := m.(type) {
		case *errdetails.RetryInfo:
			delay, ok := got.RetryDelay()
			valid := m.GetRetryDelay().IsValid()
			if ok != valid || ok && delay != max(m.GetRetryDelay().AsDuration(), 0) {
				t.Errorf("%v is read as %v, %v", m, delay, ok)
			}
		case *errdetails.RequestInfo:
			if want := status.Clean(m.GetRequestId(), status.MaxRequestID); got.RequestID() != want {
				t.Errorf("id %q, want %q", got.RequestID(), want)
			}
		case *errdetails.ErrorInfo:
			if want := status.Clean(m.GetDomain(), status.MaxDomain); got.Domain() != want {
				t.Errorf("domain %q, want %q", got.Domain(), want)
			}
			for k, v := range got.Metadata() {
				if m.GetMetadata()[k] == "" && v != "" || v != status.Clean(m.GetMetadata()[k], 0) && len(v) < 1<<16 {
					t.Errorf("%q is %q, want %q", k, v, m.GetMetadata()[k])
				}
			}
		}
	})
}

// facts is everything that an error says.
func facts(e *status.Error) map[string]any {
	delay, hasDelay := e.RetryDelay()
	return map[string]any{
		"code": e.ErrorCode(), "domain": e.Domain(), "suggestion": e.Suggestion(), "metadata": e.Metadata(), "outcome": e.Outcome(),
		"advice": e.RetryAdvice(), "delay": []any{delay, hasDelay}, "id": e.RequestID(), "operation": e.Operation(), "causes": e.Causes(),
		"elided": e.Elided(), "catalogue": e.CatalogVersion(), "actions": e.RecoveryActions(),
	}
}

// The id of the request joins whatever an action says.
func TestSupportActionTravelsWhole(t *testing.T) {
	want := &recoursev1.RecoveryAction{
		Actor: recoursev1.RecoveryAction_ACTOR_END_USER, Label: "Ring the bell", ThenRetry: true, Required: true,
		Action: &recoursev1.RecoveryAction_ContactSupport{ContactSupport: &recoursev1.ContactSupport{Channel: "desk"}},
	}
	later := protowire.AppendVarint(protowire.AppendTag(nil, 100, protowire.VarintType), 1)
	want.ProtoReflect().SetUnknown(later)
	want.GetContactSupport().ProtoReflect().SetUnknown(later)
	p := sent(t, status.New(codes.Internal, "BROKEN", "m", status.Recover(want)), status.Rendering{RequestID: "id-1"})
	want.GetContactSupport().Reference = "id-1"
	got := detail[*recoursev1.ErrorDetail](t, p).GetRecoveryActions()
	if len(got) != 1 || diff(want, got[0]) != "" {
		t.Errorf("sent %v, want %v", got, want)
	}
}
