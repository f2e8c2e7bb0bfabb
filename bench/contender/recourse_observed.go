package contender

import (
	"io"
	"log/slog"

	"github.com/recourse-dev/recourse/telemetry"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var _ = add(Contender{
	Name: ObservedName, About: "this library with policies and all of telemetry: the SDK, every call sampled, and a log that goes nowhere",
	Kind: Ours, Bounds: true, Retries: true, HoldsBack: true, Telemetry: true,
	New: func() (Installed, error) {
		return observedBySDK(sdktrace.AlwaysSample(), telemetry.Slog(slog.New(slog.NewJSONHandler(io.Discard, nil))))
	},
})
