package contender

import (
	"io"
	"log/slog"

	"github.com/recourse-dev/recourse/telemetry"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
)

// A logger that is asked and declines; calls that succeed write nothing anyway.
var _ = add(Contender{
	Name: LogOffName, About: "this library with policies and its log alone, at a level above all that is written", Kind: Ours,
	Bounds: true, Retries: true, HoldsBack: true, Telemetry: true,
	New: func() (Installed, error) {
		off := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
		return observed(nooptrace.NewTracerProvider(), noopmetric.NewMeterProvider(), telemetry.Slog(off))
	},
})
