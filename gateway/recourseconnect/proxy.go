package recourseconnect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/internal/web"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Proxy serves services of gRPC that run elsewhere in the protocols of Connect: Connect itself
// and gRPC-Web for browsers, and gRPC. It needs no generated code but the service's
// descriptor. An error of the service reaches the caller as the service has sent it, less what
// the caller may not see. One that the service has not named (no google.rpc.ErrorInfo), as of
// a connection that cannot be made, is answered as the failure of a dependency, its text
// withheld where it is the server's fault.
type Proxy struct {
	// Conn is the connection to the service. Made with interceptors.DialOptions it obeys the
	// service's errors before callers see them.
	Conn grpc.ClientConnInterface
	// Metadata says which headers of a request the service gets, by their names in lower
	// case. Without it these are authorization, accept-language, traceparent, tracestate and
	// x-request-id.
	Metadata func(name string) bool
	// Options are those of every handler. The interceptor of this package, which is what
	// makes errors whole, belongs here.
	Options []connect.HandlerOption
}

// Handler returns the path of a service and the handler for it, for http.ServeMux.Handle:
//
//	mux.Handle(proxy.Handler(libraryv1.File_library_v1_library_proto.Services().ByName("Library")))
func (p Proxy) Handler(service protoreflect.ServiceDescriptor) (path string, handler http.Handler) {
	mux := http.NewServeMux()
	path = "/" + string(service.FullName()) + "/"
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		procedure := path + string(m.Name())
		mux.Handle(procedure, p.method(procedure, m))
	}
	return path, mux
}

type (
	message  = dynamicpb.Message
	request  = connect.Request[message]
	response = connect.Response[message]
)

func (p Proxy) method(procedure string, m protoreflect.MethodDescriptor) http.Handler {
	c := &proxied{Proxy: p, procedure: procedure, desc: m}
	opts := append(slices.Clip(p.Options), connect.WithSchema(m), connect.WithIdempotency(idempotency(m)), connect.WithRequestInitializer(input))
	switch {
	case m.IsStreamingClient() && m.IsStreamingServer():
		return connect.NewBidiStreamHandler(procedure, c.bidi, opts...)
	case m.IsStreamingClient():
		return connect.NewClientStreamHandler(procedure, c.clientStream, opts...)
	case m.IsStreamingServer():
		return connect.NewServerStreamHandler(procedure, c.serverStream, opts...)
	}
	return connect.NewUnaryHandler(procedure, c.unary, opts...)
}

// idempotency lets browsers use GET for what has no side effects.
func idempotency(m protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	o, _ := m.Options().(*descriptorpb.MethodOptions)
	switch o.GetIdempotencyLevel() {
	case descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		return connect.IdempotencyNoSideEffects
	case descriptorpb.MethodOptions_IDEMPOTENT:
		return connect.IdempotencyIdempotent
	}
	return connect.IdempotencyUnknown
}

// input gives a request its type.
func input(spec connect.Spec, m any) error {
	method, ok := spec.Schema.(protoreflect.MethodDescriptor)
	dynamic, is := m.(*message)
	if !ok || !is {
		return fmt.Errorf("a message of type %T for %s", m, spec.Procedure)
	}
	*dynamic = *dynamicpb.NewMessage(method.Input())
	return nil
}

// proxied is one method.
type proxied struct {
	Proxy
	procedure string
	desc      protoreflect.MethodDescriptor
}

func (c *proxied) unary(ctx context.Context, req *request) (*response, error) {
	reply := dynamicpb.NewMessage(c.desc.Output())
	var header, trailer metadata.MD
	err := c.Conn.Invoke(c.outgoing(ctx, req.Header()), c.procedure, req.Msg, reply, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		return nil, c.pass(err)
	}
	resp := connect.NewResponse(reply)
	marks(resp.Header(), header, trailer)
	return resp, nil
}

func (c *proxied) serverStream(ctx context.Context, req *request, down *connect.ServerStream[message]) error {
	up, stop, err := c.open(ctx, req.Header())
	if err != nil {
		return err
	}
	defer stop()
	if err := up.SendMsg(req.Msg); err != nil && err != io.EOF { // EOF: RecvMsg tells why
		return c.pass(err)
	}
	if err := up.CloseSend(); err != nil {
		return c.pass(err)
	}
	return c.down(up, down)
}

func (c *proxied) clientStream(ctx context.Context, down *connect.ClientStream[message]) (*response, error) {
	up, stop, err := c.open(ctx, down.RequestHeader())
	if err != nil {
		return nil, err
	}
	defer stop()
	for down.Receive() {
		if err := up.SendMsg(down.Msg()); err == io.EOF {
			break
		} else if err != nil {
			return nil, c.pass(err)
		}
	}
	if err := down.Err(); err != nil {
		return nil, err
	}
	if err := up.CloseSend(); err != nil {
		return nil, c.pass(err)
	}
	reply := dynamicpb.NewMessage(c.desc.Output())
	if err := up.RecvMsg(reply); err != nil {
		return nil, c.pass(err)
	}
	resp := connect.NewResponse(reply)
	header, _ := up.Header()
	marks(resp.Header(), header, up.Trailer())
	return resp, nil
}

func (c *proxied) bidi(ctx context.Context, down *connect.BidiStream[message, message]) error {
	up, stop, err := c.open(ctx, down.RequestHeader())
	if err != nil {
		return err
	}
	defer stop()
	failed := make(chan error, 1)
	go func() { // ends when the call does: Receive fails then
		for {
			m, err := down.Receive()
			if errors.Is(err, io.EOF) {
				_ = up.CloseSend() // RecvMsg tells
				return
			}
			if err == nil {
				err = up.SendMsg(m)
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				failed <- err
				stop()
				return
			}
		}
	}()
	err = c.down(up, down)
	select {
	case cause := <-failed: // of the caller's side, not of the service
		return cause
	default:
		return err
	}
}

// open starts a stream to the service; stop ends it.
func (c *proxied) open(ctx context.Context, h http.Header) (grpc.ClientStream, context.CancelFunc, error) {
	ctx, stop := context.WithCancel(c.outgoing(ctx, h))
	desc := &grpc.StreamDesc{ClientStreams: c.desc.IsStreamingClient(), ServerStreams: c.desc.IsStreamingServer()}
	up, err := c.Conn.NewStream(ctx, desc, c.procedure)
	if err != nil {
		stop()
		return nil, nil, c.pass(err)
	}
	return up, stop, nil
}

// down sends what comes from the service to the caller.
func (c *proxied) down(up grpc.ClientStream, down interface {
	Send(*message) error
	ResponseHeader() http.Header
	ResponseTrailer() http.Header
}) error {
	for first := true; ; first = false {
		m := dynamicpb.NewMessage(c.desc.Output())
		switch err := up.RecvMsg(m); {
		case err == io.EOF:
			marks(down.ResponseTrailer(), nil, up.Trailer())
			return nil
		case err != nil:
			return c.pass(err)
		}
		if first {
			header, _ := up.Header()
			marks(down.ResponseHeader(), header, nil)
		}
		if err := down.Send(m); err != nil {
			return err
		}
	}
}

// outgoing is the context for the call of the service.
func (c *proxied) outgoing(ctx context.Context, h http.Header) context.Context {
	md := fromHeader(h)
	for k, values := range md {
		if c.Metadata != nil && !c.Metadata(k) || c.Metadata == nil && !usual(k) || !sendable(k, values) {
			delete(md, k)
		}
	}
	if id := web.ID(md[web.RequestID]...); id == "" {
		delete(md, web.RequestID)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

func usual(name string) bool {
	switch name {
	case "authorization", "accept-language", "traceparent", "tracestate", web.RequestID:
		return true
	}
	return false
}

// sendable reports whether gRPC takes metadata, which HTTP allows more of: it fails the whole
// call for what it does not take.
func sendable(key string, values []string) bool {
	if strings.ContainsFunc(key, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyz-_.", r) }) {
		return false
	}
	for _, v := range values {
		if !strings.HasSuffix(key, binary) && strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return false
		}
	}
	return true
}

// marks tells the caller of a degraded answer. A service has more metadata, for others.
func marks(h http.Header, header, trailer metadata.MD) {
	for _, k := range []string{web.Degraded, web.DegradedBin} {
		values := append(slices.Clip(header[k]), trailer[k]...)
		if len(values) == 0 {
			continue
		}
		v := values[len(values)-1]
		if strings.HasSuffix(k, binary) {
			v = connect.EncodeBinaryHeader([]byte(v))
		} else if !web.Line(v) {
			v = "degraded"
		}
		h.Set(k, v)
	}
}

// pass sends on what the service has said by name.
func (c *proxied) pass(err error) error {
	e := status.Received(err, c.procedure, "", false)
	if _, named := status.Detail[*errdetails.ErrorInfo](e); named || !forLog(e.Code()) {
		return status.PassThrough(e)
	}
	return e
}

// forLog tells the codes that are faults of a server, or of the way to it. Their texts were
// written for those who run it.
func forLog(c codes.Code) bool {
	switch c {
	case codes.Unknown, codes.Internal, codes.DataLoss, codes.Unavailable, codes.DeadlineExceeded:
		return true
	}
	return false
}
