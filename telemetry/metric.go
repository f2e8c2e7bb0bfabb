package telemetry

import (
	"context"

	"github.com/recourse-dev/recourse/interceptors"
)

type metrics struct{}

func newMetrics(c *Config) (*metrics, error) { return nil, nil }

func (m *metrics) attach(side interceptors.Side, read func() (interceptors.Levels, bool)) {}
func (m *metrics) begin(ctx context.Context, o *interceptors.Observation, c *call)        {}
func (m *metrics) attempt(ctx context.Context, o *interceptors.Observation, c *call)      {}
func (m *metrics) event(ctx context.Context, o *interceptors.Observation, c *call, e interceptors.Event) {
}
func (m *metrics) end(ctx context.Context, o *interceptors.Observation, c *call, f *interceptors.Failure) {
}
