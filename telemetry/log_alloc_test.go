//go:build !race

package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"
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

// busy is a call whose handler failed with an error of grpc-go's, and the same on its
// client.
func busy() (ctx context.Context, server, client *interceptors.Failure) {
	ctx, _, _, _ = failedCall()
	cause := grpcstatus.Error(codes.Unavailable, "the model is busy")
	call := interceptors.Call{Method: "/library.v1.Library/GetBook"}
	server = &interceptors.Failure{Call: call, Err: status.Classify(cause), Cause: cause, RequestID: "r-1", Attempts: 1}
	read := status.Received(cause, call.Method, "r-1", false)
	call.Side = interceptors.ClientSide
	return ctx, server, &interceptors.Failure{Call: call, Err: read, Cause: read, RequestID: "r-1", Attempts: 1}
}

// What a record allocates beyond what slog does for as many attributes: the text of the
// error, and all other texts in one piece.
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
	if n := run(Slog(slog.New(handler)), -1) - plain; n > 2 {
		t.Errorf("a record takes %v allocations beyond slog's %v", n, plain)
	}
	if n := run(Slog(slog.New(handler)), time.Hour); n > 2 {
		t.Errorf("one that is only counted takes %v allocations", n)
	}
	l := newFailureLog(&Config{Logger: Slog(slog.New(handler)), Merge: -1})
	ctx, server, client := busy()
	for _, f := range []*interceptors.Failure{server, client} {
		o := &interceptors.Observation{Call: f.Call}
		if n := testing.AllocsPerRun(200, func() { l.end(ctx, o, c, f) }) - plain; n > 2 {
			t.Errorf("that of a %s takes %v allocations beyond slog's", f.Side, n)
		}
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
	plain, server, client := busy()
	for _, row := range []struct {
		name  string
		ctx   context.Context
		f     *interceptors.Failure
		merge time.Duration
	}{
		{"written", ctx, f, -1}, {"counted", ctx, f, time.Hour}, {"of grpc-go's, server", plain, server, -1}, {"of grpc-go's, client", plain, client, -1},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			l := newFailureLog(&Config{Logger: Slog(slog.New(slog.NewJSONHandler(io.Discard, nil))), Merge: row.merge})
			o.Call = row.f.Call
			for b.Loop() {
				l.end(row.ctx, o, c, row.f)
			}
		})
	}
}

// What a record takes whose fields are written out by hand, one by one: the floor.
func BenchmarkRecordByHand(b *testing.B) {
	ctx, _, c, _ := failedCall()
	_, f, _ := busy()
	l := slog.New(slog.NewJSONHandler(io.Discard, nil))
	b.ReportAllocs()
	for b.Loop() {
		p, _ := peer.FromContext(ctx)
		span := trace.SpanContextFromContext(ctx)
		service, method, _ := strings.Cut(f.Method[1:], "/")
		l.LogAttrs(ctx, slog.LevelWarn, callFailed,
			slog.String("protocol", "grpc"), slog.String("grpc.component", "server"),
			slog.String("grpc.service", service), slog.String("grpc.method", method), slog.String("grpc.method_type", "unary"),
			slog.String("peer.address", p.Addr.String()),
			slog.String("grpc.code", f.Err.Code().String()), slog.String("grpc.error", f.Err.Error()),
			slog.String("grpc.time_ms", strconv.FormatFloat(float64((elapsed()-c.began).Microseconds())/1000, 'f', -1, 32)),
			slog.String("error_code", f.Err.ErrorCode()), slog.String("request_id", f.RequestID),
			slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()),
			slog.Int("attempts", f.Attempts), slog.String("caller", "public"), slog.String("cause", f.Cause.Error()))
	}
}
