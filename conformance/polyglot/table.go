package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
)

const head = `# What each language sees

Written by ` + "`make polyglot-docs`" + ` from a run of every client against one server; ` + "`make polyglot`" + ` checks that it is what
a run shows. What the situations are is in [conformance/README.md](../conformance/README.md).

All of these read the same golden errors and report the same of them: the error code, the suggestion, the typed actions,
the verdict, the delay, the request id, the mark of a degraded answer. The servers they call have the default budget of
4096 bytes for an error's trailers, and the clients their libraries' default limits.

`

// groups are the rows of the first table: how many situations of a kind a client went through.
var groups = []struct{ prefix, title string }{
	{"file/", "golden files read"},
	{"wire/", "golden errors received and read"},
}

// render makes the page of a run in which nothing failed. Nothing in it depends on the machine.
func render(results []result, cases []golden.Case) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	b.WriteString("| client |")
	for _, g := range groups {
		fmt.Fprintf(&b, " %s |", g.title)
	}
	b.WriteString(" version |\n|---|")
	b.WriteString(strings.Repeat("---|", len(groups)+1) + "\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %v |", r.client)
		for _, g := range groups {
			n := 0
			for name := range r.ok {
				if strings.HasPrefix(name, g.prefix) {
					n++
				}
			}
			fmt.Fprintf(&b, " %d |", n)
		}
		version := r.version
		if _, err := strconv.Atoi(version[:min(1, len(version))]); err == nil { // it has said no name
			version = r.library + " " + version
		}
		fmt.Fprintf(&b, " %s |\n", version)
	}

	b.WriteString("\n## Against a server with recourse\n\n| situation | what is shown |")
	for _, r := range results {
		fmt.Fprintf(&b, " %s |", r.library)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(results)) + "\n")
	for _, s := range named {
		fmt.Fprintf(&b, "| %s | %s |", s.name, s.shows)
		for _, r := range results {
			if strings.HasPrefix(r.ok[s.name], noRetry) {
				b.WriteString(" no native retry |")
			} else {
				b.WriteString(" yes |")
			}
		}
		b.WriteString("\n")
	}

	b.WriteString("\n## What client libraries make of errors by themselves\n\n| client | golden error | |\n|---|---|---|\n")
	for _, r := range results {
		for _, c := range cases {
			if note := r.ok["wire/"+c.Name]; note != "" {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", r.library, c.Name, cell(note))
			}
		}
	}

	b.WriteString("\n## The golden errors\n\n| golden error | what it is about |\n|---|---|\n")
	for _, c := range cases {
		about := c.About
		if c.FileOnly != "" {
			about += " (from a file only: " + c.FileOnly + ")"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", c.Name, cell(about))
	}
	return b.Bytes()
}

// cell is a text that fits into a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

// noRetry begins the note of a client whose library repeats nothing by itself.
const noRetry = "no native retry"
