package main

import (
	"flag"
	"fmt"
	"slices"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/lint"
)

func lintCommand() command {
	return command{
		name: "lint", args: "descriptors", short: "check the declared errors against the rules of a good catalogue",
		long: `Lint checks the errors that services declare, and writes what it finds to standard
output. It exits with 1 if one of its findings is an error, with 2 if it cannot read the
descriptors, and with 0 otherwise.

` + descriptorHelp + `

An error that is right to break a rule says so, and why, in its options:

  lint: {rule: "CAT_MESSAGE_STYLE" reason: "the sentence is law"}

Translations are in files beside the catalogue, see package catalog/locale. With
-translations they are checked too. An error that is right to have no text in a language says why in its file:

  "shop.example.com/OUT_OF_STOCK": {"untranslated": "the notice is English by law"}

` + ruleList(slices.Concat(lint.Rules(), translationRules)) + `
What handlers written in Go answer with is checked by go vet, with recourse-vet of the
module github.com/recourse-dev/recourse/tools/vet. A line that is right to break one of its
rules says so, and why, in a comment: //lint:ignore CODE_UNDECLARED it is an example. ` + ruleList(codeRules),
		example: `buf build proto -o - | recourse lint -root proto -
recourse lint -translations 'proto/shop/v1/errors.*.json' set.binpb`,
		setup: func(flags *flag.FlagSet) func(streams, []string) int {
			r := new(report)
			r.flags(flags)
			translations := flags.String("translations", "", "check the translations in the files that match this `pattern`, too")
			return func(s streams, args []string) int {
				if err := r.check(); err != nil {
					return s.fail("lint: %v", err)
				}
				if len(args) != 1 {
					return s.fail("lint: name one file of descriptors, or - for standard input; see `recourse help lint`")
				}
				files, err := s.readFiles(args[0])
				if err != nil {
					return s.fail("lint: %v", err)
				}
				findings := lint.Run(files)
				c, _ := catalog.Read(files)
				if len(c.Errors)+len(findings) == 0 {
					fmt.Fprintln(s.stderr, "recourse: lint: no errors are declared there")
				}
				if *translations != "" {
					findings = append(findings, checkTranslations(c, *translations)...)
				}
				return r.write(s, catalog.SortFindings(findings))
			}
		},
	}
}

// codeRules are those of tools/vet, whose test compares them: it is a module of its own.
var codeRules = []catalog.Rule{
	{ID: "CODE_UNDECLARED", Purpose: "Checks that a handler answers with declared errors, and not with grpc's status.Error."},
	{ID: "CODE_CAUSE_LOST", Purpose: "Checks that an error that a handler answers with is wrapped with %w."},
	{ID: "CODE_CAUSE_SHOWN", Purpose: "Checks that the text of an error is no parameter, message or suggestion of another."},
	{ID: "CODE_LINT_EXCEPTION", Purpose: "Checks that an exception to a rule is needed and says why."},
}
