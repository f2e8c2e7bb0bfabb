package lint_test

import (
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// shop is a service with two errors that break no rule, as parts that a test changes before they are put together.
type shop struct {
	file    *descriptorpb.FileDescriptorProto
	catalog *recoursev1.CatalogOptions
	soldOut *recoursev1.ErrorOptions // value 1
	denied  *recoursev1.ErrorOptions // value 2
	zero    *recoursev1.ErrorOptions // value 0, nil
	service *recoursev1.DeclaredErrors
	order   *recoursev1.DeclaredErrors
	billing *recoursev1.CatalogOptions // of a second enum, nil: there is none
}

// shopFile is what the compiler would make of shop.proto but for our options. Lines are in the order of the file.
const shopFile = `
	name: "shop.proto" package: "shop.v1" syntax: "proto3"
	enum_type {
		name: "ShopError"
		value { name: "SHOP_ERROR_UNSPECIFIED" number: 0 }
		value { name: "SHOP_ERROR_SOLD_OUT" number: 1 }
		value { name: "SHOP_ERROR_ORDER_DENIED" number: 2 }
	}
	message_type {
		name: "OrderRequest"
		field { name: "sku" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
		field { name: "items" number: 2 type: TYPE_MESSAGE type_name: ".shop.v1.Item" label: LABEL_REPEATED json_name: "items" }
		field { name: "first_item" number: 3 type: TYPE_MESSAGE type_name: ".shop.v1.Item" label: LABEL_OPTIONAL json_name: "firstItem" }
	}
	message_type { name: "Item" field { name: "quantity" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL } }
	message_type { name: "OrderResponse" }
	service {
		name: "Shop"
		method { name: "Order" input_type: ".shop.v1.OrderRequest" output_type: ".shop.v1.OrderResponse" }
		method { name: "Stock" input_type: ".shop.v1.OrderRequest" output_type: ".shop.v1.OrderResponse"
			options { idempotency_level: NO_SIDE_EFFECTS } }
		method { name: "Watch" input_type: ".shop.v1.OrderRequest" output_type: ".shop.v1.OrderResponse" server_streaming: true }
	}
	source_code_info {
		location { path: [5, 0] span: [3, 0, 20, 1] }
		location { path: [5, 0, 2, 0] span: [5, 2, 30] leading_comments: " Never sent.\n" }
		location { path: [5, 0, 2, 1] span: [7, 2, 12, 5] leading_comments: " The warehouse has fewer units than were asked for.\n" }
		location { path: [5, 0, 2, 2] span: [14, 2, 18, 5] leading_comments: " The caller may not order this.\n" }
		location { path: [6, 0] span: [30, 0, 39, 1] }
		location { path: [6, 0, 2, 0] span: [31, 2, 33, 3] }
		location { path: [6, 0, 2, 1] span: [34, 2, 36, 3] }
		location { path: [5, 1] span: [50, 0, 59, 1] }
	}`

func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{
		file:    parse[descriptorpb.FileDescriptorProto](t, shopFile),
		catalog: &recoursev1.CatalogOptions{Domain: "shop.example.com", DocBaseUrl: "https://docs.example.com/errors/", Version: "2026.11"},
		soldOut: parse[recoursev1.ErrorOptions](t, `
			code: CODE_FAILED_PRECONDITION
			title: "Item is sold out"
			message: "Only {available} of {sku} can be sold."
			suggestion: "Lower the quantity."
			params { key: "sku" type: TYPE_STRING sensitivity: SENSITIVITY_PUBLIC example: "SKU-1" }
			params { key: "available" type: TYPE_INT64 sensitivity: SENSITIVITY_PUBLIC example: "2" }
			outcome: OUTCOME_NOT_APPLIED
			retry: VERDICT_AFTER_ACTION
			actions { actor: ACTOR_CALLER_CODE label: "Lower the quantity"
				fix_fields { fixes { field: "items[0].quantity" suggested_value: "{available}" } } }`),
		denied: parse[recoursev1.ErrorOptions](t, `
			code: CODE_PERMISSION_DENIED
			title: "Not yours to order"
			message: "Permission '{permission}' denied on resource '{resource}' (or it might not exist)."
			params { key: "permission" sensitivity: SENSITIVITY_PUBLIC }
			params { key: "resource" sensitivity: SENSITIVITY_PUBLIC }
			outcome: OUTCOME_NOT_APPLIED`),
		service: &recoursev1.DeclaredErrors{Errors: []string{"SHOP_ERROR_ORDER_DENIED"}},
		order:   &recoursev1.DeclaredErrors{Errors: []string{"SHOP_ERROR_SOLD_OUT"}},
	}
	return s
}

// files puts the parts together.
func (s *shop) files(t testing.TB) []protoreflect.FileDescriptor {
	t.Helper()
	enum := s.file.GetEnumType()[0]
	set(&enum.Options, recoursev1.E_Catalog, s.catalog, s.catalog != nil)
	for i, e := range []*recoursev1.ErrorOptions{s.zero, s.soldOut, s.denied} {
		if e != nil {
			set(&enum.Value[i].Options, recoursev1.E_Error, e, true)
		}
	}
	service := s.file.GetService()[0]
	set(&service.Options, recoursev1.E_Service, s.service, s.service != nil)
	set(&service.Method[0].Options, recoursev1.E_Method, s.order, s.order != nil)
	if s.billing != nil {
		second := parse[descriptorpb.EnumDescriptorProto](t, `name: "BillingError" value { name: "BILLING_ERROR_UNSPECIFIED" number: 0 }`)
		set(&second.Options, recoursev1.E_Catalog, s.billing, true)
		s.file.EnumType = append(s.file.EnumType, second)
	}
	f, err := protodesc.NewFile(s.file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return []protoreflect.FileDescriptor{f}
}

// options is a pointer to a message of options.
type options[M any] interface {
	*M
	proto.Message
}

func set[M any, P options[M]](at *P, x protoreflect.ExtensionType, value proto.Message, has bool) {
	if !has {
		return
	}
	if *at == nil {
		*at = new(M)
	}
	proto.SetExtension(*at, x, value)
}

func parse[M any, P options[M]](t testing.TB, text string) P {
	t.Helper()
	m := P(new(M))
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	return m
}
