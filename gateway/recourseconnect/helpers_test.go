package recourseconnect_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type text = wrapperspb.StringValue

// protocols are what a client of Connect may speak.
var protocols = []struct {
	name   string
	option connect.ClientOption
}{
	{"Connect", connect.WithClientOptions()},
	{"JSON", connect.WithProtoJSON()},
	{"gRPC", connect.WithGRPC()},
	{"gRPC-Web", connect.WithGRPCWeb()},
}

// quiet are options of a server that does not log.
func quiet(opts ...interceptors.ServerOption) []interceptors.ServerOption {
	return append([]interceptors.ServerOption{
		interceptors.Domain("library.example.com"), interceptors.OnFailure(func(context.Context, interceptors.Failure) {}),
	}, opts...)
}

// serve serves h by handlers of Connect, with the interceptor.
func serve(t testing.TB, h rpctest.Handler, opts ...interceptors.ServerOption) string {
	t.Helper()
	return handlers(t, h, connect.WithInterceptors(recourseconnect.Interceptor(quiet(opts...)...)))
}

// handlers serves h by handlers of Connect.
func handlers(t testing.TB, h rpctest.Handler, opts ...connect.HandlerOption) string {
	t.Helper()
	mux := http.NewServeMux()
	for _, s := range rpctest.Shapes {
		mux.Handle(s.Method(), handler(s, h, opts))
	}
	return listen(t, mux)
}

// listen serves over HTTP/1.1 and over HTTP/2 without TLS.
func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func handler(s rpctest.Shape, h rpctest.Handler, opts []connect.HandlerOption) http.Handler {
	switch {
	case s.ClientStreams && s.ServerStreams:
		return connect.NewBidiStreamHandler(s.Method(), func(ctx context.Context, b *connect.BidiStream[text, text]) error {
			return h(ctx, &exchange{receive: b.Receive, send: b.Send})
		}, opts...)
	case s.ServerStreams:
		return connect.NewServerStreamHandler(s.Method(), func(ctx context.Context, r *connect.Request[text], ss *connect.ServerStream[text]) error {
			return h(ctx, &exchange{receive: once(r.Msg), send: ss.Send})
		}, opts...)
	case s.ClientStreams:
		return connect.NewClientStreamHandler(s.Method(), func(ctx context.Context, cs *connect.ClientStream[text]) (*connect.Response[text], error) {
			receive := func() (*text, error) {
				if cs.Receive() {
					return cs.Msg(), nil
				}
				if cs.Err() != nil {
					return nil, cs.Err()
				}
				return nil, io.EOF
			}
			return reply(ctx, h, receive)
		}, opts...)
	}
	return connect.NewUnaryHandler(s.Method(), func(ctx context.Context, r *connect.Request[text]) (*connect.Response[text], error) {
		return reply(ctx, h, once(r.Msg))
	}, opts...)
}

// reply runs a handler that sends one message.
func reply(ctx context.Context, h rpctest.Handler, receive func() (*text, error)) (*connect.Response[text], error) {
	out := &text{}
	x := &exchange{receive: receive, send: func(m *text) error { out.Value = m.GetValue(); return nil }}
	if err := h(ctx, x); err != nil {
		return nil, err
	}
	return connect.NewResponse(out), nil
}

func once(m *text) func() (*text, error) {
	done := false
	return func() (*text, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		return m, nil
	}
}

type exchange struct {
	receive func() (*text, error)
	send    func(*text) error
}

func (x *exchange) Recv() (string, error) {
	m, err := x.receive()
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return m.GetValue(), err
}

func (x *exchange) Send(s string) error { return x.send(wrapperspb.String(s)) }

// echo sends back what it has received, at the end.
func echo(_ context.Context, x rpctest.Exchange) error {
	last := ""
	for {
		m, err := x.Recv()
		if err == io.EOF {
			return x.Send(last)
		}
		if err != nil {
			return err
		}
		last = m
	}
}

// failing sends n messages, where it may send several, and fails.
func failing(n int, err error) rpctest.Handler {
	return func(_ context.Context, x rpctest.Exchange) error {
		for range n {
			if err := x.Send("piece"); err != nil {
				return err
			}
		}
		return err
	}
}

// result is what a client saw.
type result struct {
	replies         []string
	header, trailer http.Header
	err             error
}

// call makes a call with one request.
func call(ctx context.Context, t testing.TB, url string, s rpctest.Shape, opts ...connect.ClientOption) (r result) {
	t.Helper()
	c := connect.NewClient[text, text](httpClient(t), url+s.Method(), opts...)
	req := connect.NewRequest(wrapperspb.String("request"))
	req.Header().Set("X-Request-Id", "id-1")
	one := func(resp *connect.Response[text], err error) {
		if r.err = err; err == nil {
			r.replies, r.header, r.trailer = []string{resp.Msg.GetValue()}, resp.Header(), resp.Trailer()
		}
	}
	switch {
	case s.ClientStreams && s.ServerStreams:
		b := c.CallBidiStream(ctx)
		b.RequestHeader().Set("X-Request-Id", "id-1")
		if err := b.Send(req.Msg); err != nil && !errors.Is(err, io.EOF) {
			r.err = err
			return r
		}
		_ = b.CloseRequest()
		for {
			m, err := b.Receive()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					r.err = err
				}
				break
			}
			r.replies = append(r.replies, m.GetValue())
		}
		r.header, r.trailer = b.ResponseHeader(), b.ResponseTrailer()
		_ = b.CloseResponse()
	case s.ServerStreams:
		ss, err := c.CallServerStream(ctx, req)
		if err != nil {
			r.err = err
			return r
		}
		for ss.Receive() {
			r.replies = append(r.replies, ss.Msg().GetValue())
		}
		r.err, r.header, r.trailer = ss.Err(), ss.ResponseHeader(), ss.ResponseTrailer()
		_ = ss.Close()
	case s.ClientStreams:
		cs := c.CallClientStream(ctx)
		cs.RequestHeader().Set("X-Request-Id", "id-1")
		if err := cs.Send(req.Msg); err != nil && !errors.Is(err, io.EOF) {
			r.err = err
			return r
		}
		one(cs.CloseAndReceive())
	default:
		one(c.CallUnary(ctx, req))
	}
	return r
}

// httpClient speaks HTTP/2, which streams in both directions need.
func httpClient(t testing.TB) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// reading is the client's side of the interceptor.
func reading() connect.ClientOption {
	return connect.WithInterceptors(recourseconnect.Interceptor())
}

// each runs f for every protocol and shape.
func each(t *testing.T, f func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption)) {
	for _, p := range protocols {
		for _, s := range rpctest.Shapes {
			t.Run(p.name+"/"+s.Name, func(t *testing.T) { f(t, s, p.option) })
		}
	}
}

// stranger is a detail of a type that this program does not know.
var stranger = &anypb.Any{TypeUrl: "type.googleapis.com/vendor.v1.Shelf", Value: protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)}

// plain is the status of a server without recourse.
func plain(c codes.Code, message string, details ...*anypb.Any) error {
	st := grpcstatus.New(c, message).Proto()
	st.Details = details
	return grpcstatus.FromProto(st).Err()
}

// echoService is the descriptor of rpctest's service.
func echoService(t testing.TB) protoreflect.ServiceDescriptor {
	t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName("recourse.test.Echo")
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.ServiceDescriptor)
}
