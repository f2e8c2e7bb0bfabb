package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
)

func shop(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/shop.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// document is the catalogue as JSON.
func document(t testing.TB) string {
	t.Helper()
	files, err := catalog.Load([]byte(shop(t)))
	if err != nil {
		t.Fatal(err)
	}
	c, problems := catalog.Read(files)
	var b bytes.Buffer
	if err := c.Write(&b); err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	return b.String()
}

func call(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, streams{strings.NewReader(stdin), &out, &errs})
	return code, out.String(), errs.String()
}

func TestRun(t *testing.T) {
	older := filepath.Join(t.TempDir(), "catalog.json")
	if err := os.WriteFile(older, []byte(document(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	set := shop(t)
	inGerman := filepath.Join(t.TempDir(), "german.json")
	withGerman := strings.Replace(document(t), `"visibility"`, `"translations": [{"locale": "de", "message": "{sku} ist aus"}], "visibility"`, 1)
	if err := os.WriteFile(inGerman, []byte(withGerman), 0o600); err != nil {
		t.Fatal(err)
	}
	please := strings.Replace(set, "Choose another.", "Please choose another.", 1)
	unused := strings.Replace(set, "{sku} is", "It is", 1)
	noTitle := strings.Replace(set, `title: "Item is sold out"`, "", 1)
	louder := strings.Replace(set, "VERDICT_NEVER", "VERDICT_SAME_REQUEST", 1)
	german := func(message string) string {
		name := filepath.Join(t.TempDir(), "errors.de.json")
		text := `{"locale": "de", "errors": {` + message + `}}`
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(filepath.Dir(name), "errors.*.json")
	}
	translated := german(`"shop.example.com/SOLD_OUT": {"message": "{sku} ist ausverkauft"}`)
	untranslated := german("")
	excused := german(`"shop.example.com/SOLD_OUT": {"untranslated": "the notice is English by law"}`)
	mistranslated := german(`"shop.example.com/NONE": {"message": "?"}, "shop.example.com/SOLD_OUT": {"message": "{sku} ist in {place} ausverkauft"}`)
	tests := []struct {
		name           string
		stdin          string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"lint finds nothing", "", []string{"lint", "testdata/shop.txtpb"}, 0, "", ""},
		{"lint of standard input", set, []string{"lint", "-"}, 0, "", ""},
		{"lint of nothing", `file { name: "a.proto" }`, []string{"lint", "-"}, 0, "", "recourse: lint: no errors are declared there\n"},
		{"lint finds an error", please, []string{"lint", "-"}, 1,
			"shop/v1/shop.proto:7:3: CAT_MESSAGE_STYLE: the suggestion of SHOP_ERROR_SOLD_OUT says please: say what is the case, or what to do\n", ""},
		{"flags after arguments, with a root", noTitle, []string{"lint", "-", "-root", "proto"}, 1,
			"proto/shop/v1/shop.proto:7:3: CAT_MESSAGE_STYLE: SHOP_ERROR_SOLD_OUT has no title: write a few words for a headline\n", ""},
		{"lint finds a warning", unused, []string{"lint", "-"}, 0,
			"shop/v1/shop.proto:7:3: CAT_TEMPLATE_PARAMS: no text of SHOP_ERROR_SOLD_OUT shows the parameter sku: " +
				"use it, or take it out if no program needs it (warning)\n", ""},
		{"and minds it", unused, []string{"lint", "-warnings", "-format=github", "-"}, 1,
			"::warning file=shop/v1/shop.proto,line=7,col=3,title=CAT_TEMPLATE_PARAMS::no text of SHOP_ERROR_SOLD_OUT shows the parameter sku: " +
				"use it, or take it out if no program needs it\n", ""},
		{"but not of that file", please, []string{"lint", "-path", "bakery/", "-"}, 0, "", ""},
		{"lint in JSON", noTitle, []string{"lint", "-format", "json", "-"}, 1, `[
  {
    "file": "shop/v1/shop.proto",
    "line": 7,
    "column": 3,
    "rule": "CAT_MESSAGE_STYLE",
    "severity": "error",
    "error": "shop.example.com/SOLD_OUT",
    "text": "SHOP_ERROR_SOLD_OUT has no title: write a few words for a headline"
  }
]
`, ""},
		{"nothing in JSON", set, []string{"lint", "-format", "json", "-"}, 0, "[]\n", ""},

		{"translations", set, []string{"lint", "-translations", translated, "-"}, 0, "", ""},
		{"a translation that is missing", set, []string{"lint", "-root", "proto", "-translations", untranslated, "-"}, 0,
			"shop.example.com/SOLD_OUT: CAT_TRANSLATION_MISSING: there is no text in de: translate it, or say in its file why callers read the English one (untranslated) (warning)\n", ""},
		{"a translation that is not wanted", set, []string{"lint", "-warnings", "-translations", excused, "-"}, 0, "", ""},
		{"translations with mistakes", set, []string{"lint", "-path", "shop/", "-translations", mistranslated, "-"}, 1,
			"the catalogue: CAT_TRANSLATION: " + strings.Replace(mistranslated, "*", "de", 1) +
				": shop.example.com/NONE: no error has this name: write domain/REASON as it is declared\n" +
				"the catalogue: CAT_TRANSLATION: " + strings.Replace(mistranslated, "*", "de", 1) +
				": shop.example.com/SOLD_OUT: message: {place} is no declared parameter\n", ""},
		{"no translations", set, []string{"lint", "-translations", "testdata/none/*.json", "-"}, 1,
			"the catalogue: CAT_TRANSLATION: no file matches \"testdata/none/*.json\"\n", ""},

		{"breaking finds nothing", set, []string{"breaking", "-against", older, "-"}, 0, "", ""},
		{"breaking of two documents", "", []string{"breaking", "-against", older, older}, 0, "", ""},
		{"breaking finds an error", louder, []string{"breaking", "-against", older, "-"}, 1,
			"shop/v1/shop.proto:7:3: BREAK_RETRY: SHOP_ERROR_SOLD_OUT tells clients to send the same request again (SAME_REQUEST), and told them NEVER: " +
				"all of them at once are a load that nobody has tried, declare another error\n", ""},
		{"breaking finds a warning", please, []string{"breaking", "-against", older, "-"}, 0,
			"shop/v1/shop.proto:7:3: BREAK_TEXT: the suggestion of SHOP_ERROR_SOLD_OUT has changed from \"Choose another.\" to \"Please choose another.\": " +
				"clients that look for the text, and translations, need the new one (warning)\n", ""},
		{"breaking finds the language", set, []string{"breaking", "-warnings", "-against", inGerman, "-translations", translated, "-"}, 0, "", ""},
		{"breaking does not find the language", set, []string{"breaking", "-warnings", "-against", inGerman, "-translations", excused, "-"}, 1,
			"the catalogue: BREAK_LOCALE: no error has a text in de any more, and 1 had: put its file back, or have it compared too (warning)\n", ""},
		{"breaking of a document that has the language", "", []string{"breaking", "-warnings", "-against", inGerman, inGerman}, 0, "", ""},
		{"breaking cannot read the language", set, []string{"breaking", "-against", inGerman, "-translations", mistranslated, "-"}, 2, "", "recourse: breaking: "},
		{"breaking knows no place", `{"schema": 1}`, []string{"breaking", "-against", older, "-format", "github", "-"}, 1,
			"::error title=BREAK_DELETED::shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT is no longer declared, and its number 1 and error code SOLD_OUT " +
				"may be given to another error: declare it again, with deprecated_since if nothing answers with it any more\n", ""},

		{"breaking cannot read a part", strings.Replace(set, "}\n  source_code_info", "value { name: 'SHOP_ERROR_NEW' number: 2 } }\n  source_code_info", 1),
			[]string{"breaking", "-against", older, "-"}, 1, "shop/v1/shop.proto: CAT_DECLARED: SHOP_ERROR_NEW declares no error: " +
				"give it the option (recourse.v1.error), or reserve its number and name\n", ""},
		{"no command", "", nil, 2, "", "recourse works with the errors"},
		{"no such command", "", []string{"lnit"}, 2, "", "recourse: there is no command \"lnit\": `recourse help` lists them\n"},
		{"no such flag", "", []string{"lint", "-colour", "-"}, 2, "", "recourse: lint: flag provided but not defined: -colour; see `recourse help lint`\n"},
		{"no such format", set, []string{"lint", "-format", "xml", "-"}, 2, "", "recourse: lint: there is no format \"xml\": text, json and github are\n"},
		{"no argument", "", []string{"lint"}, 2, "", "recourse: lint: name one file of descriptors, or - for standard input; see `recourse help lint`\n"},
		{"no such file", "", []string{"lint", "testdata/none"}, 2, "", "recourse: lint: open testdata/none: no such file or directory\n"},
		{"no descriptors", "hello", []string{"lint", "-"}, 2, "", "recourse: lint: this is no descriptor set"},
		{"against nothing", set, []string{"breaking", "-"}, 2, "", "recourse: breaking: name the earlier catalogue with -against; see `recourse help breaking`\n"},
		{"against itself", set, []string{"breaking", "-against", "-", "-"}, 2, "", "recourse: breaking: standard input can be one of the two only\n"},
		{"a later document", `{"schema": 99}`, []string{"breaking", "-against", older, "-"}, 2, "", "recourse: breaking: -: the catalogue has schema 99"},
		{"nobody's shell", "", []string{"completion", "tcsh"}, 2, "", "recourse: completion: \"tcsh\" is not known here: bash, zsh and fish are\n"},
		{"help of nothing", "", []string{"help", "lnit"}, 2, "", "recourse: help: there is no command \"lnit\": `recourse help` lists them\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := call(test.stdin, test.args...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if diff := cmp.Diff(test.stdout, stdout); diff != "" {
				t.Errorf("standard output (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(stderr, test.stderr) || test.stderr == "" && stderr != "" {
				t.Errorf("standard error %q, want %q", stderr, test.stderr)
			}
		})
	}
}

// Every command has a manual page with an example, and can be completed.
func TestHelp(t *testing.T) {
	if code, stdout, _ := call("", "help"); code != 0 || strings.Count(stdout, "\n  ") != len(commands())+1 {
		t.Errorf("help: exit code %d\n%s", code, stdout)
	}
	for _, c := range commands() {
		for _, args := range [][]string{{"help", c.name}, {c.name, "-h"}} {
			code, stdout, stderr := call("", args...)
			if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "Usage:\n\n  recourse "+c.name) || !strings.Contains(stdout, "\nFor example:\n\n  ") {
				t.Errorf("%v: exit code %d, standard error %q\n%s", args, code, stderr, stdout)
			}
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, _ := call("", "completion", shell)
		for _, want := range []string{"lint", "breaking", "against", "warnings"} {
			if code != 0 || !strings.Contains(script, want) {
				t.Errorf("%s: exit code %d, no %s in the script", shell, code, want)
			}
		}
	}
}

// What a shell would offer.
func TestBash(t *testing.T) {
	path, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	_, script, _ := call("", "completion", "bash")
	for _, test := range []struct{ words, want string }{
		{"recourse li", "lint"},
		{"recourse breaking -aga", "-against"},
		{"recourse completion z", "zsh"},
		{"recourse help br", "breaking"},
		{"recourse lint testdata/sh", "testdata/shop.txtpb"},
	} {
		cmd := exec.Command(path, "-c", script+`
COMP_WORDS=(`+test.words+`); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _recourse; echo "${COMPREPLY[@]}"`)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != test.want {
			t.Errorf("%s: got %q, %v, want %s", test.words, out, err, test.want)
		}
	}
}
