package telemetry

import (
	"context"
	"log/slog"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
)

// Slog is a logger of package log/slog.
func Slog(l *slog.Logger) logging.Logger { return slogLogger{l} }

type slogLogger struct{ *slog.Logger }

func (l slogLogger) Log(ctx context.Context, level logging.Level, msg string, fields ...any) {
	l.Logger.Log(ctx, slog.Level(level), msg, fields...)
}

func (l slogLogger) Enabled(ctx context.Context, level logging.Level) bool {
	return l.Logger.Enabled(ctx, slog.Level(level))
}

// Discard is no logger.
var Discard logging.Logger = discard{}

type discard struct{}

func (discard) Log(context.Context, logging.Level, string, ...any) {}

func (discard) Enabled(context.Context, logging.Level) bool { return false }
