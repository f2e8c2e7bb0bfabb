package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/docs"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	spb "google.golang.org/genproto/googleapis/rpc/status"
)

const committed = "../../docs/errors"

func example(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, problems := catalog.Read([]protoreflect.FileDescriptor{
		assistantv1.File_assistant_v1_errors_proto, assistantv1.File_assistant_v1_assistant_proto,
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func parsed(t *testing.T, name string) *catalog.Catalog {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func files(t *testing.T, c *catalog.Catalog, formats ...docs.Format) map[string][]byte {
	t.Helper()
	f, err := docs.Files(c, formats...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What is committed is what its own catalog.json makes. That this one is what the proto
// files declare, make checkgenerate knows.
func TestTheCommittedPagesAreCurrent(t *testing.T) {
	found, err := docs.Check(committed, files(t, parsed(t, committed+"/catalog.json")))
	if err != nil || len(found) > 0 {
		t.Errorf("run make errors-docs: %v %v", found, err)
	}
}

// Descriptors and the JSON of them make the same pages, again and again.
func TestTheSameCatalogueMakesTheSameBytes(t *testing.T) {
	c := example(t)
	first := files(t, c)
	again, err := catalog.Parse(first["catalog.json"])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*catalog.Catalog{c, again} {
		if diff := cmp.Diff(first, files(t, c)); diff != "" {
			t.Error(diff)
		}
	}
}

// The status on a page is what the generated code makes, byte for byte once it is encoded.
func TestThePageShowsWhatIsSent(t *testing.T) {
	for name, err := range map[string]error{
		"CHAT_FULL":        assistantv1.ChatFull{TurnsPerChat: 3}.Err(),
		"NOT_YOUR_HISTORY": assistantv1.NotYourHistory{Permission: "history.write", Resource: "users/ada/history"}.Err(),
		"TEXT_BROKE_OFF":   assistantv1.TextBrokeOff{NextPosition: 7}.Err(),
	} {
		one := &catalog.Catalog{Schema: catalog.Schema, Errors: []*catalog.Error{example(t).Find(name)}}
		_, after, _ := strings.Cut(string(files(t, one, docs.Markdown)["README.md"]), "```json\n")
		block, _, _ := strings.Cut(after, "```")
		shown := new(spb.Status)
		if err := protojson.Unmarshal([]byte(block), shown); err != nil {
			t.Errorf("%s: %v in %s", name, err, block)
			continue
		}
		e, _ := status.From(err)
		b, err := proto.Marshal(e.Encode(status.Rendering{RequestID: "0f8b3c52a4d94e17"}).Status.Proto())
		if err != nil {
			t.Fatal(err)
		}
		sent := new(spb.Status)
		if err := proto.Unmarshal(b, sent); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent, shown, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-sent +shown):\n%s", name, diff)
		}
	}
}

// The Go code of all pages compiles, with the generated code.
func TestTheSnippetsCompile(t *testing.T) {
	c := example(t)
	c.Errors = append(c.Errors, everyType())
	imports := regexp.MustCompile(`import (.*)\n`)
	src := "package snippets\n\nimport (\n\t\"errors\"\n\t\"fmt\"\n" +
		"\tassistantv1 \"github.com/recourse-dev/recourse/gen/go/assistant/v1\"\n)\n" +
		"var _ = fmt.Println\n"
	readme := string(files(t, c, docs.Markdown)["README.md"])
	n := 0
	for _, block := range strings.Split(readme, "```go\n")[1:] {
		code, _, _ := strings.Cut(block, "```")
		server, client, ok := strings.Cut(imports.ReplaceAllString(code, ""), "// A client")
		if !ok {
			t.Errorf("no client in %s", code)
		}
		n++
		if strings.Contains(code, "ErrAllTypes") { // which no generated code has
			for _, want := range []string{
				`Text:  "a \"quote\"",`, `Many:  -3,`, "Share: 0.5,", "Yes:   true,", "Wait:  1500 * time.Millisecond,", "At:    time.Now(),",
			} {
				if !strings.Contains(server, want) {
					t.Errorf("no %s in %s", want, server)
				}
			}
			continue
		}
		if !strings.Contains(server, "return") {
			server += "return nil, nil"
		}
		src += fmt.Sprintf("func server%d() (any, error) {\n%s}\nfunc client%d(err error) {\n// A client%s}\n", n, server, n, client)
	}
	if n != len(c.Errors) {
		t.Errorf("%d snippets of %d errors", n, len(c.Errors))
	}
	vet(t, src)
}

func everyType() *catalog.Error {
	return &catalog.Error{
		Domain: "assistant.example.com", Reason: "ALL_TYPES", Code: "INTERNAL", Title: "t", Message: "m", GoPackage: "example.com/x;xv1",
		Params: []catalog.Param{
			{Key: "text", Type: "STRING", Example: `a "quote"`}, {Key: "many", Type: "INT64", Example: "-3"},
			{Key: "share", Type: "DOUBLE", Example: "0.5"}, {Key: "yes", Type: "BOOL", Example: "true"},
			{Key: "wait", Type: "DURATION", Example: "1.5s"}, {Key: "at", Type: "TIMESTAMP", Example: "2026-11-01T00:00:00Z"},
		},
	}
}

// vet compiles a package as if it were in this folder.
func vet(t *testing.T, src string) {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs("snippets/snippets.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{here: filepath.Join(dir, "snippets.go")}})
	for name, b := range map[string][]byte{"snippets.go": []byte(src), "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "./snippets").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, out, src)
	}
}

var (
	href   = regexp.MustCompile(`href="([^"]*)"`)
	mdLink = regexp.MustCompile(`\]\(<?([^)>]*)`)
)

// Nothing of a catalogue becomes markup, and links lead to https or to pages of ours.
func TestAHostileCatalogueIsText(t *testing.T) {
	for name, b := range files(t, parsed(t, "testdata/hostile.json")) {
		text := string(b)
		if strings.ContainsRune(text, '\u202e') && name != "catalog.json" {
			t.Errorf("%s has text that is read backwards", name)
		}
		switch filepath.Ext(name) {
		case ".html":
			for _, never := range []string{"<img", "<iframe", "<svg", "<b>", "<i>", "<u>", "javascript:", "data:text"} {
				if strings.Contains(strings.ReplaceAll(text, "img-src", ""), never) && !visible(text, never) {
					t.Errorf("%s has %s", name, never)
				}
			}
			if n := strings.Count(text, "<script"); n != 1 {
				t.Errorf("%s has %d scripts", name, n)
			}
			for _, m := range href.FindAllStringSubmatch(text, -1) {
				if !regexp.MustCompile(`^(https://docs\.example\.com/|#|data:,$|catalog\.json$|(\.\./)*(SCRIPTS/)?index\.html)`).MatchString(m[1]) {
					t.Errorf("%s links to %s", name, m[1])
				}
			}
		case ".md":
			outside := withoutCode(text)
			for _, m := range mdLink.FindAllStringSubmatchIndex(outside, -1) {
				to := outside[m[2]:m[3]]
				if outside[m[0]-1] != '\\' && !regexp.MustCompile(`^(https://docs\.example\.com/|#scripts|catalog\.json)`).MatchString(to) {
					t.Errorf("%s links to %s", name, to)
				}
			}
			for _, tag := range regexp.MustCompile(`<[a-zA-Z/][^>]*>`).FindAllString(outside, -1) {
				if !slices.Contains([]string{"<details>", "<summary>", "</summary>", "</details>"}, tag) && !strings.HasPrefix(tag, "<https") {
					t.Errorf("%s has %s", name, tag)
				}
			}
		}
	}
}

// withoutCode takes code out of Markdown: what is between as many backticks as began it.
func withoutCode(text string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexByte(text, '`')
		if i < 0 {
			break
		}
		if i > 0 && text[i-1] == '\\' {
			b.WriteString(text[:i+1])
			text = text[i+1:]
			continue
		}
		b.WriteString(text[:i])
		text = text[i:]
		fence := text[:len(text)-len(strings.TrimLeft(text, "`"))]
		_, text, _ = strings.Cut(text[len(fence):], fence)
	}
	return b.String() + text
}

// visible tells whether a text that is no markup stands on the page as text only.
func visible(page, text string) bool {
	return !strings.HasPrefix(text, "<") && !regexp.MustCompile(`(href|src)="[^"]*`+regexp.QuoteMeta(text)).MatchString(page)
}

// A name that would lead out of the folder, or to another's page, is none.
func TestNamesOfFiles(t *testing.T) {
	for _, reason := range []string{"../UP", "A/B", `A\B`, ".", "..", ".HIDDEN", "A B", "Ä", "NUL\x00", "DOT."} {
		c := &catalog.Catalog{Schema: 1, Errors: []*catalog.Error{{Domain: "a.example", Reason: reason}}}
		if got, err := docs.Files(c); err == nil {
			t.Errorf("%q is a file: %q", reason, slices.Sorted(maps.Keys(got)))
		}
	}
	c := &catalog.Catalog{Schema: 1, Errors: []*catalog.Error{{Domain: "a.example", Reason: "FULL"}, {Domain: "a.example", Reason: "Full"}}}
	if _, err := docs.Files(c); err == nil {
		t.Error("FULL and Full have one file on many disks")
	}
}

// A link of an error resolves although another domain has an error of its name.
func TestTwoDomainsShareAnErrorCode(t *testing.T) {
	got := files(t, &catalog.Catalog{Schema: 1, Errors: []*catalog.Error{
		{Domain: "a.example", Reason: "FULL", Title: "A is full"}, {Domain: "a.example", Reason: "OWN", ReplacedBy: "FULL", DeprecatedSince: "2"},
		{Domain: "b.example", Reason: "FULL", Title: "B is full"},
	}}, docs.HTML)
	want := []string{"FULL/index.html", "OWN/index.html", "a.example/FULL/index.html", "b.example/FULL/index.html", "index.html"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Error(diff)
	}
	for page, links := range map[string][]string{
		"FULL/index.html":           {"../index.html", "../a.example/FULL/index.html", "../b.example/FULL/index.html"},
		"index.html":                {"a.example/FULL/index.html", "OWN/index.html"},
		"a.example/FULL/index.html": {"../../index.html", "../../OWN/index.html"},
		"OWN/index.html":            {"../a.example/FULL/index.html"},
	} {
		for _, link := range links {
			if !bytes.Contains(got[page], []byte(`href="`+link+`"`)) {
				t.Errorf("%s has no link to %s", page, link)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	for format, want := range map[docs.Format]int{docs.JSON: 1, docs.Markdown: 1, docs.HTML: 11} {
		if got := files(t, example(t), format); len(got) != want {
			t.Errorf("%s: %d files", format, len(got))
		}
	}
	if _, err := docs.Files(example(t), "pdf"); err == nil {
		t.Error("there is no pdf")
	}
	if page := files(t, example(t), docs.HTML)["index.html"]; bytes.Contains(page, []byte("catalog.json")) {
		t.Error("a link to a file that is not written")
	}
}

// Texts in other languages stand on the page with the examples, as the server sends them.
func TestThePageHasTheOtherLanguages(t *testing.T) {
	one := &catalog.Catalog{Schema: catalog.Schema, Errors: []*catalog.Error{{
		Domain: "a.example", Reason: "FULL", Code: "INTERNAL", Title: "Full", Message: "{count} are in {hall}", Visibility: "PUBLIC",
		Params: []catalog.Param{
			{Key: "count", Type: "INT64", Sensitivity: "PUBLIC", Example: "3"}, {Key: "hall", Type: "STRING", Sensitivity: "INTERNAL", Example: "north"},
		},
		Translations: []catalog.Translation{
			{Locale: "de", Message: "{count} sind voll", Suggestion: "Warte auf {count}."}, {Locale: "pt-BR", Message: "{hall}, {unknown}"},
		},
	}}}
	got := files(t, one)
	for _, want := range []string{
		`<th scope="row">de</th><td data-label="Message" lang="de" dir="auto">3 sind voll</td>`, `<td data-label="What to do" lang="de" dir="auto">Warte auf 3.</td>`,
		`lang="pt-BR" dir="auto">{hall}, {unknown}</td>`,
	} {
		if !strings.Contains(string(got["FULL/index.html"]), want) {
			t.Errorf("no %s", want)
		}
	}
	if want := "| de | 3 sind voll | Warte auf 3. |\n"; !strings.Contains(string(got["README.md"]), want) {
		t.Errorf("no %s", want)
	}
	one.Errors[0].Translations[1].Message = "{hall}" // which no file of translations may
	if page := string(files(t, one)["FULL/index.html"]); !strings.Contains(page, `lang="pt-BR" dir="auto">***</td>`) {
		t.Error("everybody sees the hall")
	}
}
