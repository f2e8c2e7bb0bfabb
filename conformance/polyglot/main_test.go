package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	t.Setenv("CI", "true")
	for _, test := range []struct {
		name, script string
		passed       bool
		skipped      string
		notOK        string // a situation, and what is said of it
	}{
		{"all is well", "echo ok a; echo 'ok b # a note'", true, "", ""},
		{"a failure", "echo ok a; echo 'not ok b # no'", false, "", "b no"},
		{"one left out", "echo ok a", false, "", "b left out"},
		{"nothing is said", "true", false, "", "a left out"},
		{"one that nobody knows", "echo ok a; echo ok b; echo ok c", false, "", "c no such situation"},
		{"told twice", "echo ok a; echo ok b; echo ok b", false, "", "b told twice"},
		{"a failure, taken back", "echo 'not ok a # no'; echo ok a; echo ok b", false, "", "a no"},
		{"a failure at the end", "echo ok a; echo ok b; exit 3", false, "", "the run exit status 3"},
		{"a tool is missing", "echo no cc >&2; exit 77", false, "no cc", ""},
		{"a tool is missing that is not named", "exit 77", false, "it does not say which tool is missing", ""},
		{"a failure, called a tool that is missing", "echo 'not ok a # no'; exit 77", false, "", "a no"},
	} {
		c := client{"shell", "sh", []string{"sh", "-c", test.script}}
		r := c.run(t.Context(), nil, []string{"a", "b"})
		if r.passed() != test.passed || r.skipped != test.skipped {
			t.Errorf("%s: passed %v, skipped %q", test.name, r.passed(), r.skipped)
		}
		if name, why, _ := strings.Cut(test.notOK, " "); test.notOK != "" && r.notOK[name] != why && r.notOK["the run"] != strings.TrimPrefix(test.notOK, "the run ") {
			t.Errorf("%s: %v", test.name, r.notOK)
		}
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
