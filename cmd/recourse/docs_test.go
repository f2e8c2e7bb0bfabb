package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
