package vet_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/tools/vet"
	"golang.org/x/tools/go/analysis/analysistest"
)

// The packages in testdata are of a module of its own, with the code that is generated for a service, and say in
// comments what is to be found in them.
func TestAnalyzer(t *testing.T) {
	// analysistest downloads nothing.
	download := exec.Command("go", "list", "-deps", "./...")
	download.Dir = analysistest.TestData()
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	analysistest.Run(t, analysistest.TestData(), vet.Analyzer, "./...")
}

// go vet runs the command in another way than a shell does; both have to find something, and say so by their exit code.
func TestCommand(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "recourse-vet")
	if out, err := exec.Command("go", "build", "-o", tool, "./cmd/recourse-vet").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, command := range [][]string{{tool, "./own"}, {"go", "vet", "-vettool=" + tool, "./own"}} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = "testdata"
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			t.Errorf("%v: %v, want a failure", command, err)
		}
		if !strings.Contains(string(out), "own.go:14:14: CODE_UNDECLARED: Pay answers") {
			t.Errorf("%v prints\n%s", command, out)
		}
	}
}

// The command that lists all other rules lists these too.
func TestRecourseHelpLint(t *testing.T) {
	cmd := exec.Command("go", "run", "./cmd/recourse", "help", "lint")
	cmd.Dir = filepath.Join("..", "..")
	help, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`(?m)^  CODE_\w+\n    .*\n`)
	want, got := rules.FindAllString(vet.Analyzer.Doc, -1), rules.FindAllString(string(help), -1)
	if len(want) != 4 || !slices.Equal(want, got) {
		t.Errorf("recourse help lint has the rules\n%s\nand the analyzer\n%s", got, want)
	}
}
