package telemetry

import (
	"context"

	"github.com/recourse-dev/recourse/interceptors"
)

// failureLog writes a record for each failure.
type failureLog struct{}

func newFailureLog(c *Config) *failureLog { return &failureLog{} }

func (l *failureLog) end(ctx context.Context, o *interceptors.Observation, c *call, f *interceptors.Failure) {
}

func (l *failureLog) flush() {}
