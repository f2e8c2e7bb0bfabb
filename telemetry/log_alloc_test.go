//go:build !race

package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// The race detector allocates on its own account.

func failedCall() (context.Context, *interceptors.Observation, *call, *interceptors.Failure) {
	ctx := peer.NewContext(context.Background(), &peer.Peer{Addr: &net.UnixAddr{Name: "here", Net: "unix"}})
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	o := &interceptors.Observation{Call: interceptors.Call{Method: "/library.v1.Library/GetBook"}}
	cause := errors.New("open shelf 7: dial tcp 10.0.0.1:5432: connect: connection refused")
	f := &interceptors.Failure{
		Call: o.Call, Cause: cause, RequestID: "r-1", Attempts: 1,
		Err: status.New(codes.Internal, "SHELF_LOST", "the shelf is gone", status.Domain("library.example.com"), status.Cause(cause)),
	}
	return ctx, o, &call{began: elapsed(), attempts: 1}, f
}

// What a record costs beyond what slog takes for as many attributes: the rule of
// package interceptors and its text, the error's text, the ids and the address.
func TestWhatARecordAllocates(t *testing.T) {
	ctx, o, c, f := failedCall()
	run := func(logger logging.Logger, merge time.Duration) float64 {
		l := newFailureLog(&Config{Logger: logger, Merge: merge})
		return testing.AllocsPerRun(200, func() { l.end(ctx, o, c, f) })
	}
	handler := slog.NewJSONHandler(io.Discard, nil)
	var attrs []slog.Attr
	for range 17 {
		attrs = append(attrs, slog.String("key", "value"))
	}
	plain := testing.AllocsPerRun(200, func() { slog.New(handler).LogAttrs(ctx, slog.LevelError, "call failed", attrs...) })

	t.Logf("slog %v, a record %v, merged %v", plain, run(Slog(slog.New(handler)), -1), run(Slog(slog.New(handler)), time.Hour))
	if n := run(Slog(slog.New(handler)), -1) - plain; n > 4 {
		t.Errorf("a record takes %v allocations beyond slog's %v", n, plain)
	}
	if n := run(Slog(slog.New(handler)), time.Hour); n > 3 {
		t.Errorf("one that is only counted takes %v allocations", n)
	}
	high := slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1})
	for name, logger := range map[string]logging.Logger{"Discard": Discard, "a higher level": Slog(slog.New(high))} {
		if n := run(logger, 0); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	ctx, o, c, f := failedCall()
	for name, merge := range map[string]time.Duration{"written": -1, "counted": time.Hour} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			l := newFailureLog(&Config{Logger: Slog(slog.New(slog.NewJSONHandler(io.Discard, nil))), Merge: merge})
			for b.Loop() {
				l.end(ctx, o, c, f)
			}
		})
	}
}
