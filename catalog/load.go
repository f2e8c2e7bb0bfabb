package catalog

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Load reads a google.protobuf.FileDescriptorSet, binary, as JSON or as text: what
// `buf build -o` writes, or `protoc --include_imports --include_source_info -o`. Files
// that a set names but lacks are an error.
func Load(b []byte) ([]protoreflect.FileDescriptor, error) {
	set := new(descriptorpb.FileDescriptorSet)
	if err := decode(b, set); err != nil {
		return nil, err
	}
	if len(set.GetFile()) == 0 {
		return nil, errors.New("there are no files in this descriptor set: make one with `buf build -o set.binpb`")
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf(
			"the descriptor set does not hold together: %w; make it with imports (`buf build -o set.binpb`, `protoc "+
				"--include_imports`)", err)
	}
	var out []protoreflect.FileDescriptor
	for _, f := range set.GetFile() { // in their order, which is that of the imports
		d, err := files.FindFileByPath(f.GetName())
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func decode(b []byte, set *descriptorpb.FileDescriptorSet) error {
	text := bytes.TrimSpace(b)
	switch {
	case bytes.HasPrefix(text, []byte("{")):
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, set); err != nil {
			return fmt.Errorf("this is no descriptor set in JSON: %w", err)
		}
	case proto.Unmarshal(b, set) == nil:
	case prototext.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, set) == nil:
	default:
		return errors.New(
			"this is no descriptor set: make one with `buf build -o set.binpb`, or `protoc --include_imports " +
				"--include_source_info -o set.binpb`")
	}
	return nil
}
