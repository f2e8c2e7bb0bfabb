package main

import (
	"log/slog"
	"strings"
	"testing"

	prommodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

const alertsFile = "../../docs/prometheus/alerts.yaml"

// alerts are the rules by name, as Prometheus reads them.
func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(alertsFile, false, prommodel.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Fatal(err)
	}
	rules := map[string]rulefmt.Rule{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if _, twice := rules[r.Alert]; twice {
				t.Errorf("%s is there twice", r.Alert)
			}
			rules[r.Alert] = r
		}
	}
	return rules
}

func TestAlertsAreOfMetricsThatExist(t *testing.T) {
	samples := scraped(t)
	for name, rule := range alerts(t) {
		if _, problems := uses(rule.Expr, samples); len(problems) > 0 {
			t.Errorf("%s: %s", name, strings.Join(problems, "\n"))
		}
		if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || len(rule.Annotations["description"]) < 80 {
			t.Errorf("%s: severity, summary or what to do is missing: %v %v", name, rule.Labels, rule.Annotations)
		}
	}
}

// Each alert is silent in the first series and fires in the second; the minute is when it is looked at.
func TestAlertsFireWhenTheyShould(t *testing.T) {
	const (
		good     = `grpc_server_call_duration_seconds_count{job="a", grpc_method="s/M", grpc_status="OK"} `
		internal = `grpc_server_call_duration_seconds_count{job="a", grpc_method="s/M", grpc_status="INTERNAL"} `
		theirs   = `grpc_server_call_duration_seconds_count{job="a", grpc_method="s/M", grpc_status="NOT_FOUND"} `
	)
	tests := []struct {
		alert        string
		minute       int
		quiet, fires []string
	}{
		{"RecourseServerFaultsFast", 120,
			[]string{good + "0+1000x120", internal + "0+10x120", theirs + "0+500x120"}, // 1 %, and callers who are wrong
			[]string{good + "0+1000x120", internal + "0+20x120"}},
		{"RecourseServerFaultsFast", 120, // it is over
			[]string{good + "0+1000x120", internal + "0+100x110 11000x10"},
			[]string{good + "0+1000x120", internal + "0+100x120"}},
		{"RecourseServerFaultsSlow", 420,
			[]string{good + "0+1000x420", internal + "0+5x420"}, []string{good + "0+1000x420", internal + "0+8x420"}},
		{"RecourseRetryBudgetEmpty", 10,
			[]string{`recourse_client_retry_budget_level_ratio{job="a", recourse_service="s", grpc_target="t"} 0.5x10`},
			[]string{`recourse_client_retry_budget_level_ratio{job="a", recourse_service="s", grpc_target="t"} 0.05x10`}},
		{"RecourseHandlersStuck", 10,
			[]string{`recourse_server_handlers_stuck{job="a", instance="i"} 0x10`},
			[]string{`recourse_server_handlers_stuck{job="a", instance="i"} 1x10`}},
		{"RecourseHandlersStuckMany", 10,
			[]string{`recourse_server_handlers_stuck{job="a", instance="i"} 49x10`},
			[]string{`recourse_server_handlers_stuck{job="a", instance="i"} 50x10`}},
		{"RecoursePanics", 20, // long ago
			[]string{`recourse_server_panics_total{job="a", grpc_method="s/M"} 3x20`},
			[]string{`recourse_server_panics_total{job="a", grpc_method="s/M"} 3x15 4x4`}},
		{"RecoursePanics", 20, // the first there ever was: its counter begins
			[]string{`recourse_server_panics_total{job="a", grpc_method="s/M"} 1x20`},
			[]string{`recourse_server_panics_total{job="a", grpc_method="s/M"} _x15 1x4`}},
		{"RecourseDegraded", 20,
			[]string{good + "0+100x20", `recourse_server_degraded_total{job="a", grpc_method="s/M"} 0+4x20`},
			[]string{good + "0+100x20", `recourse_server_degraded_total{job="a", grpc_method="s/M"} 0+6x20`}},
		{"RecourseRefusing", 20, // for want of time is another matter
			[]string{good + "0+100x20", `recourse_server_refusals_total{job="a", grpc_method="s/M", recourse_reason="deadline"} 0+50x20`},
			[]string{good + "0+100x20", `recourse_server_refusals_total{job="a", grpc_method="s/M", recourse_reason="limit"} 0+2x20`}},
		{"RecourseDeadlineOverruns", 20,
			[]string{good + "0+100x20", `recourse_server_deadline_overruns_total{job="a", grpc_method="s/M"} 0+4x20`},
			[]string{good + "0+100x20", `recourse_server_deadline_overruns_total{job="a", grpc_method="s/M"} 0+6x20`}},
		{"RecourseErrorsTrimmed", 90,
			[]string{`recourse_server_errors_trimmed_total{job="a", grpc_method="s/M"} 7x90`},
			[]string{`recourse_server_errors_trimmed_total{job="a", grpc_method="s/M"} _x80 1x10`}},
	}
	rules := alerts(t)
	tested := map[string]bool{}
	for _, test := range tests {
		tested[test.alert] = true
		expr := rules[test.alert].Expr
		for want, series := range [][]string{test.quiet, test.fires} {
			var prometheus store
			for _, s := range series {
				prometheus.add(t, s)
			}
			if got := prometheus.query(t, expr, test.minute); len(got) != want {
				t.Errorf("%s: of %q fires %v, want %d", test.alert, series, got, want)
			}
		}
	}
	for name := range rules {
		if !tested[name] {
			t.Errorf("%s has no test", name)
		}
	}
}
