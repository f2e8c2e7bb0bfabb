package status_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

// declarations are those of the example's catalogue, and some that have in them what it has not.
func declarations(t testing.TB) map[string]*status.Declared[stock] {
	all := map[string]*status.Declared[stock]{}
	values := assistantv1.AssistantError(0).Descriptor().Values()
	for i := 1; i < values.Len(); i++ {
		name := string(values.Get(i).Name())
		all[name] = status.Declare(assistantv1.AssistantError(values.Get(i).Number()), name, readStock)
	}
	for name, options := range map[string]string{
		"nothing":      `code: CODE_INTERNAL`,
		"out of stock": outOfStock,
		"confined":     placed,
		"hidden":       `code: CODE_NOT_FOUND message: "no {sku}" params {key: "sku" sensitivity: SENSITIVITY_PUBLIC} visibility: VISIBILITY_INTERNAL`,
		"busy": `code: CODE_UNAVAILABLE message: "the {sku} is busy" title: "Busy" params {key: "sku" sensitivity: SENSITIVITY_PUBLIC}
			retry: VERDICT_SAME_REQUEST retry_delay {seconds: 2} outcome: OUTCOME_NOT_APPLIED actions {actor: ACTOR_CLIENT label: "Wait" retry_after {}}`,
		"support": `code: CODE_INTERNAL message: "the {sku} is lost" params {key: "sku" sensitivity: SENSITIVITY_PUBLIC} suggestion: "Write to us."
			actions {actor: ACTOR_END_USER label: "Write" contact_support {channel: "desk"}} actions {actor: ACTOR_END_USER label: "Call" contact_support {channel: "phone" reference: "7"}}`,
		"links": `code: CODE_NOT_FOUND message: "m" params {key: "sku" sensitivity: SENSITIVITY_PUBLIC}
			links {description: "It" url: "https://example.com/{sku}"} links {description: "All" url: "https://example.com/"} links {description: "More" url: "https://example.com/more"}`,
	} {
		all[name] = status.Declare(declare(t, options), "OUT_OF_STOCK", readStock)
	}
	return all
}

// extras is one option of each kind, with the text in it.
func extras(t testing.TB, text string) []status.Option {
	return []status.Option{
		nil, status.Domain(text), status.Suggest(text), status.Meta("sku", text), status.Meta("other", text), status.Meta("?", text),
		status.Cause(errors.New(text)), status.Cause(remote(rpc(t, 5, text, &errdetails.ErrorInfo{Reason: "SHELF_LOST", Domain: "shelf.example.com"}))),
		status.Recover(status.Action(status.ByEndUser, text, nil)), status.Recover(status.Action(status.ByCallerCode, "c", &errdetails.LocalizedMessage{Message: text})),
		status.Escalate(text, ""), status.Escalate("desk", text), status.Retry(status.Never), status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED),
		status.Advice(&recoursev1.RetryAdvice{Verdict: status.AtHigherLevel, ExhaustedBy: text}), status.RetryAfter(time.Duration(len(text)) * time.Second),
		status.Outcome(status.Applied), status.Violation("a", "B_C", text), status.Help(text, "https://example.com/"+text),
		status.Attach(&errdetails.LocalizedMessage{Locale: "de-CH", Message: text}), status.Attach(&errdetails.RequestInfo{RequestId: text}),
		status.Attach(&errdetails.DebugInfo{Detail: text}), status.Attach(&errdetails.RetryInfo{}),
		status.Attach(&recoursev1.ErrorDetail{ErrorCode: "OUT_OF_STOCK", Domain: "shop.example.com", Operation: text}),
		status.Attach(&recoursev1.ErrorDetail{ErrorCode: "OUT_OF_STOCK", Domain: "shop.example.com", Elided: 3}),
		status.Attach(&recoursev1.ErrorDetail{ErrorCode: "OUT_OF_STOCK", Domain: "shop.example.com", Causes: []*recoursev1.CauseLink{{Service: text}}}),
	}
}

// TestDeclaredParts holds what is encoded once to what is encoded anew: for every
// declaration, option and reader, and with too little room.
func TestDeclaredParts(t *testing.T) {
	for name, d := range declarations(t) {
		t.Run(name, func(t *testing.T) {
			others := extras(t, "others")
			for i, opt := range extras(t, "text") {
				e := read(t, d.Make([]status.Option{opt}, "SKU", "north", "Ada"))
				more := e.With(others[(i+7)%len(others)])
				for r := range renderings() {
					compare(t, e, r)
					compare(t, more, r)
				}
			}
			for r := range renderings() { // of which nothing is made anew where there are no parameters
				compare(t, read(t, d.Make(nil, "SKU")), r)
			}
		})
	}
}

func renderings() func(yield func(status.Rendering) bool) {
	return func(yield func(status.Rendering) bool) {
		for _, trust := range []status.Trust{status.Public, status.Partner, status.Internal} {
			for _, r := range []status.Rendering{
				{}, {Domain: "server.example.com", RequestID: "4bf92f35-77b3"}, {OmitErrorDetail: true, RequestID: "4bf92f35-77b3"},
				{OmitGuidance: true, TechnicalDetails: true}, {TrailerBytes: 1000}, {TrailerBytes: 700, RequestID: "4bf92f35-77b3"},
				{TrailerBytes: 400, Reserved: 50}, {TrailerBytes: 300, Reserved: 200},
			} {
				r.Trust = trust
				if !yield(r) {
					return
				}
			}
		}
	}
}

// compare encodes e several times: an encoding may be kept for the next.
func compare(t *testing.T, e *status.Error, r status.Rendering) {
	t.Helper()
	want := status.EncodedAnew(e, r)
	wantBytes := wire(t, want)
	for range 3 {
		got := e.Encode(r)
		if b := wire(t, got); !bytes.Equal(b, wantBytes) {
			t.Fatalf("%+v: %v is sent as\n%q, encoded anew it is\n%q", r, e, b, wantBytes)
		}
		got.Status, want.Status = nil, nil
		if got != want {
			t.Fatalf("%+v: %v is %+v, encoded anew %+v", r, e, got, want)
		}
	}
}

func wire(t *testing.T, enc status.Encoded) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(enc.Status.Proto())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDeclaredPartsAreTaken is for those that should be quick: the values, the request and
// what only logs see change nothing in them.
func TestDeclaredPartsAreTaken(t *testing.T) {
	all := declarations(t)
	cause, more, help := status.Cause(errors.New("c")), status.Meta("more", "m"), status.Help("h", "https://example.com/h")
	public, served := status.Rendering{}, status.Rendering{Domain: "server.example.com", RequestID: "4bf92f35-77b3", Reserved: 100}
	internal := status.Rendering{Trust: status.Internal}
	for _, test := range []struct {
		name string
		opts []status.Option
		r    status.Rendering
		want bool
	}{
		{"ASSISTANT_ERROR_CHAT_FULL", nil, public, true},
		{"ASSISTANT_ERROR_CHAT_FULL", nil, served, true},
		{"ASSISTANT_ERROR_CHAT_FULL", []status.Option{cause, more}, internal, true},
		{"ASSISTANT_ERROR_CHAT_FULL", []status.Option{help}, public, false},
		{"busy", nil, served, true},
		{"busy", nil, status.Rendering{OmitErrorDetail: true}, false},
		{"support", nil, public, true},
		{"support", nil, served, false}, // says which request it was
		{"confined", nil, public, false},
		{"hidden", nil, public, false},
		{"hidden", nil, internal, true},
	} {
		e := read(t, all[test.name].Make(test.opts, "7"))
		if got := status.TakesRest(e, test.r); got != test.want {
			t.Errorf("%s with %d options for %+v: taken is %v", test.name, len(test.opts), test.r, got)
		}
	}
}

// An error without parameters is the same each time, so that it is encoded once, and
// nothing that is added to it may stay.
func TestDeclaredWithoutParameters(t *testing.T) {
	d := status.Declare(declare(t, `code: CODE_NOT_FOUND message: "nothing here"`), "NOTHING_HERE", readStock)
	first := d.Make(nil)
	before := wire(t, read(t, first).Encode(status.Rendering{}))
	for i, opt := range extras(t, "text") {
		d.Make([]status.Option{opt})
		read(t, first).With(opt)
		_ = fmt.Sprint(status.Classify(errors.Join(first, d.Make([]status.Option{opt}))))
		if again := d.Make(nil); again != first {
			t.Fatal("made anew")
		}
		if b := wire(t, status.EncodedAnew(read(t, first), status.Rendering{})); !bytes.Equal(b, before) {
			t.Fatalf("after option %d it is sent as %q, not %q", i, b, before)
		}
	}
}

func FuzzDeclared(f *testing.F) {
	f.Add("ASSISTANT_ERROR_CHAT_FULL", []byte{3, 6}, "text", "4bf92f35", uint8(1), uint16(1000), uint16(10))
	f.Add("support", []byte{10, 2, 21}, "\x1b[31m text", "", uint8(2|8), uint16(0), uint16(0))
	f.Add("confined", []byte{17, 17, 18, 23}, "", "id", uint8(4|16), uint16(500), uint16(400))
	all := declarations(f)
	f.Fuzz(func(t *testing.T, name string, program []byte, text, id string, flags uint8, most, reserved uint16) {
		d := all[name]
		if d == nil || len(program) > 8 {
			return
		}
		var opts []status.Option
		kinds := extras(t, text)
		for _, i := range program {
			opts = append(opts, kinds[int(i)%len(kinds)])
		}
		e := read(t, d.Make(opts, text, id, text))
		compare(t, e, status.Rendering{
			Domain: "server.example.com", RequestID: id, Trust: status.Trust(flags & 3), OmitErrorDetail: flags&4 != 0, OmitGuidance: flags&8 != 0,
			TechnicalDetails: flags&16 != 0, TrailerBytes: int(most), Reserved: int(reserved), PartnerDomains: []string{"shelf.example.com"},
		})
	})
}
