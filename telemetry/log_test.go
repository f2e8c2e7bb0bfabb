package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type record = map[string]any

// lines is a log of slog's, as JSON.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) logger() logging.Logger {
	return telemetry.Slog(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// take returns what was written since it was called last, without its time.
func (l *lines) take(t *testing.T) (all []record) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		r := record{}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		delete(r, "time")
		all = append(all, r)
	}
	l.buf.Reset()
	return all
}

// one returns the only record.
func (l *lines) one(t *testing.T) record {
	t.Helper()
	all := l.take(t)
	if len(all) != 1 {
		t.Fatalf("%d records, want 1: %v", len(all), all)
	}
	return all[0]
}

func observing(t testing.TB, c telemetry.Config) (*telemetry.Telemetry, interceptors.Option) {
	t.Helper()
	c.TracerProvider, c.MeterProvider = tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()
	made, err := telemetry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made, interceptors.Observe(made)
}

// inBubble runs a test for each shape of call.
func inBubble(t *testing.T, f func(t *testing.T, shape rpctest.Shape)) {
	t.Helper()
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, shape) })
		})
	}
}

var shapeNames = map[string]string{
	"Unary": "unary", "ServerStream": "server_stream", "ClientStream": "client_stream", "Bidi": "bidi_stream",
}

// withContext changes the context of calls outside of this library.
func withContext(change func(context.Context) context.Context) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			return h(change(ctx), req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			return h(srv, changedStream{ss, change(ss.Context())})
		}),
	}
}

type changedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s changedStream) Context() context.Context { return s.ctx }

// traced puts a call into a trace.
func traced(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0: 0xab, 15: 1}, SpanID: trace.SpanID{0: 0xcd, 7: 2},
	}))
}

func failing(err error) rpctest.Handler {
	return func(_ context.Context, x rpctest.Exchange) error {
		if _, e := x.Recv(); e != nil {
			return e
		}
		return err
	}
}

// A record says everything, on either side, in the words that existing set-ups know.
func TestTheRecordOfAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, shape rpctest.Shape) {
		var server, client lines
		_, onServer := observing(t, telemetry.Config{Logger: server.logger()})
		_, onClient := observing(t, telemetry.Config{Logger: client.logger()})
		failed := status.New(codes.DataLoss, "SHELF_LOST", "the shelf is gone", status.Domain("library.example.com"),
			status.Meta("shelf", "7"), status.Meta("accessToken", "hunter2"), status.Cause(errors.New("open db: password=hunter2 refused")))
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			time.Sleep(12*time.Millisecond + 500*time.Microsecond)
			return failing(failed)(ctx, x)
		}
		conn := rpctest.Start(t, handler, append(withContext(traced), interceptors.ServerOptions(onServer)...),
			interceptors.DialOptions(onClient)...)
		ctx, cancel := context.WithTimeout(traced(t.Context()), time.Second)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", "r-1")
		if err := rpctest.Do(ctx, conn, shape).Err; err == nil {
			t.Fatal("the call succeeded")
		}
		synctest.Wait()
		common := record{
			"protocol": "grpc", "grpc.service": "recourse.test.Echo", "grpc.method": shape.Name,
			"grpc.method_type": shapeNames[shape.Name], "grpc.code": "DataLoss",
			"grpc.error":   "DataLoss SHELF_LOST: the shelf is gone",
			"grpc.time_ms": "12.5", "deadline_left_ms": 987.5,
			"error_code": "SHELF_LOST", "error_domain": "library.example.com", "request_id": "r-1",
			"trace_id": "ab000000000000000000000000000001", "span_id": "cd00000000000002",
			"params": "accessToken=*** shelf=7", "attempts": 1.0, "msg": "call failed",
		}
		with := func(more record) record {
			for key, value := range common {
				more[key] = value
			}
			return more
		}
		if diff := cmp.Diff(with(record{
			"level": "ERROR", "grpc.component": "server", "caller": "public", "peer.address": "bufconn",
			"cause": "DataLoss SHELF_LOST: the shelf is gone: open db: password=*** refused",
		}), server.one(t)); diff != "" {
			t.Errorf("server (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(with(record{
			"level": "WARN", "grpc.component": "client",
			"cause": "rpc error: code = DataLoss desc = the shelf is gone",
		}), client.one(t)); diff != "" {
			t.Errorf("client (-want +got):\n%s", diff)
		}
	})
}

// A call that works leaves no record, and one without a deadline or a trace has no
// fields of them.
func TestWhatIsUnknownIsLeftOut(t *testing.T) {
	inBubble(t, func(t *testing.T, shape rpctest.Shape) {
		var log lines
		_, observe := observing(t, telemetry.Config{Logger: log.logger()})
		var failed error
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if failed == nil {
				return rpctest.Echo(ctx, x)
			}
			return failing(failed)(ctx, x)
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(observe))
		if err := rpctest.Do(t.Context(), conn, shape).Err; err != nil {
			t.Fatal(err)
		}
		if all := log.take(t); len(all) > 0 {
			t.Errorf("records of a success: %v", all)
		}
		failed = status.New(codes.NotFound, "NO_BOOK", "there is no such book")
		_ = rpctest.Do(t.Context(), conn, shape)
		got := log.one(t)
		if got["request_id"] == "" {
			t.Error("no request id")
		}
		delete(got, "request_id")
		if diff := cmp.Diff(record{
			"level": "INFO", "msg": "call failed", "protocol": "grpc", "grpc.component": "server",
			"grpc.service": "recourse.test.Echo", "grpc.method": shape.Name, "grpc.method_type": shapeNames[shape.Name],
			"grpc.code": "NotFound", "grpc.error": "NotFound NO_BOOK: there is no such book", "grpc.time_ms": "0",
			"error_code": "NO_BOOK", "attempts": 1.0, "caller": "public", "peer.address": "bufconn",
		}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestLevels(t *testing.T) {
	caller := []codes.Code{
		codes.Canceled, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.ResourceExhausted,
		codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated,
	}
	want := map[codes.Code][2]string{ // server, client
		codes.Unknown: {"ERROR", "WARN"}, codes.Internal: {"ERROR", "WARN"}, codes.DataLoss: {"ERROR", "WARN"},
		codes.Unavailable: {"WARN", "WARN"}, codes.DeadlineExceeded: {"WARN", "WARN"},
	}
	for _, code := range caller {
		want[code] = [2]string{"INFO", "INFO"}
	}
	if len(want) != 16 {
		t.Fatalf("%d codes", len(want))
	}
	for _, keys := range []string{"", "log_all_errors: true", "log_all_errors: false"} {
		t.Run(keys, func(t *testing.T) {
			for code, levels := range want {
				synctest.Test(t, func(t *testing.T) {
					var log lines
					_, observe := observing(t, telemetry.Config{Logger: log.logger()})
					var opts sides
					if keys != "" {
						opts = policies(t, keys)
					}
					conn := rpctest.Start(t, failing(status.New(code, "SOME_CODE", "")),
						interceptors.ServerOptions(append(opts.server, observe)...), interceptors.DialOptions(append(opts.client, observe)...)...)
					_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
					var got [2]string
					for _, r := range log.take(t) {
						got[map[any]int{"server": 0, "client": 1}[r["grpc.component"]]] += r["level"].(string)
					}
					want := levels
					if levels[0] == "INFO" && keys == "log_all_errors: false" {
						want = [2]string{}
					}
					if got != want {
						t.Errorf("%s is logged as %q, want %q", code, got, want)
					}
				})
			}
		})
	}
}

type sides struct {
	server []interceptors.ServerOption
	client []interceptors.DialOption
}

// policies are options with a set in which a key of the section logging is set.
func policies(t *testing.T, key string, change ...func(*policy.Policy)) (s sides) {
	t.Helper()
	var layers []policy.Layer
	for _, c := range change {
		layers = append(layers, policy.Defaults(c))
	}
	set, err := policy.Parse([]byte("error_handling: {logging: {"+key+"}}"), layers...)
	if err != nil {
		t.Fatal(err)
	}
	o := interceptors.Policies(set)
	return sides{[]interceptors.ServerOption{o}, []interceptors.DialOption{o}}
}

func TestStackOnlyWhereThePolicySaysSo(t *testing.T) {
	for key, want := range map[string]bool{"": true, "include_stack_traces: true": true, "include_stack_traces: false": false} {
		t.Run(key, func(t *testing.T) {
			inBubble(t, func(t *testing.T, shape rpctest.Shape) {
				var log lines
				_, observe := observing(t, telemetry.Config{Logger: log.logger()})
				panics := func(context.Context, rpctest.Exchange) error { panic("boom\ntoken=hunter2") }
				conn := rpctest.Start(t, panics, interceptors.ServerOptions(append(policies(t, key).server, observe)...))
				_ = rpctest.Do(t.Context(), conn, shape)
				r := log.one(t)
				stack, ok := r["stack"].(string)
				if ok != want || ok && (!strings.Contains(stack, "log_test.go") || !strings.Contains(stack, "\n")) {
					t.Errorf("stack %q", stack)
				}
				if r["cause"] != "panic: boom token=***" || r["level"] != "ERROR" || r["grpc.code"] != "Internal" {
					t.Errorf("record %v", r)
				}
			})
		})
	}
}

// What a repeat or a fallback made up for is a record of its own kind.
func TestTheRecordOfASavedCall(t *testing.T) {
	canned := interceptors.Canned(wrapperspb.String("canned"))
	fallback := interceptors.Fallback("/recourse.test.Echo/Unary", canned)
	twice := func(p *policy.Policy) { p.Idempotent, p.HandlerAttempts, p.MaxAttempts = true, 2, 2 }
	once := func(p *policy.Policy) { p.MaxAttempts = 1 }
	const unlogged = "log_recovery_attempts: false"
	tests := []struct {
		name   string
		key    string
		change func(*policy.Policy)
		fail   int // so often
		want   record
	}{
		{"a repeat", "", twice, 1, record{"level": "INFO", "msg": "call succeeded when it was repeated", "attempts": 2.0}},
		{"a repeat, unlogged", unlogged, twice, 1, nil},
		{"a fallback", "", once, 9, record{
			"level": "WARN", "msg": "call answered by a fallback", "attempts": 1.0, "fallback": "canned",
			"degraded": `default;src="canned";reason=DOWN`,
		}},
		{"a fallback, unlogged", unlogged, once, 9, nil},
	}
	for _, test := range tests {
		for _, side := range []string{"server", "client"} {
			t.Run(test.name+", "+side, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log lines
					_, observe := observing(t, telemetry.Config{Logger: log.logger()})
					calls := 0
					handler := func(ctx context.Context, x rpctest.Exchange) error {
						if calls++; calls <= test.fail {
							return status.New(codes.Unavailable, "DOWN", "the service is down")
						}
						return rpctest.Echo(ctx, x)
					}
					opts := policies(t, test.key, test.change)
					if side == "server" {
						opts.client, opts.server = nil, append(opts.server, observe, fallback)
					} else {
						opts.server, opts.client = nil, append(opts.client, observe, fallback)
					}
					conn := rpctest.Start(t, handler, interceptors.ServerOptions(opts.server...), interceptors.DialOptions(opts.client...)...)
					if err := rpctest.Do(t.Context(), conn, rpctest.Shapes[0]).Err; err != nil {
						t.Fatal(err)
					}
					if test.want == nil {
						if all := log.take(t); len(all) > 0 {
							t.Errorf("records %v", all)
						}
						return
					}
					got := log.one(t)
					for key, want := range test.want {
						if got[key] != want {
							t.Errorf("%s is %v, want %v", key, got[key], want)
						}
					}
					if got["grpc.code"] != "Unavailable" || got["error_code"] != "DOWN" || got["cause"] == "<nil>" {
						t.Errorf("record %v", got)
					}
				})
			})
		}
	}
}

// The middleware's own record of the call has our words too, where its interceptor is
// outside of ours: on a server by itself, on a client by an option.
func TestTheMiddlewaresOwnLogging(t *testing.T) {
	inBubble(t, func(t *testing.T, shape rpctest.Shape) {
		var server, client lines
		_, observe := observing(t, telemetry.Config{Logger: telemetry.Discard})
		finish := logging.WithLogOnEvents(logging.FinishCall)
		onClient := []logging.Option{finish, logging.WithErrorFields(telemetry.ErrorFields)}
		failed := status.New(codes.NotFound, "NO_BOOK", "there is no such book", status.Domain("library.example.com"))
		var err error = failed
		fallback := interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned")))
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			logging.AddFields(ctx, logging.Fields{"tenant", "7"})
			if err != nil {
				return failing(err)(ctx, x)
			}
			return rpctest.Echo(ctx, x)
		}
		conn := rpctest.Start(t, handler, append([]grpc.ServerOption{
			grpc.ChainUnaryInterceptor(logging.UnaryServerInterceptor(server.logger(), finish)),
			grpc.ChainStreamInterceptor(logging.StreamServerInterceptor(server.logger(), finish)),
		}, interceptors.ServerOptions(append(policies(t, "").server, observe, fallback)...)...), append([]grpc.DialOption{
			grpc.WithChainUnaryInterceptor(logging.UnaryClientInterceptor(client.logger(), onClient...)),
			grpc.WithChainStreamInterceptor(logging.StreamClientInterceptor(client.logger(), onClient...)),
		}, interceptors.DialOptions(observe)...)...)
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-1")
		_ = rpctest.Do(ctx, conn, shape)
		synctest.Wait()
		want := record{
			"msg": "finished call", "grpc.code": "NotFound", "error_code": "NO_BOOK", "error_domain": "library.example.com",
			"request_id": "r-1",
		}
		for side, log := range map[string]*lines{"server": &server, "client": &client} {
			got := log.one(t)
			for key, want := range want {
				if got[key] != want {
					t.Errorf("%s: %s is %v, want %v", side, key, got[key], want)
				}
			}
			if side == "server" && got["tenant"] != "7" {
				t.Errorf("the handler's own field is lost: %v", got)
			}
		}

		for _, err = range []error{nil, status.New(codes.Unavailable, "DOWN", "")} { // the latter is saved
			if err := rpctest.Do(ctx, conn, shape).Err; err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for _, log := range []*lines{&server, &client} {
				if got := log.one(t); got["error_code"] != nil || got["grpc.code"] != "OK" {
					t.Errorf("the record of a success: %v", got)
				}
			}
		}
	})
}

// A handler that was left behind may be using the fields of its context: they are not
// touched. The race detector would tell.
func TestFieldsOfAHandlerLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var server lines
		_, observe := observing(t, telemetry.Config{Logger: telemetry.Discard})
		opts := policies(t, "", func(p *policy.Policy) { p.HardStop, p.Timeout = true, time.Second })
		returned := make(chan struct{})
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			defer close(returned)
			time.Sleep(time.Second)
			for range 10000 {
				logging.ExtractFields(ctx)
			}
			time.Sleep(time.Second)
			return nil
		}
		conn := rpctest.Start(t, handler, append([]grpc.ServerOption{
			grpc.ChainUnaryInterceptor(logging.UnaryServerInterceptor(server.logger(), logging.WithLogOnEvents(logging.FinishCall))),
		}, interceptors.ServerOptions(append(opts.server, observe)...)...))
		_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
		if got := server.one(t); got["grpc.code"] != "DeadlineExceeded" || got["error_code"] != nil {
			t.Errorf("record %v", got)
		}
		<-returned
	})
}

func TestErrorFields(t *testing.T) {
	wrapped := errors.Join(errors.New("x"), status.New(codes.NotFound, "NO_BOOK", ""))
	for _, test := range []struct {
		err  error
		want logging.Fields
	}{
		{nil, nil},
		{errors.New("x"), nil},
		{
			status.New(codes.NotFound, "NO_BOOK", "", status.Domain("d.example.com")),
			logging.Fields{"error_code", "NO_BOOK", "error_domain", "d.example.com"},
		},
		{wrapped, logging.Fields{"error_code", "NO_BOOK"}},
	} {
		if diff := cmp.Diff(test.want, telemetry.ErrorFields(test.err)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.err, diff)
		}
	}
}

// Whatever a handler says, a record is one line of bounded length without control
// characters, for loggers that escape and for those that do not.
func TestHostileTexts(t *testing.T) {
	texts := map[string]string{
		"newlines":       "a\nlevel=ERROR msg=forged\r\n\u2028b",
		"escapes":        "a\x1b[31mred\x07\x00\u202e",
		"invalid":        "a\xff\xfeb",
		"a megabyte":     strings.Repeat("x", 1<<20),
		"megabytes of =": strings.Repeat("token=", 1<<18),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []any
				foreign := logging.LoggerFunc(func(_ context.Context, _ logging.Level, msg string, fields ...any) {
					got = append(append(got, msg), fields...)
				})
				_, observe := observing(t, telemetry.Config{Logger: foreign})
				var fault error
				handler := func(context.Context, rpctest.Exchange) error {
					if fault == nil {
						panic(text)
					}
					return fault
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(observe))
				for _, fault = range []error{
					nil, errors.New(text),
					status.New(codes.Internal, "SOME_CODE", text, status.Meta("text", text), status.Cause(errors.New(text)), status.Domain(text)),
				} {
					got = nil
					_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
					if len(got)%2 != 1 || got[0] != "call failed" {
						t.Fatalf("logged %v", got)
					}
					stack := false
					for i, v := range got {
						s, ok := v.(string)
						if stack = stack || s == "stack"; !ok {
							continue
						}
						if s != status.Display(s, 0) {
							t.Errorf("%v is not safe: %q", got[max(i-1, 0)], s)
						}
						if limit := 16 << 10; len(s) > limit {
							t.Errorf("%v has %d bytes", got[max(i-1, 0)], len(s))
						}
					}
					if stack != (fault == nil) {
						t.Errorf("stack: %t, of %.20v", stack, fault)
					}
				}
			})
		})
	}
}

// Nil stands for slog.Default as it is when a record is written.
func TestTheDefaultLogger(t *testing.T) {
	for name, c := range map[string]telemetry.Config{"nil": {}, "Slog of nil": {Logger: telemetry.Slog(nil)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, observe := observing(t, c)
				conn := rpctest.Start(t, failing(errors.New("some fault")), interceptors.ServerOptions(observe))
				var log lines
				defer slog.SetDefault(slog.Default())
				slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
				_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
				if r := log.one(t); r["cause"] != "some fault" {
					t.Errorf("record %v", r)
				}
				slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelError + 1})))
				_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
				if all := log.take(t); len(all) > 0 {
					t.Errorf("records below the level: %v", all)
				}
			})
		})
	}
}

// Slog is fit for the middleware's interceptors too: fields keep their types.
func TestSlogFields(t *testing.T) {
	var log lines
	log.logger().Log(t.Context(), logging.LevelWarn, "m", "s", "text", "n", 7, "d", time.Second)
	if diff := cmp.Diff(record{"level": "WARN", "msg": "m", "s": "text", "n": 7.0, "d": 1e9}, log.one(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type explosive struct{ enabled bool }

func (e explosive) Log(context.Context, logging.Level, string, ...any) { panic("logger") }

func (e explosive) Enabled(context.Context, logging.Level) bool {
	if !e.enabled {
		panic("enabled")
	}
	return true
}

// A logger that panics takes nothing with it.
func TestALoggerThatPanics(t *testing.T) {
	for _, logger := range []explosive{{enabled: true}, {}} {
		inBubble(t, func(t *testing.T, shape rpctest.Shape) {
			tel, observe := observing(t, telemetry.Config{Logger: logger, Merge: time.Hour})
			conn := rpctest.Start(t, failing(status.New(codes.NotFound, "NO_BOOK", "")),
				interceptors.ServerOptions(observe), interceptors.DialOptions(observe)...)
			for range 3 {
				if e, _ := status.From(rpctest.Do(t.Context(), conn, shape).Err); e.ErrorCode() != "NO_BOOK" {
					t.Errorf("got %v", e)
				}
			}
			tel.Flush()
		})
	}
}

// One id finds the failure on every hop, and so does the trace.
func TestOneIDOnEveryHop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		_, observe := observing(t, telemetry.Config{Logger: log.logger()})
		server := append(withContext(traced), interceptors.ServerOptions(observe)...)
		behind := rpctest.Start(t, failing(errors.New("disk full")), server, interceptors.DialOptions(observe)...)
		front := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
			return rpctest.Do(ctx, behind, rpctest.Shapes[0]).Err
		}, server, interceptors.DialOptions(observe)...)
		e, _ := status.From(rpctest.Do(traced(t.Context()), front, rpctest.Shapes[0]).Err)
		all := log.take(t)
		if len(all) != 4 || e.RequestID() == "" {
			t.Fatalf("%d records of a call with two hops, want 4; id %q", len(all), e.RequestID())
		}
		for _, r := range all {
			if r["request_id"] != e.RequestID() || r["trace_id"] != "ab000000000000000000000000000001" {
				t.Errorf("record %v", r)
			}
		}
	})
}
