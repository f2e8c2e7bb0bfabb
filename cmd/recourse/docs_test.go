package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/catalog"
)

func runDocs(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(append([]string{"docs"}, args...), streams{stdin, &out, &err})
	return code, out.String(), err.String()
}

func TestDocs(t *testing.T) {
	const from = "../../docs/errors/catalog.json"
	dir := t.TempDir()
	if code, out, err := runDocs(t, nil, "-o", dir, from); code != exitOK || !strings.Contains(out, "errors 10, files 13, changed 13") {
		t.Fatal(code, out, err)
	}
	if code, out, err := runDocs(t, nil, from, "-check", "-o", dir); code != exitOK || out != "" {
		t.Error(code, out, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, err := runDocs(t, nil, "-check", "-o", dir, from)
	if code != exitFound || out != "README.md is not current\n" || !strings.Contains(err, "without -check") {
		t.Error(code, out, err)
	}
	b, readErr := os.ReadFile(from)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if code, out, err := runDocs(t, bytes.NewReader(b), "-o", dir, "-format", "markdown, json", "-"); code != exitOK || !strings.Contains(out, "files 2, changed 1") {
		t.Error(code, out, err)
	}
}

func TestDocsSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty.binpb": "", "text.json": "{}", "newer.json": `{"schema": 99}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for want, args := range map[string][]string{
		"say where to write":       {"catalog.json"},
		"and what to read":         {"-o", dir},
		"no such file":             {"-o", dir, filepath.Join(dir, "missing.binpb")},
		"no files in this":         {"-o", dir, filepath.Join(dir, "empty.binpb")},
		"there are no files":       {"-o", dir, filepath.Join(dir, "text.json")},
		"use a newer one":          {"-o", dir, filepath.Join(dir, "newer.json")},
		`there is no format "pdf"`: {"-o", dir, "-format", "pdf", "../../docs/errors/catalog.json"},
	} {
		if code, out, err := runDocs(t, nil, args...); code != exitUsage || !strings.Contains(err, want) || out != "" {
			t.Errorf("%q: exit %d, %q, %q; want %q", args, code, out, err, want)
		}
	}
}

// An error that is gone is remembered, so that its code is never given away again.
func TestDocsRemembers(t *testing.T) {
	const from = "../../docs/errors/catalog.json"
	dir := t.TempDir()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	gone := *c.Errors[0]
	gone.Reason = "GONE"
	c.Errors = append(c.Errors, &gone)
	var earlier bytes.Buffer
	if err := c.Write(&earlier); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "catalog.json"), earlier.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if code, _, err := runDocs(t, nil, "-o", dir, from); code != exitOK {
			t.Fatal(err)
		}
	}
	if code, out, _ := runDocs(t, nil, "-check", "-o", dir, from); code != exitOK {
		t.Error(out)
	}
	b, err = os.ReadFile(filepath.Join(dir, "catalog.json"))
	if err != nil || !bytes.Contains(b, []byte(`"assistant.example.com/GONE"`)) {
		t.Errorf("%v: GONE is not in\n%s", err, b)
	}
}
