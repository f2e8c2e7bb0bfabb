package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// requests reads the messages that are sent, a sequence of JSON values.
type requests struct {
	decoder *json.Decoder
	input   protoreflect.MessageDescriptor
	types   *types
	read    int
}

// next returns the next message, io.EOF after the last.
func (r *requests) next() (proto.Message, error) {
	var value json.RawMessage
	switch err := r.decoder.Decode(&value); {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, mistake{fmt.Errorf("message %d is no JSON: %w", r.read+1, err)}
	}
	r.read++
	m := dynamicpb.NewMessage(r.input)
	if err := (protojson.UnmarshalOptions{Resolver: r.types}).Unmarshal(value, m); err != nil {
		return nil, mistake{fmt.Errorf("message %d is no %s: %w%s", r.read, r.input.FullName(), err, nearField(err, r.input))}
	}
	return m, nil
}

// one returns the only message, an empty one if there is none.
func (r *requests) one() (proto.Message, error) {
	m, err := r.next()
	if errors.Is(err, io.EOF) {
		return dynamicpb.NewMessage(r.input), nil
	}
	if err != nil {
		return nil, err
	}
	switch _, err := r.next(); {
	case err == nil:
		return nil, mistake{errors.New("the method takes one message, and there are several")}
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return m, nil
}

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// nearField offers fields nearby one that does not exist.
func nearField(err error, d protoreflect.MessageDescriptor) string {
	m := unknownField.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	var names []string
	for i := range d.Fields().Len() {
		names = append(names, d.Fields().Get(i).JSONName())
	}
	return orAll(near(m[1], names), names, "", "fields")
}

// outcome is what became of a call beside its replies.
type outcome struct {
	err             error
	mark            *recoursev1.Degraded
	header, trailer metadata.MD
}

// invoke makes a call of any shape, and hands over each reply.
func invoke(
	ctx context.Context, conn grpc.ClientConnInterface, m protoreflect.MethodDescriptor, in *requests, reply func(proto.Message),
) (o outcome) {
	path := pathOf(m)
	var first proto.Message
	if !m.IsStreamingClient() {
		if first, o.err = in.one(); o.err != nil {
			return o
		}
	}
	options := []grpc.CallOption{interceptors.Degraded(&o.mark)}
	if repeatable(m, first) {
		options = append(options, interceptors.Idempotent())
	}
	if first != nil && !m.IsStreamingServer() {
		answer := dynamicpb.NewMessage(m.Output())
		o.err = conn.Invoke(ctx, path, first, answer, append(options, grpc.Header(&o.header), grpc.Trailer(&o.trailer))...)
		if o.err == nil {
			reply(answer)
		}
		return o
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: m.IsStreamingClient(), ServerStreams: m.IsStreamingServer()}, path, options...)
	if err != nil {
		o.err = err
		return o
	}
	s := &sending{stream: stream, in: in, first: first, cancel: cancel}
	go s.run() // it may wait for somebody to type, so nobody waits for it
	o.err = receive(stream, m, reply)
	if err := s.mistake(); err != nil {
		o.err = err
	}
	if o.header, err = stream.Header(); err != nil {
		o.header = nil
	}
	o.trailer = stream.Trailer()
	return o
}

// pathOf is what gRPC calls a method.
func pathOf(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// repeatable tells whether the method's author has said that it may be repeated, or the only request has an id of its
// own (AIP-155). The library sees that by itself only of methods that are linked into a program.
func repeatable(m protoreflect.MethodDescriptor, only proto.Message) bool {
	if o, ok := m.Options().(*descriptorpb.MethodOptions); ok && o.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN {
		return true
	}
	id := m.Input().Fields().ByName("request_id")
	return only != nil && id != nil && id.Kind() == protoreflect.StringKind && !id.IsList() && only.ProtoReflect().Get(id).String() != ""
}

// receive hands over the replies of a stream until it ends.
func receive(stream grpc.ClientStream, m protoreflect.MethodDescriptor, reply func(proto.Message)) error {
	for {
		answer := dynamicpb.NewMessage(m.Output())
		switch err := stream.RecvMsg(answer); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		reply(answer)
		if !m.IsStreamingServer() {
			return nil
		}
	}
}

// sending is the half of a stream that sends.
type sending struct {
	stream grpc.ClientStream
	in     *requests
	first  proto.Message // the only one, if not nil
	cancel context.CancelFunc

	mu  sync.Mutex
	bad error // what could not be read
}

func (s *sending) run() {
	if s.first != nil {
		if s.stream.SendMsg(s.first) == nil { // otherwise receiving says why
			_ = s.stream.CloseSend()
		}
		return
	}
	for {
		m, err := s.in.next()
		if errors.Is(err, io.EOF) {
			_ = s.stream.CloseSend()
			return
		}
		if err != nil {
			s.mu.Lock()
			s.bad = err
			s.mu.Unlock()
			s.cancel() // half a stream must not be taken for a whole one
			return
		}
		if s.stream.SendMsg(m) != nil {
			return
		}
	}
}

func (s *sending) mistake() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bad
}

// dataFrom opens what -d names: JSON, a file, or standard input.
func dataFrom(data string, stdin io.Reader) (io.Reader, error) {
	if data == "-" {
		return stdin, nil
	}
	if name, isFile := strings.CutPrefix(data, "@"); isFile {
		b, err := readFile(name, maxMessage)
		if err != nil {
			return nil, err
		}
		data = string(b)
	}
	return strings.NewReader(data), nil
}
