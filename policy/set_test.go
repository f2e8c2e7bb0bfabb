package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc/codes"
)

func timeout(d time.Duration) func(*policy.Policy) {
	return func(p *policy.Policy) { p.Timeout = d }
}

func attempts(n int) func(*policy.Policy) {
	return func(p *policy.Policy) { p.MaxAttempts = n }
}

func newSet(t *testing.T, layers ...policy.Layer) *policy.Set {
	t.Helper()
	set, err := policy.New(layers...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The more specific layer wins, whatever the order; then the later one; then the file.
func TestPrecedence(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		name   string
		layers []policy.Layer
		file   string
		want   [4]time.Duration // timeouts of /a.B/C, /a.B/D, /a.X/C, /x.Y/Z
	}{
		{"nothing", nil, "", [4]time.Duration{30 * s, 30 * s, 30 * s, 30 * s}},
		{"defaults", []policy.Layer{policy.Defaults(timeout(5 * s))},
			"", [4]time.Duration{5 * s, 5 * s, 5 * s, 5 * s}},
		{"specific first", []policy.Layer{
			policy.Method("/a.B/C", timeout(1*s)), policy.Service("a.B", timeout(2*s)), policy.Defaults(timeout(3 * s)),
		}, "", [4]time.Duration{1 * s, 2 * s, 3 * s, 3 * s}},
		{"specific last", []policy.Layer{
			policy.Defaults(timeout(3 * s)), policy.Service("a.B", timeout(2*s)), policy.Method("a.B/C", timeout(1*s)),
		}, "", [4]time.Duration{1 * s, 2 * s, 3 * s, 3 * s}},
		{"only a method", []policy.Layer{policy.Method("/a.B/C", timeout(1*s))}, "",
			[4]time.Duration{1 * s, 30 * s, 30 * s, 30 * s}},
		{"only a service", []policy.Layer{policy.Service("a.B", timeout(1*s))}, "",
			[4]time.Duration{1 * s, 1 * s, 30 * s, 30 * s}},
		{"the later of two", []policy.Layer{
			policy.Defaults(timeout(1 * s)), policy.Defaults(timeout(2 * s)),
			policy.Service("a.B", timeout(3*s)), policy.Service("a.B", timeout(4*s)),
			policy.Method("/a.B/C", timeout(5*s)), policy.Method("a.B/C", timeout(6*s)),
		}, "", [4]time.Duration{6 * s, 4 * s, 2 * s, 2 * s}},
		{"the file over each level", []policy.Layer{
			policy.Defaults(timeout(1 * s)), policy.Service("a.B", timeout(2*s)), policy.Method("/a.B/C", timeout(3*s)),
		}, `{error_handling: {async: {timeout_seconds: 11}},
			methods: {a.B: {async: {timeout_seconds: 12}}, /a.B/C: {async: {timeout_seconds: 13}}}}`,
			[4]time.Duration{13 * s, 12 * s, 11 * s, 11 * s}},
		{"but not over a more specific one", []policy.Layer{
			policy.Service("a.B", timeout(2*s)), policy.Method("/a.B/C", timeout(3*s)),
		}, `error_handling: {async: {timeout_seconds: 11}}`, [4]time.Duration{3 * s, 2 * s, 11 * s, 11 * s}},
	} {
		t.Run(row.name, func(t *testing.T) {
			set := parse(t, strings.ReplaceAll(row.file, "\t", ""), row.layers...)
			if row.file == "" {
				set = newSet(t, row.layers...)
			}
			for i, method := range []string{"/a.B/C", "/a.B/D", "/a.X/C", "/x.Y/Z"} {
				if got := set.For(method).Timeout; got != row.want[i] {
					t.Errorf("%s: %v, want %v", method, got, row.want[i])
				}
			}
		})
	}
}

// Layers change fields, not policies: each adds to what is below it.
func TestLayersAreLaidOver(t *testing.T) {
	set := newSet(t,
		policy.Method("/a.B/C", func(p *policy.Policy) { p.Timeout /= 2; p.Codes = append(p.Codes, codes.Aborted) }),
		policy.Defaults(func(p *policy.Policy) { p.Timeout = 8 * time.Second; p.Codes = []codes.Code{codes.Internal} }),
		policy.Service("a.B", func(p *policy.Policy) { p.Timeout /= 2; p.MaxAttempts = 5 }),
	)
	p := set.For("/a.B/C")
	if diff := cmp.Diff([]codes.Code{codes.Internal, codes.Aborted}, p.Codes); diff != "" {
		t.Error(diff)
	}
	if p.Timeout != 2*time.Second || p.MaxAttempts != 5 {
		t.Errorf("%+v", p)
	}
}

// What a layer's function keeps, or shares with others, cannot change a policy later.
func TestPoliciesAreTheirOwn(t *testing.T) {
	var kept *policy.Policy
	list := []codes.Code{codes.Aborted, codes.Internal}
	set := newSet(t,
		policy.Defaults(func(p *policy.Policy) { p.Codes = list[:1]; kept = p }),
		policy.Service("a.B", func(p *policy.Policy) { p.Codes[0] = codes.DataLoss }),
	)
	kept.Timeout, list[0] = 1, codes.OK
	if p := set.For("/x.Y/Z"); p.Timeout != 30*time.Second || p.Codes[0] != codes.Aborted {
		t.Errorf("%+v", p)
	}
	if p := set.For("/a.B/C"); p.Timeout != 30*time.Second || p.Codes[0] != codes.DataLoss {
		t.Errorf("%+v", p)
	}
}

func TestFor(t *testing.T) {
	set := newSet(t, policy.Service("a.B", attempts(4)), policy.Method("/a.B/C", attempts(5)),
		policy.Method("/a.B/A", attempts(6)), policy.Method("/a.B/E", attempts(7)), policy.Method("/x/Y", attempts(8)))
	for method, want := range map[string]int{
		"/a.B/C": 5, "a.B/C": 5, "/a.B/A": 6, "/a.B/E": 7, "/a.B/D": 4, "a.B/": 4, "/x/Y": 8, "/x/Z": 3,
		"": 3, "/": 3, "//": 3, "C": 3, "/C": 3, "a.B": 3, "/a.B": 3, "//a.B/C": 3, "/a.B/C/": 3, "/a/a.B/C": 3,
		"/A.B/C": 3,
	} {
		p := set.For(method)
		if p.MaxAttempts != want {
			t.Errorf("%q: %d attempts, want %d", method, p.MaxAttempts, want)
		}
		if set.For(method) != p {
			t.Errorf("%q: another pointer", method)
		}
	}
	if set.For("/a.B/D") != set.For("/a.B/F") || set.For("/x/Z") != set.For("") {
		t.Error("methods without layers of their own do not share their policy")
	}
}

// No set at all is as good as one without layers.
func TestNoSet(t *testing.T) {
	var none *policy.Set
	for _, set := range []*policy.Set{none, new(policy.Set), newSet(t), newSet(t, policy.Layer{})} {
		p := set.For("/a.B/C")
		if diff := cmp.Diff(*newSet(t).For(""), *p); diff != "" {
			t.Error(diff)
		}
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		if err := set.Reload(); err == nil || !strings.Contains(err.Error(), "use Load") {
			t.Errorf("reloaded: %v", err)
		}
	}
}

func TestBadLayers(t *testing.T) {
	boom := func(*policy.Policy) { panic("boom") }
	for _, row := range []struct {
		layer policy.Layer
		want  string
	}{
		{policy.Method("Foo", attempts(1)),
			`policy: "Foo" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Method("/a/b/c", attempts(1)),
			`policy: "/a/b/c" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Method("", attempts(1)), `policy: "" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Method("//c", attempts(1)),
			`policy: "//c" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Method("/a.B/", attempts(1)),
			`policy: "/a.B/" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Method("/a..B/C", attempts(1)),
			`policy: "/a..B/C" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Method("/a.B/*", attempts(1)),
			`policy: "/a.B/*" is not the full name of a method: write "/pkg.Service/Method"`},
		{policy.Service("/a.B", attempts(1)), `policy: "/a.B" is not the name of a service: write "pkg.Service"`},
		{policy.Service("", attempts(1)), `policy: "" is not the name of a service: write "pkg.Service"`},
		{policy.Service("a b\n", attempts(1)), `policy: "a b\n" is not the name of a service: write "pkg.Service"`},
		{policy.Service(strings.Repeat("é", 100)+"/", nil),
			`policy: "` + strings.Repeat("é", 30) + `…" is not the name of a service: write "pkg.Service"`},
		{policy.Defaults(nil), `policy: the layer of the defaults has no function: write one, or remove the layer`},
		{policy.Service("a.B", nil),
			`policy: the layer of service a.B has no function: write one, or remove the layer`},
		{policy.Method("/a.B/C", nil), `policy: the layer of /a.B/C has no function: write one, or remove the layer`},
		{policy.Defaults(boom),
			`policy: the defaults: the function of the layer of the defaults panicked: boom: remove the cause`},
		{policy.Service("a.B", boom),
			`policy: service a.B: the function of the layer of service a.B panicked: boom: remove the cause`},
		{policy.Method("/a.B/C", boom),
			`policy: /a.B/C: the function of the layer of /a.B/C panicked: boom: remove the cause`},
	} {
		set, err := policy.New(policy.Service("x.Y", attempts(2)), row.layer, policy.Method("/a.B/D", attempts(2)))
		if set != nil || err == nil || err.Error() != row.want {
			t.Errorf("%v\nwant %s", err, row.want)
		}
	}
}

// Everything that is wrong is said at once, and each thing once: a fault of the
// defaults is not said again of every service and method.
func TestAllErrorsOnce(t *testing.T) {
	_, err := policy.Parse([]byte("methods: {a.B: {async: {max_retries: -1}, logging: 1}}"),
		policy.Method("Foo", attempts(1)),
		policy.Defaults(func(p *policy.Policy) { p.MaxAttempts = 11 }),
		policy.Service("a.B", func(p *policy.Policy) { p.HandlerAttempts = 0 }),
		policy.Method("/a.B/C", timeout(-1)),
		policy.Method("/a.B/D", attempts(4)),
		policy.Method("/x.Y/Z", attempts(11)),
		policy.Method("/x.Y/A", attempts(12)),
	)
	want := `policy: "Foo" is not the full name of a method: write "/pkg.Service/Method"
policy: the defaults: MaxAttempts 11 is out of range: use 1 to 10
policy: service a.B: HandlerAttempts 0 is out of range: use 1 or 2
policy: /a.B/C: Timeout -1ns is negative: use 0 or more
policy: /x.Y/A: MaxAttempts 12 is out of range: use 1 to 10
recourse.yaml:1:38: methods.a.B.async.max_retries: -1 is negative: write 0 or more
recourse.yaml:1:52: methods.a.B.logging: "1" is not a section: write keys with their values`
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A problem is the file's only where a value of the file is part of it.
func TestWhoseFaultACombinationIs(t *testing.T) {
	const file = "error_handling: {async: {timeout_seconds: 2}, graceful_degradation: {enabled: true}}"
	for _, row := range []struct {
		layer policy.Layer
		want  string
	}{
		{policy.Method("/a.B/C", func(p *policy.Policy) { p.AttemptTimeout = 3 * time.Second }),
			"recourse.yaml:1:43: error_handling.async.timeout_seconds: for /a.B/C, AttemptTimeout 3s is " +
				"more than timeout_seconds 2, so that it could never end an attempt: " +
				"lower AttemptTimeout or raise timeout_seconds"},
		{policy.Method("/a.B/C", func(p *policy.Policy) { p.Timeout, p.AttemptTimeout = time.Second, 3*time.Second }),
			"policy: /a.B/C: AttemptTimeout 3s is more than Timeout 1s, " +
				"so that it could never end an attempt: lower AttemptTimeout or raise Timeout"},
		{policy.Service("a.B", func(p *policy.Policy) { p.BackoffMultiplier = 0 }),
			"policy: service a.B: BackoffMultiplier 0 is not a number from 1: use 1 or more"},
	} {
		if _, err := policy.Parse([]byte(file), row.layer); err == nil || err.Error() != row.want {
			t.Errorf("%v\nwant %s", err, row.want)
		}
	}
}

func TestValidate(t *testing.T) {
	type P = policy.Policy
	const s = time.Second
	for _, row := range []struct {
		name   string
		change func(*P)
		want   string // begins the error; empty: valid
	}{
		{"no limits", func(p *P) { p.Timeout, p.MinTimeout, p.AttemptTimeout = 0, 0, 20*s }, ""},
		{"minimum", func(p *P) { p.MinTimeout, p.Timeout = 31*s, 30*s }, "MinTimeout 31s is more than Timeout 30s"},
		{"minimum at the limit", func(p *P) { p.MinTimeout, p.MaxTimeout, p.AttemptTimeout = 30*s, 30*s, 30*s }, ""},
		{"minimum, no timeout", func(p *P) { p.MinTimeout, p.Timeout = 31*s, 0 }, ""},
		{"minimum over maximum", func(p *P) { p.MinTimeout, p.MaxTimeout = 3*s, 2*s },
			"MinTimeout 3s is more than MaxTimeout 2s"},
		{"minimum over attempt", func(p *P) { p.MinTimeout, p.AttemptTimeout = 3*s, 2*s },
			"MinTimeout 3s is more than AttemptTimeout 2s"},
		{"maximum below timeout", func(p *P) { p.MaxTimeout = 10 * s }, ""},
		{"attempt", func(p *P) { p.AttemptTimeout = 31 * s }, "AttemptTimeout 31s is more than Timeout 30s"},
		{"idle", func(p *P) { p.MaxTimeout, p.IdleTimeout = 40*s, 41*s },
			"IdleTimeout 41s is more than MaxTimeout 40s"},
		{"idle, no maximum", func(p *P) { p.IdleTimeout, p.FirstMessageTimeout = 41*s, 41*s }, ""},
		{"first message", func(p *P) { p.MaxTimeout, p.FirstMessageTimeout = 40*s, 41*s },
			"FirstMessageTimeout 41s is more than MaxTimeout 40s"},
		{"back-off", func(p *P) { p.Backoff, p.MaxBackoff = 2*s, s }, "MaxBackoff 1s is less than Backoff 2s"},
		{"no back-off", func(p *P) { p.Backoff, p.MaxBackoff = 0, 0 }, ""},
		{"back-off as timeout", func(p *P) { p.Backoff, p.MaxBackoff, p.Timeout = s, s, s },
			"Backoff 1s is not less than Timeout 1s"},
		{"back-off, one attempt", func(p *P) { p.Backoff, p.MaxBackoff, p.Timeout, p.MaxAttempts = s, s, s, 1 }, ""},
		{"back-off, no timeout", func(p *P) { p.Backoff, p.MaxBackoff, p.Timeout = s, s, 0 }, ""},
		{"no attempts", attempts(0), "MaxAttempts 0 is out of range"},
		{"ten attempts", attempts(10), ""},
		{"eleven attempts", attempts(11), "MaxAttempts 11 is out of range"},
		{"handler never", func(p *P) { p.HandlerAttempts = 0 }, "HandlerAttempts 0 is out of range"},
		{"handler twice", func(p *P) { p.HandlerAttempts = 2 }, ""},
		{"handler thrice", func(p *P) { p.HandlerAttempts = 3 }, "HandlerAttempts 3 is out of range"},
		{"multiplier 1", func(p *P) { p.BackoffMultiplier = 1 }, ""},
		{"multiplier below 1", func(p *P) { p.BackoffMultiplier = 0.9 },
			"BackoffMultiplier 0.9 is not a number from 1"},
		{"multiplier NaN", func(p *P) { p.BackoffMultiplier = math.NaN() },
			"BackoffMultiplier NaN is not a number from 1"},
		{"multiplier infinite", func(p *P) { p.BackoffMultiplier = math.Inf(1) },
			"BackoffMultiplier +Inf is not a number from 1"},
		{"no time for fallbacks", func(p *P) { p.FallbackTimeout = 0 },
			"FallbackTimeout 0s gives fallbacks no time although Fallback true"},
		{"no fallbacks", func(p *P) { p.Fallback, p.FallbackTimeout = false, 0 }, ""},
		{"threshold", func(p *P) { p.ContactSupportThreshold = -1 }, "ContactSupportThreshold -1 is negative"},
		{"code OK", func(p *P) { p.Codes = []codes.Code{codes.Aborted, codes.OK} },
			"Codes [Aborted OK] holds what is not the code of an error"},
		{"unknown code", func(p *P) { p.Codes = []codes.Code{17} },
			"Codes [Code(17)] holds what is not the code of an error"},
		{"last code", func(p *P) { p.Codes = []codes.Code{codes.Unauthenticated, codes.Canceled} }, ""},
		{"negative", func(p *P) { p.IdleTimeout = -1 }, "IdleTimeout -1ns is negative"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := *new(policy.Set).For("")
			row.change(&p)
			err := p.Validate()
			if row.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "policy: "+row.want) || strings.Contains(err.Error(),
				"\n") {
				t.Errorf("%v, want %s", err, row.want)
			}
			if err != nil && !remedy.MatchString(err.Error()[strings.LastIndex(err.Error(), ": ")+2:]) {
				t.Errorf("no remedy: %v", err)
			}
			if _, err := policy.New(policy.Method("/a.B/C", row.change)); err == nil || !strings.Contains(err.Error(),
				"/a.B/C: "+row.want) {
				t.Errorf("a set: %v", err)
			}
		})
	}
	for name, change := range map[string]func(*P){
		"Timeout":             func(p *P) { p.Timeout = -1 },
		"MaxTimeout":          func(p *P) { p.MaxTimeout = -1 },
		"MinTimeout":          func(p *P) { p.MinTimeout = -1 },
		"AttemptTimeout":      func(p *P) { p.AttemptTimeout = -1 },
		"FirstMessageTimeout": func(p *P) { p.FirstMessageTimeout = -1 },
		"Backoff":             func(p *P) { p.Backoff = -1 },
		"MaxBackoff":          func(p *P) { p.MaxBackoff = -1 },
		"FallbackTimeout":     func(p *P) { p.FallbackTimeout = -1 },
	} {
		p := *new(policy.Set).For("")
		change(&p)
		want := "policy: " + name + " -1ns is negative: use 0 or more"
		if err := p.Validate(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := new(policy.Policy).Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("the zero policy: %v", err)
	}
}
