// Package rpctest runs real gRPC, client and server, over an in-memory
// connection: inside of testing/synctest it takes no time, and a goroutine that
// is left behind fails the test.
package rpctest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Shape is one of gRPC's four kinds of call.
type Shape struct {
	Name                         string
	ClientStreams, ServerStreams bool
}

// Shapes are all four.
var Shapes = []Shape{
	{"Unary", false, false},
	{"ServerStream", false, true},
	{"ClientStream", true, false},
	{"Bidi", true, true},
}

// Method is the full name of the shape's method.
func (s Shape) Method() string { return "/" + service + "/" + s.Name }

func (s Shape) unary() bool { return !s.ClientStreams && !s.ServerStreams }

const service = "recourse.test.Echo"

// The service has a descriptor, as a generated one has: options that are for one
// method look there.
func init() {
	text := proto.String(".google.protobuf.StringValue")
	d := &descriptorpb.ServiceDescriptorProto{Name: proto.String("Echo")}
	for _, s := range Shapes {
		d.Method = append(d.Method, &descriptorpb.MethodDescriptorProto{
			Name: proto.String(s.Name), InputType: text, OutputType: text,
			ClientStreaming: proto.Bool(s.ClientStreams), ServerStreaming: proto.Bool(s.ServerStreams),
		})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("recourse/test/echo.proto"), Package: proto.String("recourse.test"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/wrappers.proto"}, Service: []*descriptorpb.ServiceDescriptorProto{d},
	}, protoregistry.GlobalFiles)
	if err == nil {
		err = protoregistry.GlobalFiles.RegisterFile(file)
	}
	if err != nil {
		panic(err)
	}
}

// Handler serves calls of any shape.
type Handler func(ctx context.Context, x Exchange) error

// Exchange is a handler's view of one call. Recv returns io.EOF after the last
// message; a unary handler receives and sends once.
type Exchange interface {
	Recv() (string, error)
	Send(string) error
}

// Echo sends back what it receives, to a client that wants one reply the last of
// it.
func Echo(_ context.Context, x Exchange) error {
	last := ""
	for {
		m, err := x.Recv()
		if errors.Is(err, io.EOF) {
			if s, ok := x.(stream); ok && s.shape.ClientStreams && !s.shape.ServerStreams {
				return x.Send(last)
			}
			return nil
		}
		if err != nil {
			return err
		}
		last = m
		if s, ok := x.(stream); ok && !s.shape.ServerStreams {
			continue
		}
		if err := x.Send(m); err != nil {
			return err
		}
	}
}

// Start serves h until the test ends and returns a connection to it.
func Start(t testing.TB, h Handler, server []grpc.ServerOption, dial ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	return Dial(t, Serve(t, h, server...), dial...)
}

// Serve serves h until the test ends.
func Serve(t testing.TB, h Handler, opts ...grpc.ServerOption) *bufconn.Listener {
	t.Helper()
	return Listen(t, func(s *grpc.Server) { s.RegisterService(describe(h), nil) }, opts...)
}

// Listen serves the services that register adds, until the test ends.
func Listen(t testing.TB, register func(*grpc.Server), opts ...grpc.ServerOption) *bufconn.Listener {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	serve(t, lis, register, opts...)
	return lis
}

// ServeTCP serves h on a free port of the loopback interface until the test ends,
// and returns its address: for what is another process, which memory does not reach.
func ServeTCP(t testing.TB, h Handler, opts ...grpc.ServerOption) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, lis, func(s *grpc.Server) { s.RegisterService(describe(h), nil) }, opts...)
	return lis.Addr().String()
}

func serve(t testing.TB, lis net.Listener, register func(*grpc.Server), opts ...grpc.ServerOption) {
	s := grpc.NewServer(opts...)
	register(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Stop()
		// Without any call, Stop may come first.
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("Serve: %v", err)
		}
	})
}

// Dial connects to a listener of [Serve] until the test ends.
func Dial(t testing.TB, lis *bufconn.Listener, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	opts = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
	}, opts...)
	conn, err := grpc.NewClient("passthrough:///memory", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return conn
}

// Result is what a client saw of one call.
type Result struct {
	Replies         []string
	Header, Trailer metadata.MD
	Err             error // nil after a success
}

// Do makes one call of the given shape: it sends the requests, of which a shape
// that takes one takes the first, and reads to the end.
func Do(ctx context.Context, conn *grpc.ClientConn, shape Shape, requests ...string) (r Result) {
	if len(requests) == 0 {
		requests = []string{"request"}
	}
	opts := []grpc.CallOption{grpc.Header(&r.Header), grpc.Trailer(&r.Trailer)}
	if shape.unary() {
		reply := new(wrapperspb.StringValue)
		if r.Err = conn.Invoke(ctx, shape.Method(), wrapperspb.String(requests[0]), reply, opts...); r.Err == nil {
			r.Replies = []string{reply.GetValue()}
		}
		return r
	}
	desc := &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}
	s, err := conn.NewStream(ctx, desc, shape.Method(), opts...)
	if err != nil {
		r.Err = err
		return r
	}
	if !shape.ClientStreams {
		requests = requests[:1]
	}
	for _, m := range requests {
		if err := s.SendMsg(wrapperspb.String(m)); err != nil {
			if errors.Is(err, io.EOF) {
				break // RecvMsg tells why
			}
			if shape.ClientStreams {
				_ = s.RecvMsg(new(wrapperspb.StringValue)) // fills in the call options
			}
			r.Err = err
			return r
		}
	}
	if err := s.CloseSend(); err != nil {
		r.Err = err
		return r
	}
	for {
		m := new(wrapperspb.StringValue)
		if err := s.RecvMsg(m); err != nil {
			if !errors.Is(err, io.EOF) {
				r.Err = err
			}
			r.Header, _ = s.Header()
			r.Trailer = s.Trailer()
			return r
		}
		r.Replies = append(r.Replies, m.GetValue())
		if !shape.ServerStreams {
			r.Trailer = s.Trailer()
			return r
		}
	}
}

func describe(h Handler) *grpc.ServiceDesc {
	d := &grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil)}
	for _, shape := range Shapes {
		if shape.unary() {
			d.Methods = append(d.Methods, grpc.MethodDesc{MethodName: shape.Name, Handler: unaryHandler(h, shape)})
			continue
		}
		d.Streams = append(d.Streams, grpc.StreamDesc{
			StreamName: shape.Name, ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams,
			Handler: func(_ any, ss grpc.ServerStream) error { return h(ss.Context(), stream{shape, ss}) },
		})
	}
	return d
}

func unaryHandler(h Handler, shape Shape) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		req := new(wrapperspb.StringValue)
		if err := decode(req); err != nil {
			return nil, err
		}
		handle := func(ctx context.Context, req any) (any, error) {
			x := &unary{request: req.(*wrapperspb.StringValue)}
			err := h(ctx, x)
			return x.reply, err
		}
		if interceptor == nil {
			return handle(ctx, req)
		}
		return interceptor(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: shape.Method()}, handle)
	}
}

type unary struct {
	request  *wrapperspb.StringValue
	reply    *wrapperspb.StringValue // a nil pointer until sent, as a handler's careless nil
	received bool
}

func (u *unary) Recv() (string, error) {
	if u.received {
		return "", io.EOF
	}
	u.received = true
	return u.request.GetValue(), nil
}

func (u *unary) Send(s string) error {
	u.reply = wrapperspb.String(s)
	return nil
}

type stream struct {
	shape Shape
	ss    grpc.ServerStream
}

func (s stream) Recv() (string, error) {
	m := new(wrapperspb.StringValue)
	err := s.ss.RecvMsg(m)
	return m.GetValue(), err
}

func (s stream) Send(v string) error { return s.ss.SendMsg(wrapperspb.String(v)) }

// Open starts a stream of the given shape and drops it.
func Open(ctx context.Context, conn *grpc.ClientConn, shape Shape) error {
	desc := &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}
	s, err := conn.NewStream(ctx, desc, shape.Method())
	if err != nil {
		return err
	}
	return s.SendMsg(wrapperspb.String("request"))
}

// ServeHTTP serves h through net/http until the test ends.
func ServeHTTP(t testing.TB, h Handler, opts ...grpc.ServerOption) *bufconn.Listener {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	s := grpc.NewServer(opts...)
	s.RegisterService(describe(h), nil)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: s, Protocols: protocols}
	served := make(chan error, 1)
	go func() { served <- web.Serve(lis) }()
	t.Cleanup(func() {
		_ = web.Close()
		s.Stop()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return lis
}
