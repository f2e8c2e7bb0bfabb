// Package conformance_test makes the golden errors and holds this repository's own reader to them. README.md says what
// every reader has to do.
package conformance_test

import (
	"bytes"
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
)

var update = flag.Bool("update", false, "write the golden files anew; read what has changed")

const folder = "golden"

// The golden files are what cases.go makes: nobody has changed one by hand, and none is left of a case that has gone.
func TestGoldenFilesAreCurrent(t *testing.T) {
	made := cases()
	reader, done, err := golden.InMemory(slices.Collect(maps.Values(made)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	})
	read := func(c golden.Case) golden.Report {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := reader.Read(ctx, c)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		return r
	}
	if *update {
		old, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range old {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range made {
		path := filepath.Join(folder, name+".json")
		if *update {
			c.Report = read(c)
			b, err := c.Text()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v: run go test ./conformance -update", err)
			continue
		}
		c.Report = read(c)
		got, err := c.Text()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: this reader, or the case, says\n%s\nand the golden file\n%s", name, got, want)
		}
	}
	found, err := golden.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		if _, ok := made[c.Name]; !ok {
			t.Errorf("%s.json is a golden file without a case", c.Name)
		}
	}
}
