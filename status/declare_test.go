package status_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// declared is a value of an enum that is described here, as a service's .proto would.
type declared struct {
	enum   protoreflect.EnumDescriptor
	number protoreflect.EnumNumber
}

func (d declared) Descriptor() protoreflect.EnumDescriptor { return d.enum }
func (d declared) Type() protoreflect.EnumType             { return nil }
func (d declared) Number() protoreflect.EnumNumber         { return d.number }

var catalogs = 0

// declare makes a catalogue with one error of the options, which are in text.
func declare(t testing.TB, options string) declared {
	t.Helper()
	spec, catalog := new(recoursev1.ErrorOptions), new(recoursev1.CatalogOptions)
	if err := prototext.Unmarshal([]byte(options), spec); err != nil {
		t.Fatal(err)
	}
	catalog.Domain, catalog.Version, catalog.DocBaseUrl = "shop.example.com", "2026.11", "https://docs.example.com/"
	value, enum := new(descriptorpb.EnumValueOptions), new(descriptorpb.EnumOptions)
	proto.SetExtension(value, recoursev1.E_Error, spec)
	proto.SetExtension(enum, recoursev1.E_Catalog, catalog)
	catalogs++
	f, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String(fmt.Sprintf("shop%d.proto", catalogs)), Package: proto.String(fmt.Sprintf("shop%d", catalogs)), Syntax: proto.String("proto3"),
		Dependency: []string{"recourse/v1/catalog.proto"},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("ShopError"), Options: enum, Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("SHOP_ERROR_UNSPECIFIED"), Number: proto.Int32(0)},
			{Name: proto.String("SHOP_ERROR_OUT_OF_STOCK"), Number: proto.Int32(1), Options: value},
		}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return declared{f.Enums().Get(0), 1}
}

const outOfStock = `
	code: CODE_FAILED_PRECONDITION title: "Out of stock"
	message: "only {left} of {sku} are left for {buyer} {{sic}}"
	suggestion: "Order at most {left}."
	params {key: "sku" sensitivity: SENSITIVITY_PUBLIC}
	params {key: "left" type: TYPE_INT64 sensitivity: SENSITIVITY_PUBLIC}
	params {key: "buyer" sensitivity: SENSITIVITY_PERSONAL}
	params {key: "warehouse" sensitivity: SENSITIVITY_INTERNAL}
	params {key: "token" sensitivity: SENSITIVITY_SECRET}
	outcome: OUTCOME_NOT_APPLIED retry: VERDICT_AFTER_ACTION
	actions {actor: ACTOR_CALLER_CODE label: "Order less" fix_fields {fixes {field: "quantity" suggested_value: "{left}"}}}
	actions {actor: ACTOR_END_USER label: "Write to {buyer}"}`

type stock struct{ sku, left, buyer, warehouse, token string }

func readStock(v map[string]string) (stock, bool) {
	return stock{v["sku"], v["left"], v["buyer"], v["warehouse"], v["token"]}, v["left"] != "odd"
}

func TestDeclared(t *testing.T) {
	d := status.Declare(declare(t, outOfStock), "OUT_OF_STOCK", readStock)
	cause := errors.New("no rows")
	err := d.Make([]status.Option{status.Cause(cause)}, "SKU-1", "2", "Ada", "north", "hunter2")

	t.Run("in this process", func(t *testing.T) {
		e, ok := status.From(err)
		if !ok || e.Code() != codes.FailedPrecondition || e.ErrorCode() != "OUT_OF_STOCK" || e.Domain() != "shop.example.com" || e.CatalogVersion() != "2026.11" {
			t.Errorf("got %v of %q, version %q", e, e.Domain(), e.CatalogVersion())
		}
		if want := "only 2 of SKU-1 are left for *** {sic}"; e.Message() != want {
			t.Errorf("message %q, want %q: it may be logged", e.Message(), want)
		}
		if e.Suggestion() != "Order at most 2." || e.Outcome() != status.NotApplied || e.Verdict() != status.AfterAction {
			t.Errorf("%q, %v, %v", e.Suggestion(), e.Outcome(), e.Verdict())
		}
		if diff := cmp.Diff(map[string]string{"sku": "SKU-1", "left": "2", "buyer": "", "warehouse": "north", "token": ""}, e.Metadata()); diff != "" {
			t.Errorf("metadata, which may be logged (-want +got):\n%s", diff)
		}
		if !errors.Is(err, d) || !errors.Is(fmt.Errorf("wrapped: %w", err), d) || !errors.Is(err, cause) {
			t.Error("errors.Is does not find it")
		}
		if p, ok := d.From(err); !ok || p != (stock{"SKU-1", "2", "Ada", "north", ""}) {
			t.Errorf("%+v, %t", p, ok)
		}
	})

	for trust, want := range map[status.Trust]struct {
		message, label string
		meta           map[string]string
	}{
		status.Public: {"only 2 of SKU-1 are left for *** {sic}", "Write to ***",
			map[string]string{"sku": "SKU-1", "left": "2", "buyer": "", "warehouse": "", "token": ""}},
		status.Partner: {"only 2 of SKU-1 are left for *** {sic}", "Write to ***",
			map[string]string{"sku": "SKU-1", "left": "2", "buyer": "", "warehouse": "north", "token": ""}},
		status.Internal: {"only 2 of SKU-1 are left for Ada {sic}", "Write to Ada",
			map[string]string{"sku": "SKU-1", "left": "2", "buyer": "Ada", "warehouse": "north", "token": ""}},
	} {
		t.Run(fmt.Sprint("on the wire, trust ", trust), func(t *testing.T) {
			sent := overTheWire(t, err, status.Rendering{Trust: trust})
			e, _ := status.From(sent)
			if e.Message() != want.message || e.RecoveryActions()[1].GetLabel() != want.label {
				t.Errorf("%q, %q", e.Message(), e.RecoveryActions()[1].GetLabel())
			}
			if got := e.RecoveryActions()[0].GetFixFields().GetFixes()[0].GetSuggestedValue(); got != "2" {
				t.Errorf("suggested %q", got)
			}
			if diff := cmp.Diff(want.meta, e.Metadata()); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if !errors.Is(e, d) || errors.Is(sent, d) {
				t.Error("errors.Is has to know an Error, and cannot know grpc-go's")
			}
			if p, ok := d.From(sent); !ok || p.sku != "SKU-1" {
				t.Errorf("%+v, %t", p, ok)
			}
			if links, _ := status.Detail[*recoursev1.ErrorDetail](sent); links.GetCatalogVersion() != "2026.11" {
				t.Errorf("%v", links)
			}
		})
	}

	t.Run("not the same", func(t *testing.T) {
		other := status.New(codes.FailedPrecondition, "OUT_OF_STOCK", "", status.Domain("other.example.com"))
		odd := status.New(codes.FailedPrecondition, "OUT_OF_STOCK", "", status.Domain("shop.example.com"), status.Meta("left", "odd"))
		if _, ok := d.From(other); ok || errors.Is(other, d) {
			t.Error("of another domain")
		}
		if _, ok := d.From(odd); ok || !errors.Is(odd, d) {
			t.Error("with an odd value")
		}
		for _, err := range []error{nil, errors.New("OUT_OF_STOCK"), grpcstatus.Error(codes.FailedPrecondition, "OUT_OF_STOCK")} {
			if _, ok := d.From(err); ok {
				t.Errorf("%v", err)
			}
		}
	})

	t.Run("what is shared is not changed", func(t *testing.T) {
		_ = d.Make([]status.Option{status.Recover(status.Action(status.ByEndUser, "more", nil)), status.Help("more", "https://example.com"),
			status.Meta("sku", "other"), status.Suggest("other")}, "A", "1", "B", "C", "D")
		again, _ := status.From(d.Make(nil, "SKU-1", "2", "Ada", "north", "x"))
		if n := len(again.RecoveryActions()); n != 2 || again.Suggestion() != "Order at most 2." || again.Metadata()["sku"] != "SKU-1" {
			t.Errorf("%d actions, %q, %v", n, again.Suggestion(), again.Metadata())
		}
	})

	t.Run("fewer values than parameters", func(t *testing.T) {
		e, _ := status.From(d.Make(nil, "SKU-1"))
		if want := "only  of SKU-1 are left for *** {sic}"; e.Message() != want {
			t.Errorf("%q", e.Message())
		}
	})
}

// overTheWire is err as a client of grpc-go has it.
func overTheWire(t testing.TB, err error, r status.Rendering) error {
	t.Helper()
	e, _ := status.From(err)
	b, merr := proto.Marshal(e.Encode(r).Status.Proto())
	p := new(spb.Status)
	if merr != nil || proto.Unmarshal(b, p) != nil {
		t.Fatal("the status cannot be encoded")
	}
	return grpcstatus.FromProto(p).Err()
}

func TestWhoMaySeeADeclaredError(t *testing.T) {
	for name, visibility := range map[string]string{"internal": "VISIBILITY_INTERNAL", "of a later version": "9"} {
		t.Run(name, func(t *testing.T) { whoMaySee(t, visibility) })
	}
}

func whoMaySee(t *testing.T, visibility string) {
	t.Helper()
	d := status.Declare(declare(t, `code: CODE_RESOURCE_EXHAUSTED message: "shard {shard} is full" visibility: `+visibility+`
		suggestion: "Call the storage team." retry: VERDICT_SAME_REQUEST retry_delay {seconds: 2}
		params {key: "shard" sensitivity: SENSITIVITY_PUBLIC}`), "OUT_OF_STOCK", readStock)
	err := d.Make(nil, "7")
	for _, trust := range []status.Trust{status.Public, status.Partner} {
		e, _ := status.From(overTheWire(t, err, status.Rendering{Trust: trust}))
		if e.Code() != codes.ResourceExhausted || e.ErrorCode() != "RESOURCE_EXHAUSTED" || e.Message() == "shard 7 is full" || e.Metadata() != nil {
			t.Errorf("trust %d: %v %v", trust, e, e.Metadata())
		}
		if e.Suggestion() == "Call the storage team." {
			t.Errorf("trust %d: %q", trust, e.Suggestion())
		}
		if delay, ok := e.RetryDelay(); !ok || delay.Seconds() != 2 || e.Verdict() != status.SameRequest {
			t.Errorf("trust %d: %v, %v", trust, delay, e.Verdict())
		}
	}
	if e, _ := status.From(overTheWire(t, err, status.Rendering{Trust: status.Internal})); e.Message() != "shard 7 is full" || !errors.Is(e, d) {
		t.Errorf("%v", e)
	}
}

// An enum that is no catalogue, or a text with a mistake, makes an error all the same.
func TestADeclarationWithMistakes(t *testing.T) {
	for _, options := range []string{``, `message: "{nobody} {" suggestion: "}"`, `code: CODE_INTERNAL params {key: "x"} message: "{x}"`} {
		d := status.Declare(declare(t, options), "odd code", readStock)
		e, ok := status.From(d.Make(nil, "value"))
		if !ok || e.Code() == codes.OK || e.ErrorCode() != "ODD_CODE" {
			t.Errorf("%s: %v", options, e)
		}
		_ = overTheWire(t, e, status.Rendering{})
	}
	d := status.Declare(declare(t, `message: "{x}" params {key: "x"}`), "UNSAID", readStock)
	if e, _ := status.From(overTheWire(t, d.Make(nil, "value"), status.Rendering{})); e.Message() != "***" {
		t.Errorf("of a parameter of which nothing is said a stranger sees %q", e.Message())
	}
}

// A handler returns what errors.Is compares with, and not what Err makes.
func TestTheSentinelItself(t *testing.T) {
	plain := status.Declare(declare(t, `code: CODE_NOT_FOUND message: "no such shop" suggestion: "Look again." outcome: OUTCOME_NOT_APPLIED`), "NO_SHOP", readStock)
	full := status.Declare(declare(t, outOfStock), "OUT_OF_STOCK", readStock)
	for name, err := range map[string]error{
		"alone": plain, "wrapped": fmt.Errorf("shop 7: %w", plain), "with a cause": fmt.Errorf("%w: %w", plain, context.DeadlineExceeded),
	} {
		e := status.Classify(err)
		if e.Code() != codes.NotFound || e.ErrorCode() != "NO_SHOP" || e.Message() != "no such shop" || e.Outcome() != status.NotApplied || !errors.Is(e, plain) || e.Unwrap() == nil {
			t.Errorf("%s: %v, cause %v", name, e, e.Unwrap())
		}
	}
	for name, err := range map[string]error{"alone": full, "wrapped": fmt.Errorf("shop 7: %w", full)} {
		e := status.Classify(err)
		if e.Code() != codes.Internal || e.ErrorCode() != status.CodeUnexpected || strings.Contains(e.Message(), "stock") || !errors.Is(e.Unwrap(), full) {
			t.Errorf("%s: %v", name, e)
		}
		want := "shop.example.com/OUT_OF_STOCK has parameters: return status_test.stock{…}.Err(), and not the error that is there to compare with"
		if log := e.Unwrap().Error(); !strings.HasPrefix(log, err.Error()+": ") || !strings.HasSuffix(log, want) {
			t.Errorf("%s: the log says %q", name, log)
		}
	}
	mine := status.Classify(full, status.Sentinel(full, codes.NotFound, "MINE", "mine"))
	if mine.ErrorCode() != "MINE" {
		t.Errorf("a classifier that knows it is not asked: %v", mine)
	}
	var none *status.Declared[stock]
	if e := status.Classify(fmt.Errorf("x: %w", error(none))); e.ErrorCode() != status.CodeUnexpected {
		t.Errorf("none: %v", e)
	}
	if errors.Is(plain.Make(nil), none) {
		t.Error("an error is none")
	}
	if _, ok := none.From(plain.Make(nil)); ok {
		t.Error("an error has the parameters of none")
	}
}
