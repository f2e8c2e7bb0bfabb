// Package locale has the texts of declared errors in other languages: in files beside
// the catalogue, checked against it, chosen by what a caller accepts. A server sends the
// one text that fits (see interceptors.Translations); a client can render all of them by
// itself, from the error code and the metadata, with no text on the wire.
package locale

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/status/template"
)

// File is a file of translations, as JSON.
type File struct {
	// Locale is the language of the file, a tag of BCP 47 such as "de" or "pt-BR".
	Locale string `json:"locale"`
	// Errors are the translations, by domain/REASON.
	Errors map[string]Entry `json:"errors"`
}

// Entry is one error in another language. Texts are templates, as in the declaration; they
// can name parameters only that everybody may see.
type Entry struct {
	Message    string `json:"message,omitempty"`
	Suggestion string `json:"suggestion,omitempty"`
	// Untranslated is, in place of a text, why there is none: callers read the English one,
	// and [Texts.Missing] leaves the error out.
	Untranslated string `json:"untranslated,omitempty"`
}

// Texts are the translations of a catalogue. A nil Texts has none. It does not change, and
// is safe for concurrent use.
type Texts struct {
	errors  map[string]map[string]entry // by key, and by locale in small letters
	locales []string                    // as the files spell them, sorted
	excused map[string]bool             // what is not missing, as Missing lists it
}

// Text is an error in one language.
type Text struct{ Locale, Message, Suggestion string }

type entry struct {
	locale              string
	source              Entry
	keys                []string
	message, suggestion template.Template
}

// Load reads the files of a file system that match one of the patterns (path.Match), and
// holds them to the catalogue: what is not declared, names a parameter that is not, or one
// that not everybody may see, is an error, and all of them are told at once. What has no
// translation is none; see [Texts.Missing].
func Load(c *catalog.Catalog, files fs.FS, patterns ...string) (*Texts, error) {
	t := &Texts{errors: map[string]map[string]entry{}, excused: map[string]bool{}}
	var errs []error
	for _, pattern := range patterns {
		names, err := fs.Glob(files, pattern)
		if err == nil && len(names) == 0 {
			err = fmt.Errorf("no file matches %q", pattern)
		}
		errs = append(errs, err)
		for _, name := range names {
			if b, err := fs.ReadFile(files, name); err != nil {
				errs = append(errs, err)
			} else {
				errs = append(errs, t.add(c, name, b))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.Sort(t.locales)
	return t, nil
}

var tag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,4}$`)

func (t *Texts) add(c *catalog.Catalog, name string, b []byte) error {
	var f File
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: there is more after the end of the object: put all texts of a language into one", name)
	}
	if !tag.MatchString(f.Locale) {
		return fmt.Errorf("%s: the locale %q is no language: write a tag such as \"de\" or \"pt-BR\"", name, f.Locale)
	}
	if slices.ContainsFunc(t.locales, func(l string) bool { return strings.EqualFold(l, f.Locale) }) {
		return fmt.Errorf("%s: there is another file for %s: put all its texts into one", path.Base(name), f.Locale)
	}
	t.locales = append(t.locales, f.Locale)
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(f.Errors)) {
		e, err := translation(c, f.Locale, key, f.Errors[key])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", name, key, err))
			continue
		}
		if f.Errors[key].Untranslated != "" {
			t.excused[missing(f.Locale, key)] = true
			continue
		}
		if t.errors[key] == nil {
			t.errors[key] = map[string]entry{}
		}
		t.errors[key][strings.ToLower(f.Locale)] = e
	}
	return errors.Join(errs...)
}

// maxText is that of a message and of a suggestion, with the examples filled in.
const maxText = 256

func translation(c *catalog.Catalog, locale, key string, of Entry) (entry, error) {
	declared := c.Find(key)
	if declared == nil || declared.Key() != key {
		return entry{}, errors.New("no error has this name: write domain/REASON as it is declared")
	}
	switch {
	case of.Untranslated != "" && of.Message+of.Suggestion != "":
		return entry{}, errors.New("it has a text, and says why it has none: take one of them out")
	case of.Untranslated != "":
		return entry{}, nil
	case of.Message == "":
		return entry{}, errors.New("there is no message: write one, or say in untranslated why there is none")
	}
	e := entry{locale: locale, source: of}
	examples := map[string]string{}
	for _, p := range declared.Params {
		e.keys = append(e.keys, p.Key)
		examples[p.Key] = p.Example
	}
	for _, text := range []struct {
		what, text string
		into       *template.Template
	}{{"message", of.Message, &e.message}, {"suggestion", of.Suggestion, &e.suggestion}} {
		parsed, err := template.Parse(text.text, e.keys)
		if err != nil {
			return entry{}, fmt.Errorf("%s: %w", text.what, err)
		}
		for _, p := range parsed.Params() {
			if s := declared.Params[p].Sensitivity; s != "PUBLIC" {
				return entry{}, fmt.Errorf("%s: {%s} is %s, and a translation is for everybody: leave it out", text.what, e.keys[p], strings.ToLower(s))
			}
		}
		if n := len(parsed.Render(func(p int) string { return examples[e.keys[p]] })); n > maxText {
			return entry{}, fmt.Errorf("%s: with the examples it has %d bytes, at most %d are sent: shorten it", text.what, n, maxText)
		}
		*text.into = parsed
	}
	return e, nil
}

// Locales are the languages that there are files for.
func (t *Texts) Locales() []string {
	if t == nil {
		return nil
	}
	return slices.Clone(t.locales)
}

// Record writes into a catalogue which texts its errors have, in the place of those that
// it knew: for the document and the pages, and to be compared.
func (t *Texts) Record(c *catalog.Catalog) {
	for _, e := range c.Errors {
		e.Translations = nil
		if t == nil {
			continue
		}
		in := t.errors[e.Key()]
		for _, locale := range slices.Sorted(maps.Keys(in)) {
			of := in[locale]
			e.Translations = append(e.Translations, catalog.Translation{Locale: of.locale, Message: of.source.Message, Suggestion: of.source.Suggestion})
		}
	}
}

// Missing lists what a catalogue declares and a language does not have, as
// "locale: domain/REASON". Retired errors, and those that say why they have no text, are left
// out.
func (t *Texts) Missing(c *catalog.Catalog) []string {
	var list []string
	for _, locale := range t.Locales() {
		for _, e := range c.Errors {
			m := missing(locale, e.Key())
			if _, has := t.errors[e.Key()][strings.ToLower(locale)]; !has && !t.excused[m] && e.DeprecatedSince == "" {
				list = append(list, m)
			}
		}
	}
	return list
}

func missing(locale, key string) string { return locale + ": " + key }

// Render returns what an error says in the language that suits best: accepted is that of the
// header accept-language (RFC 9110, section 12.5.4), such as "de-CH, de;q=0.9, en;q=0.5".
// It is false where there is no text in any of them, or err is not a declared error, or
// has lost a value that the text needs.
func (t *Texts) Render(err error, accepted string) (Text, bool) {
	e, ok := status.From(err)
	if t == nil || !ok {
		return Text{}, false
	}
	return t.RenderAs(e, e.Domain(), accepted)
}

// RenderAs is [Texts.Render] of an error that gets its domain from the server.
func (t *Texts) RenderAs(e *status.Error, domain, accepted string) (Text, bool) {
	if t == nil || len(t.errors) == 0 {
		return Text{}, false
	}
	in := t.errors[domain+"/"+e.ErrorCode()]
	of, ok := best(in, accepted)
	if !ok {
		return Text{}, false
	}
	values := e.Metadata()
	whole := true
	value := func(p int) string {
		v, has := values[of.keys[p]]
		whole = whole && has && (v != "" || e.Elided() == 0)
		return v
	}
	text := Text{of.locale, status.Display(of.message.Render(value), maxText), status.Display(of.suggestion.Render(value), maxText)}
	return text, whole
}
