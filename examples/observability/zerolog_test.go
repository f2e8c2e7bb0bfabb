package main

import (
	"context"
	"fmt"
	"os"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/telemetry"
	"github.com/rs/zerolog"
)

// zeroLogger hands records to zerolog. With Enabled those that nobody reads are not made.
type zeroLogger struct{ *zerolog.Logger }

func (l zeroLogger) Log(ctx context.Context, level logging.Level, msg string, fields ...any) {
	l.WithLevel(zeroLevel(level)).Ctx(ctx).Fields(fields).Msg(msg)
}

func (l zeroLogger) Enabled(_ context.Context, level logging.Level) bool {
	return zeroLevel(level) >= max(l.GetLevel(), zerolog.GlobalLevel())
}

func zeroLevel(level logging.Level) zerolog.Level {
	switch {
	case level >= logging.LevelError:
		return zerolog.ErrorLevel
	case level >= logging.LevelWarn:
		return zerolog.WarnLevel
	case level >= logging.LevelInfo:
		return zerolog.InfoLevel
	}
	return zerolog.DebugLevel
}

func Example_zerolog() {
	to := zerolog.New(os.Stdout).Level(zerolog.InfoLevel)
	logger := zeroLogger{&to}
	_, err := telemetry.New(telemetry.Config{Logger: logger}) // what it returns is for interceptors.Observe
	fmt.Println(err)

	// What it will write, in short:
	logger.Log(context.Background(), logging.LevelError, "call failed", "grpc.code", "Internal", "request_id", "7K2M", "attempts", 3)
	fmt.Println(logger.Enabled(context.Background(), logging.LevelDebug))
	// Output:
	// <nil>
	// {"level":"error","grpc.code":"Internal","request_id":"7K2M","attempts":3,"message":"call failed"}
	// false
}
