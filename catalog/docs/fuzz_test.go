package docs_test

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/docs"
)

// Whatever a document says, the pages have no script but ours, stay in their folder, and
// show code that is code.
func FuzzFiles(f *testing.F) {
	b, err := os.ReadFile("testdata/hostile.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":1,"errors":[{"domain":"a","reason":"A","goPackage":"x;y","params":[{"key":"a}; evil(){"},{"key":""}],"actions":[null,{}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := catalog.Parse(b)
		if err != nil {
			return
		}
		files, err := docs.Files(c)
		if err != nil {
			return
		}
		for name, page := range files {
			if !filepath.IsLocal(name) {
				t.Errorf("a file %q", name)
			}
			if strings.HasSuffix(name, ".html") && bytes.Count(bytes.ToLower(page), []byte("<script")) > 1 {
				t.Errorf("%s has a script:\n%s", name, page)
			}
		}
		for _, block := range strings.Split(string(files["README.md"]), "\n```go\n")[1:] {
			code, _, _ := strings.Cut(block, "\n```\n")
			_, code, _ = strings.Cut(code, "\n") // the import
			if _, err := format.Source([]byte("func _() {\n" + code + "\n}\n")); err != nil {
				t.Errorf("%v in\n%s", err, code)
			}
		}
	})
}
