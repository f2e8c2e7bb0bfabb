package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	prommodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// sample is a series as it was scraped.
type sample struct {
	labels labels.Labels
	value  float64
}

// scrape plays all situations once and returns what Prometheus gets then.
var scrape = sync.OnceValues(func() (samples []sample, err error) {
	out := &screen{out: io.Discard}
	e, err := export(out, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = e.shutdown() }()
	h, err := open(e)
	if err != nil {
		return nil, err
	}
	defer h.close()
	url, stop, err := serveMetrics("127.0.0.1:0", e.metrics)
	if err != nil {
		return nil, err
	}
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	h.play(ctx, out)

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	// What Prometheus 3 asks for: names with dots, if there were any, would come as they are.
	req.Header.Set("Accept", "text/plain;version=1.0.0;escaping=allow-utf-8")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	parser := expfmt.NewTextParser(prommodel.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	for name, family := range families {
		for _, m := range family.GetMetric() {
			samples = append(samples, flat(name, m)...)
		}
	}
	return samples, err
})

// scraped is scrape for a test.
func scraped(t *testing.T) []sample {
	t.Helper()
	samples, err := scrape()
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

// flat is one metric as Prometheus keeps it, with the labels that it adds itself.
func flat(name string, m *dto.Metric) (out []sample) {
	add := func(suffix string, value float64, more ...string) {
		b := labels.NewBuilder(labels.FromStrings(append(more, "__name__", name+suffix, "job", "assistant", "instance", "127.0.0.1:9")...))
		for _, l := range m.GetLabel() {
			b.Set(l.GetName(), l.GetValue())
		}
		out = append(out, sample{b.Labels(), value})
	}
	switch h := m.GetHistogram(); {
	case h != nil:
		for _, bucket := range h.GetBucket() {
			add("_bucket", float64(bucket.GetCumulativeCount()), "le", strconv.FormatFloat(bucket.GetUpperBound(), 'g', -1, 64))
		}
		add("_count", float64(h.GetSampleCount()))
		add("_sum", h.GetSampleSum())
	case m.GetCounter() != nil:
		add("", m.GetCounter().GetValue())
	default:
		add("", m.GetGauge().GetValue())
	}
	return out
}

// metricsOf are the metrics of telemetry by the names that Prometheus gives them, without those of the parts of
// histograms, and their labels without what Prometheus and the exporter add.
func metricsOf(samples []sample) map[string]map[string]bool {
	metrics := map[string]map[string]bool{}
	for _, s := range samples {
		name := base(s.labels.Get("__name__"))
		if name == "target_info" {
			continue
		}
		if metrics[name] == nil {
			metrics[name] = map[string]bool{}
		}
		s.labels.Range(func(l labels.Label) {
			if !strings.HasPrefix(l.Name, "otel_scope_") && l.Name != "__name__" && l.Name != "le" && !addedByPrometheus[l.Name] {
				metrics[name][l.Name] = true
			}
		})
	}
	return metrics
}

var addedByPrometheus = map[string]bool{"job": true, "instance": true}

// base is the name of a metric of which there may be several series.
func base(name string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if cut, ok := strings.CutSuffix(name, suffix); ok {
			return cut
		}
	}
	return name
}
