package main

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

var promQL = parser.NewParser(parser.Options{})

// store is what a Prometheus has scraped, a sample a minute.
type store []storage.Series

const interval = time.Minute

// add takes a series and its samples in the notation of promtool's tests: "up 1 0x5" or "up 0+10x60".
func (s *store) add(t *testing.T, series string) {
	t.Helper()
	of, values, err := promQL.ParseSeriesDesc(series)
	if err != nil {
		t.Fatalf("%s: %v", series, err)
	}
	var samples []chunks.Sample
	for i, v := range values {
		if !v.Omitted {
			samples = append(samples, point{minute: i, value: v.Value})
		}
	}
	s.put(of, samples...)
}

func (s *store) put(of labels.Labels, samples ...chunks.Sample) {
	*s = append(*s, storage.NewListSeries(of, samples))
}

// point is the sample of a minute.
type point struct {
	chunks.Sample // of histograms, which there are none of
	minute        int
	value         float64
}

func (p point) T() int64                 { return (time.Duration(p.minute) * interval).Milliseconds() }
func (p point) ST() int64                { return 0 }
func (p point) F() float64               { return p.value }
func (p point) Type() chunkenc.ValueType { return chunkenc.ValFloat }

// query evaluates an expression at a minute.
func (s store) query(t *testing.T, expr string, minute int) promql.Vector {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: slog.New(slog.DiscardHandler), MaxSamples: 1e6, Timeout: time.Minute, Parser: promQL, EnableNegativeOffset: true,
	})
	q, err := engine.NewInstantQuery(t.Context(), s, nil, expr, time.UnixMilli(0).Add(time.Duration(minute)*interval))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return slices.Clone(v)
}

func (s store) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{storage.NoopQuerier(), s}, nil
}

type querier struct {
	storage.Querier
	all store
}

func (q *querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := &found{at: -1}
	for _, series := range q.all {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Labels().Get(m.Name)) }) {
			found.series = append(found.series, series)
		}
	}
	return found
}

type found struct {
	series []storage.Series
	at     int
}

func (f *found) Next() bool                        { f.at++; return f.at < len(f.series) }
func (f *found) At() storage.Series                { return f.series[f.at] }
func (f *found) Err() error                        { return nil }
func (f *found) Warnings() annotations.Annotations { return nil }
