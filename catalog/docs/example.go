package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // so that the details have names in JSON
)

// The id of the call in examples. A server makes one where it is at fault.
const exampleRequestID = "0f8b3c52a4d94e17"

// example is an error with the examples of its parameters, as a client of those that may see
// it receives it, and its JSON. It is made by package status from a declaration, as in a
// server, so that the page cannot say anything else than what is sent.
func example(e *catalog.Error) (*status.Error, string, error) {
	value, err := declaration(e)
	if err != nil {
		return nil, "", err
	}
	values := make([]string, len(e.Params))
	for i, p := range e.Params {
		values[i] = p.Example
	}
	made, ok := status.From(status.Declare(value, e.Reason, none).Make(nil, values...))
	if !ok {
		return nil, "", fmt.Errorf("%s is no error", e.Key())
	}
	encoded, err := proto.Marshal(made.Encode(status.Rendering{Trust: audience(e), RequestID: exampleRequestID}).Status.Proto())
	if err != nil {
		return nil, "", err
	}
	sent := new(spb.Status) // of its bytes, since Encoded.Status shows only the first detail
	if err := proto.Unmarshal(encoded, sent); err != nil {
		return nil, "", err
	}
	received, ok := status.From(grpcstatus.ErrorProto(sent))
	if !ok {
		return nil, "", fmt.Errorf("%s cannot be read again", e.Key())
	}
	b, err := protojson.Marshal(sent)
	if err != nil {
		return received, "", nil // an action or a detail of a type that is not known here
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact(b), "", "  "); err != nil {
		return nil, "", err
	}
	return received, out.String(), nil
}

func none(map[string]string) (struct{}, bool) { return struct{}{}, true }

// compact takes out spaces, which protojson puts in by chance. The order stays.
func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// audience is the least trusted caller that may see an error.
func audience(e *catalog.Error) status.Trust {
	switch e.Visibility {
	case "PARTNER":
		return status.Partner
	case "INTERNAL":
		return status.Internal
	}
	return status.Public
}

// declaration is a value of an enum with the error's options. A catalogue that was read from
// JSON has no descriptors, so that a small one is made for it.
func declaration(e *catalog.Error) (protoreflect.Enum, error) {
	options, err := options(e)
	if err != nil {
		return nil, err
	}
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("example.proto"), Syntax: proto.String("proto3"),
		EnumType: []*descriptorpb.EnumDescriptorProto{{
			Name: proto.String("Example"), Options: new(descriptorpb.EnumOptions),
			Value: []*descriptorpb.EnumValueDescriptorProto{
				{Name: proto.String("EXAMPLE_UNSPECIFIED"), Number: proto.Int32(0)},
				{Name: proto.String("EXAMPLE"), Number: proto.Int32(1), Options: new(descriptorpb.EnumValueOptions)},
			},
		}},
	}
	proto.SetExtension(file.EnumType[0].Options, recoursev1.E_Catalog, &recoursev1.CatalogOptions{
		Domain: e.Domain, Version: e.Version, DocBaseUrl: strings.TrimSuffix(e.Page, e.Reason),
	})
	proto.SetExtension(file.EnumType[0].Value[1].Options, recoursev1.E_Error, options)
	made, err := protodesc.NewFile(file, nil)
	if err != nil {
		return nil, err
	}
	return dynamicpb.NewEnumType(made.Enums().Get(0)).New(1), nil
}

// options are those that an error was declared with.
func options(e *catalog.Error) (*recoursev1.ErrorOptions, error) {
	if o := e.Options(); o != nil {
		return o, nil
	}
	o := &recoursev1.ErrorOptions{
		Code: recoursev1.ErrorOptions_Code(number(recoursev1.ErrorOptions_Code_value, "CODE_", e.Code)), Reason: e.Reason, Title: e.Title,
		Message: e.Message, Suggestion: e.Suggestion,
		Outcome:    recoursev1.Outcome(number(recoursev1.Outcome_value, "OUTCOME_", e.Outcome)),
		Retry:      recoursev1.RetryAdvice_Verdict(number(recoursev1.RetryAdvice_Verdict_value, "VERDICT_", e.Retry)),
		Visibility: recoursev1.ErrorOptions_Visibility(number(recoursev1.ErrorOptions_Visibility_value, "VISIBILITY_", e.Visibility)),
	}
	if d := e.Delay(); d > 0 {
		o.RetryDelay = durationpb.New(d)
	}
	for _, p := range e.Params {
		o.Params = append(o.Params, &recoursev1.ErrorParameter{
			Key:         p.Key,
			Sensitivity: recoursev1.ErrorParameter_Sensitivity(number(recoursev1.ErrorParameter_Sensitivity_value, "SENSITIVITY_", p.Sensitivity)),
		})
	}
	for _, l := range e.Links {
		o.Links = append(o.Links, &recoursev1.ErrorLink{Description: l.Description, Url: l.URL})
	}
	var errs []error
	for i, raw := range e.Actions {
		a := new(recoursev1.RecoveryAction)
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, a); err != nil {
			errs = append(errs, fmt.Errorf("action %d of %s: %w", i+1, e.Key(), err))
			continue
		}
		o.Actions = append(o.Actions, a)
	}
	return o, errors.Join(errs...)
}

// number is that of a name without its prefix, 0 if it is not known.
func number(values map[string]int32, prefix, word string) int32 { return values[prefix+word] }
