package interceptors

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// methodFacts is what a method's descriptor tells of it; all zero without one.
type methodFacts struct {
	idempotent bool                         // declared: idempotency_level
	requestID  protoreflect.FieldDescriptor // names a request, so that a repeat counts once (AIP-155)
	reply      protoreflect.MessageType     // nil: not linked into the program
}

// newReply returns an empty reply, nil if its type is not known.
func (f methodFacts) newReply() proto.Message {
	if f.reply == nil {
		return nil
	}
	return f.reply.New().Interface()
}

func factsOf(method string) (f methodFacts) {
	md := descriptorOf(method)
	if md == nil {
		return f
	}
	if o, ok := md.Options().(*descriptorpb.MethodOptions); ok {
		f.idempotent = o.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
	}
	f.requestID = requestIDField(md.Input())
	if t, err := protoregistry.GlobalTypes.FindMessageByName(md.Output().FullName()); err == nil {
		f.reply = t
	}
	return f
}

// requestIDField is the field that names a request, nil if there is none.
func requestIDField(d protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	id := d.Fields().ByName("request_id")
	if id == nil || id.Kind() != protoreflect.StringKind || id.IsList() {
		return nil
	}
	return id
}

// named reports whether the request carries an id of its own.
func (f methodFacts) named(req any) bool {
	m, ok := req.(proto.Message)
	if !ok || f.requestID == nil || m.ProtoReflect().Descriptor() != f.requestID.ContainingMessage() {
		return false
	}
	return m.ProtoReflect().Get(f.requestID).String() != ""
}

// descriptorOf finds a method among those that are linked into the program.
func descriptorOf(method string) protoreflect.MethodDescriptor {
	name := strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil
	}
	md, _ := d.(protoreflect.MethodDescriptor)
	return md
}

func mustDescribe(method string) protoreflect.MethodDescriptor {
	md := descriptorOf(method)
	if md == nil || !strings.HasPrefix(method, "/") {
		misuse("%q is not the full name of a method that is linked into the program: use the constant of the generated package, such as assistantv1.Assistant_Process_FullMethodName", method)
	}
	return md
}

// serviceOf is the service's part of a full method name.
func serviceOf(method string) string {
	method = strings.TrimPrefix(method, "/")
	if i := strings.LastIndexByte(method, '/'); i >= 0 {
		return method[:i]
	}
	return method
}
