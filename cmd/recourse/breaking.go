package main

import (
	"flag"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/breaking"
)

func breakingCommand() command {
	return command{
		name: "breaking", args: "descriptors|catalog.json", short: "tell what a change of the declared errors breaks for clients",
		long: `Breaking compares the errors that services declare with those of an earlier time, and
writes what has changed to standard output. It exits with 1 if one of its findings is an
error, with 2 if it cannot read its input, and with 0 otherwise.

Both are catalogues as JSON, such as the one that was committed with the last release, or
descriptors. ` + descriptorHelp + ` These have no texts in other languages:
name the files with -translations, or the languages of the earlier catalogue are gone.

` + ruleList(breaking.Rules()),
		example: "buf build proto -o - | recourse breaking -against docs/errors/catalog.json -root proto -",
		setup: func(flags *flag.FlagSet) func(streams, []string) int {
			r := new(report)
			r.flags(flags)
			against := flags.String("against", "", "the `file` of the earlier catalogue")
			translations := translationsFlag(flags)
			return func(s streams, args []string) int {
				if err := r.check(); err != nil {
					return s.fail("breaking: %v", err)
				}
				switch {
				case len(args) != 1:
					return s.fail(
						"breaking: name one file of descriptors or a catalogue, or - for standard input; see `recourse help breaking`")
				case *against == "":
					return s.fail("breaking: name the earlier catalogue with -against; see `recourse help breaking`")
				case *against == "-" && args[0] == "-":
					return s.fail("breaking: standard input can be one of the two only")
				}
				older, _, err := s.readCatalog(*against)
				if err != nil {
					return s.fail("breaking: %s: %v", *against, err)
				}
				newer, problems, err := s.readCatalog(args[0])
				if err != nil {
					return s.fail("breaking: %s: %v", args[0], err)
				}
				if err := translate(newer, *translations); err != nil {
					return s.fail("breaking: %v", err)
				}
				findings := breaking.Compare(older, newer)
				for _, p := range problems { // what was not read would look as if it were gone
					findings = append(findings, catalog.Finding{Problem: p, Severity: catalog.Failure})
				}
				return r.write(s, catalog.SortFindings(findings))
			}
		},
	}
}
