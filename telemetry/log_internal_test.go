package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// end runs a call to its end, with a logger, and returns what is left of it.
func end(t *testing.T, c Config, begun func(*call), f *interceptors.Failure) *interceptors.Observation {
	t.Helper()
	c.TracerProvider, c.MeterProvider = tracenoop.NewTracerProvider(), noop.NewMeterProvider()
	tel, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	o := &interceptors.Observation{Call: interceptors.Call{Method: "no slash"}}
	ctx := tel.Begin(t.Context(), o)
	begun(o.State.(*call))
	tel.End(ctx, o, f)
	return o
}

// The state of a call is given back whatever its logger does.
func TestALoggerThatPanicsKeepsNothing(t *testing.T) {
	logger := logging.LoggerFunc(func(context.Context, logging.Level, string, ...any) { panic("logger") })
	f := &interceptors.Failure{Err: status.New(codes.Internal, "SOME_CODE", "")}
	if o := end(t, Config{Logger: logger}, func(*call) {}, f); o.State != nil {
		t.Error("the state is kept")
	}
}

func TestFieldsOfOtherLoggers(t *testing.T) {
	cause := errors.New("disk full")
	tests := []struct {
		name   string
		counts int
		f      *interceptors.Failure
		want   map[string]any // nil: no record
	}{
		{"of a failure", 2, &interceptors.Failure{
			Err: status.New(codes.Internal, "SOME_CODE", ""), Cause: cause, Attempts: 3, Elided: 4, Caller: status.Partner,
		}, map[string]any{
			"attempts": int64(3), "elided": int64(4), "caller": "partner", "cause": "disk full", "grpc.service": "unknown", "grpc.method": "unknown",
		}},
		{"without a cause", 2, &interceptors.Failure{
			Err: status.New(codes.Internal, "SOME_CODE", ""), Attempts: 1, Caller: status.Internal,
		}, map[string]any{"attempts": int64(2), "elided": nil, "caller": "internal", "cause": nil}},
		{"of a degraded answer", 1, &interceptors.Failure{}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got map[string]any
			logger := logging.LoggerFunc(func(_ context.Context, _ logging.Level, _ string, fields ...any) {
				got = map[string]any{}
				for i := logging.Fields(fields).Iterator(); i.Next(); {
					key, value := i.At()
					got[key] = value
				}
			})
			end(t, Config{Logger: logger}, func(c *call) { c.attempts = test.counts }, test.f)
			if (got == nil) != (test.want == nil) {
				t.Errorf("record %v", got)
			}
			for key, want := range test.want {
				if got[key] != want {
					t.Errorf("%s is %v, want %v", key, got[key], want)
				}
			}
		})
	}
}

// keeping is a handler that keeps its records, as one that writes them later does.
type keeping struct {
	slog.Handler
	records []slog.Record
}

func (k *keeping) Handle(_ context.Context, r slog.Record) error {
	k.records = append(k.records, r)
	return nil
}

// A record is its handler's: nothing in it is used for another.
func TestARecordMayBeKept(t *testing.T) {
	var now, later bytes.Buffer
	k := &keeping{Handler: slog.NewTextHandler(io.Discard, nil)}
	for i := range 20 {
		cause := grpcstatus.Error(codes.Unavailable, strings.Repeat(strconv.Itoa(i), 50))
		f := &interceptors.Failure{Err: status.Classify(cause), Cause: fmt.Errorf("of %d: %w", i, cause), RequestID: strconv.Itoa(i)}
		end(t, Config{Logger: Slog(slog.New(k))}, func(*call) {}, f)
		_ = slog.NewTextHandler(&now, nil).Handle(t.Context(), k.records[i])
	}
	for _, r := range k.records {
		_ = slog.NewTextHandler(&later, nil).Handle(t.Context(), r)
	}
	if now.String() != later.String() {
		t.Errorf("at first\n%s\nand then\n%s", &now, &later)
	}
}

// A handler that tells where a record is made names this package, as it does where slog finds out.
func TestTheSourceOfARecord(t *testing.T) {
	k := &keeping{Handler: slog.NewTextHandler(io.Discard, nil)}
	end(t, Config{Logger: Slog(slog.New(k))}, func(*call) {}, &interceptors.Failure{Err: status.New(codes.Internal, "SOME_CODE", "")})
	if s := k.records[0].Source(); s == nil || !strings.HasSuffix(s.File, "telemetry/log.go") {
		t.Errorf("source %v", s)
	}
}
