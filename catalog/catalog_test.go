package catalog_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/recourse-dev/recourse/catalog"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The example's catalogue is read from what is linked in, and is the same after it was
// written.
func TestTheExample(t *testing.T) {
	c, problems := catalog.Read([]protoreflect.FileDescriptor{
		assistantv1.File_assistant_v1_errors_proto, assistantv1.File_assistant_v1_assistant_proto, assistantv1.File_assistant_v1_model_backend_proto,
	})
	if len(problems) > 0 || len(c.Errors) != 10 || len(c.Methods) != 5 {
		t.Fatalf("%d errors, %d methods, problems %v", len(c.Errors), len(c.Methods), problems)
	}
	if diff := cmp.Diff([]string{"assistant.v1.ModelBackend/Complete", "assistant.v1.ModelBackend/CompleteStream"}, c.Silent); diff != "" {
		t.Errorf("methods that declare nothing (-want +got):\n%s", diff)
	}
	e := c.Find("CHAT_FULL")
	if e == nil || e.Key() != "assistant.example.com/CHAT_FULL" || e.Code != "FAILED_PRECONDITION" || e.Retry != "AT_HIGHER_LEVEL" {
		t.Errorf("got %+v", e)
	}
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := catalog.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	opts := []cmp.Option{cmpopts.IgnoreUnexported(catalog.Error{}, catalog.Method{}, catalog.Enum{})}
	if diff := cmp.Diff(c, again, opts...); diff != "" {
		t.Error(diff)
	}
}

// What is gone stays gone, however often the document is written anew.
func TestRemember(t *testing.T) {
	document := func(reasons ...string) *catalog.Catalog {
		c := &catalog.Catalog{Schema: catalog.Schema}
		for _, r := range reasons {
			c.Errors = append(c.Errors, &catalog.Error{Domain: "d", Reason: r})
		}
		return c
	}
	first, second, third := document("A", "B"), document("B", "C"), document("A", "C")
	second.Remember(first)
	third.Remember(second)
	if diff := cmp.Diff([]string{"d/A"}, second.Retired); diff != "" {
		t.Error(diff)
	}
	// A is declared again, which package breaking reports.
	if diff := cmp.Diff([]string{"d/B"}, third.Retired); diff != "" {
		t.Error(diff)
	}
}

// What a catalogue reserves is in the document.
func TestReserved(t *testing.T) {
	files, err := catalog.Load([]byte(`file {
		name: "shop.proto" package: "shop.v1" syntax: "proto3"
		enum_type {
			name: "ShopError"
			options { [recourse.v1.catalog] { domain: "shop.example.com" version: "2" } }
			value { name: "SHOP_ERROR_UNSPECIFIED" number: 0 }
			reserved_name: "SHOP_ERROR_CLOSED" reserved_range { start: 3 end: 5 } reserved_range { start: 9 end: 9 }
		}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	c, problems := catalog.Read(files)
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	want := []*catalog.Enum{{
		Name: "shop.v1.ShopError", Domain: "shop.example.com", Version: "2",
		ReservedNames: []string{"SHOP_ERROR_CLOSED"}, ReservedNumbers: []catalog.Numbers{{First: 3, Last: 5}, {First: 9, Last: 9}},
	}}
	if diff := cmp.Diff(want, c.Enums, cmpopts.IgnoreUnexported(catalog.Enum{})); diff != "" {
		t.Error(diff)
	}
	if c.Enums[0].Descriptor() == nil || c.Enums[0].At().File != "shop.proto" {
		t.Errorf("at %v", c.Enums[0].At())
	}
}
