package sdktest

import (
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A stranger's method is a name that exporters accept, and no longer than others: OTLP
// refuses all that is sent with a text that is no UTF-8.
func TestOddMethodsAreNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		conn := rpctest.Dial(t, rpctest.Listen(t, func(*grpc.Server) {}, append(interceptors.ServerOptions(interceptors.Observe(r.telemetry(t))),
			grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return grpcstatus.Error(codes.Unimplemented, "no") }))...))
		for _, m := range []string{"/odd.S\xff\xfe/M", "/odd.S/" + strings.Repeat("x", 5000), "/odd.S/\u202eM"} {
			_ = conn.Invoke(t.Context(), m, wrapperspb.String("q"), new(wrapperspb.StringValue))
		}
		synctest.Wait()
		check := func(what, text string) {
			if !utf8.ValidString(text) || len(text) > 512 || strings.Contains(text, "\u202e") {
				t.Errorf("%s: %d bytes, %.80q", what, len(text), text)
			}
		}
		for _, s := range r.spans.Ended() {
			check("span", s.Name())
			for _, a := range s.Attributes() {
				check(string(a.Key), a.Value.String())
			}
		}
		for line := range strings.Lines(r.sums(t)) {
			check("metric", line)
		}
	})
}
