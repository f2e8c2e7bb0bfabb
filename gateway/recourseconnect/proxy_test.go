package recourseconnect_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"
)

// proxy serves a connection's service as browsers see it.
func proxy(t testing.TB, conn grpc.ClientConnInterface, metadata func(string) bool, opts ...interceptors.ServerOption) string {
	t.Helper()
	p := recourseconnect.Proxy{Conn: conn, Metadata: metadata, Options: []connect.HandlerOption{
		connect.WithInterceptors(recourseconnect.Interceptor(append(quiet(interceptors.Domain("proxy.example.com")), opts...)...)),
	}}
	mux := http.NewServeMux()
	mux.Handle(p.Handler(echoService(t)))
	return listen(t, mux)
}

// backend is a gRPC server with recourse, and a connection to it.
func backend(t testing.TB, h rpctest.Handler, opts ...interceptors.ServerOption) *grpc.ClientConn {
	t.Helper()
	return rpctest.Start(t, h, interceptors.ServerOptions(quiet(opts...)...), interceptors.DialOptions()...)
}

func TestProxy(t *testing.T) {
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		r := call(t.Context(), t, proxy(t, backend(t, rpctest.Echo), nil), s, protocol, reading())
		if r.err != nil || !slices.Equal(r.replies, []string{"request"}) {
			t.Errorf("%q, %v", r.replies, r.err)
		}
		for _, n := range []int{0, 2} {
			if n > 0 && !s.ServerStreams {
				continue
			}
			r := call(t.Context(), t, proxy(t, backend(t, failing(n, rich())), nil), s, protocol, reading())
			expectRich(t, r.err)
			if len(r.replies) != n {
				t.Errorf("%d replies, want %d", len(r.replies), n)
			}
		}
	})
}

// A conversation goes both ways at once, and ends where either side ends it.
func TestProxyConversation(t *testing.T) {
	h := func(_ context.Context, x rpctest.Exchange) error {
		for range 3 {
			m, err := x.Recv()
			if err != nil {
				return err
			}
			if err := x.Send("re: " + m); err != nil {
				return err
			}
		}
		return rich()
	}
	bidi := rpctest.Shapes[3]
	url := proxy(t, backend(t, h), nil)
	for _, p := range protocols {
		c := connect.NewClient[text, text](httpClient(t), url+bidi.Method(), p.option, reading())
		stream := c.CallBidiStream(t.Context())
		stream.RequestHeader().Set("X-Request-Id", "id-1")
		for range 3 {
			if err := stream.Send(&text{Value: "hello"}); err != nil {
				t.Fatal(err)
			}
			if m, err := stream.Receive(); err != nil || m.GetValue() != "re: hello" {
				t.Fatalf("%s: %v, %v", p.name, m, err)
			}
		}
		_, err := stream.Receive() // while the request is open
		expectRich(t, err)
		_ = stream.CloseRequest()
		_ = stream.CloseResponse()
	}
}

// What a service says by name goes on; what it trusts the proxy with does not.
func TestProxyErrors(t *testing.T) {
	behind := status.Received(plain(codes.NotFound, "no such row"), "/db.v1.Rows/Get", "id-behind", false)
	internal := interceptors.Trust(func(context.Context) status.Trust { return status.Internal })
	named, _ := anypb.New(&errdetails.ErrorInfo{Reason: "BOOK_LOST", Domain: "library.example.com"})
	for _, test := range []struct {
		name               string
		conn               *grpc.ClientConn
		code               codes.Code
		errorCode, message string
	}{
		{"causes", backend(t, failing(0, status.New(codes.Internal, "CATALOG_LOST", "the catalog is lost", status.Cause(behind))), internal), codes.Internal, "CATALOG_LOST", "the catalog is lost"},
		{"not found", backend(t, failing(0, status.New(codes.NotFound, "BOOK_NOT_FOUND", "no book"))), codes.NotFound, "BOOK_NOT_FOUND", "no book"},
		{"unknown detail", rpctest.Start(t, failing(0, plain(codes.Internal, "lost", named, stranger)), nil), codes.Internal, "BOOK_LOST", "lost"},
		{"without a name", rpctest.Start(t, failing(0, plain(codes.NotFound, "no book")), nil), codes.NotFound, "NOT_FOUND", "no book"},
		{"for a log", rpctest.Start(t, failing(0, plain(codes.Internal, "pq: id-behind")), nil), codes.Internal, status.CodeDependencyFailed, ""},
	} {
		for _, s := range rpctest.Shapes {
			r := call(t.Context(), t, proxy(t, test.conn, nil), s, reading())
			e, _ := status.From(r.err)
			if e.Code() != test.code || e.ErrorCode() != test.errorCode || test.message != "" && e.Message() != test.message {
				t.Errorf("%s, %s: %v", test.name, s.Name, r.err)
			}
			if p := e.GRPCStatus().Proto(); len(e.Causes()) > 0 || strings.Contains(p.String(), "id-behind") {
				t.Errorf("%s, %s: %v", test.name, s.Name, p)
			}
			details := e.GRPCStatus().Proto().GetDetails()
			unknown := slices.ContainsFunc(details, func(d *anypb.Any) bool { return d.GetTypeUrl() == stranger.GetTypeUrl() })
			if unknown != (test.name == "unknown detail") {
				t.Errorf("%s, %s: details %v", test.name, s.Name, details)
			}
		}
	}
}

func TestProxyUnreachable(t *testing.T) {
	// An address where nobody listens: it was ours a moment ago.
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	_ = lis.Close()
	for _, dial := range [][]grpc.DialOption{nil, interceptors.DialOptions()} {
		conn, err := grpc.NewClient(address, append(dial, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		for _, s := range rpctest.Shapes {
			r := call(t.Context(), t, proxy(t, conn, nil), s, reading())
			e, _ := status.From(r.err)
			if e.Code() != codes.Unavailable || strings.Contains(e.GRPCStatus().Proto().String(), "127.0.0.1") {
				t.Errorf("%s: %v", s.Name, e.GRPCStatus())
			}
		}
	}
}

func TestProxyMetadata(t *testing.T) {
	var seen metadata.MD
	conn := backend(t, func(ctx context.Context, x rpctest.Exchange) error {
		seen, _ = metadata.FromIncomingContext(ctx)
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-shard", "7"))
		mark := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL}
		if err := interceptors.SetDegraded(ctx, mark); err != nil {
			return err
		}
		return x.Send("")
	})
	usual := proxy(t, conn, nil)
	chosen := proxy(t, conn, func(name string) bool { return name == "x-tenant" || name == "x-data-bin" })
	for _, s := range rpctest.Shapes {
		for _, url := range []string{usual, chosen} {
			r := call(t.Context(), t, url, s, connect.WithInterceptors(headers{
				"Authorization": "Bearer t", "X-Tenant": "a", "X-Data-Bin": connect.EncodeBinaryHeader([]byte{0, 255}), "Recourse-Degraded": "forged",
			}))
			if r.err != nil {
				t.Fatal(r.err)
			}
			got := map[string][]string{}
			for _, k := range []string{"authorization", "x-tenant", "x-data-bin", "recourse-degraded"} {
				if len(seen[k]) > 0 {
					got[k] = seen[k]
				}
			}
			want := map[string][]string{"authorization": {"Bearer t"}}
			if url == chosen {
				want = map[string][]string{"x-tenant": {"a"}, "x-data-bin": {"\x00\xff"}}
			}
			if len(got) != len(want) {
				t.Errorf("%s: metadata %v, want %v", s.Name, got, want)
			}
			for k := range want {
				if !slices.Equal(got[k], want[k]) {
					t.Errorf("%s: metadata %s %q, want %q", s.Name, k, got[k], want[k])
				}
			}
			if recourseconnect.Degraded(r.header).GetKind() != recoursev1.Degraded_KIND_PARTIAL && recourseconnect.Degraded(r.trailer).GetKind() != recoursev1.Degraded_KIND_PARTIAL {
				t.Errorf("%s: no mark in %v, %v", s.Name, r.header, r.trailer)
			}
			if r.header.Get("X-Shard") != "" {
				t.Errorf("%s: headers %v", s.Name, r.header)
			}
		}
	}
}

// headers are added to every request.
type headers map[string]string

func (h headers) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		h.add(req.Header())
		return next(ctx, req)
	}
}

func (h headers) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		h.add(conn.RequestHeader())
		return conn
	}
}

func (h headers) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (h headers) add(to http.Header) {
	for k, v := range h {
		to.Set(k, v)
	}
}

// What a page of a browser gets, with nothing but fetch.
func TestProxyAsFetched(t *testing.T) {
	url := proxy(t, backend(t, failing(0, rich())), nil) + rpctest.Shapes[0].Method()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(`"hello"`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Code, Message string
		Details       []struct {
			Type  string
			Debug map[string]any
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	last := got.Details[len(got.Details)-1]
	if resp.StatusCode != 400 || got.Code != "invalid_argument" || last.Type != "recourse.v1.ErrorDetail" || last.Debug["suggestion"] != "Check the fields." {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp.Header.Get("X-Request-Id") == "" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", resp.Header)
	}
}

// gRPC refuses a call whose metadata is not printable ASCII, and HTTP lets a caller send such headers: what cannot be sent on
// is left out, and the call is made.
func TestProxyUnprintableHeader(t *testing.T) {
	unary := rpctest.Shapes[0]
	for _, name := range []string{"Accept-Language", "Authorization", "X-Other", "X!Name"} {
		url := proxy(t, backend(t, rpctest.Echo), func(string) bool { return true })
		req := connect.NewRequest(&text{Value: "request"})
		req.Header().Set(name, "gr\u00fcn")
		c := connect.NewClient[text, text](httpClient(t), url+unary.Method(), reading())
		if _, err := c.CallUnary(t.Context(), req); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
