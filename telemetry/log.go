package telemetry

import (
	"context"
	"encoding/hex"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/chain"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// What a record says has become of the call.
const (
	callFailed   = "call failed"
	callFellBack = "call answered by a fallback"
	callRepeated = "call succeeded when it was repeated"
	leftPanicked = "handler panicked after its call had ended"
	andAgain     = " again" // of calls that were counted, not written
)

// Bounds of texts in a record, in bytes.
const (
	maxErrorText = 4 << 10
	maxNameText  = 256
)

// failureLog writes a record for each call that failed, on either side, and for each
// that a repeat or a fallback has saved. Every text in it is masked, bounded, and
// without newlines and control characters; of the stack see [failureLog.write].
//
// On a server it also adds error_code, error_domain and request_id to the record of
// go-grpc-middleware's own logging, if that is installed outside of this library; the
// code is there already. The fields are added when the handler has returned: like the
// handler's own use of logging.AddFields that is no good to goroutines that outlive it
// and still read the fields of its context. Where the handler itself was left behind
// nothing is added. On a client nothing is: the fields in the context may be those of
// the call being served there, and other calls may be using them at this moment. There
// [ErrorFields] does it.
type failureLog struct {
	logger  logging.Logger
	enabled func(context.Context, logging.Level) bool // nil: always
	mask    masker
	merger  *merger // nil: none
	pc      uintptr // of this package, for handlers that say where a record is made
}

func newFailureLog(c *Config) *failureLog {
	l := &failureLog{logger: c.Logger, mask: newMasker(c.Mask), merger: newMerger(c.Merge)}
	if l.logger == nil {
		l.logger = Slog(nil)
	}
	var here [1]uintptr
	runtime.Callers(1, here[:])
	l.pc = here[0]
	if e, ok := l.logger.(interface {
		Enabled(context.Context, logging.Level) bool
	}); ok {
		l.enabled = e.Enabled
	}
	return l
}

// ErrorFields tells go-grpc-middleware's logging what an error says of itself:
// error_code, error_domain and request_id, those that are known. It is for its option
// logging.WithErrorFields. A server does without: a Telemetry that observes the same
// call adds the fields with logging.AddFields once the handler has returned, so that a
// goroutine that outlives its handler must not read the fields of its context then.
func ErrorFields(err error) logging.Fields {
	e, ok := status.From(err)
	if !ok {
		return nil
	}
	return errorFields(e, e.Domain(), e.RequestID())
}

func errorFields(e *status.Error, domain, requestID string) logging.Fields {
	fields := make(logging.Fields, 0, 6)
	for _, f := range [...][2]string{{"error_code", e.ErrorCode()}, {"error_domain", domain}, {"request_id", requestID}} {
		if f[1] != "" {
			fields = append(fields, f[0], f[1])
		}
	}
	return fields
}

// end is told of a call that failed or was saved.
func (l *failureLog) end(ctx context.Context, o *interceptors.Observation, c *call, f *interceptors.Failure) {
	if f.Err == nil {
		return
	}
	defer func() { _ = recover() }() // of a logger: the state of the call is still to be given back
	if o.Side == interceptors.ServerSide && !f.Saved && !c.left && logging.ExtractFields(ctx) != nil {
		logging.AddFields(ctx, errorFields(f.Err, f.Domain, f.RequestID))
	}
	message, level, ok := judge(o.Side, f)
	if !ok || l.enabled != nil && !l.enabled(ctx, level) {
		return
	}
	l.record(ctx, o, c, f, message, level)
}

// late is told of a panic in a handler that was left behind.
func (l *failureLog) late(ctx context.Context, f *interceptors.Failure) {
	defer func() { _ = recover() }()
	if l.enabled == nil || l.enabled(ctx, logging.LevelError) {
		l.record(ctx, &interceptors.Observation{Call: f.Call}, nil, f, leftPanicked, logging.LevelError)
	}
}

// judge says how much a failure matters, and whether the policy wants to know of it.
// A server's own faults are errors, what time or load may heal are warnings, and a
// caller's faults information. A client never says more than a warning, for the server
// writes its own.
func judge(side interceptors.Side, f *interceptors.Failure) (message string, level logging.Level, ok bool) {
	if f.Saved {
		ok = f.Policy == nil || f.Policy.LogRecovery
		if f.Degraded != nil {
			return callFellBack, logging.LevelWarn, ok
		}
		return callRepeated, logging.LevelInfo, ok
	}
	switch f.Err.Code() {
	case codes.Unknown, codes.Internal, codes.DataLoss:
		if side == interceptors.ServerSide {
			return callFailed, logging.LevelError, true
		}
		return callFailed, logging.LevelWarn, true
	case codes.Unavailable, codes.DeadlineExceeded:
		return callFailed, logging.LevelWarn, true
	}
	return callFailed, logging.LevelInfo, f.Policy == nil || f.Policy.LogAllErrors
}

// fields are those of one record. They are appended to by value, so that the record's
// own array stays on the stack.
type fields []slog.Attr

// text adds a text if there is one.
func (f fields) text(key, value string) fields {
	if value == "" {
		return f
	}
	return append(f, slog.String(key, value))
}

// count adds a number if it is not zero.
func (f fields) count(key string, n int) fields {
	if n == 0 {
		return f
	}
	return append(f, slog.Int(key, n))
}

// call adds what go-grpc-middleware's logging begins its records with.
func (f fields) call(c interceptors.Call) fields {
	service, method, ok := strings.Cut(strings.TrimPrefix(c.Method, "/"), "/")
	if !ok {
		service, method = "unknown", "unknown"
	}
	shape := "unary"
	switch {
	case c.ClientStreams && c.ServerStreams:
		shape = "bidi_stream"
	case c.ClientStreams:
		shape = "client_stream"
	case c.ServerStreams:
		shape = "server_stream"
	}
	return f.text(logging.SystemTag[0], logging.SystemTag[1]).
		text(logging.ComponentFieldKey, c.Side.String()).
		text(logging.ServiceFieldKey, status.Display(service, maxNameText)).
		text(logging.MethodFieldKey, status.Display(method, maxNameText)).
		text(logging.MethodTypeFieldKey, shape)
}

// record writes a failure, unless it only counts it. Without c the call is over.
func (l *failureLog) record(
	ctx context.Context, o *interceptors.Observation, c *call, f *interceptors.Failure, message string, level logging.Level,
) {
	now := elapsed()
	t := l.texts(ctx, c, f, now)
	write, before := l.counted(o, f, message, level, t.cause, now)
	if !write {
		return
	}
	r := l.begin(level, message)
	l.fill(ctx, &r, o, c, f, t, before)
	l.write(ctx, &r)
}

func (l *failureLog) begin(level logging.Level, message string) slog.Record {
	return slog.NewRecord(time.Now(), slog.Level(level), message, l.pc)
}

// fill adds the fields to a record. It is a function of its own so that their array is no
// longer on the stack when the record is written: on a server that would have to grow.
func (l *failureLog) fill(
	ctx context.Context, r *slog.Record, o *interceptors.Observation, c *call, f *interceptors.Failure, t texts, repeated int,
) {
	server := o.Side == interceptors.ServerSide
	degraded, stack := shown(f)
	attempts, asked := f.Attempts, ""
	if c != nil {
		attempts, asked = max(attempts, c.attempts), c.asked
	}

	at := make(fields, 0, 26)
	at = at.call(o.Call)
	if p, ok := peer.FromContext(ctx); server && ok && p.Addr != nil {
		at = at.text("peer.address", status.Display(p.Addr.String(), maxNameText))
	}
	at = at.text("grpc.code", f.Err.Code().String())
	at = at.text("grpc.error", t.text)
	at = at.text("grpc.time_ms", t.millis)
	at = at.text("error_code", f.Err.ErrorCode())
	at = at.text("error_domain", f.Domain)
	at = at.text("request_id", f.RequestID)
	at = at.text("trace_id", t.traceID)
	at = at.text("span_id", t.spanID)
	at = at.count("attempts", attempts)
	if d, ok := ctx.Deadline(); ok && c != nil {
		at = append(at, slog.Float64("deadline_left_ms", float64(time.Until(d).Microseconds())/1000))
	}
	at = at.text("fallback", status.Display(asked, maxNameText))
	at = at.text("degraded", degraded)
	if server {
		at = at.text("caller", classes[min(f.Caller, status.Internal)])
	}
	at = at.text("params", l.mask.params(f.Err.Metadata()))
	if t.cause != t.text {
		at = at.text("cause", t.cause)
	}
	at = at.count("elided", f.Elided)
	at = at.count("repeated", repeated)
	at = at.text("stack", stack)
	r.AddAttrs(at...)
}

// shown are the mark of a degraded answer and the stack of a panic, as the default log of
// package interceptors shows them. Most failures have neither.
func shown(f *interceptors.Failure) (degraded, stack string) {
	if f.Degraded == nil && chain.Panic(f.Err) == nil {
		return "", ""
	}
	for _, a := range f.LogValue().Group() {
		switch a.Key {
		case "degraded":
			degraded = a.Value.String()
		case "stack":
			stack = a.Value.String()
		}
	}
	return degraded, stack
}

// counted reports whether to write a failure, and how many like it were only counted
// before it.
func (l *failureLog) counted(
	o *interceptors.Observation, f *interceptors.Failure, message string, level logging.Level, cause string, now time.Duration,
) (write bool, before int) {
	if l.merger == nil {
		return true, 0
	}
	key := failureKey{message: message, call: o.Call, code: f.Err.Code(), errorCode: f.Err.ErrorCode()}
	if n := len(key.call.Method); n > maxNameText { // a stranger's: it is not to be kept
		key.call.Method = strings.Clone(key.call.Method[:maxNameText])
	}
	write, before, untold := l.merger.add(counted{
		failureKey: key, level: slog.Level(level), domain: f.Domain, cause: cause, requestID: f.RequestID,
	}, now)
	l.tell(untold)
	return write, before
}

// texts are those of a record that take some work.
type texts struct {
	text                    string // of the error, masked
	cause                   string // what led to it, masked; the same where it is no more than that
	traceID, spanID, millis string // of the call
}

func (l *failureLog) texts(ctx context.Context, c *call, f *interceptors.Failure, now time.Duration) (t texts) {
	said := f.Err.Error()
	t.text = l.mask.text(status.Display(said, maxErrorText))
	var space [512]byte // all others in one piece: they are short, and many
	pieces := space[:0]
	span := trace.SpanContextFromContext(ctx)
	if id := span.TraceID(); span.HasTraceID() {
		pieces = hex.AppendEncode(pieces, id[:])
	}
	traced := len(pieces)
	if id := span.SpanID(); span.HasSpanID() {
		pieces = hex.AppendEncode(pieces, id[:])
	}
	spanned := len(pieces)
	if c != nil {
		pieces = strconv.AppendFloat(pieces, float64(float32((now-c.began).Microseconds())/1000), 'f', -1, 32)
	}
	timed := len(pieces)
	pieces = chain.Append(pieces, f.Err, said, f.Cause)
	same := string(pieces[timed:]) == said
	if same {
		pieces = pieces[:timed]
	}
	all := string(pieces)
	t.traceID, t.spanID, t.millis = all[:traced], all[traced:spanned], all[spanned:timed]
	if t.cause = t.text; !same {
		t.cause = l.mask.text(status.Display(all[timed:], chain.MaxText))
	}
	return t
}

var classes = [...]string{status.Public: "public", status.Partner: "partner", status.Internal: "internal"}

// tell writes what was counted and will not be told by a record of its own.
func (l *failureLog) tell(untold []counted) {
	for _, u := range untold {
		at := make(fields, 0, 16)
		at = at.call(u.call)
		at = at.text("grpc.code", u.code.String())
		at = at.text("error_code", u.errorCode)
		at = at.text("error_domain", u.domain)
		at = at.text("request_id", u.requestID)
		at = at.text("cause", u.cause)
		at = at.count("repeated", u.times)
		r := l.begin(logging.Level(u.level), u.message+andAgain)
		r.AddAttrs(at...)
		alone(func() { l.write(context.Background(), &r) })
	}
}

// write hands a record to the logger. That of [Slog] gets the stack as it is; for
// others, who may write a newline as one, it is a single line, with " | " between
// what were lines.
func (l *failureLog) write(ctx context.Context, r *slog.Record) {
	if s, ok := l.logger.(slogLogger); ok {
		if h := s.get().Handler(); h.Enabled(ctx, r.Level) {
			_ = h.Handle(ctx, *r)
		}
		return
	}
	pairs := make([]any, 0, 2*r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		value := a.Value.Any()
		if a.Key == "stack" {
			value = status.Display(strings.ReplaceAll(strings.TrimSpace(a.Value.String()), "\n", " | "), 0)
		}
		pairs = append(pairs, a.Key, value)
		return true
	})
	l.logger.Log(ctx, logging.Level(r.Level), r.Message, pairs...)
}

// flush writes what is still counted.
func (l *failureLog) flush() {
	if l.merger == nil {
		return
	}
	defer func() { _ = recover() }()
	l.tell(l.merger.flush())
}
