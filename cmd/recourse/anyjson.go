package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// types resolves what an Any names and what a JSON text calls an extension: first what find knows, then what this
// program knows itself.
type types struct {
	find func(protoreflect.FullName) (protoreflect.Descriptor, error)
	raw  map[string]bool // addresses of types that are not known, whose bytes are shown as they are
}

func (t *types) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if m, err := protoregistry.GlobalTypes.FindMessageByName(name); err == nil {
		return m, nil
	}
	d, err := t.find(name)
	if err != nil {
		return nil, protoregistry.NotFound
	}
	m, ok := d.(protoreflect.MessageDescriptor)
	if !ok || m.IsPlaceholder() {
		return nil, protoregistry.NotFound
	}
	return dynamicpb.NewMessageType(m), nil
}

func (t *types) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if t.raw[url] {
		return (*wrapperspb.BytesValue)(nil).ProtoReflect().Type(), nil
	}
	name := protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
	if !name.IsValid() {
		return nil, protoregistry.NotFound
	}
	return t.FindMessageByName(name)
}

func (t *types) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

func (t *types) FindExtensionByNumber(message protoreflect.FullName, n protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, n)
}

// replyJSON writes a message as JSON on lines of its own. An Any of a type that nobody knows is shown as its type and
// its bytes in base64; a message that is no JSON at all, as with text that is none, is too. It changes the message.
func replyJSON(m proto.Message, find func(protoreflect.FullName) (protoreflect.Descriptor, error)) []byte {
	t := &types{find: find, raw: map[string]bool{}}
	encoded, _ := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(m)
	err := t.mark(m.ProtoReflect(), 0)
	if err == nil {
		err = t.wrap(m.ProtoReflect(), 0)
	}
	var b []byte
	if err == nil {
		b, err = protojson.MarshalOptions{Resolver: t, AllowPartial: true}.Marshal(m)
	}
	if err != nil {
		b = asJSON(map[string]string{
			"@type": string(m.ProtoReflect().Descriptor().FullName()), "value": base64.StdEncoding.EncodeToString(encoded),
		})
	}
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil { // protojson's own indents by chance
		out.Reset()
		out.Write(b)
	}
	return append(bytes.TrimSpace(harmlessJSON(out.Bytes())), '\n')
}

// mark notes the types of all Anys that cannot be read.
func (t *types) mark(m protoreflect.Message, depth int) error {
	return t.anys(m, depth, func(a protoreflect.Message) error {
		url := urlOf(a)
		inner, err := t.inside(a)
		if err != nil {
			t.raw[url] = true
			return nil
		}
		return t.mark(inner, depth+1)
	})
}

// wrap makes Anys of types that are not known be ones of bytes, which t says they are.
func (t *types) wrap(m protoreflect.Message, depth int) error {
	return t.anys(m, depth, func(a protoreflect.Message) error {
		value := a.Descriptor().Fields().ByNumber(2)
		if t.raw[urlOf(a)] {
			b, err := proto.Marshal(wrapperspb.Bytes(a.Get(value).Bytes()))
			a.Set(value, protoreflect.ValueOfBytes(b))
			return err
		}
		inner, err := t.inside(a)
		if err != nil {
			return err
		}
		if err := t.wrap(inner, depth+1); err != nil {
			return err
		}
		b, err := proto.MarshalOptions{AllowPartial: true}.Marshal(inner.Interface())
		a.Set(value, protoreflect.ValueOfBytes(b))
		return err
	})
}

func urlOf(a protoreflect.Message) string { return a.Get(a.Descriptor().Fields().ByNumber(1)).String() }

// inside is the message that an Any holds.
func (t *types) inside(a protoreflect.Message) (protoreflect.Message, error) {
	found, err := t.FindMessageByURL(urlOf(a))
	if err != nil {
		return nil, err
	}
	inner := found.New()
	err = proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(a.Get(a.Descriptor().Fields().ByNumber(2)).Bytes(), inner.Interface())
	return inner, err
}

var errTooDeep = errors.New("nested too deeply")

// anys visits the Anys in a message, but not what is inside of them.
func (t *types) anys(m protoreflect.Message, depth int, visit func(protoreflect.Message) error) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		if urlOf(m) == "" { // an empty one
			return nil
		}
		return visit(m)
	}
	var failed error
	each := func(v protoreflect.Value) bool {
		failed = t.anys(v.Message(), depth+1, visit)
		return failed == nil
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { return each(v) })
			}
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				if !each(v.List().Get(i)) {
					break
				}
			}
		default:
			each(v)
		}
		return failed == nil
	})
	return failed
}

// harmlessJSON escapes what shows nothing and changes what is around it, so that a reply means the same and does
// nothing to a terminal. Outside of ASCII JSON has strings only, so an escape is right everywhere.
func harmlessJSON(b []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(b) {
		switch {
		case r == '\n' || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}
