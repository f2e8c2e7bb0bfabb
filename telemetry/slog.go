package telemetry

import (
	"context"
	"log/slog"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
)

// Slog is a logger of package log/slog, for [Config] and for the interceptors of
// go-grpc-middleware. Nil stands for slog.Default, as it is when a record is written.
// A stack keeps its newlines: the handlers of log/slog escape them, one that does not
// has to expect them in the attribute "stack".
func Slog(l *slog.Logger) logging.Logger { return slogLogger{l} }

type slogLogger struct{ logger *slog.Logger } // nil: slog.Default

func (l slogLogger) get() *slog.Logger {
	if l.logger == nil {
		return slog.Default()
	}
	return l.logger
}

func (l slogLogger) Log(ctx context.Context, level logging.Level, msg string, fields ...any) {
	l.get().Log(ctx, slog.Level(level), msg, fields...)
}

func (l slogLogger) Enabled(ctx context.Context, level logging.Level) bool {
	return l.get().Enabled(ctx, slog.Level(level))
}

// Discard is no logger.
var Discard logging.Logger = discard{}

type discard struct{}

func (discard) Log(context.Context, logging.Level, string, ...any) {}

func (discard) Enabled(context.Context, logging.Level) bool { return false }
