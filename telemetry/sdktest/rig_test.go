package sdktest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/telemetry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// rig is an SDK that keeps what it is told.
type rig struct {
	spans  *tracetest.SpanRecorder
	tracer *sdktrace.TracerProvider
	reader *metric.ManualReader
	meter  *metric.MeterProvider
	lines  *lines
}

func newRig() *rig {
	r := &rig{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader(), lines: new(lines)}
	r.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans))
	r.meter = metric.NewMeterProvider(metric.WithReader(r.reader))
	return r
}

func (r *rig) config() telemetry.Config {
	return telemetry.Config{TracerProvider: r.tracer, MeterProvider: r.meter, Propagator: propagation.TraceContext{}, Logger: r.lines}
}

func (r *rig) telemetry(t *testing.T, change ...func(*telemetry.Config)) *telemetry.Telemetry {
	t.Helper()
	c := r.config()
	for _, f := range change {
		f(&c)
	}
	tel, err := telemetry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// tree is all spans that have ended, children below their parents in the order in which
// they began.
func (r *rig) tree() string {
	var b strings.Builder
	ended := r.spans.Ended()
	slices.SortStableFunc(ended, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	known := map[trace.SpanID]bool{}
	for _, s := range ended {
		known[s.SpanContext().SpanID()] = true
	}
	var show func(parent trace.SpanID, depth int)
	show = func(parent trace.SpanID, depth int) {
		for _, s := range ended {
			up := s.Parent().SpanID()
			if up == parent || depth == 0 && !known[up] {
				b.WriteString(strings.Repeat("  ", depth) + line(s) + "\n")
				show(s.SpanContext().SpanID(), depth+1)
			}
		}
	}
	show(trace.SpanID{}, 0)
	return b.String()
}

func line(s sdktrace.ReadOnlySpan) string {
	out := fmt.Sprintf("%s %s", s.Name(), s.SpanKind())
	if st := s.Status(); st.Code != 0 {
		out += " " + st.Code.String()
	}
	for _, a := range s.Attributes() {
		switch a.Key {
		case "rpc.response.status_code", "error.type", "previous-rpc-attempts", "recourse.attempts":
			out += fmt.Sprintf(" %s=%s", a.Key, a.Value.String())
		}
	}
	for _, e := range s.Events() {
		if !strings.HasPrefix(e.Name, "recourse.") {
			continue
		}
		out += " [" + strings.TrimPrefix(e.Name, "recourse.")
		for _, a := range e.Attributes {
			if a.Key == "recourse.delay" { // has jitter
				out += fmt.Sprintf(" %ds", int(a.Value.AsFloat64()))
				continue
			}
			out += " " + a.Value.String()
		}
		out += "]"
	}
	return out
}

var outcome = regexp.MustCompile(` (Ok|Error|rpc\.response\.status_code=\S+|error\.type=\S+|recourse\.attempts=\S+)`)

// outline is the tree without what became of the calls.
func (r *rig) outline() string { return outcome.ReplaceAllString(r.tree(), "") }

// sums are all metrics: counters and gauges by their value, histograms by count and sum.
func (r *rig) sums(t *testing.T) string {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := r.reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					out = append(out, fmt.Sprintf("%s%s %d", m.Name, labels(p.Attributes), p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					out = append(out, fmt.Sprintf("%s%s %d", m.Name, labels(p.Attributes), p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					out = append(out, fmt.Sprintf("%s%s %g", m.Name, labels(p.Attributes), p.Value))
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					out = append(out, fmt.Sprintf("%s%s count %d sum %d", m.Name, labels(p.Attributes), p.Count, p.Sum))
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					out = append(out, fmt.Sprintf("%s%s count %d sum %s", m.Name, labels(p.Attributes), p.Count, time.Duration(p.Sum*1e9).Round(time.Millisecond)))
				}
			default:
				t.Errorf("%s: %T", m.Name, d)
			}
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return strings.Join(out, "\n") + "\n"
}

// labels are the attributes, but for the target, which is the same for all.
func labels(set attribute.Set) string {
	var out []string
	for _, a := range set.ToSlice() {
		if a.Key == "grpc.target" {
			continue
		}
		key := strings.TrimPrefix(strings.TrimPrefix(string(a.Key), "grpc."), "recourse.")
		out = append(out, key+"="+strings.TrimPrefix(a.Value.String(), "recourse.test."))
	}
	return "{" + strings.Join(out, " ") + "}"
}

// expect compares lines.
func expect(t *testing.T, what, got string, want ...string) {
	t.Helper()
	lines := strings.FieldsFunc(got, func(r rune) bool { return r == '\n' })
	if diff := gocmp.Diff(want, lines, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// without removes the lines that have one of the words.
func without(text string, words ...string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// policies are the defaults without chance: no jitter that a test would have to guess.
func policies(t *testing.T, change func(*policy.Policy)) *policy.Set {
	t.Helper()
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) {
		p.Backoff, p.Idempotent = 0, true
		if change != nil {
			change(p)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var shapes = []rpctest.Shape{rpctest.Shapes[0], rpctest.Shapes[1]}
