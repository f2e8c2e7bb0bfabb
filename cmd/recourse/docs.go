package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/docs"
)

func docsCommand() command {
	return command{
		name: "docs", args: "set.binpb|catalog.json|-", short: "write the pages of all errors",
		long: `Docs writes a catalogue for people: catalog.json for programs, README.md with all errors, and a
static site with one page an error. The page of an error is REASON/index.html, so that the link
in every error leads to it where the folder is published under doc_base_url. The site needs
no network, no server of its own, and nothing from elsewhere.

It reads a descriptor set, or a catalog.json that was written before. Comments, which become
the explanations, are in descriptor sets that buf makes, and in those of protoc with
--include_source_info. Texts in other languages are in files of their own: name them with
-translations.`,
		example: `buf build -o set.binpb && recourse docs -o docs/errors set.binpb
protoc -I proto --include_imports --include_source_info -o set.binpb proto/shop/v1/*.proto
recourse docs -o docs/errors -check set.binpb
recourse docs -o docs/errors -translations 'texts/*.json' set.binpb
recourse docs -o public -format html docs/errors/catalog.json`,
		setup: func(flags *flag.FlagSet) func(streams, []string) int {
			out := flags.String("o", "", "the `folder` to write to; it is made where it is not there")
			format := flags.String("format", "json,markdown,html", "what to write: a `list` of json, markdown and html")
			translations := translationsFlag(flags)
			check := flags.Bool("check", false, "write nothing, and fail where the folder is not current")
			return func(s streams, args []string) int {
				if *out == "" || len(args) != 1 {
					return s.fail("docs: say where to write and what to read, as in: recourse docs -o docs/errors set.binpb")
				}
				return writeDocs(s, *out, *format, *translations, *check, args[0])
			}
		},
	}
}

func writeDocs(s streams, dir, format, translations string, check bool, from string) int {
	c, err := catalogForDocs(s, from)
	if err != nil {
		return s.fail("docs: %s: %v", from, err)
	}
	if err := translate(c, translations); err != nil {
		return s.fail("docs: %v", err)
	}
	if err := remember(s, c, dir); err != nil {
		return s.fail("docs: %v", err)
	}
	var formats []docs.Format
	for f := range strings.SplitSeq(format, ",") {
		formats = append(formats, docs.Format(strings.TrimSpace(f)))
	}
	files, err := docs.Files(c, formats...)
	if err != nil {
		return s.fail("docs: %v", err)
	}
	if check {
		found, err := docs.Check(dir, files)
		if err != nil {
			return s.fail("docs: %v", err)
		}
		for _, line := range found {
			fmt.Fprintln(s.stdout, line)
		}
		if len(found) > 0 {
			fmt.Fprintf(s.stderr, "recourse: docs: %s is not current: run `recourse docs` without -check\n", dir)
			return exitFound
		}
		return exitOK
	}
	changed, err := docs.Write(dir, files)
	if err != nil {
		return s.fail("docs: %v", err)
	}
	fmt.Fprintf(s.stdout, "%s: errors %d, files %d, changed %d\n", dir, len(c.Errors), len(files), len(changed))
	return exitOK
}

// catalogForDocs reads what the pages are made of, which has to be whole.
func catalogForDocs(s streams, name string) (*catalog.Catalog, error) {
	c, problems, err := s.readCatalog(name)
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		var lines []string
		for _, p := range problems {
			lines = append(lines, p.String())
		}
		return nil, fmt.Errorf("the declarations have mistakes:\n%s", strings.Join(lines, "\n"))
	case len(c.Errors) == 0:
		return nil, errors.New("it declares no errors: give an enum the option (recourse.v1.catalog), see docs/catalogue.md")
	}
	return c, nil
}

// remember takes over from the document that is to be written anew which errors are gone.
func remember(s streams, c *catalog.Catalog, dir string) error {
	earlier, _, err := s.readCatalog(filepath.Join(dir, "catalog.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w; mend it, or remove it and with it the memory of errors that are gone", filepath.Join(dir, "catalog.json"), err)
	}
	c.Remember(earlier)
	return nil
}
