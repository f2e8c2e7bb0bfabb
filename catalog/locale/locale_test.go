package locale_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/locale"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

func files(texts map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range texts {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func load(t *testing.T) *locale.Texts {
	t.Helper()
	texts, err := locale.Load(catalog.Linked(), files(map[string]string{
		"errors.de.json": `{"locale": "de", "errors": {
			"assistant.example.com/CHAT_FULL": {"message": "ein Gespräch hat höchstens {turnsPerChat} Runden", "suggestion": "Beginne ein neues."},
			"assistant.example.com/TOKEN_MISSING": {"message": "nicht angemeldet"}}}`,
		"errors.de-CH.json": `{"locale": "de-CH", "errors": {"assistant.example.com/TOKEN_MISSING": {"message": "nöd aagmäldet"}}}`,
		"errors.pt.json":    `{"locale": "pt", "errors": {"assistant.example.com/TOKEN_MISSING": {"message": "sem sessão"}}}`,
	}), "errors.*.json")
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestRender(t *testing.T) {
	texts := load(t)
	missing := assistantv1.TokenMissing{}.Err()
	tests := []struct {
		name, accepted string
		err            error
		want           string // the locale, "" for none
	}{
		{"exactly", "de", missing, "de"},
		{"a region that there is", "de-CH", missing, "de-CH"},
		{"in any case", "DE-ch", missing, "de-CH"},
		{"a region that there is not", "de-AT", missing, "de"},
		{"a script and a region", "de-Latn-CH", missing, "de"},
		{"the second choice", "fr, pt;q=0.8, de;q=0.1", missing, "pt"},
		{"by weight, not by place", "de;q=0.1, pt;q=0.8", missing, "pt"},
		{"refused", "de;q=0, pt;q=0.1", missing, "pt"},
		{"English, as it is, before another", "en-GB, en;q=0.9, de;q=0.5", missing, ""},
		{"English, after another", "de, en;q=0.5", missing, "de"},
		{"of a language the error is not in", "pt", assistantv1.ChatFull{TurnsPerChat: 3}.Err(), ""},
		{"nothing", "", missing, ""},
		{"anything", "*", missing, ""},
		{"garbage", "\x00;;q=NaN,de;q=2,\xff", missing, ""},
		{"endless", strings.Repeat("xx,", 1<<16) + "de", missing, ""},
		{"another error", "de", status.New(codes.NotFound, "NO_SUCH", "no"), ""},
		{"no status", "de", nil, ""},
	}
	for _, test := range tests {
		if got, ok := texts.Render(test.err, test.accepted); got.Locale != test.want && ok || ok != (test.want != "") {
			t.Errorf("%s: %v, %t, want %q", test.name, got, ok, test.want)
		}
	}
	got, _ := texts.Render(assistantv1.ChatFull{TurnsPerChat: 3}.Err(), "de")
	if diff := cmp.Diff(locale.Text{Locale: "de", Message: "ein Gespräch hat höchstens 3 Runden", Suggestion: "Beginne ein neues."}, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := (*locale.Texts)(nil).Render(missing, "de"); ok {
		t.Error("no texts have one")
	}
	lost := status.New(codes.FailedPrecondition, "CHAT_FULL", "full", status.Domain("assistant.example.com"))
	if text, ok := texts.Render(lost, "de"); ok {
		t.Errorf("without its value: %v", text)
	}
}

func TestMissing(t *testing.T) {
	missing := load(t).Missing(catalog.Linked())
	of := map[string]int{}
	for _, m := range missing {
		l, _, _ := strings.Cut(m, ":")
		of[l]++
	}
	n := 0
	for _, e := range catalog.Linked().Errors {
		if e.DeprecatedSince == "" {
			n++
		}
	}
	if of["de"] != n-2 || of["de-CH"] != n-1 || of["pt"] != n-1 {
		t.Errorf("%v of %d", of, n)
	}
	texts, err := locale.Load(catalog.Linked(), files(map[string]string{"de.json": `{"locale": "de", "errors": {
		"assistant.example.com/CHAT_FULL": {"untranslated": "chats are in English"}}}`}), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := texts.Missing(catalog.Linked()); len(got) != n-1 || slices.Contains(got, "de: assistant.example.com/CHAT_FULL") {
		t.Errorf("%d of %d, with one excused: %v", len(got), n, got)
	}
	if text, ok := texts.Render(assistantv1.ChatFull{}.Err(), "de"); ok {
		t.Errorf("one that is excused has the text %v", text)
	}
}

// The document of a catalogue has the texts, for those who read no files of ours.
func TestRecord(t *testing.T) {
	c := &catalog.Catalog{Errors: []*catalog.Error{
		{Domain: "assistant.example.com", Reason: "TOKEN_MISSING", Translations: []catalog.Translation{{Locale: "fr", Message: "of yesterday"}}},
		{Domain: "assistant.example.com", Reason: "CHAT_FULL"},
		{Domain: "assistant.example.com", Reason: "OTHER", Translations: []catalog.Translation{{Locale: "fr", Message: "of yesterday"}}},
	}}
	load(t).Record(c)
	want := [][]catalog.Translation{
		{{Locale: "de", Message: "nicht angemeldet"}, {Locale: "de-CH", Message: "nöd aagmäldet"}, {Locale: "pt", Message: "sem sessão"}},
		{{Locale: "de", Message: "ein Gespräch hat höchstens {turnsPerChat} Runden", Suggestion: "Beginne ein neues."}},
		nil,
	}
	for i, e := range c.Errors {
		if diff := cmp.Diff(want[i], e.Translations); diff != "" {
			t.Errorf("%s (-want +got):\n%s", e.Reason, diff)
		}
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no JSON", `locale: de`, "invalid character"},
		{"two in one", `{"locale": "de", "errors": {}} {"locale": "fr", "errors": {}}`, "after the end"},
		{"another field", `{"locale": "de", "texts": {}}`, "unknown field"},
		{"no language", `{"locale": "German!", "errors": {}}`, "is no language"},
		{"no such error", `{"locale": "de", "errors": {"CHAT_FULL": {"message": "voll"}}}`, "domain/REASON"},
		{"no message", `{"locale": "de", "errors": {"assistant.example.com/CHAT_FULL": {"suggestion": "neu"}}}`, "no message"},
		{"excused, and there", `{"locale": "de", "errors": {"assistant.example.com/CHAT_FULL": {"message": "voll", "untranslated": "x"}}}`, "says why it has none"},
		{"excused, and not declared", `{"locale": "de", "errors": {"assistant.example.com/NO_SUCH": {"untranslated": "x"}}}`, "domain/REASON"},
		{"excused without a reason", `{"locale": "de", "errors": {"assistant.example.com/CHAT_FULL": {"untranslated": ""}}}`, "no message"},
		{"no such parameter", `{"locale": "de", "errors": {"assistant.example.com/CHAT_FULL": {"message": "{turns}"}}}`, "no declared parameter"},
		{"a brace", `{"locale": "de", "errors": {"assistant.example.com/CHAT_FULL": {"message": "}"}}}`, "single brace"},
		{"too long", `{"locale": "de", "errors": {"assistant.example.com/CHAT_FULL": {"message": "` + strings.Repeat("lang ", 60) + `"}}}`, "shorten it"},
	}
	for _, test := range tests {
		_, err := locale.Load(catalog.Linked(), files(map[string]string{"a.json": test.text}), "*.json")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "a.json") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	same := `{"locale": "de", "errors": {}}`
	if _, err := locale.Load(catalog.Linked(), files(map[string]string{"a.json": same, "b.json": same}), "*.json"); err == nil {
		t.Error("two files of a language")
	}
	if _, err := locale.Load(catalog.Linked(), files(nil), "*.json"); err == nil {
		t.Error("no file at all")
	}
}

// A parameter that not everybody may see is in no translation.
func TestAPersonalParameter(t *testing.T) {
	c := &catalog.Catalog{Errors: []*catalog.Error{{Domain: "d.example.com", Reason: "LATE",
		Params: []catalog.Param{{Key: "name", Type: "STRING", Sensitivity: "PERSONAL"}}}}}
	_, err := locale.Load(c, files(map[string]string{"de.json": `{"locale": "de", "errors": {"d.example.com/LATE": {"message": "{name} kommt"}}}`}), "*.json")
	if err == nil || !strings.Contains(err.Error(), "personal") {
		t.Errorf("got %v", err)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("de-CH, de;q=0.9, *;q=0.1")
	f.Add(";;;,,,q=1,de;q=1e999")
	texts, err := locale.Load(catalog.Linked(), files(map[string]string{
		"de.json": `{"locale": "de", "errors": {"assistant.example.com/TOKEN_MISSING": {"message": "nicht angemeldet"}}}`,
	}), "*.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accepted string) {
		if text, ok := texts.Render(assistantv1.TokenMissing{}.Err(), accepted); ok && text.Message != "nicht angemeldet" {
			t.Errorf("%q: %v", accepted, text)
		}
	})
}
