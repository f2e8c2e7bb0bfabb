package main

import (
	"flag"
	"fmt"

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

` + ruleList(lint.Rules()),
		example: "buf build proto -o - | recourse lint -root proto -",
		setup: func(flags *flag.FlagSet) func(streams, []string) int {
			r := new(report)
			r.flags(flags)
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
				if c, _ := catalog.Read(files); len(c.Errors)+len(findings) == 0 {
					fmt.Fprintln(s.stderr, "recourse: lint: no errors are declared there")
				}
				return r.write(s, findings)
			}
		},
	}
}
