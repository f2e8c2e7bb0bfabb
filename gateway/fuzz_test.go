package gateway_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/gateway"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Whatever a service sends, the answer is JSON with the status of its code, and headers that
// are headers.
func FuzzWriteError(f *testing.F) {
	seed := func(err error) {
		b, e := proto.Marshal(status.ToProto(err))
		if e != nil {
			f.Fatal(e)
		}
		f.Add(b, byte(0), "", "application/problem+json")
	}
	seed(rich())
	seed(plain(codes.NotFound, "no", stranger))
	seed(status.New(codes.Unavailable, "BUSY_NOW", "", status.RetryAfter(time.Hour)))
	f.Add([]byte("\x08\x10\x12\x01\xff\x1a\x00"), byte(3), "a\r\nb", ";q=")
	f.Fuzz(func(t *testing.T, encoded []byte, how byte, id, accept string) {
		p := new(spb.Status)
		if (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(encoded, p) != nil && p.GetCode() == 0 {
			return
		}
		if p.Code == 0 {
			p.Code = int32(codes.Internal)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["X-Request-Id"], r.Header["Accept"] = []string{id}, []string{accept}
		config := gateway.Config{
			Body: gateway.Body(how % 4), Docs: "https://docs.example.com/", OmitGuidance: how&4 != 0,
			Trust: func(*http.Request) status.Trust { return status.Trust(how >> 4) },
		}
		rec := httptest.NewRecorder()
		config.WriteError(rec, r, grpcstatus.FromProto(p).Err())

		if body := rec.Body.Bytes(); !json.Valid(body) || len(body) > 256<<10 {
			t.Fatalf("%d bytes: %.1000q", len(body), body)
		}
		c := codes.Code(p.GetCode())
		if c > codes.Unauthenticated {
			c = codes.Unknown
		}
		want := httpStatuses[c]
		if rec.Code != want {
			t.Errorf("%v: status %d, want %d", c, rec.Code, want)
		}
		for name, values := range rec.Header() {
			for _, v := range values {
				if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) || len(v) > 256 {
					t.Errorf("%s: %q", name, v)
				}
			}
		}
		if after := rec.Header().Get("Retry-After"); after != "" {
			if n, err := strconv.ParseInt(after, 10, 64); err != nil || n < 1 || n > math.MaxInt64/int64(time.Second)+1 {
				t.Errorf("Retry-After: %s", after)
			}
		}
	})
}

var httpStatuses = map[codes.Code]int{
	codes.Canceled: 499, codes.Unknown: 500, codes.InvalidArgument: 400, codes.DeadlineExceeded: 504, codes.NotFound: 404,
	codes.AlreadyExists: 409, codes.PermissionDenied: 403, codes.ResourceExhausted: 429, codes.FailedPrecondition: 400,
	codes.Aborted: 409, codes.OutOfRange: 400, codes.Unimplemented: 501, codes.Internal: 500, codes.Unavailable: 503,
	codes.DataLoss: 500, codes.Unauthenticated: 401,
}
