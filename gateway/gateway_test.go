package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/recourse-dev/recourse/gateway"
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
	"google.golang.org/protobuf/types/known/durationpb"
)

const theID = "0192d1c4-7e5f-7c3a-9d5e-2f1b6a7c8d9e"

// rich is an error with everything that a caller may see.
func rich() *status.Error {
	return status.New(codes.InvalidArgument, "ORDER_INVALID", "2 fields are invalid",
		status.Meta("order", "A-1"),
		status.Violation("copies", "TOO_MANY", "at most 3"), status.Violation("isbn", "MISSING", "is required"),
		status.Suggest("Check both fields."),
		status.Recover(status.Action(status.ByEndUser, "Correct the order", &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: "copies"}}})),
		status.Outcome(status.NotApplied),
		status.Help("How to order", "https://docs.example.com/orders"))
}

func TestBodies(t *testing.T) {
	unavailable := status.New(codes.Unavailable, "SHELF_LOCKED", "the shelf is locked",
		status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED), status.RetryAfter(1500*time.Millisecond))
	for _, form := range []struct {
		name        string
		body        gateway.Body
		contentType string
	}{
		{"status", gateway.StatusBody, "application/json"},
		{"api", gateway.APIBody, "application/json"},
		{"problem", gateway.ProblemBody, "application/problem+json"},
	} {
		for _, test := range []struct {
			name   string
			err    error
			status int
		}{
			{"rich", rich(), 400},
			{"delay", unavailable, 503},
			{"unexpected", errors.New("pq: password authentication failed"), 500},
		} {
			t.Run(form.name+"-"+test.name, func(t *testing.T) {
				config := gateway.Config{Body: form.body, Docs: "https://docs.example.com/errors/"}
				got := post(t, serve(t, failing(test.err), config.Options())+"/v1/echo", "X-Request-Id", theID)
				got.golden(t, form.name+"-"+test.name)
				if got.status != test.status {
					t.Errorf("status %d, want %d", got.status, test.status)
				}
				want := map[string]string{
					"Content-Type": form.contentType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
					"X-Request-Id": theID, "Retry-After": "", "Www-Authenticate": "",
				}
				if test.status == 503 {
					want["Retry-After"] = "2"
				}
				for name, value := range want {
					if got.header.Get(name) != value {
						t.Errorf("%s: %q, want %q", name, got.header.Get(name), value)
					}
				}
			})
		}
	}
}

// Only errors that the service has named itself have a page.
func TestDocs(t *testing.T) {
	const docs = "https://docs.example.com/errors/"
	foreign, err := anypb.New(&errdetails.ErrorInfo{Reason: "über ../?#uns", Domain: "library.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		domain string
		err    error
		want   string
	}{
		{"", status.New(codes.NotFound, "BOOK_NOT_FOUND", ""), docs + "BOOK_NOT_FOUND"},
		{"library.example.com", status.New(codes.NotFound, "BOOK_NOT_FOUND", "", status.Domain("library.example.com")), docs + "BOOK_NOT_FOUND"},
		{"library.example.com", status.New(codes.NotFound, "BOOK_NOT_FOUND", "", status.Domain("other.example.com")), "about:blank"},
		{"", plain(codes.NotFound, "", foreign), docs + "%C3%BCber%20..%2F%3F%23uns"},
		{"", plain(codes.NotFound, ""), "about:blank"},
		{"", context.DeadlineExceeded, "about:blank"},
	} {
		rec := httptest.NewRecorder()
		gateway.Config{Body: gateway.ProblemBody, Domain: test.domain, Docs: docs}.WriteError(rec, httptest.NewRequest("GET", "/", nil), test.err)
		got := (response{body: rec.Body.Bytes()}).json(t)
		if got["type"] != test.want {
			t.Errorf("%v: type %v, want %s", test.err, got["type"], test.want)
		}
		if got["reason"] == "über ../?#uns" && got["title"] != "Über ../?#uns" {
			t.Errorf("title %q", got["title"])
		}
	}
}

func TestAcceptChoosesProblem(t *testing.T) {
	url := serve(t, failing(rich()), zero.Options()) + "/v1/echo"
	for accept, problem := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "application/problem+json": true,
		"text/html, application/problem+json;q=0.5": true, "application/problem+json;q=0": false, "application/problem+json;q=x": false,
		";;;,application/problem+json": true,
	} {
		got := post(t, url, "Accept", accept)
		if is := got.header.Get("Content-Type") == "application/problem+json"; is != problem {
			t.Errorf("Accept %q: %s", accept, got.header.Get("Content-Type"))
		}
	}
}

// Grpc-gateway by itself answers 500 to all of it.
func TestUnknownDetail(t *testing.T) {
	server := []grpc.ServerOption{grpc.UnaryInterceptor(func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
		info, _ := anypb.New(&errdetails.ErrorInfo{Reason: "BOOK_NOT_FOUND", Domain: "library.example.com"})
		return nil, plain(codes.NotFound, "no such book", info, stranger)
	})}
	conn := rpctest.Start(t, rpctest.Echo, server)

	if got := post(t, front(t, conn, nil)+"/v1/echo"); got.status != 500 || !strings.Contains(string(got.body), "failed to marshal") {
		t.Errorf("grpc-gateway alone: %d %s; the reason for this package is gone", got.status, got.body)
	}
	got := post(t, front(t, conn, zero.Options())+"/v1/echo")
	if got.status != 404 {
		t.Errorf("status %d, want 404", got.status)
	}
	details, _ := got.json(t)["details"].([]any)
	want := map[string]any{"@type": "type.googleapis.com/vendor.v1.Shelf", "value": "CAc="}
	found := false
	for _, d := range details {
		found = found || cmp.Equal(d, any(want))
	}
	if !found {
		t.Errorf("no detail %v in %s", want, got.body)
	}
}

// One action of a type that is not known leaves the others readable.
func TestUnknownAction(t *testing.T) {
	err := status.New(codes.FailedPrecondition, "SHELF_FULL", "the shelf is full", status.Suggest("Use another."),
		status.Recover(
			&recoursev1.RecoveryAction{Label: "Build a shelf", Action: &recoursev1.RecoveryAction_Custom{Custom: stranger}},
			status.Action(status.ByEndUser, "Ask", &recoursev1.ContactSupport{Channel: "desk"})))
	for _, body := range []gateway.Body{gateway.StatusBody, gateway.ProblemBody} {
		got := post(t, serve(t, failing(err), gateway.Config{Body: body}.Options())+"/v1/echo")
		for _, want := range []string{"Use another.", "Build a shelf", `"contactSupport":{"channel":"desk"}`} {
			if !bytes.Contains(got.body, []byte(want)) {
				t.Errorf("no %s in %s", want, got.body)
			}
		}
		if got.status != 400 {
			t.Errorf("status %d", got.status)
		}
	}
}

func TestCodes(t *testing.T) {
	var next codes.Code
	url := serve(t, func(context.Context, rpctest.Exchange) error {
		return status.New(next, "SOME_ERROR", "text")
	}, gateway.Config{Body: gateway.APIBody}.Options()) + "/v1/echo"
	want := []int{499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401}
	for i, httpStatus := range want {
		next = codes.Code(i + 1)
		got := post(t, url)
		inner, _ := got.json(t)["error"].(map[string]any)
		if got.status != httpStatus || inner["code"] != float64(httpStatus) || inner["status"] != status.New(next, "", "").ErrorCode() {
			t.Errorf("%v: %d %s, want %d", next, got.status, got.body, httpStatus)
		}
	}
}

// Grpc-gateway by itself puts the message there.
func TestWWWAuthenticate(t *testing.T) {
	const text = "token expired\r\nSet-Cookie: a=b"
	conn := rpctest.Start(t, failing(plain(codes.Unauthenticated, text)), nil)
	if got := post(t, front(t, conn, nil)+"/v1/echo"); !strings.Contains(got.header.Get("Www-Authenticate"), "token expired") {
		t.Errorf("grpc-gateway alone: %q; the reason for this is gone", got.header.Get("Www-Authenticate"))
	}
	url := front(t, conn, zero.Options()) + "/v1/echo"
	own := front(t, conn, gateway.Config{Challenge: `DPoP algs="ES256"`}.Options()) + "/v1/echo"
	for _, test := range []struct{ url, token, want string }{
		{url, "", "Bearer"}, {url, "Bearer x", `Bearer error="invalid_token"`}, {own, "DPoP x", `DPoP algs="ES256"`},
	} {
		var headers []string
		if test.token != "" {
			headers = []string{"Authorization", test.token}
		}
		got := post(t, test.url, headers...)
		if h := got.header.Values("Www-Authenticate"); len(h) != 1 || h[0] != test.want {
			t.Errorf("%q, want %q", h, test.want)
		}
		if got.header.Get("Set-Cookie") != "" {
			t.Error("the error has set a cookie")
		}
	}
}

func TestRetryAfter(t *testing.T) {
	info := func(d *durationpb.Duration) *anypb.Any {
		a, _ := anypb.New(&errdetails.RetryInfo{RetryDelay: d})
		return a
	}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"none", plain(codes.Unavailable, ""), ""},
		{"zero", plain(codes.Unavailable, "", info(durationpb.New(0))), ""},
		{"a moment", plain(codes.Unavailable, "", info(durationpb.New(1))), "1"},
		{"a second", plain(codes.Unavailable, "", info(durationpb.New(time.Second))), "1"},
		{"a bit more", plain(codes.ResourceExhausted, "", info(durationpb.New(time.Second+1))), "2"},
		{"negative", plain(codes.Unavailable, "", info(durationpb.New(-time.Second))), ""},
		{"too large", plain(codes.Unavailable, "", info(&durationpb.Duration{Seconds: 1 << 62})), ""},
		{"no message", plain(codes.Unavailable, "", &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.RetryInfo", Value: []byte{0xff}}), ""},
		{"never", status.New(codes.Unavailable, "CLOSED_DOWN", "", status.Retry(status.Never), status.RetryAfter(time.Second)), ""},
	} {
		rec := httptest.NewRecorder()
		zero.WriteError(rec, httptest.NewRequest("GET", "/", nil), test.err)
		if got := rec.Header().Get("Retry-After"); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// What a server without recourse says, and what was never said by a server.
func TestTextsForALog(t *testing.T) {
	// An address where nobody listens: it was ours a moment ago.
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	_ = lis.Close()
	conn, err := grpc.NewClient(address, append(interceptors.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for _, test := range []struct {
		trust status.Trust
		shown bool
	}{{status.Public, false}, {status.Partner, false}, {status.Internal, true}} {
		config := gateway.Config{Trust: func(*http.Request) status.Trust { return test.trust }}
		got := post(t, front(t, conn, config.Options())+"/v1/echo")
		if shown := bytes.Contains(got.body, []byte(address)); shown != test.shown || got.status != 503 {
			t.Errorf("%v: %d %s", test.trust, got.status, got.body)
		}
	}

	// A caller's own fault keeps its text, without a name too.
	faults := rpctest.Start(t, failing(plain(codes.NotFound, "no book has this ISBN")), nil)
	if got := post(t, front(t, faults, zero.Options())+"/v1/echo"); got.json(t)["message"] != "no book has this ISBN" {
		t.Errorf("%s", got.body)
	}
}

// A service trusts its gateway more than the gateway trusts its callers.
func TestTrust(t *testing.T) {
	behind := status.Received(plain(codes.NotFound, "no such row"), "/db.v1.Rows/Get", "id-behind", false)
	h := failing(status.New(codes.Internal, "CATALOG_LOST", "the catalog is lost", status.Cause(behind)))
	internal := interceptors.Trust(func(context.Context) status.Trust { return status.Internal })
	for trust, shown := range map[status.Trust]bool{status.Public: false, status.Internal: true} {
		config := gateway.Config{Trust: func(*http.Request) status.Trust { return trust }}
		got := post(t, serve(t, h, config.Options(), internal)+"/v1/echo")
		if bytes.Contains(got.body, []byte("id-behind")) != shown || !bytes.Contains(got.body, []byte("CATALOG_LOST")) {
			t.Errorf("%v: %s", trust, got.body)
		}
	}
	panicking := gateway.Config{Trust: func(*http.Request) status.Trust { panic("who?") }}
	if got := post(t, serve(t, h, panicking.Options(), internal)+"/v1/echo"); bytes.Contains(got.body, []byte("id-behind")) || got.status != 500 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestHostileText(t *testing.T) {
	evil := "a\r\nX-Evil: 1\x1b[31m\u202e\xff" + strings.Repeat("z", 5000)
	detail, _ := anypb.New(&errdetails.ErrorInfo{Reason: "BOOK_LOST", Domain: "x", Metadata: map[string]string{"key": "v\r\nw\u202e"}})
	for _, body := range []gateway.Body{gateway.StatusBody, gateway.APIBody, gateway.ProblemBody} {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Request-Id", "a\x7fb")
		gateway.Config{Body: body, Docs: "https://d.example/"}.WriteError(rec, r, plain(codes.Unauthenticated, evil, detail))
		if rec.Code != 401 || !json.Valid(rec.Body.Bytes()) || rec.Body.Len() > 4096 {
			t.Errorf("%d, %d bytes: %q", rec.Code, rec.Body.Len(), rec.Body)
		}
		for _, bad := range []string{"\\r", "\\n", "\\u001b", "\u202e", "\\u202e"} {
			if strings.Contains(rec.Body.String(), bad) {
				t.Errorf("%q in %q", bad, rec.Body)
			}
		}
		if rec.Header().Get("X-Evil") != "" || rec.Header().Get("X-Request-Id") != "" {
			t.Errorf("headers: %v", rec.Header())
		}
	}
}

func TestDegraded(t *testing.T) {
	h := func(ctx context.Context, x rpctest.Exchange) error {
		mark := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE, ErrorCode: "DB_TIMEOUT"}
		if err := interceptors.SetDegraded(ctx, mark); err != nil {
			return err
		}
		return x.Send("old")
	}
	for _, path := range []string{"/v1/echo", "/v1/stream"} {
		got := post(t, serve(t, h, zero.Options())+path)
		if d := got.header.Values("Recourse-Degraded"); got.status != 200 || len(d) != 1 || d[0] != "stale;reason=DB_TIMEOUT" {
			t.Errorf("%s: %d %q %s", path, got.status, d, got.body)
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Recourse-Degraded-Bin") == "" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
	all := gateway.Config{Metadata: func(key string) (string, bool) { return key, true }}
	if got := post(t, serve(t, h, all.Options())+"/v1/echo"); len(got.header.Values("Recourse-Degraded")) != 1 || len(got.header.Values("Recourse-Degraded-Bin")) != 1 {
		t.Errorf("with all metadata: %v", got.header)
	}
	got := post(t, serve(t, rpctest.Echo, zero.Options())+"/v1/echo")
	if got.header.Get("Recourse-Degraded") != "" || got.header.Get("Cache-Control") != "" {
		t.Errorf("a good answer: %v", got.header)
	}
}

// Headers and trailers of a service are its own affair.
func TestMetadata(t *testing.T) {
	h := func(fail error) rpctest.Handler {
		return func(ctx context.Context, x rpctest.Exchange) error {
			md := metadata.Pairs("x-shard", "7", "x-etag", "abc")
			if err := grpc.SetHeader(ctx, md); err != nil {
				return err
			}
			if err := grpc.SetTrailer(ctx, metadata.Pairs("x-upstream", "10.0.0.7")); err != nil {
				return err
			}
			if fail != nil {
				return fail
			}
			return x.Send("reply")
		}
	}
	etag := gateway.Config{Metadata: func(key string) (string, bool) { return "Etag", key == "x-etag" }}
	for _, fail := range []error{nil, rich()} {
		for _, config := range []gateway.Config{zero, etag} {
			got := post(t, serve(t, h(fail), config.Options())+"/v1/echo", "TE", "trailers")
			for name := range got.header {
				if strings.Contains(name, "Shard") || strings.Contains(name, "Upstream") || strings.Contains(name, "Pushback") {
					t.Errorf("%v: header %s", fail, name)
				}
			}
			if passed := fmt.Sprint(got.header.Values("Etag")) == "[abc]"; passed != (config.Metadata != nil) {
				t.Errorf("%v: Etag %q", fail, got.header.Values("Etag"))
			}
		}
	}
}

func TestRequestReachesService(t *testing.T) {
	var seen metadata.MD
	url := serve(t, func(ctx context.Context, x rpctest.Exchange) error {
		seen, _ = metadata.FromIncomingContext(ctx)
		return x.Send("")
	}, zero.Options()) + "/v1/echo"
	post(t, url, "X-Request-Id", "id-1", "Accept-Language", "de")
	if fmt.Sprint(seen["x-request-id"], seen["accept-language"]) != "[id-1] [de]" {
		t.Errorf("metadata %v", seen)
	}
	post(t, url, "X-Request-Id", "no id", "Accept-Language", "\u00e4")
	if len(seen["x-request-id"])+len(seen["accept-language"]) != 0 {
		t.Errorf("metadata %v", seen)
	}
}

func TestRouting(t *testing.T) {
	url := serve(t, rpctest.Echo, gateway.Config{Domain: "api.example.com"}.Options())
	for _, test := range []struct {
		method, path, body string
		status             int
		reason             string
	}{
		{"GET", "/nowhere", "", 404, "NOT_FOUND"},
		{"GET", "/v1/echo", "", 405, "UNIMPLEMENTED"},
		{"POST", "/v1/echo", "{", 400, "INVALID_ARGUMENT"},
	} {
		got := do(t, test.method, url+test.path, test.body, "Accept", "application/problem+json", "X-Request-Id", "id-1")
		m := got.json(t)
		if got.status != test.status || m["status"] != float64(test.status) || m["reason"] != test.reason || m["domain"] != "api.example.com" || m["type"] != "about:blank" {
			t.Errorf("%s %s: %d %s", test.method, test.path, got.status, got.body)
		}
		if got.header.Get("X-Request-Id") != "id-1" {
			t.Errorf("%s %s: no request id", test.method, test.path)
		}
	}
}

func TestWriteError(t *testing.T) {
	teapot := &runtime.HTTPStatusError{HTTPStatus: 418, Err: errors.New("db: secret")}
	named := &runtime.HTTPStatusError{HTTPStatus: 410, Err: fmt.Errorf("more: %w", rich())}
	for _, test := range []struct {
		name   string
		err    error
		status int
		code   float64
	}{
		{"nil", nil, 500, 13},
		{"any", errors.New("db: secret"), 500, 13},
		{"context", context.DeadlineExceeded, 504, 4},
		{"HTTP status", teapot, 418, 3},
		{"HTTP status with an error", named, 410, 3},
		{"no HTTP status", &runtime.HTTPStatusError{HTTPStatus: 99, Err: rich()}, 400, 3},
	} {
		rec := httptest.NewRecorder()
		zero.WriteError(rec, httptest.NewRequest("GET", "/", nil), test.err)
		got := response{rec.Code, rec.Header(), rec.Body.Bytes()}
		if got.status != test.status || got.json(t)["code"] != test.code || bytes.Contains(got.body, []byte("secret")) {
			t.Errorf("%s: %d %s", test.name, got.status, got.body)
		}
	}
}

// Where others answer in protobuf, errors are protobuf too.
func TestProtobufMarshaler(t *testing.T) {
	options := append(zero.Options(), runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.ProtoMarshaller{}))
	url := serve(t, failing(rich()), options)
	got := do(t, "POST", url+"/v1/echo", "")
	if got.status != 400 || got.header.Get("Content-Type") != "application/octet-stream" || !bytes.Contains(got.body, []byte("ORDER_INVALID")) {
		t.Errorf("%d %s %q", got.status, got.header.Get("Content-Type"), got.body)
	}
}
