package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/status"
)

// report is how findings are written, and which of them.
type report struct {
	format   string
	root     string
	path     string
	warnings bool
}

func (r *report) flags(flags *flag.FlagSet) {
	flags.StringVar(&r.format, "format", "text", "write `text`, json, or github for the annotations of a workflow")
	flags.StringVar(&r.root, "root", "", "the `folder` that the proto files are in, to write before their names")
	flags.StringVar(&r.path, "path", "", "leave out findings in files whose names do not begin with this `prefix`, such as imports")
	flags.BoolVar(&r.warnings, "warnings", false, "exit with 1 where there are warnings only, too")
}

// formats are the ways to write findings.
var formats = map[string]func(io.Writer, []catalog.Finding) error{"text": writeText, "json": writeJSON, "github": writeGitHub}

func (r *report) check() error {
	if formats[r.format] == nil {
		return fmt.Errorf("there is no format %q: text, json and github are", r.format)
	}
	return nil
}

// write writes findings, and returns what to exit with.
func (r *report) write(s streams, findings []catalog.Finding) int {
	worst := catalog.Info
	findings = slices.DeleteFunc(slices.Clone(findings), func(f catalog.Finding) bool {
		return f.At.File != "" && !strings.HasPrefix(f.At.File, r.path)
	})
	for i := range findings {
		worst = max(worst, findings[i].Severity)
		if r.root != "" && findings[i].At.File != "" {
			findings[i].At.File = path.Join(r.root, findings[i].At.File)
		}
	}
	if err := formats[r.format](s.stdout, findings); err != nil {
		return s.fail("%v", err)
	}
	if worst == catalog.Failure || r.warnings && worst == catalog.Warning {
		return exitFound
	}
	return exitOK
}

// writeText writes a line for each, as compilers do. An error has no word for it; the others do. Texts have parts that
// whoever made the descriptors wrote.
func writeText(w io.Writer, findings []catalog.Finding) error {
	for _, f := range findings {
		where := cmp.Or(f.At.String(), f.Error, "the catalogue")
		grade := ""
		if f.Severity != catalog.Failure {
			grade = " (" + f.Severity.String() + ")"
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s%s\n", status.Display(where, 0), f.Rule, status.Display(f.Text, 0), grade); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, findings []catalog.Finding) error {
	type finding struct {
		File     string `json:"file,omitempty"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Rule     string `json:"rule"`
		Severity string `json:"severity"`
		Error    string `json:"error,omitempty"`
		Text     string `json:"text"`
	}
	list := make([]finding, 0, len(findings)) // no findings are [], not null
	for _, f := range findings {
		list = append(list, finding{f.At.File, f.At.Line, f.At.Column, f.Rule, f.Severity.String(), f.Error, f.Text})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

// What a workflow of GitHub's would take for its own.
var (
	githubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func writeGitHub(w io.Writer, findings []catalog.Finding) error {
	for _, f := range findings {
		level := map[catalog.Severity]string{catalog.Info: "notice", catalog.Warning: "warning", catalog.Failure: "error"}[f.Severity]
		properties := ""
		if f.At.File != "" {
			properties = "file=" + githubProperty.Replace(f.At.File) + ","
		}
		if f.At.Line > 0 {
			properties += fmt.Sprintf("line=%d,col=%d,", f.At.Line, f.At.Column)
		}
		text := f.Text
		if f.At.File == "" && f.Error != "" {
			text = f.Error + ": " + text
		}
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", level, properties, githubProperty.Replace(f.Rule), githubText.Replace(text)); err != nil {
			return err
		}
	}
	return nil
}

// ruleList is the rules of a command, for its help.
func ruleList(rules []catalog.Rule) string {
	var b strings.Builder
	b.WriteString("The rules:\n\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "  %s\n    %s\n", r.ID, r.Purpose)
	}
	return b.String()
}
