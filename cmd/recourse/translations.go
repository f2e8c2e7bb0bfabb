package main

import (
	"flag"
	"io/fs"
	"os"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/locale"
)

// What lint says of translations. They are in files of their own, which no descriptor has: package lint, and with it
// the plugin of buf, does not know them.
const (
	ruleTranslation = "CAT_TRANSLATION"
	ruleMissing     = "CAT_TRANSLATION_MISSING"
)

var translationRules = []catalog.Rule{
	{ID: ruleTranslation, Severity: catalog.Failure, Purpose: "Checks that translations are of errors and parameters that are declared (-translations)."},
	{ID: ruleMissing, Severity: catalog.Warning, Purpose: "Checks that each error has a text in each language (-translations)."},
}

// disk is all files, by the names that whoever calls the program gives them.
type disk struct{}

func (disk) Open(name string) (fs.File, error) { return os.Open(name) }

// checkTranslations holds the files that match a pattern to the catalogue, as a server does when it starts.
func checkTranslations(c *catalog.Catalog, pattern string) []catalog.Finding {
	texts, err := locale.Load(c, disk{}, pattern)
	var findings []catalog.Finding
	for _, mistake := range apart(err) {
		findings = append(findings, catalog.Finding{
			Problem: catalog.Problem{Text: mistake.Error(), Rule: ruleTranslation}, Severity: catalog.Failure,
		})
	}
	for _, missing := range texts.Missing(c) {
		language, key, _ := strings.Cut(missing, ": ")
		findings = append(findings, catalog.Finding{
			Problem:  catalog.Problem{Text: "there is no text in " + language + ": translate it, or say in its file why callers read the English one (untranslated)", Rule: ruleMissing},
			Severity: catalog.Warning, Error: key,
		})
	}
	return findings
}

// translationsFlag is of the commands that take translations into a catalogue.
func translationsFlag(flags *flag.FlagSet) *string {
	return flags.String("translations", "", "take in the translations in the files that match this `pattern`, too")
}

// translate takes the files that match a pattern into the catalogue, if there is one.
func translate(c *catalog.Catalog, pattern string) error {
	if pattern == "" {
		return nil
	}
	texts, err := locale.Load(c, disk{}, pattern)
	if err != nil {
		return err
	}
	texts.Record(c)
	return nil
}

// apart are the errors that were joined.
func apart(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, apart(e)...)
	}
	return all
}
