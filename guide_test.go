package recourse_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guide, guided = "docs/catalogue.md", "examples/catalogue"

var (
	guideMark  = regexp.MustCompile(`(?m)^[\t ]*(?://|#) \[guide:([\w.]+)\]\n`)
	guidePlace = regexp.MustCompile("(?s)<!-- guide:([\\w.]+) -->\n```\\w+\n(.*?)```\n")
)

// The guide shows code that compiles and runs: it is cut from its example, all of it.
func TestTheGuideShowsItsExample(t *testing.T) {
	want := map[string]string{}
	err := filepath.WalkDir(guided, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source := read(t, path)
		for _, m := range guideMark.FindAllStringSubmatch(source, -1) {
			want[m[1]] = guideSnippet(t, path, source, m[1])
		}
		return nil
	})
	if err != nil || len(want) == 0 {
		t.Fatalf("found %d snippets: %v", len(want), err)
	}
	for _, m := range guidePlace.FindAllStringSubmatch(read(t, guide), -1) {
		if m[2] != want[m[1]] {
			t.Errorf("%s shows another %s than its example:\n%s\nwant\n%s", guide, m[1], m[2], want[m[1]])
		}
		delete(want, m[1])
	}
	for name := range want {
		t.Errorf("%s has no place for %s", guide, name)
	}
}

// guideSnippet cuts what stands between the markers, without its indentation.
func guideSnippet(t *testing.T, path, source, name string) string {
	t.Helper()
	_, after, _ := strings.Cut(source, " [guide:"+name+"]\n")
	body, _, ok := strings.Cut(after, " [/guide:"+name+"]")
	if !ok {
		t.Fatalf("%s: %s has no end", path, name)
	}
	body = strings.Trim(strings.TrimRight(body, "/# \t\n"), "\n") + "\n"
	indent := body[:len(body)-len(strings.TrimLeft(body, "\t "))]
	var b strings.Builder
	for line := range strings.Lines(body) {
		b.WriteString(strings.TrimPrefix(line, indent))
	}
	return b.String()
}

// The commands in the guide are there.
func TestTheGuideCallsCommandsThatExist(t *testing.T) {
	sources, err := filepath.Glob("cmd/recourse/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
	}
	for _, m := range regexp.MustCompile(`(?m)(?:^|\| |`+"`"+`)recourse (?:help )?(\w+)`).FindAllStringSubmatch(read(t, guide), -1) {
		if !strings.Contains(code.String(), `name: "`+m[1]+`"`) {
			t.Errorf("there is no recourse %s", m[1])
		}
	}
}
