package policy_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A line of an error says where, which key, what, and what to do about it.
var (
	errorLine = regexp.MustCompile(`^[^:]+:(\d+):(\d+): (?:\(file\)|(?:[\w/.*<!-]|"(?:[^"\\]|\\.)*")+): (.+): (.+)$`)
	remedy    = regexp.MustCompile(`^(write|remove|use|did you mean|lower|raise|close) `)
)

func TestBadFiles(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(paths) < 24 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			set, err := policy.Load(path)
			if set != nil || err == nil {
				t.Fatalf("accepted: %+v", set.For("/a.B/C"))
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "") + "\n"
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", got)
			wellFormed(t, got)
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// wellFormed checks the form of every line, and their order.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	var places [][2]int
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		m := errorLine.FindStringSubmatch(line)
		if m == nil || !remedy.MatchString(m[4]) {
			t.Errorf("no place, no key or no remedy: %s", line)
			continue
		}
		var at [2]int
		if _, err := fmt.Sscan(m[1], &at[0]); err != nil {
			t.Error(err)
		}
		if _, err := fmt.Sscan(m[2], &at[1]); err != nil {
			t.Error(err)
		}
		places = append(places, at)
	}
	if !slices.IsSortedFunc(places, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		t.Errorf("not in the order of the file:\n%s", text)
	}
}

// The documented file says what it means: the values of the pattern, and of its methods.
func TestDocumentedFile(t *testing.T) {
	set, err := policy.Load("recourse.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Policy{
		Timeout: 30 * time.Second, MinTimeout: 2 * time.Millisecond,
		MaxAttempts: 4, Backoff: time.Second, MaxBackoff: time.Second, BackoffMultiplier: 2, HandlerAttempts: 1,
		Fallback: true, FallbackTimeout: 10 * time.Second,
		LogAllErrors: true, StackTraces: true, LogRecovery: true,
		Guidance: true, ContactSupportThreshold: 3,
	}
	equal(t, set, "/any.Other/Method", want)
	want.Timeout = 10 * time.Second
	equal(t, set, "/assistant.v1.Assistant/Other", want)
	want.Idempotent, want.MaxAttempts, want.Backoff = true, 2, 50*time.Millisecond
	want.FallbackTimeout = 2500 * time.Millisecond
	equal(t, set, "/assistant.v1.Assistant/Process", want)
}

// What its comments say of keys that are left out is what holds without a file.
func TestDocumentedDefaults(t *testing.T) {
	text, err := os.ReadFile("recourse.yaml")
	if err != nil {
		t.Fatal(err)
	}
	stated := regexp.MustCompile(`Left out: ([^\s]+)\.\n +(\w+): .*`)
	all := stated.FindAllStringSubmatch(string(text), -1)
	if len(all) != 12 {
		t.Fatalf("%d defaults are stated", len(all))
	}
	changed := stated.ReplaceAllStringFunc(string(text), func(s string) string {
		m := stated.FindStringSubmatch(s)
		return fmt.Sprintf("Left out: %s.\n    %s: %s", m[1], m[2], m[1])
	})
	changed, _, _ = strings.Cut(changed, "\nmethods:")
	set, err := policy.Parse([]byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, set, "", *new(policy.Set).For(""))
}

// Each key changes its own fields to its own value, and no others.
func TestEachKey(t *testing.T) {
	for _, row := range []struct {
		section, key, value string
		change              func(*policy.Policy)
	}{
		{"async", "timeout_seconds", "4.5", func(p *policy.Policy) { p.Timeout = 4500 * time.Millisecond }},
		{"async", "timeout_seconds", "0", func(p *policy.Policy) { p.Timeout = 0 }},
		{"async", "timeout_seconds", "86400", func(p *policy.Policy) { p.Timeout = 24 * time.Hour }},
		{"async", "max_retries", "9", func(p *policy.Policy) { p.MaxAttempts = 10 }},
		{"async", "max_retries", "0", func(p *policy.Policy) { p.MaxAttempts = 1 }},
		{"async", "retry_delay_seconds", "0.000000001", func(p *policy.Policy) { p.Backoff = 1 }},
		{"async", "retry_delay_seconds", "0", func(p *policy.Policy) { p.Backoff = 0 }},
		{"async", "retry_delay_seconds",
			"7", func(p *policy.Policy) { p.Backoff, p.MaxBackoff = 7*time.Second, 7*time.Second }},
		{"graceful_degradation", "enabled", "false", func(p *policy.Policy) { p.Fallback = false }},
		{"graceful_degradation", "fallback_timeout_seconds",
			"3", func(p *policy.Policy) { p.FallbackTimeout = 3 * time.Second }},
		{"logging", "log_all_errors", "false", func(p *policy.Policy) { p.LogAllErrors = false }},
		{"logging", "include_stack_traces", "false", func(p *policy.Policy) { p.StackTraces = false }},
		{"logging", "log_recovery_attempts", "false", func(p *policy.Policy) { p.LogRecovery = false }},
		{"user_messages", "include_recovery_guidance", "false", func(p *policy.Policy) { p.Guidance = false }},
		{"user_messages", "technical_details", "true", func(p *policy.Policy) { p.TechnicalDetails = true }},
		{"user_messages", "contact_support_threshold", "0", func(p *policy.Policy) { p.ContactSupportThreshold = 0 }},
		{"user_messages", "contact_support_threshold",
			"1000", func(p *policy.Policy) { p.ContactSupportThreshold = 1000 }},
	} {
		want := *new(policy.Set).For("")
		row.change(&want)
		section := fmt.Sprintf("{%s: {%s: %s}}", row.section, row.key, row.value)
		equal(t, parse(t, "error_handling: "+section), "/a.B/C", want)
		equal(t, parse(t, "methods: {a.B: "+section+"}"), "/a.B/C", want)
		equal(t, parse(t, "methods: {/a.B/C: "+section+"}"), "/a.B/C", want)
		equal(t, parse(t, "methods: {/a.B/C: "+section+"}"), "/a.B/D", *new(policy.Set).For(""))
	}
	want := *new(policy.Set).For("")
	want.Idempotent = true
	equal(t, parse(t, "methods: {a.B: {idempotent: true}}"), "/a.B/C", want)
	equal(t, parse(t, "methods: {a.B/C: {idempotent: true}}"), "/a.B/C", want)
}

func TestFilesThatSayNothing(t *testing.T) {
	for _, text := range []string{
		"", "\n\n", "# nothing\n", "---\n", "--- # nothing\n", "{}", "%YAML 1.1\n---\n...\n", "\uFEFF",
		"\uFEFF# nothing\n",
		"error_handling: {}\nmethods: {}\n", "error_handling:\n  async: {}\r\n", "methods:\n  a.B: {}\n   \n",
	} {
		set, err := policy.Parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		equal(t, set, "/a.B/C", *new(policy.Set).For(""))
	}
}

// A byte order mark takes no column.
func TestPlacesBehindAByteOrderMark(t *testing.T) {
	for text, want := range map[string]string{
		"colour: 1": "recourse.yaml:1:1: ", "{colour: 'x": "recourse.yaml:1:11: ", "\tmethods: {}": "recourse.yaml:1:1: ",
	} {
		for _, mark := range []string{"", "\uFEFF"} {
			if _, err := policy.Parse([]byte(mark + text)); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q: %v, want %s", mark+text, err, want)
			}
		}
	}
}

func TestTheSizeOfAFile(t *testing.T) {
	const most = 1 << 20
	for size, ok := range map[int]bool{most: true, most + 1: false} {
		path := filepath.Join(t.TempDir(), "recourse.yaml")
		write(t, path, "error_handling: {async: {timeout_seconds: 7}} #"+strings.Repeat("x", size-47))
		set, err := policy.Load(path)
		if (err == nil) != ok {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if ok && set.For("").Timeout != 7*time.Second {
			t.Errorf("%d bytes: a timeout of %v", size, set.For("").Timeout)
		}
		if !ok {
			wellFormed(t, err.Error())
		}
	}
}

// Large and hostile files take no more than a moment.
func TestHostileFiles(t *testing.T) {
	for name, text := range map[string]string{
		"deep lists":     strings.Repeat("[", 1<<20),
		"deep mappings":  strings.Repeat("{a: ", 1<<18),
		"deep sequences": strings.Repeat("- ", 1<<19),
		"comments":       strings.Repeat("a: #\n", 1<<17),
		"unknown keys":   strings.Repeat("timeoutsecond: 1\n", 1<<15),
		"a long key":     "error_handling: {" + strings.Repeat("a", 1<<18) + ": 1}",
		"methods":        "methods:\n" + strings.Repeat("  a.B: {}\n", 1<<15),
		"a long line":    "methods: [" + strings.Repeat("1, ", 1<<18),
		"tabs":           strings.Repeat("\ta\n", 1<<17),
	} {
		start := time.Now()
		_, err := policy.Parse([]byte(text))
		if took := time.Since(start); err == nil || took > 20*time.Second {
			t.Errorf("%s: %v, in %v", name, err != nil, took)
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "policy: stat " + filepath.Join(dir,
			"none.yaml") + ": no such file or directory",
		dir:        "policy: " + dir + " is not a regular file",
		os.DevNull: "policy: " + os.DevNull + " is not a regular file",
	} {
		if _, err := policy.Load(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func parse(t *testing.T, text string, layers ...policy.Layer) *policy.Set {
	t.Helper()
	set, err := policy.Parse([]byte(text), layers...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return set
}

func equal(t *testing.T, set *policy.Set, method string, want policy.Policy) {
	t.Helper()
	if diff := cmp.Diff(want, *set.For(method)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", method, diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
