package catalog

import (
	"cmp"
	"slices"
)

// Problem is a mistake in a declaration.
type Problem struct {
	At   Position
	Text string // what is wrong, and what to do
	Rule string // the id of the rule that it breaks
}

func (p Problem) String() string { return p.At.String() + ": " + p.Text }

// Rules that reading a catalogue checks.
const (
	RuleDeclared  = "CAT_DECLARED"   // what stands in a catalogue is an error, and errors stand in catalogues
	RuleMethodRef = "CAT_METHOD_REF" // methods declare errors that there are
)

// Rule is what a check is about.
type Rule struct {
	ID       string
	Severity Severity // of the worst that it has to say
	Purpose  string   // what it checks, as a sentence
}

// Finding is what a check has to say about a declaration.
type Finding struct {
	Problem
	Severity Severity
	Error    string // the key of the error that it is about, empty if it is not about one
}

// Severity is how bad a finding is.
type Severity int

// Severities, the worst last.
const (
	Info Severity = iota
	Warning
	Failure
)

// String returns "info", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	}
	return "error"
}

// SortFindings puts findings in the order of the files, and takes out what is said twice.
func SortFindings(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column),
			cmp.Compare(a.Error, b.Error), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text),
		)
	})
	return slices.Compact(findings)
}
