package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
)

// What passes for a client here decides what all the others prove.
func TestAClientPassesOnlyWithAllItsSituations(t *testing.T) {
	expected := []string{"file/a", "retry/b"}
	for _, c := range []struct {
		name, script, ci, skipped string
		notOK                     map[string]string
	}{
		{name: "all", script: "echo client grpc-x 1; echo ok retry/b '# a note'; echo ok file/a"},
		{name: "one is left out", script: "echo ok file/a", notOK: map[string]string{"retry/b": "left out"}},
		{name: "nothing is said", script: "true", notOK: map[string]string{"file/a": "left out", "retry/b": "left out"}},
		{name: "one fails", script: "echo ok file/a; echo not ok retry/b '# 2 attempts'", notOK: map[string]string{"retry/b": "2 attempts"}},
		{name: "one fails and is well", script: "echo ok file/a; echo not ok retry/b '# no'; echo ok retry/b", notOK: map[string]string{"retry/b": "no"}},
		{name: "one is well and fails", script: "echo ok file/a; echo ok retry/b; echo not ok retry/b '# no'", notOK: map[string]string{"retry/b": "no"}},
		{name: "one fails without a word", script: "echo ok file/a; echo not ok retry/b", notOK: map[string]string{"retry/b": "not said why"}},
		{name: "told twice", script: "echo ok file/a; echo ok file/a; echo ok retry/b", notOK: map[string]string{"file/a": "told twice"}},
		{name: "of its own", script: "echo ok file/a; echo ok retry/b; echo ok retry/c", notOK: map[string]string{"retry/c": "no such situation"}},
		{name: "all, and it fails", script: "echo ok file/a; echo ok retry/b; exit 1", notOK: map[string]string{"the run": "exit status 1"}},
		{name: "no tools", script: "echo cargo is missing >&2; exit 77", skipped: "cargo is missing"},
		{name: "no tools, and no word of which", script: "exit 77", skipped: "it does not say which tool is missing"},
		{name: "no tools in CI", script: "echo cargo is missing >&2; exit 77", ci: "true", notOK: map[string]string{"the run": "cargo is missing"}},
		{name: "no tools in another CI", script: "echo cargo is missing >&2; exit 77", ci: "1", notOK: map[string]string{"the run": "cargo is missing"}},
		{name: "no tools, once it had begun", script: "echo not ok file/a '# no'; exit 77", notOK: map[string]string{"file/a": "no", "retry/b": "left out"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			r := client{"x", "grpc-x", []string{"sh", "-c", c.script}}.run(t.Context(), nil, expected)
			if r.passed() != (len(c.notOK) == 0) || r.skipped != c.skipped {
				t.Errorf("passed is %v, skipped %q", r.passed(), r.skipped)
			}
			for _, name := range append(expected, "retry/c", "the run") {
				if got, want := r.notOK[name], c.notOK[name]; got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// The situations stand in three places: README.md for people, the list here, and the clients.
func TestSituationsAreThoseOfTheREADME(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:retry|error|answer)/[a-z-]+)` \\|").FindAllSubmatch(b, -1) {
		told = append(told, string(m[1]))
	}
	row := regexp.MustCompile("(?m)^\\| `example/…` \\|.*$").Find(b)
	_, list, _ := strings.Cut(string(row), ": ")
	for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(list, -1) {
		told = append(told, "example/"+m[1])
	}
	var want []string
	for _, s := range named {
		want = append(want, s.name)
	}
	if !slices.Equal(told, want) {
		t.Errorf("README.md has\n%q\nand this program\n%q", told, want)
	}
}

// docs/polyglot.md is written from a run of all languages; which golden errors there are is known without one.
func TestTheTableHasEveryGoldenError(t *testing.T) {
	cases, err := golden.Load("../golden")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/polyglot.md")
	if err != nil {
		t.Fatal(err)
	}
	want := string(render(nil, cases))
	_, want, _ = strings.Cut(want, "\n## The golden errors\n")
	if _, got, _ := strings.Cut(string(page), "\n## The golden errors\n"); got != want || want == "" {
		t.Error("docs/polyglot.md has other golden errors than conformance/golden: run make polyglot-docs")
	}
}

// What a script has started ends with it.
func TestRunLeavesNothingBehind(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(fifo) // until nobody is left that could write to it
		ended <- err
	}()
	c := client{"shell", "sh", []string{"sh", "-c", `exec 3>"$0"; sleep 60 >/dev/null 2>&1 & echo ok a`, fifo}}
	if r := c.run(t.Context(), nil, []string{"a"}); !r.passed() {
		t.Errorf("%v", r.notOK)
	}
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-late.C:
		t.Error("what the script has started is left")
	}
}
