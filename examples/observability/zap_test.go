package main

import (
	"context"
	"fmt"
	"os"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/telemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapLogger hands records to zap. With Enabled those that nobody reads are not made.
type zapLogger struct{ *zap.SugaredLogger }

func (l zapLogger) Log(_ context.Context, level logging.Level, msg string, fields ...any) {
	l.Logw(zapLevel(level), msg, fields...)
}

func (l zapLogger) Enabled(_ context.Context, level logging.Level) bool {
	return l.Desugar().Core().Enabled(zapLevel(level))
}

func zapLevel(level logging.Level) zapcore.Level {
	switch {
	case level >= logging.LevelError:
		return zapcore.ErrorLevel
	case level >= logging.LevelWarn:
		return zapcore.WarnLevel
	case level >= logging.LevelInfo:
		return zapcore.InfoLevel
	}
	return zapcore.DebugLevel
}

func Example_zap() {
	format := zapcore.NewJSONEncoder(zapcore.EncoderConfig{LevelKey: "level", MessageKey: "msg", EncodeLevel: zapcore.LowercaseLevelEncoder})
	logger := zapLogger{zap.New(zapcore.NewCore(format, zapcore.AddSync(os.Stdout), zap.InfoLevel)).Sugar()}
	_, err := telemetry.New(telemetry.Config{Logger: logger}) // what it returns is for interceptors.Observe
	fmt.Println(err)

	// What it will write, in short:
	logger.Log(context.Background(), logging.LevelError, "call failed", "grpc.code", "Internal", "request_id", "7K2M", "attempts", 3)
	fmt.Println(logger.Enabled(context.Background(), logging.LevelDebug))
	// Output:
	// <nil>
	// {"level":"error","msg":"call failed","grpc.code":"Internal","request_id":"7K2M","attempts":3}
	// false
}
