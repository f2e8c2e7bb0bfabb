package main

import (
	"context"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

const docFile = "../../docs/telemetry.md"

// rows are those of the first table in the document that has these words in its head, cell by cell.
func rows(t *testing.T, head ...string) (rows [][]string) {
	t.Helper()
	b, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(b), "| "+strings.Join(head, " | ")+" |\n")
	if !ok {
		t.Fatalf("%s has no table of %q", docFile, head)
	}
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	return rows[1:] // the first is the line below the head
}

var name = regexp.MustCompile("`([^`]+)`")

// names are those in backquotes, sorted.
func names(cell string) (out []string) {
	for _, m := range name.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return out
}

// The table of metrics is complete, and true of their types, units and attributes.
func TestDocumentHasTheMetrics(t *testing.T) {
	made := &maker{instruments: map[string]string{}}
	if _, err := telemetry.New(telemetry.Config{MeterProvider: made}); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	scrapedLabels := metricsOf(scraped(t))
	for _, row := range rows(t, "metric", "type", "unit", "attributes", "what it tells", "whose name") {
		metric := names(row[0])[0]
		said[metric] = row[1] + " " + row[2]
		if row[4] == "" || !strings.HasPrefix(row[5], "gRFC A") && row[5] != "ours" {
			t.Errorf("%s: what it tells is %q, whose name it is %q", metric, row[4], row[5])
		}
		var labels []string
		for label := range scrapedLabels[prometheusName(metric, row[1], row[2])] {
			labels = append(labels, label)
		}
		slices.Sort(labels)
		if diff := cmp.Diff(names(strings.ReplaceAll(row[3], ".", "_")), labels); diff != "" {
			t.Errorf("%s: attributes (-said +scraped):\n%s", metric, diff)
		}
	}
	if diff := cmp.Diff(made.instruments, said); diff != "" {
		t.Errorf("metrics (-there are +said):\n%s", diff)
	}
}

// prometheusName is the rule that the document gives in words.
func prometheusName(metric, kind, unit string) string {
	name := strings.ReplaceAll(metric, ".", "_")
	switch {
	case unit == "s":
		name += "_seconds"
	case unit == "By":
		name += "_bytes"
	case unit == "1" && kind == "gauge":
		name += "_ratio"
	}
	if kind == "counter" {
		name += "_total"
	}
	return name
}

// maker is a MeterProvider that remembers what was made, and does nothing with it.
type maker struct {
	noop.MeterProvider
	instruments map[string]string // type and unit by name
}

type meter struct {
	noop.Meter
	*maker
}

func (m *maker) Meter(string, ...metric.MeterOption) metric.Meter { return meter{maker: m} }

func (m meter) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	m.instruments[name] = "counter " + metric.NewInt64CounterConfig(options...).Unit()
	return noop.Int64Counter{}, nil
}

func (m meter) Int64Histogram(name string, options ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	m.instruments[name] = "histogram " + metric.NewInt64HistogramConfig(options...).Unit()
	return noop.Int64Histogram{}, nil
}

func (m meter) Float64Histogram(name string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	m.instruments[name] = "histogram " + metric.NewFloat64HistogramConfig(options...).Unit()
	return noop.Float64Histogram{}, nil
}

func (m meter) Int64ObservableCounter(
	name string, options ...metric.Int64ObservableCounterOption,
) (metric.Int64ObservableCounter, error) {
	m.instruments[name] = "counter " + metric.NewInt64ObservableCounterConfig(options...).Unit()
	return noop.Int64ObservableCounter{}, nil
}

func (m meter) Int64ObservableGauge(name string, options ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	m.instruments[name] = "gauge " + metric.NewInt64ObservableGaugeConfig(options...).Unit()
	return noop.Int64ObservableGauge{}, nil
}

func (m meter) Float64ObservableGauge(name string, options ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	m.instruments[name] = "gauge " + metric.NewFloat64ObservableGaugeConfig(options...).Unit()
	return noop.Float64ObservableGauge{}, nil
}

// fieldsSeen is a logger that keeps the names of fields.
type fieldsSeen struct {
	mu    sync.Mutex
	names map[string]bool
}

func (f *fieldsSeen) Log(_ context.Context, _ logging.Level, _ string, fields ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 0; i < len(fields); i += 2 {
		f.names[fields[i].(string)] = true
	}
}

func (f *fieldsSeen) all() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.names) // a handler that was left behind may still fail
}

// Every field of the log is in the document.
func TestDocumentHasTheFieldsOfTheLog(t *testing.T) {
	e, err := export(&screen{out: io.Discard}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.shutdown() }()
	seen := &fieldsSeen{names: map[string]bool{}}
	e.telemetry, err = telemetry.New(telemetry.Config{TracerProvider: e.tracer, MeterProvider: noop.NewMeterProvider(), Logger: seen})
	if err != nil {
		t.Fatal(err)
	}
	h, err := open(e)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h.play(ctx, &screen{out: io.Discard})
	h.close()
	fields := seen.all()
	if !fields["request_id"] {
		t.Errorf("the log has no request_id: %v", fields)
	}
	var said []string
	for _, row := range rows(t, "field", "what it is") {
		said = append(said, names(row[0])...)
	}
	for field := range fields {
		if !slices.Contains(said, field) {
			t.Errorf("%s has no field %s", docFile, field)
		}
	}
}
