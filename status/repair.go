package status

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unmarshal decodes a detail and mends what would make the decoder refuse the
// whole of it: strings of invalid UTF-8. grpc-go never looks into a detail that
// comes encoded, so such strings do arrive.
func unmarshal(b []byte, m proto.Message) bool {
	opts := proto.UnmarshalOptions{AllowPartial: true, RecursionLimit: maxNesting}
	if opts.Unmarshal(b, m) == nil {
		return true
	}
	fixed, ok := mend(b, m.ProtoReflect().Descriptor(), maxNesting)
	if !ok {
		return false
	}
	return opts.Unmarshal(fixed, m) == nil
}

// mend copies an encoded message with every string made valid. It reports false
// for bytes that are no message.
func mend(b []byte, md protoreflect.MessageDescriptor, depth int) ([]byte, bool) {
	if depth == 0 {
		return nil, false
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return nil, false
		}
		b = rest
		fd := md.Fields().ByNumber(f.num)
		if fd == nil || f.typ != protowire.BytesType {
			out = append(out, f.raw...)
			continue
		}
		value := f.bytes
		switch {
		case fd.Kind() == protoreflect.StringKind && !utf8.Valid(value):
			value = []byte(strings.ToValidUTF8(string(value), string(utf8.RuneError)))
		case fd.Message() != nil:
			inner, ok := mend(value, fd.Message(), depth-1)
			if !ok {
				return nil, false
			}
			value = inner
		default:
			out = append(out, f.raw...)
			continue
		}
		out = protowire.AppendBytes(protowire.AppendTag(out, f.num, f.typ), value)
	}
	return out, true
}

// isCleanEncoding reports whether b decodes as a message all of whose texts are
// clean. It says no where it cannot tell, as of groups, extensions and packed
// numbers.
func isCleanEncoding(b []byte, md protoreflect.MessageDescriptor, depth int) bool {
	if depth == 0 || md.ExtensionRanges().Len() > 0 {
		return false
	}
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok || f.typ == protowire.StartGroupType {
			return false
		}
		b = rest
		fd := md.Fields().ByNumber(f.num)
		if fd == nil || f.typ != protowire.BytesType {
			continue
		}
		ok = true
		switch fd.Kind() {
		case protoreflect.StringKind:
			ok = isClean(f.bytes)
		case protoreflect.MessageKind:
			ok = isCleanEncoding(f.bytes, fd.Message(), depth-1)
		case protoreflect.BytesKind:
		default:
			ok = !fd.IsList()
		}
		if !ok {
			return false
		}
	}
	return true
}

// count returns how often the field stands in an encoded message.
func count(b []byte, field protowire.Number) int {
	n := 0
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return n
		}
		if f.num == field {
			n++
		}
		b = rest
	}
	return n
}

// wireField is one field of an encoded message.
type wireField struct {
	num    protowire.Number
	typ    protowire.Type
	raw    []byte // all of it
	bytes  []byte // the value of a BytesType
	varint uint64 // the value of a VarintType
}

// nextField cuts the first field off an encoded message; false for bytes that are
// none.
func nextField(b []byte) (f wireField, rest []byte, ok bool) {
	num, typ, tag := protowire.ConsumeTag(b)
	if tag < 0 || num > protowire.MaxValidNumber {
		return wireField{}, nil, false
	}
	f.num, f.typ = num, typ
	size := 0
	switch typ {
	case protowire.BytesType:
		f.bytes, size = protowire.ConsumeBytes(b[tag:])
	case protowire.VarintType:
		f.varint, size = protowire.ConsumeVarint(b[tag:])
	default:
		size = protowire.ConsumeFieldValue(num, typ, b[tag:])
	}
	if size < 0 {
		return wireField{}, nil, false
	}
	f.raw = b[:tag+size]
	return f, b[tag+size:], true
}
