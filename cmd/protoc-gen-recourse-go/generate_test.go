package main

import (
	"flag"
	gofmt "go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/pluginpb"
)

var update = flag.Bool("update", false, "write testdata anew")

// imports are what every file with a catalogue stands on.
func imports() []*descriptorpb.FileDescriptorProto {
	return []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(anypb.File_google_protobuf_any_proto),
		protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto),
		protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto),
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
		protodesc.ToFileDescriptorProto(recoursev1.File_recourse_v1_recovery_action_proto),
		protodesc.ToFileDescriptorProto(recoursev1.File_recourse_v1_error_detail_proto),
		protodesc.ToFileDescriptorProto(recoursev1.File_recourse_v1_catalog_proto),
	}
}

// file reads a file descriptor as text.
func file(t *testing.T, text string) *descriptorpb.FileDescriptorProto {
	t.Helper()
	f := new(descriptorpb.FileDescriptorProto)
	if err := prototext.Unmarshal([]byte(text), f); err != nil {
		t.Fatal(err)
	}
	f.Syntax = proto.String("proto3")
	f.Dependency = append(f.Dependency, "recourse/v1/catalog.proto")
	return f
}

// run is one run of the plugin, which writes all the files given.
func run(t *testing.T, files ...*descriptorpb.FileDescriptorProto) (map[string]string, error) {
	t.Helper()
	return runWith(t, nil, files...)
}

// runWith is one run of the plugin, which has some files only because others import them.
func runWith(t *testing.T, imported []*descriptorpb.FileDescriptorProto, files ...*descriptorpb.FileDescriptorProto) (map[string]string, error) {
	t.Helper()
	req := &pluginpb.CodeGeneratorRequest{Parameter: proto.String("paths=source_relative"), ProtoFile: append(imports(), imported...)}
	for _, f := range files {
		req.ProtoFile = append(req.ProtoFile, f)
		req.FileToGenerate = append(req.FileToGenerate, f.GetName())
	}
	// What comes over the pipe is bytes: options that are known here arrive as such.
	b, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	req = new(pluginpb.CodeGeneratorRequest)
	if err := proto.Unmarshal(b, req); err != nil {
		t.Fatal(err)
	}
	p, err := protogen.Options{}.New(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := generate(p); err != nil {
		return nil, err
	}
	out := map[string]string{}
	res := p.Response()
	if res.GetError() != "" {
		t.Fatal(res.GetError())
	}
	for _, f := range res.GetFile() {
		out[f.GetName()] = f.GetContent()
	}
	return out, nil
}

const catalogue = `options {[recourse.v1.catalog] {domain: "shop.example.com" version: "2026.11"}} value {name: "SHOP_ERROR_UNSPECIFIED" number: 0}`

const shop = `
name: "shop/v1/shop.proto" package: "shop.v1" options {go_package: "example.com/shop/v1;shopv1"}
message_type {name: "OrderRequest" enum_type {name: "Inner" ` + catalogue + `
  value {name: "INNER_DEEP_DOWN" number: 1 options {[recourse.v1.error] {code: CODE_INTERNAL title: "Deep down" message: "deep down"}}}}}
message_type {name: "OrderResponse"}
enum_type {name: "ShopError" ` + catalogue + `
  value {name: "SHOP_ERROR_OUT_OF_STOCK" number: 1 options {[recourse.v1.error] {
    code: CODE_FAILED_PRECONDITION title: "Out of stock" message: "only {left} of {sku} are left"
    params {key: "sku" type: TYPE_STRING sensitivity: SENSITIVITY_PUBLIC description: "What was ordered.\nAs it stands in the shop."}
    params {key: "left" type: TYPE_INT64 sensitivity: SENSITIVITY_PUBLIC}
    params {key: "buyer-id" sensitivity: SENSITIVITY_PERSONAL}
    params {key: "ratio" type: TYPE_DOUBLE sensitivity: SENSITIVITY_PUBLIC}
    params {key: "rush" type: TYPE_BOOL sensitivity: SENSITIVITY_PUBLIC}
    params {key: "wait" type: TYPE_DURATION sensitivity: SENSITIVITY_PUBLIC}
    params {key: "back_at" type: TYPE_TIMESTAMP sensitivity: SENSITIVITY_INTERNAL}}}}
  value {name: "SHOP_ERROR_CLOSED" number: 2 options {[recourse.v1.error] {code: CODE_UNAVAILABLE title: "Closed" message: "closed"}}}
  value {name: "SHOP_ERROR_GONE" number: 3 options {[recourse.v1.error] {
    code: CODE_NOT_FOUND reason: "HTTP_URL_GONE" title: "Gone" message: "gone" deprecated_since: "2026.10" replaced_by: "CLOSED"}}}}
service {name: "Shop" options {[recourse.v1.service] {errors: "SHOP_ERROR_CLOSED"}}
  method {name: "Order" input_type: ".shop.v1.OrderRequest" output_type: ".shop.v1.OrderResponse"
    options {[recourse.v1.method] {errors: "SHOP_ERROR_OUT_OF_STOCK" errors: "SHOP_ERROR_CLOSED"}}}
  method {name: "Cancel" input_type: ".shop.v1.OrderRequest" output_type: ".shop.v1.OrderResponse"}}
source_code_info {
  location {path: [5, 0, 2, 1] span: [10, 2, 20, 5] leading_comments: " The warehouse has fewer pieces.\n\n See {sku}.\n"}
  location {path: [5, 0, 2, 2] span: [21, 2, 30, 5]}}`

// In another package, whose errors a method declares.
const till = `
name: "till/v1/till.proto" package: "till.v1" options {go_package: "example.com/till/v1;tillv1"} dependency: "shop/v1/shop.proto"
message_type {name: "PayRequest"}
service {name: "Till" method {name: "Pay" input_type: ".till.v1.PayRequest" output_type: ".till.v1.PayRequest"
  options {[recourse.v1.method] {errors: "shop.v1.SHOP_ERROR_CLOSED"}}}}`

func TestGenerate(t *testing.T) {
	all, err := run(t, file(t, shop), file(t, till))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 {
		t.Errorf("%d files", len(all))
	}
	for name, got := range all {
		if formatted, err := gofmt.Source([]byte(got)); err != nil || string(formatted) != got {
			t.Errorf("%s is not as gofmt writes it: %v", name, err)
		}
		golden := filepath.Join("testdata", filepath.Base(name)+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// One process for each directory sees the other's files as imports only, and writes the same.
	for _, one := range []struct {
		text     string
		imported []*descriptorpb.FileDescriptorProto
	}{{shop, nil}, {till, []*descriptorpb.FileDescriptorProto{file(t, shop)}}} {
		alone, err := runWith(t, one.imported, file(t, one.text))
		if err != nil {
			t.Fatal(err)
		}
		if len(alone) != 1 {
			t.Errorf("%d files of one", len(alone))
		}
		for name, got := range alone {
			if got != all[name] {
				t.Errorf("%s differs where it is generated by itself", name)
			}
		}
	}
	// A file that declares nothing has no code.
	if none, err := run(t, file(t, `name: "a.proto" package: "a" options {go_package: "example.com/a"} message_type {name: "M"}`)); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}

func TestMistakesSayWhere(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"no code", `code: CODE_UNAVAILABLE title: "Closed"`, `title: "Closed"`, "shop/v1/shop.proto:22:3: SHOP_ERROR_CLOSED has no code"},
		{"no such error", `errors: "SHOP_ERROR_OUT_OF_STOCK"`, `errors: "OUT_OF_STOCK"`, `declares the error "OUT_OF_STOCK", which is nowhere`},
		{"a name twice", `name: "OrderResponse"}`, `name: "OrderResponse"} message_type {name: "Closed"}`,
			"shop/v1/shop.proto:22:3: its Go name Closed is that of the message shop.v1.Closed"},
		{"a parameter twice", `key: "ratio"`, `key: "back-at"`, "shop/v1/shop.proto:11:3: two parameters of SHOP_ERROR_OUT_OF_STOCK are BackAt"},
		{"a parameter without a name", `key: "ratio"`, `key: "1"`, `the parameter "1" of SHOP_ERROR_OUT_OF_STOCK has no name in Go`},
		{"a parameter named as the method", `key: "ratio"`, `key: "err"`, "is Err in Go"},
		{"a parameter that is no word", `key: "ratio"`, `key: "ra tio"`, `the parameter "ra tio" of SHOP_ERROR_OUT_OF_STOCK has no name in Go`},
		{"an error code that is no name", `reason: "HTTP_URL_GONE"`, `reason: "1ST"`, "is no name in Go"},
		{"a name that gRPC gives", `reason: "HTTP_URL_GONE"`, `reason: "SHOP_SERVER"`, "its Go name ShopServer is that of the service shop.v1.Shop"},
		{"a name that the catalogue has", `reason: "HTTP_URL_GONE"`, `reason: "SHOP_ERROR_DOMAIN"`, "its Go name ShopErrorDomain is that of"},
		{"two names, one place", `reason: "HTTP_URL_GONE"`, `reason: "ERR_CLOSED"`, "its Go name ErrClosed is that of"},
		{"a number twice", `SHOP_ERROR_GONE" number: 3`, `SHOP_ERROR_GONE" number: 2`, "SHOP_ERROR_GONE has the number 2, as SHOP_ERROR_CLOSED has"},
		{"no catalogue", `options {[recourse.v1.catalog] {domain: "shop.example.com" version: "2026.11"}} value {name: "SHOP_ERROR_UNSPECIFIED"`,
			`value {name: "SHOP_ERROR_UNSPECIFIED"`, "its enum is no catalogue"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			broken := strings.ReplaceAll(shop, test.from, test.to)
			if test.name == "a number twice" {
				broken = strings.Replace(broken, `enum_type {name: "ShopError" options {`, `enum_type {name: "ShopError" options {allow_alias: true `, 1)
			}
			if broken == shop {
				t.Fatal("nothing is broken")
			}
			if _, err := run(t, file(t, broken)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTextsStayInTheirComments(t *testing.T) {
	for from, to := range map[string]string{
		`deprecated_since: "2026.10"`: `deprecated_since: "1\nfunc init() {}"`,
		`replaced_by: "CLOSED"`:       `replaced_by: "X\nfunc init() {}"`,
		`domain: "shop.example.com"`:  `domain: "a\nfunc init() {}"`,
		`title: "Closed"`:             `title: "Closed\nfunc init() {}"`,
	} {
		out, err := run(t, file(t, strings.ReplaceAll(shop, from, to)))
		if err != nil || strings.Contains(out["shop/v1/shop.recourse.go"], "\nfunc init") {
			t.Errorf("%s: %v\n%s", to, err, out["shop/v1/shop.recourse.go"])
		}
	}
}
