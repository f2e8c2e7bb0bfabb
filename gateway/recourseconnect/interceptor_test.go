package recourseconnect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func rich() *status.Error {
	return status.New(codes.InvalidArgument, "ORDER_INVALID", "2 fields are invalid",
		status.Meta("order", "A-1"), status.Violation("copies", "TOO_MANY", "at most 3"), status.Suggest("Check the fields."),
		status.Outcome(status.NotApplied), status.Cause(errors.New("secret")))
}

// expectRich checks what a client read.
func expectRich(t *testing.T, err error) {
	t.Helper()
	e, ok := err.(*status.Error)
	if !ok {
		t.Fatalf("%T %v, want a *status.Error", err, err)
	}
	bad, _ := status.Detail[*errdetails.BadRequest](err)
	got := fmt.Sprintln(e.Code(), e.ErrorCode(), e.Domain(), e.Message(), e.Metadata(), e.Suggestion(), e.Outcome(), e.RequestID(), bad.GetFieldViolations()[0].GetReason())
	want := "InvalidArgument ORDER_INVALID library.example.com 2 fields are invalid map[order:A-1] Check the fields. OUTCOME_NOT_APPLIED id-1 TOO_MANY\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if ce := new(connect.Error); !errors.As(err, &ce) || ce.Code() != connect.CodeInvalidArgument || !connect.IsWireError(err) {
		t.Errorf("no error of Connect in %v", err)
	}
	if !errors.Is(err, status.New(codes.InvalidArgument, "ORDER_INVALID", "")) {
		t.Error("errors.Is does not know it")
	}
	if strings.Contains(fmt.Sprint(e.GRPCStatus().Proto()), "secret") {
		t.Errorf("a secret got out: %v", e.GRPCStatus())
	}
}

func TestErrors(t *testing.T) {
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		for _, n := range []int{0, 2} {
			if n > 0 && !s.ServerStreams {
				continue
			}
			r := call(t.Context(), t, serve(t, failing(n, rich())), s, protocol, reading())
			expectRich(t, r.err)
			if len(r.replies) != n {
				t.Errorf("%d replies, want %d", len(r.replies), n)
			}
		}
		if r := call(t.Context(), t, serve(t, echo), s, protocol, reading()); r.err != nil || !slices.Equal(r.replies, []string{"request"}) {
			t.Errorf("%q, %v", r.replies, r.err)
		}
	})
}

// Connect by itself tells the caller everything but what matters.
func TestConnectAlone(t *testing.T) {
	r := call(t.Context(), t, handlers(t, failing(0, fmt.Errorf("pq: secret: %w", plain(codes.NotFound, "no book")))), rpctest.Shapes[0])
	if connect.CodeOf(r.err) != connect.CodeUnknown || !strings.Contains(r.err.Error(), "pq: secret") {
		t.Errorf("%v; the reason for this package is gone", r.err)
	}
}

func TestUnknownDetail(t *testing.T) {
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		r := call(t.Context(), t, serve(t, failing(0, plain(codes.NotFound, "no book", stranger))), s, protocol, reading())
		e, _ := status.From(r.err)
		found := slices.ContainsFunc(e.GRPCStatus().Proto().GetDetails(), func(d *anypb.Any) bool {
			return d.GetTypeUrl() == stranger.GetTypeUrl() && string(d.GetValue()) == string(stranger.GetValue())
		})
		if e.Code() != codes.NotFound || e.Message() != "no book" || !found {
			t.Errorf("%v with %v", r.err, e.GRPCStatus().Proto())
		}
	})
}

// What handlers may return, and what a public caller is told.
func TestClassification(t *testing.T) {
	own := connect.NewError(connect.CodeNotFound, errors.New("no such book"))
	if d, err := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: "BOOK_NOT_FOUND", Domain: "d"}); err == nil {
		own.AddDetail(d)
	}
	for _, test := range []struct {
		name          string
		err           error
		code          codes.Code
		errorCode, is string
	}{
		{"any", errors.New("secret"), codes.Internal, status.CodeUnexpected, ""},
		{"Connect's", own, codes.NotFound, "BOOK_NOT_FOUND", "no such book"},
		{"Connect's, wrapped", fmt.Errorf("secret: %w", own), codes.NotFound, "BOOK_NOT_FOUND", "no such book"},
		{"Connect's for a log", connect.NewError(connect.CodeInternal, errors.New("secret")), codes.Internal, status.CodeUnexpected, ""},
		{"Connect's without a code", connect.NewError(99, errors.New("secret")), codes.Internal, "INTERNAL", ""},
		{"ours in Connect's", connect.NewError(connect.CodeUnknown, rich()), codes.InvalidArgument, "ORDER_INVALID", "2 fields are invalid"},
		{"another service's", connect.NewWireError(connect.CodeNotFound, errors.New("secret")), codes.Internal, status.CodeDependencyFailed, ""},
		{"a busy service's", connect.NewWireError(connect.CodeUnavailable, errors.New("secret")), codes.Unavailable, status.CodeDependencyUnavailable, ""},
		{"cancelled", context.Canceled, codes.Canceled, status.CodeCancelled, ""},
		{"the operator's", errBook, codes.NotFound, "NO_BOOK", "no such book"},
	} {
		sentinel := interceptors.Classifiers(status.Sentinel(errBook, codes.NotFound, "NO_BOOK", "no such book"))
		r := call(t.Context(), t, serve(t, failing(0, test.err), sentinel), rpctest.Shapes[0], reading())
		e, _ := status.From(r.err)
		if e.Code() != test.code || e.ErrorCode() != test.errorCode || test.is != "" && e.Message() != test.is || strings.Contains(fmt.Sprint(e, e.GRPCStatus().Proto()), "secret") {
			t.Errorf("%s: %v", test.name, r.err)
		}
	}
}

var errBook = errors.New("secret")

func TestPanic(t *testing.T) {
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		h := func(context.Context, rpctest.Exchange) error { panic("secret") }
		r := call(t.Context(), t, serve(t, h), s, protocol, reading())
		if e, _ := status.From(r.err); e.ErrorCode() != status.CodeUnexpected || strings.Contains(fmt.Sprint(e.GRPCStatus().Proto()), "secret") {
			t.Errorf("%v", r.err)
		}
	})
}

// Net/http's way to break a connection off stays that.
func TestAbort(t *testing.T) {
	h := handler(rpctest.Shapes[0], func(context.Context, rpctest.Exchange) error { panic(http.ErrAbortHandler) },
		[]connect.HandlerOption{connect.WithInterceptors(recourseconnect.Interceptor(quiet()...))})
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("panic %v", v)
		}
	}()
	r := httptest.NewRequest("POST", rpctest.Shapes[0].Method(), strings.NewReader(`"x"`))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(httptest.NewRecorder(), r)
	t.Error("no panic")
}

func TestTrust(t *testing.T) {
	behind := status.Received(plain(codes.NotFound, "no such row"), "/db.v1.Rows/Get", "id-behind", false)
	trust := interceptors.Trust(func(ctx context.Context) status.Trust {
		if slices.Equal(metadata.ValueFromIncomingContext(ctx, "x-staff"), []string{"yes"}) {
			return status.Internal
		}
		return status.Public
	})
	url := serve(t, failing(0, status.New(codes.Internal, "CATALOG_LOST", "", status.Cause(behind))), trust)
	for staff, causes := range map[string]int{"yes": 1, "no": 0} {
		c := connect.NewClient[text, text](http.DefaultClient, url+rpctest.Shapes[0].Method(), reading())
		req := connect.NewRequest(wrapperspb.String(""))
		req.Header().Set("X-Staff", staff)
		_, err := c.CallUnary(t.Context(), req)
		if e, _ := status.From(err); len(e.Causes()) != causes || e.ErrorCode() != "CATALOG_LOST" {
			t.Errorf("staff %s: %v caused by %v", staff, err, e.Causes())
		}
	}
}

// The metadata of an error, which in Connect's own protocol is headers.
func TestMetadata(t *testing.T) {
	busy := status.New(codes.Unavailable, "BUSY_NOW", "", status.RetryAfter(time.Second))
	never := status.New(codes.Unavailable, "CLOSED_DOWN", "", status.Retry(status.Never))
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		for _, err := range []*status.Error{busy, never, rich()} {
			r := call(t.Context(), t, serve(t, failing(0, err)), s, protocol)
			ce := new(connect.Error)
			if !errors.As(r.err, &ce) {
				t.Fatal(r.err)
			}
			if id := ce.Meta().Values("X-Request-Id"); !slices.Equal(id, []string{"id-1"}) {
				t.Errorf("request id %q", id)
			}
			pushback := ce.Meta().Get("Grpc-Retry-Pushback-Ms")
			switch ms := len(pushback); {
			case err == busy && ms != 4, err == never && pushback != "-1", err != busy && err != never && ms > 0:
				t.Errorf("%v: pushback %q", err, pushback)
			}
			if store := ce.Meta().Get("Cache-Control"); s.Name == "Unary" && ce.Meta().Get("Content-Type") == "application/json" && store != "no-store" {
				t.Errorf("Cache-Control: %q", store)
			}
		}
	})
}

func TestDegraded(t *testing.T) {
	h := func(ctx context.Context, x rpctest.Exchange) error {
		mark := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE, ErrorCode: "DB_TIMEOUT", Suggestion: "Come back."}
		if err := interceptors.SetDegraded(ctx, mark); err != nil {
			return err
		}
		return x.Send("old")
	}
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		r := call(t.Context(), t, serve(t, h), s, protocol)
		if r.err != nil {
			t.Fatal(r.err)
		}
		wants := []http.Header{r.trailer}
		if !s.ClientStreams || s.ServerStreams {
			wants = append(wants, r.header)
		}
		for _, got := range wants {
			d := recourseconnect.Degraded(got)
			if got.Get("Recourse-Degraded") != "stale;reason=DB_TIMEOUT" || d.GetSuggestion() != "Come back." {
				t.Errorf("%v in %v", d, got)
			}
		}
	})
}

// The engine's policies hold for handlers of Connect too.
func TestPolicies(t *testing.T) {
	answer := interceptors.Fallback(rpctest.Shapes[0].Method(), interceptors.Answer(
		func(_ context.Context, req *text, _ *status.Error) (*text, error) {
			return wrapperspb.String("instead of " + req.GetValue()), nil
		}))
	down := failing(0, status.New(codes.Unavailable, "DOWN_NOW", ""))
	for _, p := range protocols {
		r := call(t.Context(), t, serve(t, down, answer, interceptors.Policies(nil)), rpctest.Shapes[0], p.option, reading())
		if r.err != nil || !slices.Equal(r.replies, []string{"instead of request"}) || recourseconnect.Degraded(r.header).GetErrorCode() != "DOWN_NOW" {
			t.Errorf("%s: %q, %v, %v", p.name, r.replies, r.err, r.header)
		}
	}
}

func TestFailureIsReported(t *testing.T) {
	var seen atomic.Pointer[interceptors.Failure]
	report := interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { seen.Store(&f) })
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		cause := errors.New("pq: secret")
		call(t.Context(), t, serve(t, failing(0, cause), report), s, protocol)
		f := seen.Swap(nil)
		if f == nil || f.Cause != cause || f.Method != s.Method() || f.RequestID != "id-1" || f.ClientStreams != s.ClientStreams || f.ServerStreams != s.ServerStreams {
			t.Errorf("%+v", f)
		}
	})
}

func TestNotModified(t *testing.T) {
	reported := false
	h := connect.NewUnaryHandler(rpctest.Shapes[0].Method(), func(context.Context, *connect.Request[text]) (*connect.Response[text], error) {
		return nil, connect.NewNotModifiedError(http.Header{"Etag": {"1"}})
	}, connect.WithIdempotency(connect.IdempotencyNoSideEffects), connect.WithInterceptors(recourseconnect.Interceptor(
		interceptors.OnFailure(func(context.Context, interceptors.Failure) { reported = true }))))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", rpctest.Shapes[0].Method()+`?encoding=json&message=%22x%22`, nil))
	if rec.Code != http.StatusNotModified || rec.Header().Get("Etag") != "1" || reported {
		t.Errorf("%d %v, reported %v", rec.Code, rec.Header(), reported)
	}
}

// The headers of a request are metadata, but for those of the protocol.
func TestIncomingMetadata(t *testing.T) {
	var seen metadata.MD
	h := func(ctx context.Context, x rpctest.Exchange) error {
		seen, _ = metadata.FromIncomingContext(ctx)
		return x.Send("")
	}
	url := serve(t, h)
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		add := headers{"X-Tenant": "a", "X-Data-Bin": connect.EncodeBinaryHeader([]byte{0, 255})}
		if r := call(ctx, t, url, s, protocol, connect.WithInterceptors(add)); r.err != nil {
			t.Fatal(r.err)
		}
		for k := range seen {
			if strings.HasPrefix(k, "grpc-") || strings.HasPrefix(k, "connect-") || k == "te" || k == "content-length" {
				t.Errorf("metadata %s: %q", k, seen[k])
			}
		}
		if !slices.Equal(seen["x-tenant"], []string{"a"}) || !slices.Equal(seen["x-data-bin"], []string{"\x00\xff"}) {
			t.Errorf("metadata %v", seen)
		}
	})
}

// What a handler of Connect sets by Connect's own means arrives.
func TestHandlersMetadata(t *testing.T) {
	server := rpctest.Shapes[1]
	h := connect.NewServerStreamHandler(server.Method(), func(_ context.Context, _ *connect.Request[text], s *connect.ServerStream[text]) error {
		s.ResponseHeader().Set("X-Shelf", "7")
		if err := s.Send(nil); err != nil {
			return err
		}
		s.ResponseTrailer().Set("X-Books", "2")
		return s.Send(wrapperspb.String("book"))
	}, connect.WithInterceptors(recourseconnect.Interceptor(quiet()...)))
	mux := http.NewServeMux()
	mux.Handle(server.Method(), h)
	url := listen(t, mux)
	for _, p := range protocols {
		r := call(t.Context(), t, url, server, p.option)
		if r.err != nil || r.header.Get("X-Shelf") != "7" || r.trailer.Get("X-Books") != "2" || !slices.Equal(r.replies, []string{"book"}) {
			t.Errorf("%s: %q, %v, %v, %v", p.name, r.replies, r.header, r.trailer, r.err)
		}
	}
}

// A client's own end of a call.
func TestDeadline(t *testing.T) {
	release := make(chan struct{})
	url := handlers(t, func(context.Context, rpctest.Exchange) error { <-release; return nil })
	t.Cleanup(func() { close(release) })
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		r := call(ctx, t, url, s, protocol, reading())
		e, _ := r.err.(*status.Error)
		if e.ErrorCode() != status.CodeTimeout || e.Outcome() != status.Indeterminate || !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("%T %v", r.err, r.err)
		}
	})
}

// A server that knows nothing but the metadata for stock clients.
func TestServerWithoutRecourse(t *testing.T) {
	for _, test := range []struct {
		pushback string
		verdict  recoursev1.RetryAdvice_Verdict
		delay    time.Duration
	}{
		{"", status.SameRequest, 0}, {"1500", status.SameRequest, 1500 * time.Millisecond}, {"-1", status.Never, 0},
		{"soon", status.SameRequest, 0}, {"99999999999999999999", status.SameRequest, 0},
	} {
		err := connect.NewError(connect.CodeUnavailable, errors.New("busy"))
		if test.pushback != "" {
			err.Meta().Set("Grpc-Retry-Pushback-Ms", test.pushback)
		}
		each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
			r := call(t.Context(), t, handlers(t, failing(0, err)), s, protocol, reading())
			e, _ := r.err.(*status.Error)
			delay, _ := e.RetryDelay()
			if e.Code() != codes.Unavailable || e.Message() != "busy" || e.Verdict() != test.verdict || delay != test.delay || e.RequestID() != "id-1" || e.Operation() != s.Method() {
				t.Errorf("pushback %q: %v, %v, %v, id %q of %q", test.pushback, r.err, e.Verdict(), delay, e.RequestID(), e.Operation())
			}
		})
	}
}

func TestErrorAndFrom(t *testing.T) {
	if recourseconnect.Error(nil) != nil {
		t.Error("an error of nil")
	}
	if _, ok := recourseconnect.From(nil); ok {
		t.Error("From(nil)")
	}
	if _, ok := recourseconnect.From(errors.New("any")); ok {
		t.Error("From(any)")
	}
	ce := recourseconnect.Error(rich())
	if ce.Code() != connect.CodeInvalidArgument || ce.Message() != "2 fields are invalid" || !errors.Is(ce, rich()) {
		t.Errorf("%v", ce)
	}
	var types []string
	for _, d := range ce.Details() {
		types = append(types, d.Type())
	}
	if want := []string{"google.rpc.ErrorInfo", "google.rpc.BadRequest", "recourse.v1.ErrorDetail"}; !slices.Equal(types, want) {
		t.Errorf("details %q, want %q", types, want)
	}
	wire := connect.NewWireError(ce.Code(), errors.New(ce.Message()))
	for _, d := range ce.Details() {
		wire.AddDetail(d)
	}
	if e, ok := recourseconnect.From(fmt.Errorf("wrapped: %w", wire)); !ok || e.ErrorCode() != "ORDER_INVALID" || e.Message() != "2 fields are invalid" {
		t.Errorf("%v", e)
	}
	if e := recourseconnect.Error(errors.New("secret")); e.Code() != connect.CodeInternal || strings.Contains(e.Message(), "secret") {
		t.Errorf("%v", e)
	}
}

// A handler that is left behind does nothing to the answer, whenever it comes back.
func TestHardStop(t *testing.T) {
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) {
		p.HardStop, p.MaxTimeout, p.Backoff = true, 20*time.Millisecond, time.Millisecond
	}))
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, s rpctest.Shape, protocol connect.ClientOption) {
		var done sync.WaitGroup
		done.Add(1)
		release := make(chan struct{})
		h := func(_ context.Context, x rpctest.Exchange) error {
			defer done.Done()
			<-release
			for range 3 {
				_ = x.Send("late")
			}
			return nil
		}
		r := call(t.Context(), t, serve(t, h, interceptors.Policies(set)), s, protocol, reading())
		close(release)
		done.Wait()
		if e, _ := status.From(r.err); e.ErrorCode() != status.CodeTimeout || len(r.replies) > 0 {
			t.Errorf("%q, %v", r.replies, r.err)
		}
	})
}

// In gRPC-Web an error that comes first is in the headers, and those have to pass proxies.
func TestSize(t *testing.T) {
	huge := status.New(codes.InvalidArgument, "ORDER_INVALID", strings.Repeat("\u4e66", 400), status.Suggest(strings.Repeat("s", 400)))
	for i := range 50 {
		huge = huge.With(status.Violation(fmt.Sprintf("books[%d].title", i), "TOO_LONG", strings.Repeat("d", 200)))
	}
	for _, most := range []int{0, 7168} {
		url := serve(t, failing(0, huge), interceptors.TrailerBytes(most)) + rpctest.Shapes[1].Method()
		req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("\x00\x00\x00\x00\x00"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/grpc-web+proto")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		size := 0
		for k, values := range resp.Header {
			for _, v := range values {
				size += len(k) + len(v) + 32
			}
		}
		// Beyond the error Connect adds headers of its own.
		if most = max(most, status.DefaultTrailerBytes); size > most+400 || size < most/2 || resp.Header.Get("Grpc-Status") != "3" || resp.Header.Get("Grpc-Status-Details-Bin") == "" {
			t.Errorf("%d bytes of headers: %v", size, resp.Header)
		}
	}
}
