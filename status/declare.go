package status

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status/template"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// hidden stands for a value that must not be shown.
const hidden = "***"

// Declared is an error of a catalogue, see recourse.v1's catalog.proto. Code that
// protoc-gen-recourse-go has generated makes one for each, with a struct P of the
// error's parameters; it is used as
//
//	return nil, assistantv1.IntentNotUnderstood{Query: q}.Err()
//	...
//	if errors.Is(err, assistantv1.ErrIntentNotUnderstood) { … }
//	if p, ok := assistantv1.ErrIntentNotUnderstood.From(err); ok { … p.Query … }
//
// It is an error only so that errors.Is takes it. It is safe for concurrent use.
type Declared[P any] struct {
	*declaration
	read func(values map[string]string) (P, bool)
}

// Declare is for generated code: value is that of a catalogue, and read makes the
// parameters of an error's metadata, of which any key may be missing. The options of the
// value are read when they are needed first.
func Declare[P any](value protoreflect.Enum, errorCode string, read func(values map[string]string) (P, bool)) *Declared[P] {
	return &Declared[P]{&declaration{value: value, errorCode: errorCode, params: reflect.TypeFor[P]()}, read}
}

// From returns the parameters of err, made in this process or received from a server,
// with or without interceptors. It is false if err is another error, or has a value that
// is not of its parameter's type; its metadata is there all the same, see
// [Error.Metadata].
func (d *Declared[P]) From(err error) (p P, ok bool) {
	e, ok := From(err)
	if !ok || !e.Is(d) {
		return p, false
	}
	return d.read(e.view().metadata())
}

// Make is for generated code: it makes the error, with the values of its parameters in
// the order of their declaration. It cannot fail.
func (d *Declared[P]) Make(opts []Option, values ...string) error { return d.make(opts, values) }

// declared tells a Declared from other errors, whatever its parameters. It is nil of a nil one.
func (d *Declared[P]) declared() *declaration {
	if d == nil {
		return nil
	}
	return d.declaration
}

// sentinel is what becomes of a Declared that a handler returns as it is: the error, if
// nothing is missing; otherwise nobody knows the values, and the log says what to write.
func sentinel(err error) *Error {
	s, ok := as[interface {
		error
		declared() *declaration
	}](err)
	if !ok || s.declared() == nil {
		return nil
	}
	d := s.declared()
	if d.parse(); len(d.keys) == 0 {
		return d.make([]Option{Cause(err)}, nil)
	}
	return unexpected(fmt.Errorf("%w: %s has parameters: return %s{…}.Err(), and not the error that is there to compare with", err, d.Error(), d.params))
}

// declaration is what Declared is of any parameters.
type declaration struct {
	value     protoreflect.Enum
	errorCode string
	params    reflect.Type // the struct of its parameters, for logs
	once      sync.Once
	spec      *recoursev1.ErrorOptions

	like       *Error // what all errors of the kind have in common
	keys       []string
	order      []int // of the parameters, by key
	levels     []recoursev1.ErrorParameter_Sensitivity
	secretive  bool
	message    template.Template
	suggestion template.Template
	actions    encodedActions
	templates  bool   // actions have values in them
	links      []link // with values in their URLs
	rest       rest
	fixed      *Error // what make returns without options, of an error without parameters
}

// link is a page whose URL has values in it.
type link struct {
	description string
	url         template.Template
}

// Error returns domain and error code.
func (d *declaration) Error() string {
	d.parse()
	return d.like.Domain() + "/" + d.like.ErrorCode()
}

// Options returns how the error was declared. The caller owns the result.
func (d *declaration) Options() *recoursev1.ErrorOptions {
	d.parse()
	return proto.CloneOf(d.spec)
}

func (d *declaration) parse() { d.once.Do(d.parseOptions) }

// parseOptions takes what it can: a catalogue that lint has not seen must not stop a
// service.
func (d *declaration) parseOptions() {
	enum := d.value.Descriptor()
	catalog, _ := proto.GetExtension(enum.Options(), recoursev1.E_Catalog).(*recoursev1.CatalogOptions)
	if value := enum.Values().ByNumber(d.value.Number()); value != nil {
		d.spec, _ = proto.GetExtension(value.Options(), recoursev1.E_Error).(*recoursev1.ErrorOptions)
	}
	if d.spec == nil {
		d.spec = new(recoursev1.ErrorOptions)
	}
	spec := d.spec
	for _, p := range spec.GetParams() {
		d.keys = append(d.keys, p.GetKey())
		d.levels = append(d.levels, p.GetSensitivity())
	}
	d.secretive = keepsBack(spec)
	d.order = make([]int, len(d.keys))
	for i := range d.order {
		d.order[i] = i
	}
	slices.SortStableFunc(d.order, func(a, b int) int { return cmp.Compare(d.keys[a], d.keys[b]) })
	d.message = d.template(spec.GetMessage())
	d.suggestion = d.template(spec.GetSuggestion())

	d.like = New(codes.Code(spec.GetCode()), d.errorCode, d.message.Text(), d.options(catalog)...)
	d.actions = encodeActions(d.like.fields.actions)
	d.templates = slices.ContainsFunc(d.like.fields.actions, namesParameters)
	d.rest = d.like.restOf()
	if len(d.keys) == 0 {
		d.fixed = d.with(nil, nil)
	}
}

// keepsBack reports whether not everybody may see everything.
func keepsBack(spec *recoursev1.ErrorOptions) bool {
	return tooHigh(spec.GetVisibility(), Public) || slices.ContainsFunc(spec.GetParams(), func(p *recoursev1.ErrorParameter) bool {
		return p.GetSensitivity() != recoursev1.ErrorParameter_SENSITIVITY_PUBLIC
	})
}

// options are those of every error of the kind.
func (d *declaration) options(catalog *recoursev1.CatalogOptions) []Option {
	spec := d.spec
	opts := []Option{Domain(catalog.GetDomain()), Outcome(spec.GetOutcome()), Recover(spec.GetActions()...)}
	opts = append(opts, func(e *Error) {
		e.fields.catalogVersion, e.fields.visibility = clean(catalog.GetVersion(), maxVersion), spec.GetVisibility()
	})
	if d.suggestion.Text() != "" {
		opts = append(opts, Suggest(d.suggestion.Text()))
	}
	if spec.GetRetry() != recoursev1.RetryAdvice_VERDICT_UNSPECIFIED {
		opts = append(opts, Retry(spec.GetRetry()))
	}
	if spec.GetRetryDelay() != nil {
		opts = append(opts, RetryAfter(spec.GetRetryDelay().AsDuration()))
	}
	if base := catalog.GetDocBaseUrl(); base != "" {
		opts = append(opts, Help(cmp.Or(spec.GetTitle(), d.errorCode), base+d.errorCode))
	}
	for _, l := range spec.GetLinks() {
		if page := d.template(l.GetUrl()); page.Varies() {
			d.links = append(d.links, link{l.GetDescription(), page})
		} else {
			opts = append(opts, Help(l.GetDescription(), page.Text()))
		}
	}
	return opts
}

// template takes a text with a mistake in it as it is.
func (d *declaration) template(text string) template.Template {
	t, err := template.Parse(text, d.keys)
	if err != nil {
		return template.Fixed(text)
	}
	return t
}

// make makes an error like all of the kind, with values.
func (d *declaration) make(opts []Option, values []string) *Error {
	d.parse()
	if d.fixed != nil && len(opts) == 0 {
		return d.fixed
	}
	return d.with(opts, values)
}

// with makes the error anew. What all of the kind share is not to be changed: with options
// it is a copy.
func (d *declaration) with(opts []Option, values []string) *Error {
	made := new(struct { // with room for what many have, in one piece
		Error
		meta [2]pair
	})
	e, meta := &made.Error, slices.Grow(made.meta[:0], len(d.order))
	e.code, e.fields = d.like.code, d.like.fields
	f := &e.fields
	f.declared = d
	for _, i := range d.order {
		value := ""
		if i < len(values) && d.levels[i] != recoursev1.ErrorParameter_SENSITIVITY_SECRET {
			value = clean(values[i], maxMetaValue)
		}
		meta = append(meta, pair{d.keys[i], value})
	}
	f.meta = meta
	show := f.shown(recoursev1.ErrorParameter_SENSITIVITY_INTERNAL)
	e.message = clean(d.message.Render(show), maxMessage)
	if d.suggestion.Varies() {
		f.suggestion, f.suggests = clean(d.suggestion.Render(show), maxSuggestion), true
	}
	if d.templates {
		f.actions = d.filledIn(f.shown(recoursev1.ErrorParameter_SENSITIVITY_INTERNAL)) // not show, which stays off the heap
		f.filled = f.actions
	}
	if len(d.links) > 0 {
		f.others = slices.Clone(f.others)
		f.addLinks(d.links)
	}
	if len(opts) > 0 {
		f.actions, f.others = slices.Clone(f.actions), slices.Clone(f.others)
		e.apply(opts)
	}
	return e
}

// shown returns what to render for a parameter, where values up to a level may be seen.
func (f *fields) shown(most recoursev1.ErrorParameter_Sensitivity) func(param int) string {
	d := f.declared
	return func(param int) string {
		if l := d.levels[param]; l > most || l == recoursev1.ErrorParameter_SENSITIVITY_UNSPECIFIED && most < recoursev1.ErrorParameter_SENSITIVITY_INTERNAL {
			return hidden
		}
		i, found := findMeta(f.meta, d.keys[param])
		switch {
		case found && (f.meta[i].value != "" || !f.bound):
			return f.meta[i].value
		case f.bound && d.levels[param] != recoursev1.ErrorParameter_SENSITIVITY_PUBLIC:
			return hidden // from this process too
		}
		return ""
	}
}

// addLinks adds those whose values everybody may see: a URL with a gap in it leads nowhere.
// Values stand in a URL as what they are, not as parts of its syntax.
func (f *fields) addLinks(links []link) {
	show := f.shown(recoursev1.ErrorParameter_SENSITIVITY_PUBLIC)
	for _, l := range links {
		if slices.ContainsFunc(l.url.Params(), func(p int) bool { return f.declared.levels[p] != recoursev1.ErrorParameter_SENSITIVITY_PUBLIC }) {
			f.elided++
			continue
		}
		f.addLink(l.description, l.url.Render(func(p int) string {
			return strings.ReplaceAll(url.QueryEscape(show(p)), "+", "%20")
		}))
	}
}

// filledIn are the actions with the values in their texts.
func (d *declaration) filledIn(show func(int) string) []*recoursev1.RecoveryAction {
	actions := make([]*recoursev1.RecoveryAction, 0, len(d.like.fields.actions))
	for _, a := range d.like.fields.actions {
		a = proto.CloneOf(a)
		fillIn(a.ProtoReflect(), func(text string) string {
			t := d.template(text)
			return clean(t.Render(show), maxActionText)
		}, maxNesting)
		a.Label = clean(a.GetLabel(), maxLabel)
		actions = append(actions, a)
	}
	return actions
}

// namesParameters reports whether a text of the action is to be filled in.
func namesParameters(a *recoursev1.RecoveryAction) (names bool) {
	fillIn(proto.CloneOf(a).ProtoReflect(), func(text string) string {
		names = names || strings.ContainsAny(text, "{}")
		return text
	}, maxNesting)
	return names
}

// fillIn renders every text of a message.
func fillIn(m protoreflect.Message, render func(string) string, depth int) {
	if depth == 0 {
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			for i := range v.List().Len() {
				v.List().Set(i, protoreflect.ValueOfString(render(v.List().Get(i).String())))
			}
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				fillIn(v.List().Get(i).Message(), render, depth-1)
			}
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(render(v.String())))
		case f.Message() != nil:
			fillIn(v.Message(), render, depth-1)
		}
		return true
	})
}

// metadata is all that an error knows of its parameters.
func (f *fields) metadata() map[string]string {
	m := make(map[string]string, len(f.meta))
	for _, p := range f.meta {
		m[p.key] = p.value
	}
	return m
}

// personal reports whether a value must stay out of logs.
func (d *declaration) personal(key string) bool {
	if d == nil {
		return false
	}
	i := slices.Index(d.keys, key)
	return i >= 0 && d.levels[i] >= recoursev1.ErrorParameter_SENSITIVITY_PERSONAL
}

// confine takes out of a declared error what this caller may not see.
func (d *draft) confine(trust Trust) {
	if tooHigh(d.visibility, trust) {
		d.anonymous()
		return
	}
	decl := d.declared
	if decl == nil || !decl.secretive {
		return
	}
	most := recoursev1.ErrorParameter_SENSITIVITY_PUBLIC
	switch trust {
	case Partner:
		most = recoursev1.ErrorParameter_SENSITIVITY_INTERNAL
	case Internal:
		most = recoursev1.ErrorParameter_SENSITIVITY_PERSONAL
	}
	whole := d.fields // which leaves d on the stack of those that need not come here
	show := whole.shown(most)
	d.message = clean(decl.message.Render(show), maxMessage)
	asItCame := d.bound && trust == Internal
	if d.suggests && !asItCame {
		d.suggestion = clean(decl.suggestion.Render(show), maxSuggestion)
	}
	switch {
	case asItCame:
	case d.bound:
		d.actions = d.instead(decl.filledIn(show))
	case decl.templates:
		filled := decl.filledIn(show)
		d.actions = slices.Clone(d.actions) // the Error shares the array
		for i, a := range d.actions {
			if at := slices.Index(d.filled, a); at >= 0 {
				d.actions[i] = filled[at]
			}
		}
	}
	d.meta = slices.Clone(d.meta) // the Error shares the array
	for i, p := range d.meta {
		at := slices.Index(decl.keys, p.key)
		if at >= 0 && show(at) == hidden || at < 0 && d.bound && most < recoursev1.ErrorParameter_SENSITIVITY_INTERNAL {
			d.meta[i].value = "" // the key stays: a client may count on it (AIP-193)
		}
	}
}

// tooHigh takes what it does not know for the least that can be shown, as it is with sensitivities.
func tooHigh(v recoursev1.ErrorOptions_Visibility, trust Trust) bool {
	switch v {
	case recoursev1.ErrorOptions_VISIBILITY_UNSPECIFIED, recoursev1.ErrorOptions_VISIBILITY_PUBLIC:
		return false
	case recoursev1.ErrorOptions_VISIBILITY_PARTNER:
		return trust != Partner && trust != Internal
	}
	return trust != Internal
}

// anonymous leaves the code, and what repeats depend on.
func (d *draft) anonymous() {
	usual := defaultsOf(d.code)
	d.fields = fields{
		errorCode: usual.name, domain: d.domain, advice: d.advice, delay: d.delay, hasDelay: d.hasDelay,
		requestID: d.requestID, outcome: d.outcome, causes: d.causes, elided: d.elided,
	}
	d.message = usual.message
}
