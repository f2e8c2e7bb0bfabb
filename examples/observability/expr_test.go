package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// uses checks an expression against what was scraped: every metric and every label in it has to be there. It returns the
// metrics.
func uses(expr string, samples []sample) (metrics []string, problems []string) {
	parsed, err := promQL.ParseExpr(expr)
	if err != nil {
		return nil, []string{err.Error()}
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			metrics = append(metrics, base(n.Name))
			if !anyMatches(samples, n.LabelMatchers) {
				problems = append(problems, fmt.Sprintf("nothing that was scraped is %s", n))
			}
			for _, m := range n.LabelMatchers {
				if !has(samples, n.Name, m.Name) {
					problems = append(problems, fmt.Sprintf("%s has no label %s", n.Name, m.Name))
				}
			}
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				parser.Inspect(n.Expr, func(inner parser.Node, _ []parser.Node) error {
					if v, ok := inner.(*parser.VectorSelector); ok && !has(samples, v.Name, label) {
						problems = append(problems, fmt.Sprintf("%s has no label %s, by which it is grouped", v.Name, label))
					}
					return nil
				})
			}
		}
		return nil
	})
	return metrics, problems
}

func anyMatches(samples []sample, matchers []*labels.Matcher) bool {
	for _, s := range samples {
		if matches(s.labels, matchers) {
			return true
		}
	}
	return false
}

func matches(of labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(of.Get(m.Name)) {
			return false
		}
	}
	return true
}

func has(samples []sample, metric, label string) bool {
	for _, s := range samples {
		if s.labels.Get("__name__") == metric && s.labels.Has(label) {
			return true
		}
	}
	return false
}

func TestUses(t *testing.T) {
	samples := []sample{{labels.FromStrings("__name__", "calls_total", "job", "a", "code", "OK"), 1}}
	for expr, want := range map[string]string{
		`sum by (code) (rate(calls_total{job=~".*"}[5m]))`: "",
		`rate(errors_total[5m])`:                           "nothing that was scraped is errors_total; errors_total has no label __name__",
		`calls_total{code="FAILED"}`:                       `nothing that was scraped is calls_total{code="FAILED"}`,
		`calls_total{method!="x"}`:                         "calls_total has no label method",
		`sum by (method) (rate(calls_total[5m]))`:          "calls_total has no label method, by which it is grouped",
		`sum(`: "1:5: parse error: unclosed left parenthesis",
	} {
		if _, problems := uses(expr, samples); strings.Join(problems, "; ") != want {
			t.Errorf("%s: got %q, want %q", expr, problems, want)
		}
	}
}
