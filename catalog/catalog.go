// Package catalog is what services declare of their errors, as one document: read from
// descriptors, written as JSON, compared, checked and explained. The plugin, the linter
// and the documentation all start from it.
package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status/template"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Schema is the version of the document. A reader refuses a higher one.
const Schema = 1

// Catalog is the errors of any number of services.
type Catalog struct {
	Schema  int       `json:"schema"`
	Errors  []*Error  `json:"errors"`            // by domain and reason
	Methods []*Method `json:"methods"`           // that declare errors, by name
	Silent  []string  `json:"silent,omitempty"`  // names of the methods that declare nothing, not even that
	Enums   []*Enum   `json:"enums"`             // in which errors are declared, by name
	Retired []string  `json:"retired,omitempty"` // keys of errors that were declared once, see [Catalog.Remember]
}

// Enum is an enum whose values declare errors.
type Enum struct {
	Name    string `json:"name"` // full
	Domain  string `json:"domain"`
	Version string `json:"version,omitempty"`

	// What no error may ever be called again. It is written down because a later version
	// of the file may have lost it.
	ReservedNames   []string  `json:"reservedNames,omitempty"`
	ReservedNumbers []Numbers `json:"reservedNumbers,omitempty"`

	descriptor protoreflect.EnumDescriptor
	at         Position
}

// Numbers are those from First to Last, which is one of them.
type Numbers struct {
	First int32 `json:"first"`
	Last  int32 `json:"last"`
}

// Descriptor is the enum's, nil of a catalogue that was read from JSON.
func (e *Enum) Descriptor() protoreflect.EnumDescriptor { return e.descriptor }

// At is where the enum was declared.
func (e *Enum) At() Position { return e.at }

// Error is one declared error.
type Error struct {
	Domain          string            `json:"domain"`
	Reason          string            `json:"reason"`
	Code            string            `json:"code"` // as google.rpc.Code spells it
	Title           string            `json:"title"`
	Description     string            `json:"description,omitempty"` // the comment above it
	Message         string            `json:"message"`
	Suggestion      string            `json:"suggestion,omitempty"`
	Params          []Param           `json:"params,omitempty"`
	Outcome         string            `json:"outcome,omitempty"` // NOT_APPLIED and so on
	Retry           string            `json:"retry,omitempty"`   // SAME_REQUEST and so on
	RetryDelay      string            `json:"retryDelay,omitempty"`
	Actions         []json.RawMessage `json:"actions,omitempty"` // recourse.v1.RecoveryAction
	Links           []Link            `json:"links,omitempty"`
	Page            string            `json:"page,omitempty"`         // its own
	Translations    []Translation     `json:"translations,omitempty"` // by locale, see package locale
	Visibility      string            `json:"visibility"`
	Severity        string            `json:"severity,omitempty"`
	Version         string            `json:"version,omitempty"` // of the catalogue
	Since           string            `json:"since,omitempty"`
	DeprecatedSince string            `json:"deprecatedSince,omitempty"`
	ReplacedBy      string            `json:"replacedBy,omitempty"`
	Methods         []string          `json:"methods,omitempty"` // that declare it
	Enum            string            `json:"enum"`              // full name
	Value           string            `json:"value"`             // name of the enum's value
	Number          int32             `json:"number"`
	GoPackage       string            `json:"goPackage,omitempty"` // as the file's go_package says, where that is known

	options *recoursev1.ErrorOptions
	at      Position
	value   protoreflect.EnumValueDescriptor
}

// Key is domain/REASON, which tells errors apart.
func (e *Error) Key() string { return e.Domain + "/" + e.Reason }

// Options are as they were declared, nil of a catalogue that was read from JSON. They
// must not be changed.
func (e *Error) Options() *recoursev1.ErrorOptions { return e.options }

// At is where the error was declared.
func (e *Error) At() Position { return e.at }

// Descriptor is the enum's value, nil of a catalogue that was read from JSON.
func (e *Error) Descriptor() protoreflect.EnumValueDescriptor { return e.value }

// Param is a parameter of an error.
type Param struct {
	Key         string `json:"key"`
	Type        string `json:"type"` // STRING and so on
	Sensitivity string `json:"sensitivity"`
	Example     string `json:"example,omitempty"`
	Description string `json:"description,omitempty"`
}

// Link is a page that helps.
type Link struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

// Translation is what an error says in another language, in templates as its own texts are. No
// descriptor has it: it is in a file of its own.
type Translation struct {
	Locale     string `json:"locale"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
}

// Method is a method and what it declares.
type Method struct {
	Name   string   `json:"name"`   // pkg.Service/Method
	Errors []string `json:"errors"` // keys, those of its service included, in the order of declaration

	descriptor protoreflect.MethodDescriptor
	at         Position
}

// Descriptor is the method's, nil of a catalogue that was read from JSON.
func (m *Method) Descriptor() protoreflect.MethodDescriptor { return m.descriptor }

// At is where the method was declared.
func (m *Method) At() Position { return m.at }

// Position is a place in a proto file, from 1; zero where the descriptors do not say.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Read finds the declarations in files. What cannot be read at all is a problem; that it
// can be read does not make it good, see package lint.
func Read(files []protoreflect.FileDescriptor) (*Catalog, []Problem) {
	r := &reader{catalog: &Catalog{Schema: Schema}, values: map[protoreflect.FullName]*Error{}}
	for _, f := range files {
		r.enums(f.Enums())
		r.nested(f.Messages())
	}
	for _, f := range files {
		for i := range f.Services().Len() {
			r.service(f.Services().Get(i))
		}
	}
	slices.SortFunc(r.catalog.Errors, func(a, b *Error) int { return cmp.Compare(a.Key(), b.Key()) })
	slices.SortFunc(r.catalog.Enums, func(a, b *Enum) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(r.catalog.Silent)
	slices.SortFunc(r.catalog.Methods, func(a, b *Method) int { return cmp.Compare(a.Name, b.Name) })
	return r.catalog, r.problems
}

type reader struct {
	catalog  *Catalog
	values   map[protoreflect.FullName]*Error
	problems []Problem
}

func (r *reader) problem(rule string, at protoreflect.Descriptor, format string, args ...any) {
	r.problems = append(r.problems, Problem{At: PositionOf(at), Text: fmt.Sprintf(format, args...), Rule: rule})
}

func (r *reader) nested(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		r.enums(messages.Get(i).Enums())
		r.nested(messages.Get(i).Messages())
	}
}

func (r *reader) enums(enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		e := enums.Get(i)
		options, declared := option[*recoursev1.CatalogOptions](e, recoursev1.E_Catalog)
		if declared {
			r.catalog.Enums = append(r.catalog.Enums, newEnum(e, options))
		}
		for j := range e.Values().Len() {
			v := e.Values().Get(j)
			spec, has := option[*recoursev1.ErrorOptions](v, recoursev1.E_Error)
			switch {
			case has && !declared:
				r.problem(RuleDeclared, v,
					"%s declares an error, but its enum is no catalogue: give %s the option (recourse.v1.catalog)", v.Name(), e.Name())
			case has:
				r.error(v, options, spec)
			case declared && v.Number() != 0:
				r.problem(RuleDeclared, v,
					"%s declares no error: give it the option (recourse.v1.error), or reserve its number and name", v.Name())
			}
		}
	}
}

func newEnum(e protoreflect.EnumDescriptor, c *recoursev1.CatalogOptions) *Enum {
	enum := &Enum{Name: string(e.FullName()), Domain: c.GetDomain(), Version: c.GetVersion(), descriptor: e, at: PositionOf(e)}
	for i := range e.ReservedNames().Len() {
		enum.ReservedNames = append(enum.ReservedNames, string(e.ReservedNames().Get(i)))
	}
	for i := range e.ReservedRanges().Len() {
		r := e.ReservedRanges().Get(i)
		enum.ReservedNumbers = append(enum.ReservedNumbers, Numbers{int32(r[0]), int32(r[1])})
	}
	return enum
}

func (r *reader) error(v protoreflect.EnumValueDescriptor, c *recoursev1.CatalogOptions, o *recoursev1.ErrorOptions) {
	enum := v.Parent().(protoreflect.EnumDescriptor)
	e := &Error{
		Domain: c.GetDomain(), Version: c.GetVersion(),
		Reason: cmp.Or(o.GetReason(), template.Reason(string(enum.Name()), string(v.Name()))),
		Code:   Word(o.GetCode()), Title: o.GetTitle(), Description: comment(v), Message: o.GetMessage(), Suggestion: o.GetSuggestion(),
		Outcome: Word(o.GetOutcome()), Retry: Word(o.GetRetry()),
		Visibility: cmp.Or(Word(o.GetVisibility()), "PUBLIC"), Severity: Word(o.GetSeverity()),
		Since: o.GetSince(), DeprecatedSince: o.GetDeprecatedSince(), ReplacedBy: o.GetReplacedBy(),
		Enum: string(enum.FullName()), Value: string(v.Name()), Number: int32(v.Number()), GoPackage: goPackage(v),
		options: o, at: PositionOf(v), value: v,
	}
	if c.GetDocBaseUrl() != "" {
		e.Page = c.GetDocBaseUrl() + e.Reason
	}
	if d := o.GetRetryDelay(); d != nil {
		e.RetryDelay = d.AsDuration().String()
	}
	for _, p := range o.GetParams() {
		e.Params = append(e.Params, Param{
			p.GetKey(), cmp.Or(Word(p.GetType()), "STRING"), Word(p.GetSensitivity()), p.GetExample(), p.GetDescription(),
		})
	}
	for _, l := range o.GetLinks() {
		e.Links = append(e.Links, Link{l.GetDescription(), l.GetUrl()})
	}
	for _, a := range o.GetActions() {
		b, err := protojson.Marshal(a)
		if err != nil {
			r.problem(RuleDeclared, v, "an action of %s cannot be written: %v", v.Name(), err)
			continue
		}
		e.Actions = append(e.Actions, compact(b))
	}
	r.values[v.FullName()] = e
	r.catalog.Errors = append(r.catalog.Errors, e)
}

// compact takes out spaces: protojson puts them in by chance, and an indented document has them.
func compact(b []byte) json.RawMessage {
	var v any
	if json.Unmarshal(b, &v) != nil {
		return b
	}
	if out, err := json.Marshal(v); err == nil {
		return out
	}
	return b
}

func (r *reader) service(s protoreflect.ServiceDescriptor) {
	shared, _ := option[*recoursev1.DeclaredErrors](s, recoursev1.E_Service)
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		own, has := option[*recoursev1.DeclaredErrors](m, recoursev1.E_Method)
		name := string(s.FullName()) + "/" + string(m.Name())
		if shared == nil && !has {
			r.catalog.Silent = append(r.catalog.Silent, name)
			continue
		}
		method := &Method{Name: name, descriptor: m, at: PositionOf(m)}
		for _, name := range own.GetErrors() {
			r.declares(method, m, name)
		}
		for _, name := range shared.GetErrors() {
			r.declares(method, s, name)
		}
		r.catalog.Methods = append(r.catalog.Methods, method)
	}
}

func (r *reader) declares(m *Method, at protoreflect.Descriptor, name string) {
	e := r.find(at, name)
	if e == nil {
		r.problem(RuleMethodRef, at,
			"%s declares the error %q, which is nowhere: write the name of a value of a catalogue, with its package if that "+
				"is another", at.Name(), name)
		return
	}
	if !slices.Contains(m.Errors, e.Key()) {
		m.Errors = append(m.Errors, e.Key())
		e.Methods = append(e.Methods, m.Name)
	}
}

// find resolves a name as it stands in the package, or with the package before it. The
// values of an enum are in the scope that the enum is in.
func (r *reader) find(at protoreflect.Descriptor, name string) *Error {
	if e := r.values[at.ParentFile().Package().Append(protoreflect.Name(name))]; e != nil {
		return e
	}
	return r.values[protoreflect.FullName(name)]
}

func option[T proto.Message](d protoreflect.Descriptor, x protoreflect.ExtensionType) (T, bool) {
	var none T
	if !proto.HasExtension(d.Options(), x) {
		return none, false
	}
	v, ok := proto.GetExtension(d.Options(), x).(T)
	return v, ok
}

// PositionOf is where something was declared.
func PositionOf(d protoreflect.Descriptor) Position {
	p := Position{File: d.ParentFile().Path()}
	if l := d.ParentFile().SourceLocations().ByDescriptor(d); l.Path != nil {
		p.Line, p.Column = l.StartLine+1, l.StartColumn+1
	}
	return p
}

// goPackage is where the generated Go code is: an import path, and a name after a
// semicolon where it is not the path's last element.
func goPackage(d protoreflect.Descriptor) string {
	o, _ := d.ParentFile().Options().(*descriptorpb.FileOptions)
	return o.GetGoPackage()
}

// comment is the one above a declaration, as one paragraph a blank line.
func comment(d protoreflect.Descriptor) string {
	var b strings.Builder
	for line := range strings.Lines(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments) {
		b.WriteString(strings.TrimPrefix(strings.TrimRight(line, " \t\r\n"), " ") + "\n")
	}
	return strings.TrimSpace(b.String())
}

// Word is the name of an enum's value without its prefix, empty for the first.
func Word(v protoreflect.Enum) string {
	if v.Number() == 0 {
		return ""
	}
	d := v.Descriptor().Values().ByNumber(v.Number())
	if d == nil {
		return fmt.Sprint(v.Number())
	}
	return template.Reason(string(v.Descriptor().Name()), string(d.Name()))
}

// GRPCCode is the code of the error, codes.Unknown if it has none.
func (e *Error) GRPCCode() codes.Code {
	var c codes.Code
	if c.UnmarshalJSON([]byte(`"`+e.Code+`"`)) != nil {
		return codes.Unknown
	}
	return c
}

// Delay is the fixed delay before a repeat, 0 if there is none.
func (e *Error) Delay() time.Duration {
	d, err := time.ParseDuration(e.RetryDelay)
	if err != nil {
		return 0
	}
	return d
}

// Find returns the error of a key, or of a reason that only one domain has; nil if there
// is none.
func (c *Catalog) Find(name string) *Error {
	var found *Error
	for _, e := range c.Errors {
		if e.Key() == name {
			return e
		}
		if e.Reason == name {
			if found != nil {
				return nil
			}
			found = e
		}
	}
	return found
}

// Remember takes over from an earlier document of the same errors which of them are gone, so
// that none of their keys is ever another error's. Descriptors do not know. Whoever writes
// the document anew calls it with the one before.
func (c *Catalog) Remember(earlier *Catalog) {
	keys := slices.Clone(earlier.Retired)
	for _, e := range earlier.Errors {
		keys = append(keys, e.Key())
	}
	declared := map[string]bool{}
	for _, e := range c.Errors {
		declared[e.Key()] = true
	}
	keys = slices.DeleteFunc(append(keys, c.Retired...), func(key string) bool { return declared[key] })
	slices.Sort(keys)
	c.Retired = slices.Compact(keys)
}

// Write writes the catalogue as JSON, the same for the same declarations.
func (c *Catalog) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(c)
}

// Parse reads what [Catalog.Write] has written.
func Parse(b []byte) (*Catalog, error) {
	c := new(Catalog)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("this is no catalogue: %w", err)
	}
	if c.Schema < 1 || c.Schema > Schema {
		return nil, fmt.Errorf("the catalogue has schema %d, this program knows 1 to %d: use a newer one", c.Schema, Schema)
	}
	for i, e := range c.Errors {
		if e == nil || e.Reason == "" {
			return nil, fmt.Errorf("error %d of the catalogue has no reason", i)
		}
		for j, a := range e.Actions {
			e.Actions[j] = compact(a)
		}
	}
	for i, m := range c.Methods {
		if m == nil || m.Name == "" {
			return nil, fmt.Errorf("method %d of the catalogue has no name", i)
		}
	}
	for i, e := range c.Enums {
		if e == nil || e.Name == "" {
			return nil, fmt.Errorf("enum %d of the catalogue has no name", i)
		}
	}
	return c, nil
}
