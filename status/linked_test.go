package status_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// depot is a catalogue that is linked into the program, as one with generated code is.
var depot = func() protoreflect.EnumDescriptor {
	f := new(descriptorpb.FileDescriptorProto)
	err := prototext.Unmarshal([]byte(`
		name: "depot.proto" package: "depot" syntax: "proto3" dependency: "recourse/v1/catalog.proto"
		message_type {name: "Outer" enum_type {name: "DepotError"
			options {[recourse.v1.catalog] {domain: "depot.example.com" version: "2"}}
			value {name: "DEPOT_ERROR_UNSPECIFIED" number: 0}
			value {name: "DEPOT_ERROR_LATE" number: 1 options {[recourse.v1.error] {
				code: CODE_FAILED_PRECONDITION message: "{what} for {buyer} waits in {hall}"
				suggestion: "Ask {buyer}, or in {hall}, about {what}."
				params {key: "what" sensitivity: SENSITIVITY_PUBLIC}
				params {key: "buyer" sensitivity: SENSITIVITY_PERSONAL}
				params {key: "hall" sensitivity: SENSITIVITY_INTERNAL}
				actions {actor: ACTOR_END_USER label: "Write to {buyer}"}}}}
			value {name: "DEPOT_ERROR_SHUT" number: 2 options {[recourse.v1.error] {
				code: CODE_UNAVAILABLE message: "hall 7 is shut" visibility: VISIBILITY_INTERNAL}}}
			value {name: "DEPOT_ERROR_OPEN" number: 3 options {[recourse.v1.error] {
				code: CODE_NOT_FOUND message: "no {what}" params {key: "what" sensitivity: SENSITIVITY_PUBLIC}}}}
			value {name: "DEPOT_ERROR_BURNT" number: 4 options {[recourse.v1.error] {
				code: CODE_DATA_LOSS message: "hall 7 is gone" visibility: VISIBILITY_INTERNAL}}}
			value {name: "DEPOT_ERROR_BROKEN" number: 5 options {[recourse.v1.error] {
				code: CODE_INTERNAL message: "the crane of hall 7 is broken" visibility: VISIBILITY_INTERNAL}}}
			value {name: "DEPOT_ERROR_SUNK" number: 6 options {[recourse.v1.error] {
				code: CODE_UNAVAILABLE message: "the barge is gone" visibility: VISIBILITY_INTERNAL}}}}}`), f)
	if err == nil {
		file, ferr := protodesc.NewFile(f, protoregistry.GlobalFiles)
		if err = ferr; err == nil {
			if err = protoregistry.GlobalFiles.RegisterFile(file); err == nil {
				return file.Messages().Get(0).Enums().Get(0)
			}
		}
	}
	panic(err)
}()

var (
	late  = status.Declare(declared{depot, 1}, "LATE", func(v map[string]string) (map[string]string, bool) { return v, true })
	burnt = status.Declare(declared{depot, 4}, "BURNT", func(map[string]string) (struct{}, bool) { return struct{}{}, true })
	shut  = status.Declare(declared{depot, 2}, "SHUT", func(map[string]string) (struct{}, bool) { return struct{}{}, true })
)

// hop is err as a service has it that called another, which trusts it so far; the client has interceptors, or not.
func hop(t testing.TB, err error, trust status.Trust, intercepted bool) error {
	t.Helper()
	sent := overTheWire(t, err, status.Rendering{Trust: trust})
	if !intercepted {
		return sent
	}
	return status.Received(sent, "/depot.Depot/Fetch", "", false)
}

// What a service was told in confidence it does not tell its own callers, however it sends the error on.
func TestASentOnErrorIsConfined(t *testing.T) {
	const inside = "teapot for *** waits in north"
	type seen struct {
		message, suggestion, label string
		meta                       map[string]string
	}
	public := seen{"teapot for *** waits in ***", "Ask ***, or in ***, about teapot.", "Write to ***", map[string]string{"what": "teapot", "buyer": "", "hall": ""}}
	partner := seen{"teapot for *** waits in north", "Ask ***, or in north, about teapot.", "Write to ***", map[string]string{"what": "teapot", "buyer": "", "hall": "north"}}
	internal := seen{"teapot for Ada waits in north", "Ask Ada, or in north, about teapot.", "Write to Ada", map[string]string{"what": "teapot", "buyer": "Ada", "hall": "north"}}
	for name, sendOn := range map[string]func() error{
		"passed through": func() error {
			return status.PassThrough(hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Internal, true))
		},
		"passed through, wrapped": func() error {
			return fmt.Errorf("x: %w", status.PassThrough(hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Internal, true)))
		},
		"passed through twice": func() error {
			return status.PassThrough(status.PassThrough(hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Internal, true)))
		},
		"of a client without interceptors": func() error { return hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Internal, false) },
		"stored": func() error {
			sent := overTheWire(t, late.Make(nil, "teapot", "Ada", "north"), status.Rendering{Trust: status.Internal})
			return status.FromProto(grpcstatus.Convert(sent).Proto())
		},
	} {
		for trust, want := range map[status.Trust]seen{status.Public: public, status.Partner: partner, status.Internal: internal, 9: public} {
			e := status.Classify(sendOn())
			if e.Message() != inside || e.Metadata()["buyer"] != "" {
				t.Errorf("%s: %q, %v may be logged", name, e.Message(), e.Metadata())
			}
			r, _ := status.From(overTheWire(t, e, status.Rendering{Trust: trust}))
			info, _ := status.Detail[*errdetails.ErrorInfo](r)
			got := seen{r.Message(), r.Suggestion(), r.RecoveryActions()[0].GetLabel(), info.GetMetadata()}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" || r.Code() != codes.FailedPrecondition || r.Domain() != "depot.example.com" {
				t.Errorf("%s, trust %d: %v (-want +got):\n%s", name, trust, r, diff)
			}
			if p, ok := late.From(e); !ok || p["buyer"] != "Ada" {
				t.Errorf("%s: the service itself has lost %v", name, p)
			}
		}
	}
	e, _ := status.From(hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Internal, true))
	if b, err := json.Marshal(e); err != nil || strings.Contains(string(b), "Ada") || strings.Contains(string(b), "north") {
		t.Errorf("JSON: %s, %v", b, err)
	}
	if e.Message() != "teapot for Ada waits in north" {
		t.Errorf("what was received reads %q", e.Message())
	}
}

// A service has another version of the catalogue, and added to its error; this one adds to it too.
func TestASentOnErrorOfAnotherVersion(t *testing.T) {
	there := status.New(codes.FailedPrecondition, "LATE", "it is Ada's", status.Domain("depot.example.com"), status.Meta("what", "teapot"),
		status.Meta("buyer", "Ada"), status.Meta("phone", "555"), status.Suggest("Call Ada, 555."), status.Attach(&errdetails.LocalizedMessage{Locale: "de", Message: "es gehört Ada"}),
		status.Recover(status.Action(status.ByEndUser, "Call Ada", nil), status.Action(status.ByEndUser, "Call 555", nil)))
	e, _ := status.From(status.PassThrough(hop(t, there, status.Internal, true)))
	e = e.With(status.Escalate("help@example.com", "1"))
	labels := func(r *status.Error) (labels []string) {
		for _, a := range r.RecoveryActions() {
			labels = append(labels, a.GetLabel())
		}
		return labels
	}
	r, _ := status.From(overTheWire(t, e, status.Rendering{}))
	if s := fmt.Sprint(r.GRPCStatus().Proto()); strings.Contains(s, "Ada") || strings.Contains(s, "555") {
		t.Errorf("a stranger sees %s", s)
	}
	if want := []string{"Contact support", "Write to ***"}; !slices.Equal(labels(r), want) || r.Message() != "teapot for *** waits in ***" {
		t.Errorf("%q, %q", labels(r), r.Message())
	}
	if _, ok := status.Detail[*errdetails.LocalizedMessage](r); ok {
		t.Error("a stranger sees what the service says in another language")
	}
	r, _ = status.From(overTheWire(t, e, status.Rendering{Trust: status.Internal}))
	if want := []string{"Contact support", "Call Ada", "Call 555"}; !slices.Equal(labels(r), want) || r.Suggestion() != "Call Ada, 555." || r.Metadata()["phone"] != "555" {
		t.Errorf("our own see %q, %q, %v", labels(r), r.Suggestion(), r.Metadata())
	}
	e, _ = status.From(status.PassThrough(hop(t, there, status.Internal, true)))
	r, _ = status.From(overTheWire(t, e.With(status.Suggest("Wait.")), status.Rendering{}))
	if r.Suggestion() != "Wait." {
		t.Errorf("what this service suggests is lost: %q", r.Suggestion())
	}
}

// Somebody on the way has withheld values already.
func TestASentOnErrorWithGaps(t *testing.T) {
	e := status.PassThrough(hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Public, true))
	r, _ := status.From(overTheWire(t, e, status.Rendering{Trust: status.Internal}))
	if r.Message() != "teapot for *** waits in ***" || r.Suggestion() != "Ask ***, or in ***, about teapot." {
		t.Errorf("%q, %q", r.Message(), r.Suggestion())
	}
}

func TestASentOnErrorThatIsNotForEverybody(t *testing.T) {
	for _, err := range []error{status.PassThrough(hop(t, burnt.Make(nil), status.Internal, true)), hop(t, burnt.Make(nil), status.Internal, false)} {
		if r, _ := status.From(overTheWire(t, status.Classify(err), status.Rendering{})); r.Code() != codes.DataLoss || r.ErrorCode() != "DATA_LOSS" || r.CatalogVersion() != "" {
			t.Errorf("a stranger sees %v of the catalogue %q", r, r.CatalogVersion())
		}
		if r, _ := status.From(overTheWire(t, status.Classify(err), status.Rendering{Trust: status.Internal})); !errors.Is(r, burnt) {
			t.Errorf("our own see %v", r)
		}
	}
	e := status.PassThrough(hop(t, shut.Make(nil), status.Internal, true))
	if r, _ := status.From(overTheWire(t, e, status.Rendering{})); r.ErrorCode() != "UNAVAILABLE" || strings.Contains(r.Message(), "hall") {
		t.Errorf("a stranger sees %v", r)
	}
	if r, _ := status.From(overTheWire(t, e, status.Rendering{Trust: status.Internal})); !errors.Is(r, shut) || r.Message() != "hall 7 is shut" {
		t.Errorf("our own see %v", r)
	}
}

// What nobody declares here, or keeps nothing to itself, goes on as it came.
func TestWhatIsSentOnAsItCame(t *testing.T) {
	for _, there := range []*status.Error{
		status.New(codes.NotFound, "OPEN", "Ada's", status.Domain("depot.example.com"), status.Meta("what", "tea"), status.Meta("more", "x"), status.Suggest("Ask Ada.")),
		status.New(codes.NotFound, "LATE", "Ada's", status.Domain("other.example.com"), status.Meta("buyer", "Ada"), status.Suggest("Ask Ada.")),
		status.New(codes.NotFound, "LATER", "Ada's", status.Domain("depot.example.com"), status.Meta("buyer", "Ada"), status.Suggest("Ask Ada.")),
	} {
		r, _ := status.From(overTheWire(t, status.PassThrough(hop(t, there, status.Internal, true)), status.Rendering{}))
		if diff := cmp.Diff(there.Metadata(), r.Metadata()); diff != "" || r.Message() != "Ada's" || r.Suggestion() != "Ask Ada." || r.Code() != codes.NotFound {
			t.Errorf("%v became %v %s", there, r, diff)
		}
	}
}

// FuzzSentOn has another service say what it likes, with the canary wherever this service's declaration keeps values back.
func FuzzSentOn(f *testing.F) {
	f.Add("teapot", "Ada", "phone", "555", "Call ", byte(0))
	f.Add("teapot", "Ada", "phone", "555", "Call ", byte(200))
	f.Add("", "", "buyer", strings.Repeat("x", 1<<12), "{buyer}", byte(7))
	f.Fuzz(func(t *testing.T, what, buyer, key, value, text string, size byte) {
		if strings.Contains(what+key, canary) || key == "what" {
			return // everybody may see it
		}
		there := status.New(codes.FailedPrecondition, "LATE", text+canary, status.Domain("depot.example.com"), status.Meta("what", what), status.Meta(key, value+canary),
			status.Meta("buyer", buyer+canary), status.Meta("hall", canary), status.Suggest(canary+text), status.Recover(status.Action(status.ByEndUser, text+canary, nil)),
			status.Attach(&errdetails.LocalizedMessage{Locale: "de", Message: text + canary}))
		sent := overTheWire(t, there, status.Rendering{Trust: status.Internal, TrailerBytes: 300 + 16*int(size)})
		for _, e := range []error{status.PassThrough(status.Received(sent, "/d.D/D", "", false)), sent} {
			public := status.Classify(e).Encode(status.Rendering{}).Status
			if s := public.Proto().String(); strings.Contains(s, canary) {
				t.Errorf("a stranger sees %s", s)
			}
			b, err := proto.Marshal(public.Proto())
			if err != nil || bytes.Contains(b, []byte(canary)) {
				t.Errorf("a stranger sees %q, %v", b, err)
			}
		}
	})
}

// A code whose texts are meant for a log says nothing, and neither does the name of an error that is not for everybody.
func TestASentOnErrorThatSaysNothing(t *testing.T) {
	broken := status.Declare(declared{depot, 5}, "BROKEN", func(map[string]string) (struct{}, bool) { return struct{}{}, true })
	e := status.Classify(hop(t, broken.Make(nil), status.Internal, false))
	if r, _ := status.From(overTheWire(t, e, status.Rendering{})); r.Code() != codes.Internal || r.ErrorCode() != "INTERNAL" || r.CatalogVersion() != "" {
		t.Errorf("a stranger sees %v of version %q", r, r.CatalogVersion())
	}
	if r, _ := status.From(overTheWire(t, e, status.Rendering{Trust: status.Internal})); !errors.Is(r, broken) {
		t.Errorf("our own see %v", r)
	}
}

// What a partner may not see is not among the causes that it sees either.
func TestACauseThatIsNotForEverybody(t *testing.T) {
	for _, err := range []error{
		status.Classify(hop(t, shut.Make(nil), status.Internal, true)),
		status.Classify(hop(t, status.Classify(hop(t, shut.Make(nil), status.Internal, true)), status.Internal, true)),
	} {
		for trust, sees := range map[status.Trust]bool{status.Partner: false, status.Internal: true} {
			r := overTheWire(t, err, status.Rendering{Trust: trust, PartnerDomains: []string{"depot.example.com"}})
			e, _ := status.From(r)
			if s := fmt.Sprint(e.Causes()); len(e.Causes()) == 0 || strings.Contains(s, "SHUT") != sees {
				t.Errorf("trust %d sees %s", trust, s)
			}
		}
	}
}

// It is no matter whether this process has met an error of that kind before: of this one it has not.
func TestACauseThatNobodyHasMet(t *testing.T) {
	chain := remote(rpc(t, codes.Unavailable, "no", &errdetails.ErrorInfo{Reason: "HALL_DOWN", Domain: "hall.example.com"},
		&recoursev1.ErrorDetail{ErrorCode: "HALL_DOWN", Domain: "hall.example.com",
			Causes: []*recoursev1.CauseLink{{Service: "depot.v1.Depot", Domain: "depot.example.com", ErrorCode: "SUNK", Code: 14}}}))
	r := overTheWire(t, status.Classify(chain), status.Rendering{Trust: status.Partner, PartnerDomains: []string{"hall.example.com", "depot.example.com"}})
	e, _ := status.From(r)
	if s := fmt.Sprint(e.Causes()); len(e.Causes()) != 2 || strings.Contains(s, "SUNK") {
		t.Errorf("a partner sees %s", s)
	}
}

// What was told in confidence is for programs: logs show the text of an error, and its metadata.
func TestAReceivedErrorIsLoggedWithoutWhatIsPersonal(t *testing.T) {
	for _, intercepted := range []bool{true, false} {
		e, _ := status.From(hop(t, late.Make(nil, "teapot", "Ada", "north"), status.Internal, intercepted))
		for _, e := range []*status.Error{e, e.With(status.Suggest("x")), e.Note(&recoursev1.RetryAdvice{Attempts: 3})} {
			if want := "FailedPrecondition LATE: teapot for *** waits in north"; e.Error() != want {
				t.Errorf("%q, want %q", e.Error(), want)
			}
			if m := e.Metadata(); m["buyer"] != "" || m["hall"] != "north" || len(m) != 3 {
				t.Errorf("%v may be logged", m)
			}
			if p, ok := late.From(e); !ok || p["buyer"] != "Ada" || e.Message() != "teapot for Ada waits in north" {
				t.Errorf("programs read %v, %q", p, e.Message())
			}
		}
	}
}
