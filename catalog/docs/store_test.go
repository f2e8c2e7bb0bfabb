package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/docs"
)

// Pages of errors that are gone are removed, what others have put beside them stays.
func TestWriteAndCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "errors")
	check := func(c map[string][]byte, want ...string) {
		t.Helper()
		found, err := docs.Check(dir, c)
		if diff := cmp.Diff(want, found); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	c := example(t)
	before := files(t, c)
	check(before, dir+" is not there")
	if changed, err := docs.Write(dir, before); err != nil || len(changed) != 13 {
		t.Fatal(changed, err)
	}
	check(before)
	if changed, err := docs.Write(dir, before); err != nil || len(changed) != 0 {
		t.Error(changed, err)
	}

	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("CNAME", "docs.example.com")
	write("guide/index.html", "<p>by hand</p>")
	check(before)
	write("CHAT_FULL/index.html", "edited")
	check(before, "CHAT_FULL/index.html is not current")

	c.Errors = slices.DeleteFunc(c.Errors, func(e *catalog.Error) bool { return e.Reason == "TOKEN_MISSING" })
	after := files(t, c, docs.HTML)
	check(after, "CHAT_FULL/index.html is not current", "TOKEN_EXPIRED/index.html is not current", "index.html is not current",
		"TOKEN_MISSING/index.html is of no error any more")
	if _, err := docs.Write(dir, after); err != nil {
		t.Fatal(err)
	}
	check(after)
	for name, there := range map[string]bool{"TOKEN_MISSING": false, "CNAME": true, "guide/index.html": true, "README.md": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A link in the folder leads nothing out of it.
func TestWriteStaysInItsFolder(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(dir, "CHAT_FULL")); err != nil {
		t.Skip(err)
	}
	if _, err := docs.Write(dir, files(t, example(t))); err == nil {
		t.Error("no error")
	}
	if in, err := os.ReadDir(elsewhere); err != nil || len(in) > 0 {
		t.Errorf("%v %v", in, err)
	}
}
