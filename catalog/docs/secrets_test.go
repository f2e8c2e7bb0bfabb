package docs_test

import (
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/docs"
)

// A page shows what the least trusted of those who may see the error see: examples of others
// stand in the table of parameters only.
func TestThePageShowsWhatItsReadersMaySee(t *testing.T) {
	params := []catalog.Param{
		{Key: "open", Type: "STRING", Sensitivity: "PUBLIC", Example: "open-value"},
		{Key: "inner", Type: "STRING", Sensitivity: "INTERNAL", Example: "inner-value"},
		{Key: "person", Type: "STRING", Sensitivity: "PERSONAL", Example: "person-value"},
		{Key: "secret", Type: "STRING", Sensitivity: "SECRET", Example: "secret-value"},
	}
	for visibility, want := range map[string]string{
		"PUBLIC":   "open-value *** *** ***",
		"PARTNER":  "open-value inner-value *** ***",
		"INTERNAL": "open-value inner-value person-value ***",
	} {
		c := &catalog.Catalog{Schema: 1, Errors: []*catalog.Error{{
			Domain: "a.example", Reason: "ODD", Code: "INTERNAL", Title: "Odd", Message: "{open} {inner} {person} {secret}",
			Params: params, Visibility: visibility,
		}}}
		page := string(files(t, c, docs.HTML)["ODD/index.html"])
		if !strings.Contains(page, `<blockquote class="message">`+want+`</blockquote>`) {
			t.Errorf("%s: no %q in the page", visibility, want)
		}
		_, wire, _ := strings.Cut(page, `id="wire"`)
		for value := range strings.FieldsSeq("open-value inner-value person-value secret-value") {
			if strings.Contains(wire, value) != strings.Contains(want, value) {
				t.Errorf("%s: %s is sent: %v", visibility, value, strings.Contains(wire, value))
			}
		}
		if noted := strings.Contains(page, "Others get the gRPC code"); noted != (visibility != "PUBLIC") {
			t.Errorf("%s: the page says that others do not see it: %v", visibility, noted)
		}
	}
}
