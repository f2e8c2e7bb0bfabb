package recourseconnect_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Whatever details and metadata a server sends, an error of Connect can be read, and sent on.
func FuzzFrom(f *testing.F) {
	for _, err := range []error{rich(), plain(codes.NotFound, "no book", stranger)} {
		b, e := proto.Marshal(status.ToProto(err))
		if e != nil {
			f.Fatal(e)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		p := new(spb.Status)
		if proto.Unmarshal(encoded, p) != nil || p.GetCode() < 1 || p.GetCode() > 16 {
			return
		}
		ce := connect.NewWireError(connect.Code(p.GetCode()), errors.New(p.GetMessage()))
		for _, d := range p.GetDetails() {
			if detail, err := connect.NewErrorDetail(d); err == nil {
				ce.AddDetail(detail)
			}
		}
		e, ok := recourseconnect.From(ce)
		if !ok || e.Code() != codes.Code(p.GetCode()) {
			t.Fatalf("read as %v", e)
		}
		again := recourseconnect.Error(status.PassThrough(e))
		if again.Code() != ce.Code() || again.Message() != e.Message() || !utf8.ValidString(again.Message()) || strings.ContainsAny(again.Message(), "\r\n\x1b") {
			t.Errorf("sent on as %v", again)
		}
		if e2, ok := recourseconnect.From(connectCopy(again)); !ok || e2.ErrorCode() != e.ErrorCode() || e2.Domain() != e.Domain() || e2.Verdict() != e.Verdict() {
			t.Errorf("%v, read again as %v", e, e2)
		}
	})
}

// connectCopy is an error as it comes over the wire.
func connectCopy(ce *connect.Error) error {
	c := connect.NewWireError(ce.Code(), errors.New(ce.Message()))
	for _, d := range ce.Details() {
		c.AddDetail(d)
	}
	return c
}

// Whatever body and headers a server answers with, a client gets a *status.Error.
func FuzzClient(f *testing.F) {
	f.Add(404, []byte(`{"code":"not_found","message":"no book","details":[{"type":"google.rpc.RetryInfo","value":"CgIIAQ"}]}`), "1000", "id")
	f.Add(503, []byte(`{"code":"unavailable"}`), "-1", "a b")
	f.Add(500, []byte(`<html>`), "x", "")
	f.Fuzz(func(t *testing.T, httpStatus int, body []byte, pushback, id string) {
		if httpStatus < 300 || httpStatus > 599 {
			return
		}
		answer := roundTrip(func(*http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			rec.Header()["Content-Type"] = []string{"application/json"}
			rec.Header()["Grpc-Retry-Pushback-Ms"] = []string{pushback}
			rec.Header()["X-Request-Id"] = []string{id}
			rec.WriteHeader(httpStatus)
			_, _ = rec.Write(body)
			return rec.Result(), nil
		})
		c := connect.NewClient[text, text](answer, "http://localhost"+rpctest.Shapes[0].Method(), reading())
		_, err := c.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("")))
		e, ok := err.(*status.Error)
		if !ok || e.Code() == codes.OK || e.Code() > codes.Unauthenticated {
			t.Fatalf("%T %v", err, err)
		}
		if d, _ := e.RetryDelay(); d < 0 {
			t.Errorf("a delay of %v", d)
		}
		if got := e.RequestID(); strings.ContainsFunc(got, unicode.IsControl) || !utf8.ValidString(got) {
			t.Errorf("request id %q", got)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }
