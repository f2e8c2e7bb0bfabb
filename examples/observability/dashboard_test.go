package main

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql"
)

const dashboardFile = "../../docs/grafana/recourse.json"

type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct{ List []struct{ Name, Type string } }
	Panels        []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	GridPos                  struct{ H, W, X, Y int }
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
	Targets []struct {
		RefID, Expr, LegendFormat string
		Datasource                struct{ UID string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	b, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Left out on purpose, and why.
var notOnTheDashboard = map[string]string{}

// plain is an expression as Prometheus would get it from Grafana, with "All" chosen for each variable.
func plain(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$method", ".*").Replace(expr)
}

// What a panel asks for is there, each has a value once the example has run, and no metric is forgotten.
func TestDashboardShowsWhatThereIs(t *testing.T) {
	samples := scraped(t)
	var prometheus store
	for _, s := range samples { // all of it has happened in one minute
		prometheus.put(s.labels, point{minute: 0, value: before(s)}, point{minute: 1, value: s.value})
	}
	shown := map[string]bool{}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			expr := plain(target.Expr)
			metrics, problems := uses(expr, samples)
			for _, m := range metrics {
				shown[m] = true
			}
			for _, problem := range problems {
				t.Errorf("%s: %s", p.Title, problem)
			}
			if len(problems) > 0 {
				continue
			}
			got := prometheus.query(t, expr, 1)
			if !slices.ContainsFunc(got, func(s promql.Sample) bool { return !math.IsNaN(s.F) }) {
				t.Errorf("%s: %s has no value", p.Title, expr)
			}
			for _, label := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				for _, s := range got {
					if !s.Metric.Has(label[1]) {
						t.Errorf("%s: the legend %q has no %s in %v", p.Title, target.LegendFormat, label[1], s.Metric)
						break
					}
				}
			}
		}
	}
	for name := range metricsOf(samples) {
		if why, left := notOnTheDashboard[name]; !shown[name] && !left {
			t.Errorf("%s is not on the dashboard", name)
		} else if shown[name] && left {
			t.Errorf("%s is on the dashboard, and the list of those that are not says %q", name, why)
		}
	}
}

var legend = regexp.MustCompile(`\{\{(\w+)\}\}`)

// before is what a series was before the example ran: gauges are what they are.
func before(s sample) float64 {
	switch name := s.labels.Get("__name__"); {
	case strings.HasSuffix(name, "_total"), base(name) != name:
		return 0
	}
	return s.value
}

func TestDashboardIsWhatGrafanaReads(t *testing.T) {
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 39 {
		t.Errorf("uid %q, title %q, schema %d", d.UID, d.Title, d.SchemaVersion)
	}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name+" "+v.Type)
	}
	if want := []string{"datasource datasource", "job query", "method query"}; !slices.Equal(variables, want) {
		t.Errorf("variables %q, want %q", variables, want)
	}
	ids, titles := map[int]bool{}, map[string]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] || titles[p.Title] || p.Title == "" {
			t.Errorf("panel %d %q: the id or the title is not its own", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if g := p.GridPos; g.X < 0 || g.W < 1 || g.X+g.W > 24 || g.H < 1 {
			t.Errorf("%s: does not fit the grid: %+v", p.Title, g)
		}
		for _, q := range d.Panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s and %s lie on each other", p.Title, q.Title)
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || !units[p.FieldConfig.Defaults.Unit] || len(p.Targets) == 0 {
			t.Errorf("%s: description %q, unit %q, %d targets", p.Title, p.Description, p.FieldConfig.Defaults.Unit, len(p.Targets))
		}
		for _, target := range p.Targets {
			if p.Datasource.UID != "${datasource}" || target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: the data source is not the variable", p.Title)
			}
			if !strings.Contains(target.Expr, `job=~"$job"`) {
				t.Errorf("%s: does not obey the variable job: %s", p.Title, target.Expr)
			}
		}
	}
}

// units are Grafana's names for those that the dashboard needs.
var units = map[string]bool{"reqps": true, "percentunit": true, "s": true, "bytes": true, "short": true}
