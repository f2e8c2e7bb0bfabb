package recourseconnect

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/internal/web"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Interceptor makes handlers answer errors, and clients read them. Install it first: it is
// outermost then, and covers the other interceptors.
//
// For handlers it does all that interceptors.ServerOptions with the same options does on a
// gRPC server: request ids, classification, trust, budgets, panics, the log, and with
// policies deadlines, limits and fallbacks, for every shape of call. Functions among the
// options see the request's headers as incoming metadata and its address as the peer; its
// certificate they do not see. A request that Connect refuses before there is a call, such
// as one that does not decode, is answered by Connect.
//
// For clients it reads errors, and the options mean nothing: repeats and fallbacks are for
// connections of gRPC.
func Interceptor(opts ...interceptors.ServerOption) connect.Interceptor {
	opts = append(slices.Clip(opts), interceptors.Classifiers(classify))
	i := &interceptor{}
	i.unary, i.stream = interceptors.ServerInterceptors(opts...)
	return i
}

type interceptor struct {
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

func (i *interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		procedure := req.Spec().Procedure
		if req.Spec().IsClient {
			resp, err := next(ctx, req)
			if err != nil {
				return nil, read(ctx, procedure, req.Header(), err)
			}
			return resp, nil
		}
		t := &transport{method: procedure}
		h := &unaryHandler{next: next, req: req}
		out, err := i.unary(incoming(ctx, t, req.Header(), req.Peer()), req.Any(), &grpc.UnaryServerInfo{FullMethod: procedure}, h.handle)
		if err != nil {
			return nil, t.fail(err, req.Peer().Protocol == connect.ProtocolConnect)
		}
		resp, err := h.response(out)
		if err != nil {
			return nil, err
		}
		header, trailer := t.metadata()
		add(resp.Header(), header)
		add(resp.Trailer(), trailer)
		if len(trailer[web.Degraded]) > 0 && req.HTTPMethod() == http.MethodGet {
			web.NoStore(resp.Header())
		}
		return resp, nil
	}
}

// unaryHandler runs Connect's handler as one of gRPC. A handler that was left behind may
// come back at any time.
type unaryHandler struct {
	next connect.UnaryFunc
	req  connect.AnyRequest
	last atomic.Pointer[handled]
}

// handled is what the handler has returned, but for failures.
type handled struct {
	response    connect.AnyResponse
	notModified error
	reply       any // what stands for it
}

func (h *unaryHandler) handle(ctx context.Context, msg any) (any, error) {
	if own, ok := h.req.Any().(proto.Message); ok && msg != h.req.Any() { // a copy, for another run
		proto.Reset(own)
		proto.Merge(own, msg.(proto.Message))
	}
	resp, err := h.next(ctx, h.req)
	switch {
	case connect.IsNotModifiedError(err): // no failure
		h.last.Store(&handled{notModified: err, reply: &emptypb.Empty{}})
	case err != nil || resp == nil:
		return nil, err
	default:
		h.last.Store(&handled{response: resp, reply: resp.Any()})
	}
	return h.last.Load().reply, nil
}

// response is the handler's, unless something has taken its place.
func (h *unaryHandler) response(out any) (connect.AnyResponse, error) {
	if last := h.last.Load(); last != nil && last.reply == out {
		return last.response, last.notModified
	}
	return substitute{connect.NewResponse(&emptypb.Empty{}), out}, nil
}

// substitute is a response with a message of any type.
type substitute struct {
	connect.AnyResponse
	message any
}

func (s substitute) Any() any { return s.message }

func (i *interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		spec := conn.Spec()
		t := &transport{method: spec.Procedure}
		ss := &serverStream{transport: t, ctx: incoming(ctx, t, conn.RequestHeader(), conn.Peer()), conn: conn}
		info := &grpc.StreamServerInfo{
			FullMethod:     spec.Procedure,
			IsClientStream: spec.StreamType&connect.StreamTypeClient != 0, IsServerStream: spec.StreamType&connect.StreamTypeServer != 0,
		}
		err := i.stream(nil, ss, info, func(_ any, within grpc.ServerStream) error {
			h := &handlerConn{conn, within, ss, http.Header{}, http.Header{}}
			defer h.offer()
			return next(within.Context(), h)
		})
		ss.close()
		if err != nil {
			return t.fail(err, false)
		}
		_, trailer := t.metadata()
		add(conn.ResponseTrailer(), trailer)
		return nil
	}
}

// serverStream is Connect's stream as gRPC's.
type serverStream struct {
	*transport
	ctx  context.Context
	conn connect.StreamingHandlerConn

	sending         sync.Mutex // a handler that was left behind may be in the middle of it
	closed          bool
	header, trailer http.Header // of the handler
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) SetTrailer(md metadata.MD) { _ = s.transport.SetTrailer(md) } // which does not fail

func (s *serverStream) SendMsg(m any) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.closed {
		return errOver
	}
	s.writeHeader()
	return s.conn.Send(m)
}

var errOver = errors.New("the call is over")

// close waits for a message that is being sent. From then on Connect has the stream.
func (s *serverStream) close() {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.closed = true
	s.writeHeader()
	for k, values := range s.trailer {
		s.conn.ResponseTrailer()[k] = values
	}
}

// writeHeader hands the headers to Connect, once.
func (s *serverStream) writeHeader() {
	header, first := s.transport.send()
	if !first {
		return
	}
	for k, values := range s.header {
		s.conn.ResponseHeader()[k] = values
	}
	add(s.conn.ResponseHeader(), header)
}

func (s *serverStream) RecvMsg(m any) error {
	err := s.conn.Receive(m)
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}

// handlerConn shows the handler the stream that the interceptors of gRPC have made of it.
// Headers and trailers are its own until it sends or returns: once it is left behind, those
// of Connect are not its to touch.
type handlerConn struct {
	connect.StreamingHandlerConn
	within          grpc.ServerStream
	below           *serverStream
	header, trailer http.Header
}

func (h *handlerConn) ResponseHeader() http.Header  { return h.header }
func (h *handlerConn) ResponseTrailer() http.Header { return h.trailer }
func (h *handlerConn) Receive(m any) error          { return h.within.RecvMsg(m) }

func (h *handlerConn) Send(m any) error {
	h.offer()
	if m == nil { // headers only
		return h.below.SendMsg(nil)
	}
	return h.within.SendMsg(m)
}

// offer says what the handler has set up to now.
func (h *handlerConn) offer() {
	h.below.sending.Lock()
	defer h.below.sending.Unlock()
	h.below.header, h.below.trailer = h.header.Clone(), h.trailer.Clone()
}

func (i *interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return &clientConn{next(ctx, spec), ctx}
	}
}

// clientConn reads the errors of a client's stream.
type clientConn struct {
	connect.StreamingClientConn
	ctx context.Context
}

func (c *clientConn) read(err error) error {
	if err == nil {
		return nil
	}
	return read(c.ctx, c.Spec().Procedure, c.RequestHeader(), err)
}

func (c *clientConn) Send(m any) error     { return c.read(c.StreamingClientConn.Send(m)) }
func (c *clientConn) Receive(m any) error  { return c.read(c.StreamingClientConn.Receive(m)) }
func (c *clientConn) CloseRequest() error  { return c.read(c.StreamingClientConn.CloseRequest()) }
func (c *clientConn) CloseResponse() error { return c.read(c.StreamingClientConn.CloseResponse()) }

// incoming makes the context of a call as gRPC's server does.
func incoming(ctx context.Context, t *transport, h http.Header, from connect.Peer) context.Context {
	ctx = withMetadata(ctx, h)
	if from.Addr != "" {
		ctx = peer.NewContext(ctx, &peer.Peer{Addr: address(from.Addr)})
	}
	return grpc.NewContextWithServerTransportStream(ctx, t)
}

// address is that of a peer, as text.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// fail makes Connect's error of the one that gRPC's interceptors return.
func (t *transport) fail(err error, unaryConnect bool) error {
	if p := (*status.PanicError)(nil); errors.As(err, &p) && p.Value == http.ErrAbortHandler {
		panic(http.ErrAbortHandler) // which is for net/http
	}
	out := written(grpcstatus.Convert(err), err)
	_, trailer := t.metadata()
	add(out.Meta(), trailer)
	if unaryConnect { // the one protocol whose errors are HTTP's, which caches keep
		web.NoStore(out.Meta())
	}
	return out
}
