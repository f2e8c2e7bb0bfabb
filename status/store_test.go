package status_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestToProtoIsWhatAPublicCallerSees(t *testing.T) {
	e := everything()
	want := sent(t, e, status.Rendering{})
	want.Details = append(want.Details[:1:1], want.Details[2:]...) // the delay
	for name, err := range map[string]error{"itself": e, "wrapped": fmt.Errorf("secret: %w", e)} {
		if d := diff(want, status.ToProto(err)); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
	if _, ok := e.RetryDelay(); !ok {
		t.Error("ToProto took the delay from the error itself")
	}
	if d := diff(status.Classify(io.EOF).GRPCStatus().Proto(), status.ToProto(io.EOF)); d != "" {
		t.Errorf("any error: -want +got:\n%s", d)
	}
	if p := status.ToProto(nil); p != nil {
		t.Errorf("ToProto(nil) = %v", p)
	}
	var none *status.Error
	if p := status.ToProto(none); p.GetCode() == 0 {
		t.Errorf("ToProto of a nil Error in an interface = %v, want a failure", p)
	}
	if p := status.ToProto(remote(rpc(t, codes.NotFound, "secret"))); codes.Code(p.GetCode()) != codes.Internal {
		t.Errorf("a dependency's error is stored as %v", p)
	}
}

func TestToProtoFitsAReplyLater(t *testing.T) {
	p := status.ToProto(laden())
	if got := trailerBlock(p); got > status.DefaultTrailerBytes {
		t.Errorf("what is stored takes %d, more than %d", got, status.DefaultTrailerBytes)
	}
}

func TestFromProtoRestoresWhatToProtoStored(t *testing.T) {
	stored := status.ToProto(everything())
	e := restored(stored)
	if d := diff(stored, status.ToProto(e)); d != "" {
		t.Errorf("-stored +stored again:\n%s", d)
	}
	if _, ok := e.RetryDelay(); ok {
		t.Error("a delay came back")
	}
	if got := status.Classify(fmt.Errorf("a: %w", e)); got != e {
		t.Errorf("a restored error does not count as this service's own: %v", got)
	}
	stored.Message = "changed"
	clear(stored.Details[0].Value)
	if e.Message() == "changed" || e.ErrorCode() != "BOOK_LENT" {
		t.Error("changing the stored form changed the error")
	}
}

func TestFromProtoReadsWhatOthersStored(t *testing.T) {
	var none *spb.Status
	for _, p := range []*spb.Status{nil, none, {}, {Message: "fine", Details: []*anypb.Any{unknownAny("x")}}} {
		if e := restored(p); e != nil {
			t.Errorf("FromProto(%v) = %v, want nil", p, e)
		}
	}
	for _, code := range []int32{-1, 17, 1 << 30} {
		if got := restored(&spb.Status{Code: code}).Code(); got != codes.Unknown {
			t.Errorf("code %d reads %v", code, got)
		}
	}
	dirty := &spb.Status{Code: 5, Message: "a\xff\x00", Details: []*anypb.Any{nil, {}, unknownAny("\xff"), broken("google.rpc.ErrorInfo")}}
	p := sent(t, restored(dirty), status.Rendering{})
	if p.GetMessage() != "a\ufffd" || detail[*errdetails.ErrorInfo](t, p).GetReason() != "NOT_FOUND" {
		t.Errorf("got %v", p)
	}
}

func TestMarshalJSON(t *testing.T) {
	nan, err := structpb.NewStruct(nil)
	if err != nil {
		t.Fatal(err)
	}
	nan.Fields = map[string]*structpb.Value{"not": structpb.NewNumberValue(nanValue)}
	// A string that is not UTF-8 gets past an Any, since nobody looks into one in the middle.
	inner := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "\xff")
	e := status.New(codes.InvalidArgument, "BAD_BOOK", `a "book" <b>`, status.Domain(domain), status.RetryAfter(1500e6), status.Violation("isbn", "MALFORMED", "not an ISBN"),
		status.Attach(unknownAny("\x00\xff"), nan, wrapperspb.String("s"), &spb.Status{Details: []*anypb.Any{{TypeUrl: "t/google.protobuf.StringValue", Value: inner}}}),
		status.Recover(status.Action(0, "custom", wrapperspb.Int64(1))))
	b, err := json.Marshal(map[string]any{"error": e})
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	golden := filepath.Join("testdata", "error.json")
	if *update {
		if err := os.WriteFile(golden, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), indented.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Where every type is known, the JSON form is that of google.rpc.Status.
func TestMarshalJSONIsTheJSONFormOfAStatus(t *testing.T) {
	made := status.New(codes.Unavailable, "X_Y", "m", status.RetryAfter(1e9), status.Attach(&errdetails.QuotaFailure{}, durationpb.New(1), &recoursev1.Degraded{}))
	for name, e := range map[string]*status.Error{"made here": made, "received": remote(sent(t, made, status.Rendering{})), "bare": status.New(codes.NotFound, "", "")} {
		got := new(spb.Status)
		if err := protojson.Unmarshal([]byte(marshalJSON(t, e)), got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := diff(e.With().GRPCStatus().Proto(), got); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
}

func TestMarshalJSONNeverFails(t *testing.T) {
	var all []proto.Message
	for _, m := range known() {
		all = append(all, m, broken(string(m.ProtoReflect().Descriptor().FullName())))
	}
	for _, m := range all {
		for _, e := range []*status.Error{remote(rpc(t, codes.NotFound, "m", m)), status.New(codes.NotFound, "X_Y", "m", status.Attach(m))} {
			if !json.Valid([]byte(marshalJSON(t, e))) {
				t.Errorf("%v: not valid JSON", m)
			}
		}
	}
}
