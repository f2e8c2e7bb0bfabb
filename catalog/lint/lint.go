// Package lint checks errors that services declare against the rules of a good catalogue:
// that a caller can tell errors apart for good, knows what to do about each of them, and
// hears nothing that is not meant for it.
//
// A rule can be wrong about an error. The error says so itself, in its options, and says
// why; whatever is about a catalogue or a method as a whole is silenced by any of the errors
// that it is about:
//
//	lint: {rule: "CAT_MESSAGE_STYLE" reason: "the sentence is law"}
package lint

import (
	"fmt"
	"slices"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Rules returns all rules, by id.
func Rules() []catalog.Rule { return slices.Clone(rules) }

var rules = []catalog.Rule{
	{ID: "CAT_ACTIONABLE", Severity: catalog.Failure, Purpose: "Checks that a public error says what to do about it."},
	{ID: "CAT_ACTION_FIELDS", Severity: catalog.Failure, Purpose: "Checks that the fields and methods that actions name exist."},
	{ID: "CAT_BUDGET", Severity: catalog.Failure, Purpose: "Checks that an error is small enough for every proxy, whatever its values."},
	{ID: "CAT_CODE_REQUIRED", Severity: catalog.Failure, Purpose: "Checks that an error has a gRPC code, and one of its own."},
	{ID: "CAT_COMMENT", Severity: catalog.Failure, Purpose: "Checks that an error is explained in a comment."},
	{ID: catalog.RuleDeclared, Severity: catalog.Failure, Purpose: "Checks that errors stand in catalogues, and nothing else does."},
	{ID: "CAT_DOMAIN_ONE_PER_ENUM", Severity: catalog.Failure, Purpose: "Checks that the errors of a domain stand in one enum."},
	{ID: "CAT_DOMAIN_REQUIRED", Severity: catalog.Failure, Purpose: "Checks that a catalogue has a domain, in the form of a DNS name."},
	{ID: "CAT_DOMAIN_RESERVED", Severity: catalog.Failure, Purpose: "Checks that a domain is nobody else's."},
	{ID: ruleException, Severity: catalog.Failure, Purpose: "Checks that an exception to a rule is needed and says why."},
	{ID: "CAT_LINK_HTTPS", Severity: catalog.Failure, Purpose: "Checks that links are https URLs with a plain description."},
	{ID: "CAT_MESSAGE_STYLE", Severity: catalog.Failure, Purpose: "Checks that texts are short, plain and free of the service's insides."},
	{ID: catalog.RuleMethodRef, Severity: catalog.Failure, Purpose: "Checks that methods declare errors that there are, each once."},
	{ID: "CAT_OUTCOME_REQUIRED", Severity: catalog.Failure, Purpose: "Checks that an error of a method that writes says whether it took effect."},
	{ID: "CAT_PARAM_CASE", Severity: catalog.Failure, Purpose: "Checks that the keys of parameters are lowerCamelCase."},
	{ID: "CAT_PARAM_EXAMPLE", Severity: catalog.Failure, Purpose: "Checks that the example of a parameter is of its type."},
	{ID: "CAT_PARAM_KEY", Severity: catalog.Failure, Purpose: "Checks that the keys of parameters can be sent, and differ."},
	{ID: "CAT_PARAM_SENSITIVITY", Severity: catalog.Failure, Purpose: "Checks that parameters say who may see them, and that texts obey."},
	{ID: "CAT_PARAM_SYNONYM", Severity: catalog.Failure, Purpose: "Checks that a thing has the same key and type in all errors of a domain."},
	{ID: "CAT_PARAM_UNIT", Severity: catalog.Failure, Purpose: "Checks that the unit of a number is in the key and not in the value."},
	{ID: "CAT_PERMISSION_SHAPE", Severity: catalog.Failure, Purpose: "Checks that a refusal tells nothing about what the caller may not see."},
	{ID: "CAT_REASON_FORMAT", Severity: catalog.Failure, Purpose: "Checks that error codes are UPPER_SNAKE_CASE."},
	{ID: "CAT_REASON_GENERIC", Severity: catalog.Failure, Purpose: "Checks that error codes say something."},
	{ID: "CAT_REASON_LENGTH", Severity: catalog.Failure, Purpose: "Checks that error codes are short."},
	{ID: "CAT_REASON_UNIQUE", Severity: catalog.Failure, Purpose: "Checks that no two errors share an error code or a number."},
	{ID: "CAT_REPLACED_BY", Severity: catalog.Failure, Purpose: "Checks that the successor of an error exists."},
	{ID: "CAT_RETRY_CODE", Severity: catalog.Failure, Purpose: "Checks that the advice on repeats fits the gRPC code."},
	{ID: "CAT_TEMPLATE_PARAMS", Severity: catalog.Failure, Purpose: "Checks that texts name parameters that are declared, and all of them."},
	{ID: "CAT_ZERO_UNSPECIFIED", Severity: catalog.Failure, Purpose: "Checks that the value 0 of a catalogue is no error."},
}

const ruleException = "CAT_LINT_EXCEPTION"

// Run checks the catalogues in files, which have to include what they import if that has
// errors that they refer to. Findings are in the order of the files' names and lines; a
// file that was read without its comments has no lines.
func Run(files []protoreflect.FileDescriptor) []catalog.Finding {
	c, problems := catalog.Read(files)
	l := &linter{
		files: files, catalog: c,
		of: map[string][]*subject{}, methods: map[string]*catalog.Method{}, used: map[*recoursev1.LintException]bool{},
	}
	for _, p := range problems {
		l.findings = append(l.findings, catalog.Finding{Problem: p, Severity: catalog.Failure})
	}
	for _, m := range c.Methods {
		l.methods[m.Name] = m
	}
	for _, e := range c.Errors {
		s := newSubject(e)
		l.subjects, l.of[s.Enum] = append(l.subjects, s), append(l.of[s.Enum], s)
	}
	l.identities()
	l.synonyms()
	l.references()
	for _, s := range l.subjects {
		l.texts(s)
		l.params(s)
		l.advice(s)
		l.actionFields(s)
		l.budget(s)
	}
	l.exceptions()
	return catalog.SortFindings(l.findings)
}

type linter struct {
	files    []protoreflect.FileDescriptor
	catalog  *catalog.Catalog
	subjects []*subject
	of       map[string][]*subject      // by enum
	methods  map[string]*catalog.Method // by name
	findings []catalog.Finding
	used     map[*recoursev1.LintException]bool
}

// subject is an error that is being checked.
type subject struct {
	*catalog.Error
	opts *recoursev1.ErrorOptions
	keys []string
	made *status.Error // with examples
}

func newSubject(e *catalog.Error) *subject {
	s := &subject{Error: e, opts: e.Options()}
	for _, p := range e.Params {
		s.keys = append(s.keys, p.Key)
	}
	s.made = s.make(example)
	return s
}

// public tells whether strangers see the error. A word that is not known is taken for the worse: status shows
// the error to nobody outside, a later version may.
func (s *subject) public() bool { return s.Visibility != "PARTNER" && s.Visibility != "INTERNAL" }

// make makes the error as a service would, with a value for each parameter.
func (s *subject) make(value func(catalog.Param) string) *status.Error {
	enum, ok := s.Descriptor().Parent().(protoreflect.EnumDescriptor)
	if !ok {
		return nil
	}
	declared := status.Declare[struct{}](dynamicpb.NewEnumType(enum).New(s.Descriptor().Number()), s.Reason, nil)
	var values []string
	for _, p := range s.Params {
		values = append(values, value(p))
	}
	made, _ := status.From(declared.Make(nil, values...))
	return made
}

// example is a value to show: the declared one, or one of the type.
func example(p catalog.Param) string {
	if p.Example != "" {
		return p.Example
	}
	switch p.Type {
	case "INT64", "DOUBLE":
		return "1"
	case "BOOL":
		return "true"
	case "DURATION":
		return "1s"
	case "TIMESTAMP":
		return "2026-11-01T00:00:00Z"
	}
	return "something"
}

// longest is a value as long as one is likely to be.
func longest(p catalog.Param) string {
	value := map[string]string{
		"INT64": "-9223372036854775808", "BOOL": "false", "DOUBLE": "-1.7976931348623157e+308",
		"DURATION": "-315576000000.999999999s", "TIMESTAMP": "2026-11-01T00:00:00.123456789Z",
	}[p.Type]
	if value == "" && p.Example == "" {
		value = "a text of some forty bytes, as most are."
	}
	if len(p.Example) > len(value) {
		return p.Example
	}
	return value
}

// fail reports what is wrong with an error.
func (l *linter) fail(s *subject, rule, format string, args ...any) {
	l.report(catalog.Failure, rule, s.At(), []*subject{s}, format, args...)
}

func (l *linter) warn(s *subject, rule, format string, args ...any) {
	l.report(catalog.Warning, rule, s.At(), []*subject{s}, format, args...)
}

// report adds a finding unless one of the errors that it is about is an exception.
func (l *linter) report(severity catalog.Severity, rule string, at catalog.Position, about []*subject, format string, args ...any) {
	silent := false
	for _, s := range about {
		for _, x := range s.opts.GetLint() {
			if x.GetRule() == rule && rule != ruleException {
				l.used[x], silent = true, true
			}
		}
	}
	if silent {
		return
	}
	f := catalog.Finding{
		Problem:  catalog.Problem{At: at, Text: fmt.Sprintf(format, args...), Rule: rule},
		Severity: severity,
	}
	if len(about) == 1 {
		f.Error = about[0].Key()
	}
	l.findings = append(l.findings, f)
}

// exceptions comes last: only then is it known what they silenced.
func (l *linter) exceptions() {
	for _, s := range l.subjects {
		for _, x := range s.opts.GetLint() {
			known := slices.ContainsFunc(rules, func(r catalog.Rule) bool { return r.ID == x.GetRule() })
			switch {
			case x.GetRule() == ruleException:
				l.fail(s, ruleException, "%s asks for an exception from %s, which has none: take it out", s.Value, ruleException)
			case !known:
				l.fail(s, ruleException,
					"%s asks for an exception from %q, which is no rule: write the id as findings show it", s.Value, x.GetRule())
			case x.GetReason() == "":
				l.fail(s, ruleException, "%s asks for an exception from %s and does not say why: give the reason", s.Value, x.GetRule())
			case !l.used[x]:
				l.fail(s, ruleException, "%s asks for an exception from %s, which finds nothing here: take it out", s.Value, x.GetRule())
			}
		}
	}
}
