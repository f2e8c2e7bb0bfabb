package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/recourse-dev/recourse/gateway"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var update = flag.Bool("update", false, "write the golden files anew")

// serve puts a gateway in front of a gRPC server with h, and returns its address.
func serve(t testing.TB, h rpctest.Handler, options []runtime.ServeMuxOption, server ...interceptors.ServerOption) string {
	t.Helper()
	server = append([]interceptors.ServerOption{
		interceptors.Domain("library.example.com"), interceptors.OnFailure(func(context.Context, interceptors.Failure) {}),
	}, server...)
	conn := rpctest.Start(t, h, interceptors.ServerOptions(server...), interceptors.DialOptions()...)
	return front(t, conn, options)
}

// front serves the unary and the server-streaming method of a connection as the code does
// that grpc-gateway generates.
func front(t testing.TB, conn *grpc.ClientConn, options []runtime.ServeMuxOption) string {
	t.Helper()
	mux := runtime.NewServeMux(options...)
	handle := func(method, path string, h runtime.HandlerFunc) {
		if err := mux.HandlePath(method, path, h); err != nil {
			t.Fatal(err)
		}
	}
	handle("POST", "/v1/echo", unary(mux, conn))
	handle("POST", "/v1/stream", stream(mux, conn))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func unary(mux *runtime.ServeMux, conn *grpc.ClientConn) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		in, out := runtime.MarshalerForRequest(mux, r)
		ctx, err := runtime.AnnotateContext(r.Context(), mux, r, rpctest.Shapes[0].Method())
		if err != nil {
			runtime.HTTPError(r.Context(), mux, out, w, r, err)
			return
		}
		req, reply := new(wrapperspb.StringValue), new(wrapperspb.StringValue)
		if err := in.NewDecoder(r.Body).Decode(req); err != nil {
			runtime.HTTPError(ctx, mux, out, w, r, grpcstatus.Errorf(codes.InvalidArgument, "%v", err))
			return
		}
		var md runtime.ServerMetadata
		err = conn.Invoke(ctx, rpctest.Shapes[0].Method(), req, reply, grpc.Header(&md.HeaderMD), grpc.Trailer(&md.TrailerMD))
		ctx = runtime.NewServerMetadataContext(ctx, md)
		if err != nil {
			runtime.HTTPError(ctx, mux, out, w, r, err)
			return
		}
		runtime.ForwardResponseMessage(ctx, mux, out, w, r, reply, mux.GetForwardResponseOptions()...)
	}
}

func stream(mux *runtime.ServeMux, conn *grpc.ClientConn) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		_, out := runtime.MarshalerForRequest(mux, r)
		ctx, err := runtime.AnnotateContext(r.Context(), mux, r, rpctest.Shapes[1].Method())
		if err != nil {
			runtime.HTTPError(r.Context(), mux, out, w, r, err)
			return
		}
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, rpctest.Shapes[1].Method())
		if err == nil {
			err = s.SendMsg(wrapperspb.String("request"))
		}
		if err == nil {
			err = s.CloseSend()
		}
		var header metadata.MD
		if err == nil {
			header, err = s.Header()
		}
		ctx = runtime.NewServerMetadataContext(ctx, runtime.ServerMetadata{HeaderMD: header})
		if err != nil {
			runtime.HTTPError(ctx, mux, out, w, r, err)
			return
		}
		recv := func() (proto.Message, error) {
			m := new(wrapperspb.StringValue)
			return m, s.RecvMsg(m)
		}
		runtime.ForwardResponseStream(ctx, mux, out, w, r, recv, mux.GetForwardResponseOptions()...)
	}
}

// response is what an HTTP client saw.
type response struct {
	status int
	header http.Header
	body   []byte
}

// post sends a request with headers given as name, value, …
func post(t testing.TB, url string, headers ...string) response {
	t.Helper()
	return do(t, http.MethodPost, url, `"request"`, headers...)
}

func do(t testing.TB, method, url, body string, headers ...string) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, b}
}

func (r response) json(t testing.TB) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(r.body, &m); err != nil {
		t.Fatalf("body %q: %v", r.body, err)
	}
	return m
}

// golden compares a body, indented, with a file.
func (r response) golden(t *testing.T, name string) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, bytes.TrimSpace(r.body), "", "  "); err != nil {
		t.Fatalf("body %q: %v", r.body, err)
	}
	got.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
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

// failing is a handler.
func failing(err error) rpctest.Handler {
	return func(context.Context, rpctest.Exchange) error { return err }
}

var zero gateway.Config
