package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"github.com/recourse-dev/recourse/telemetry"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

// exports is where telemetry goes.
type exports struct {
	telemetry *telemetry.Telemetry
	metrics   http.Handler
	tracer    *trace.TracerProvider
	meter     *metric.MeterProvider
}

// export sets OpenTelemetry up as a program of yours would, but for the exporter of spans, which prints them.
func export(out *screen, asJSON bool) (*exports, error) {
	var spans trace.SpanExporter = newTrees(out)
	if asJSON {
		var err error
		if spans, err = stdouttrace.New(stdouttrace.WithWriter(out), stdouttrace.WithPrettyPrint()); err != nil {
			return nil, err
		}
	}
	registry := prometheus.NewRegistry()
	// Without a strategy a Prometheus that can read them gets names with dots, which no expression of docs/ has.
	reader, err := otelprom.New(otelprom.WithRegisterer(registry),
		otelprom.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes))
	if err != nil {
		return nil, err
	}
	e := &exports{
		metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		tracer:  trace.NewTracerProvider(trace.WithSyncer(spans)), // a service uses WithBatcher
		meter:   metric.NewMeterProvider(metric.WithReader(reader)),
	}
	e.telemetry, err = telemetry.New(telemetry.Config{
		TracerProvider: e.tracer,
		MeterProvider:  e.meter,
		Propagator:     propagation.TraceContext{},
		Logger:         telemetry.Slog(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: brief}))),
	})
	return e, err
}

// brief leaves out what a reader of the example can do without. A service keeps both.
func brief(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey:
		return slog.Attr{}
	case "stack":
		return slog.String(a.Key, fmt.Sprintf("(%d lines)", strings.Count(a.Value.String(), "\n")))
	}
	return a
}

// shutdown writes what is still held back.
func (e *exports) shutdown() error {
	e.telemetry.Flush()
	return errors.Join(e.tracer.Shutdown(context.Background()), e.meter.Shutdown(context.Background()))
}
