package recourse_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README shows code that compiles: it is cut from the examples.
func TestReadmeShowsTheExamples(t *testing.T) {
	readme := read(t, "README.md")
	if n := strings.Count(readme, "\n"); n > 150 {
		t.Errorf("README.md has %d lines, want at most 150", n)
	}
	for side, file := range map[string]string{"server": "examples/server/assistant.go", "client": "examples/client/ask.go", "error": "status/example_test.go", "more": "status/example_test.go"} {
		want := snippet(t, read(t, file), side)
		if n := strings.Count(want, "\n"); n > 15 {
			t.Errorf("%s: the snippet has %d lines, want at most 15", file, n)
		}
		_, after, ok := strings.Cut(readme, "<!-- readme:"+side+" -->\n```go\n")
		if !ok {
			t.Errorf("README.md has no place for the %s", side)
			continue
		}
		if got, _, _ := strings.Cut(after, "```\n"); got != want {
			t.Errorf("README.md shows another %s than %s:\n%s\nwant\n%s", side, file, got, want)
		}
	}
}

// snippet cuts what stands between the markers, without their indentation.
func snippet(t *testing.T, source, side string) string {
	t.Helper()
	_, after, ok := strings.Cut(source, "// [readme:"+side+"]\n")
	body, _, ok2 := strings.Cut(after, "// [/readme:"+side+"]")
	if !ok || !ok2 {
		t.Fatalf("no markers around the %s", side)
	}
	body = strings.TrimRight(body, "\t \n") + "\n"
	indent := body[:len(body)-len(strings.TrimLeft(body, "\t"))]
	var b strings.Builder
	for line := range strings.Lines(body) {
		b.WriteString(strings.TrimPrefix(line, indent))
	}
	return b.String()
}

// A link to a file that is not there is a lie.
func TestLinksInTheDocumentsHold(t *testing.T) {
	var docs []string
	for _, pattern := range []string{"README.md", "docs/*.md", "*/README.md", "*/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: found %v, %v", pattern, found, err)
		}
		docs = append(docs, found...)
	}
	code := regexp.MustCompile("(?s)```.*?```|`[^`]*`") // a call of a generic function looks like a link
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	links := 0
	for _, doc := range docs {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, doc), ""), -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
		}
	}
	if links == 0 {
		t.Error("found no link at all")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
