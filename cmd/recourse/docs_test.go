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

func TestDocsWithTranslations(t *testing.T) {
	dir := t.TempDir()
	texts := filepath.Join(dir, "errors.de.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(texts, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"locale": "de", "errors": {"shop.example.com/SOLD_OUT": {"message": "{sku} ist ausverkauft"}}}`)
	out := filepath.Join(dir, "out")
	if code, stdout, err := runDocs(t, nil, "-o", out, "-translations", texts, "testdata/shop.txtpb"); code != exitOK {
		t.Fatal(code, stdout, err)
	}
	for name, want := range map[string]string{
		"catalog.json": `"message": "{sku} ist ausverkauft"`, "README.md": "ist ausverkauft |", "SOLD_OUT/index.html": "ist ausverkauft</td>",
	} {
		if b, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: no %s in\n%s, %v", name, want, b, err)
		}
	}
	// A document has them already; descriptors alone have not.
	if code, stdout, err := runDocs(t, nil, "-o", out, "-check", filepath.Join(out, "catalog.json")); code != exitOK {
		t.Error(code, stdout, err)
	}
	if code, stdout, err := runDocs(t, nil, "-o", out, "-check", "testdata/shop.txtpb"); code != exitFound {
		t.Error(code, stdout, err)
	}
	write(`{"locale": "de", "errors": {"shop.example.com/NONE": {"message": "?"}}}`)
	if code, _, err := runDocs(t, nil, "-o", out, "-translations", texts, "testdata/shop.txtpb"); code != exitUsage || !strings.Contains(err, "shop.example.com/NONE: no error has this name") {
		t.Error(code, err)
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
