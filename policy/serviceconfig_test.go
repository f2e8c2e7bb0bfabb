package policy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc/codes"
)

const retryPolicy = `"retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "2s",
	"backoffMultiplier": 1.5, "retryableStatusCodes": ["UNAVAILABLE", "ABORTED", 8]}`

// altered is retryPolicy with one value replaced.
func altered(value, by string) string { return strings.Replace(retryPolicy, value, by, 1) }

func serviceConfig(t *testing.T, config string) policy.Layer {
	t.Helper()
	layer, err := policy.ServiceConfig([]byte(config))
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	return layer
}

// repeated is what retryPolicy makes of a policy.
func repeated(p *policy.Policy) {
	p.MaxAttempts, p.Backoff, p.MaxBackoff, p.BackoffMultiplier = 4, 100*time.Millisecond, 2*time.Second, 1.5
	p.Codes, p.Idempotent = []codes.Code{codes.Unavailable, codes.Aborted, codes.ResourceExhausted}, true
}

func once(p *policy.Policy) { p.MaxAttempts = 1 }

func TestServiceConfig(t *testing.T) {
	for _, row := range []struct {
		name, config string
		want         func(*policy.Policy) // of /a.B/C
	}{
		{"empty", `{}`, nil},
		{"null", `{"methodConfig": null}`, nil},
		{"keys of others", `{"loadBalancingConfig": [{"round_robin": {}}], "retryThrottling": {"maxTokens": -1},
			"methodConfig": []}`, nil},
		{"of no method", `{"methodConfig": [{"timeout": "1s"}, {"name": [], "timeout": "x"}]}`, nil},
		{"of another", `{"methodConfig": [{"name": [{"service": "a.X"}, {"service": "a.B", "method": "D"}],
			"timeout": "1s"}]}`, nil},
		{"timeout", `{"methodConfig": [{"name": [{"service": "a.B", "method": "C"}], "timeout": "1.5s",
			"waitForReady": true}]}`,
			func(p *policy.Policy) { once(p); p.Timeout = 1500 * time.Millisecond }},
		{"retry", `{"methodConfig": [{"name": [{"service": "a.B"}], ` + retryPolicy + `}]}`, repeated},
		{"both, of all", `{"methodConfig": [{"name": [{}], "timeout": "7s", ` + retryPolicy + `}]}`,
			func(p *policy.Policy) { repeated(p); p.Timeout = 7 * time.Second }},
		{"empty names", `{"methodConfig": [{"name": [{"service": "", "method": ""}], "timeout": "7s"}]}`,
			func(p *policy.Policy) { once(p); p.Timeout = 7 * time.Second }},
		{"neither", `{"methodConfig": [{"name": [{"service": "a.B", "method": ""}], "waitForReady": true,
			"retryPolicy": null}]}`, once},
		{"the most specific alone", `{"methodConfig": [
			{"name": [{}], "timeout": "7s"},
			{"name": [{"service": "a.B"}], ` + retryPolicy + `},
			{"name": [{"service": "a.B", "method": "D"}], "timeout": "8s"}]}`, repeated},
		{"nothing inherited", `{"methodConfig": [
			{"name": [{"service": "a.B", "method": "C"}], "maxRequestMessageBytes": 5},
			{"name": [{"service": "a.B"}], "timeout": "7s", ` + retryPolicy + `}]}`, once},
		{"whatever case", `{"MethodConfig": [{"NAME": [{"Service": "a.B"}], "TimeOut": "2s"}]}`,
			func(p *policy.Policy) { once(p); p.Timeout = 2 * time.Second }},
		{"at most five", `{"methodConfig": [{"name": [{}], ` + altered("4", "50") + `}]}`,
			func(p *policy.Policy) { repeated(p); p.MaxAttempts = 5 }},
		{"back-off over its ceiling", `{"methodConfig": [{"name": [{}], ` + altered("0.1s", "9s") + `}]}`,
			func(p *policy.Policy) { repeated(p); p.Backoff = 2 * time.Second }},
		{"codes twice", `{"methodConfig": [{"name": [{}], ` + altered("8", `"RESOURCE_EXHAUSTED", 8, "ABORTED"`) + `}]}`,
			repeated},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := *new(policy.Set).For("")
			if row.want != nil {
				row.want(&want)
			}
			set := newSet(t, serviceConfig(t, row.config))
			equal(t, set, "/a.B/C", want)
			if err := set.For("/a.B/C").Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Its entries are layers like any others.
func TestServiceConfigAmongLayers(t *testing.T) {
	layer := serviceConfig(t, `{"methodConfig": [
		{"name": [{}], "timeout": "5s"},
		{"name": [{"service": "a.B"}], `+retryPolicy+`},
		{"name": [{"service": "a.B", "method": "C"}], "timeout": "6s"}]}`)
	set := newSet(t,
		policy.Defaults(timeout(20*time.Second)), policy.Service("a.B", attempts(3)), layer,
		policy.Service("a.B", attempts(2)))
	for method, want := range map[string]struct {
		timeout  time.Duration
		attempts int
	}{
		"/x.Y/Z": {5 * time.Second, 1},
		"/a.B/C": {6 * time.Second, 1}, // the method's entry is above both of the service's layers
		"/a.B/D": {20 * time.Second, 2},
	} {
		if p := set.For(method); p.Timeout != want.timeout || p.MaxAttempts != want.attempts {
			t.Errorf("%s: %v and %d", method, p.Timeout, p.MaxAttempts)
		}
	}
	if !set.For("/a.B/D").Idempotent || set.For("/a.B/C").Idempotent {
		t.Error("only the methods with a retryPolicy may be repeated")
	}
	other := serviceConfig(t, `{"methodConfig": [{"name": [{"service": "a.B", "method": "D"}], "timeout": "9s"}]}`)
	if p := newSet(t, layer, other).For("/a.B/D"); p.Timeout != 9*time.Second || !p.Idempotent || p.MaxAttempts != 1 {
		t.Errorf("two configs: %+v", p)
	}
}

func TestServiceConfigDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1s": time.Second, "0.000000001s": 1, "1.s": time.Second, ".5s": 500 * time.Millisecond, "007s": 7 * time.Second,
		"315576000000s": math.MaxInt64,
		"-0.5s":         0, "0s": 0, "-1s": 0, "s": 0, ".s": 0, "": 0, "1": 0, "1m": 0, "1ms": 0, "1e3s": 0, "1.2.3s": 0,
		"0.0000000001s": 0, "315576000001s": 0, "99999999999999999999s": 0, "--1s": 0, " 1s": 0, "+1s": 0, "١s": 0,
	} {
		layer, err := policy.ServiceConfig(fmt.Appendf(nil, `{"methodConfig": [{"name": [{}], "timeout": %q}]}`, text))
		if want == 0 {
			if err == nil || !strings.HasPrefix(err.Error(), "policy: service config: methodConfig[0].timeout: ") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.MinTimeout = 0 }), layer)
		if err != nil || set.For("").Timeout != want {
			t.Errorf("%q: %v, %v", text, err, set.For("").Timeout)
		}
	}
}

func TestBadServiceConfigs(t *testing.T) {
	const prefix = "policy: service config: "
	entry := func(s string) string { return `{"methodConfig": [{"name": [{"service": "a.B"}], ` + s + `}]}` }
	for _, row := range []struct {
		config string
		want   []string
	}{
		{``, []string{`not JSON (unexpected end of JSON input): write an object with methodConfig`}},
		{`{} x`, []string{`not JSON (invalid character 'x' after top-level value): write an object with methodConfig`}},
		{`[]`, []string{`(top): [] is not an object: write {...}`}},
		{`{"methodConfig": {}}`, []string{`methodConfig: {} is not a list: write [...]`}},
		{`{"methodConfig": [7]}`, []string{`methodConfig[0]: 7 is not an object: write {...}`}},
		{`{"methodConfig": [{"name": {}}]}`, []string{`methodConfig[0].name: {} is not a list: write [...]`}},
		{`{"methodConfig": [{"name": [null, {"service": 1}]}]}`, []string{
			`methodConfig[0].name[0]: null is not an object: write {...}`,
			`methodConfig[0].name[1].service: 1 is not a string: write it in quotes`,
		}},
		{`{"methodConfig": [{"name": [{"method": "C"}]}]}`, []string{
			`methodConfig[0].name[0]: there is a method without a service: write the service too`}},
		{`{"methodConfig": [{"name": [{"service": "/a.B"}, {"service": "a.B", "method": "/C"}]}]}`, []string{
			`methodConfig[0].name[0].service: "/a.B" is not the name of a service: write "pkg.Service"`,
			`methodConfig[0].name[1].method: "/C" is not the name of a method: write "Method"`,
		}},
		{`{"methodConfig": [{"name": [{"service": "a.B"}]}, {"name": [{}, {"service": "a.B", "method": ""}]}]}`, []string{
			`methodConfig[1].name[1]: methodConfig[0].name[0] has the same name: remove one of the two`}},
		{entry(`"timeout": 1.5`), []string{
			`methodConfig[0].timeout: 1.5 is not a duration: write seconds with an s, such as "1.5s"`}},
		{entry(`"timeout": "0s"`), []string{
			`methodConfig[0].timeout: "0s" is not more than 0: write more, or remove the key`}},
		{entry(`"timeout": "-1s"`), []string{
			`methodConfig[0].timeout: "-1s" is not more than 0: write more, or remove the key`}},
		{entry(`"hedgingPolicy": {"maxAttempts": 2}`), []string{
			`methodConfig[0].hedgingPolicy: hedging is not supported: use retryPolicy instead`}},
		{entry(`"retryPolicy": {}`), []string{
			`methodConfig[0].retryPolicy.maxAttempts: it is missing: write a number, 2 or more`,
			`methodConfig[0].retryPolicy.initialBackoff: it is missing: write a duration such as "0.1s"`,
			`methodConfig[0].retryPolicy.maxBackoff: it is missing: write a duration such as "0.1s"`,
			`methodConfig[0].retryPolicy.backoffMultiplier: it is missing: write a number, 1 or more`,
			`methodConfig[0].retryPolicy.retryableStatusCodes: there is no code: write at least one, such as "UNAVAILABLE"`,
		}},
		{entry(`"retryPolicy": {"maxAttempts": 1, "initialBackoff": "0s", "maxBackoff": "x", "backoffMultiplier": 0.5,
			"retryableStatusCodes": ["unavailable", "OK", 0, 17, -1, 1.5, null, [],
			"` + strings.Repeat("é", 50) + `"]}`), []string{
			`methodConfig[0].retryPolicy.maxAttempts: 1 is too little: write 2 or more`,
			`methodConfig[0].retryPolicy.initialBackoff: "0s" is not more than 0: write more, or remove the key`,
			`methodConfig[0].retryPolicy.maxBackoff: "x" is not a duration: write seconds with an s, such as "1.5s"`,
			`methodConfig[0].retryPolicy.backoffMultiplier: 0.5 is too little: write 1 or more`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[0]: "unavailable" is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[1]: "OK" is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[2]: 0 is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[3]: 17 is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[4]: -1 is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[5]: 1.5 is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[6]: null is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[7]: [] is not`,
			`methodConfig[0].retryPolicy.retryableStatusCodes[8]: "` + strings.Repeat("é", 29) + `… is not`,
		}},
		{entry(`"retryPolicy": {"maxAttempts": "3", "initialBackoff": 1, "maxBackoff": "1s", "backoffMultiplier": "2",
			"retryableStatusCodes": "UNAVAILABLE"}`), []string{
			`methodConfig[0].retryPolicy.maxAttempts: "3" is not a number: write 2 or more, without quotes`,
			`methodConfig[0].retryPolicy.initialBackoff: 1 is not a duration: write seconds with an s, such as "1.5s"`,
			`methodConfig[0].retryPolicy.backoffMultiplier: "2" is not a number: write 1 or more, without quotes`,
			`methodConfig[0].retryPolicy.retryableStatusCodes: "UNAVAILABLE" is not a list: write [...]`,
		}},
		{entry(altered("4", "2.5")), []string{
			`methodConfig[0].retryPolicy.maxAttempts: 2.5 is not a whole number: write 2 or more`}},
		{entry(`"retryPolicy": 3, "timeout": []`), []string{
			`methodConfig[0].timeout: [] is not a duration: write`,
			`methodConfig[0].retryPolicy: 3 is not an object: write {...}`,
			`methodConfig[0].retryPolicy.maxAttempts: it is missing`,
			`methodConfig[0].retryPolicy.initialBackoff: it is missing`,
			`methodConfig[0].retryPolicy.maxBackoff: it is missing`,
			`methodConfig[0].retryPolicy.backoffMultiplier: it is missing`,
			`methodConfig[0].retryPolicy.retryableStatusCodes: there is no code`,
		}},
	} {
		_, err := policy.ServiceConfig([]byte(row.config))
		if err == nil {
			t.Errorf("%s: accepted", row.config)
			continue
		}
		var got, want []string
		for i, line := range strings.Split(err.Error(), "\n") {
			if !remedy.MatchString(line[strings.LastIndex(line, ": ")+2:]) {
				t.Errorf("no remedy: %s", line)
			}
			if i < len(row.want) && strings.HasPrefix(line, prefix+row.want[i]) {
				line = prefix + row.want[i]
			}
			got = append(got, line)
		}
		for _, line := range row.want {
			want = append(want, prefix+line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.config, diff)
		}
	}
}

// What a service config makes impossible together with other layers is found too.
func TestServiceConfigIsValidated(t *testing.T) {
	layer := serviceConfig(t, `{"methodConfig": [{"name": [{"service": "a.B"}], "timeout": "0.1s",
`+retryPolicy+`}]}`)
	const want = "policy: service a.B: Backoff 100ms is not less than Timeout 100ms, so that no repeat could fit: " +
		"lower Backoff, raise Timeout or allow no repeats"
	if _, err := policy.New(layer); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
