package explain

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/encoding/protojson"
)

// Declaration is what a catalogue says of an error.
type Declaration struct {
	Title           string      `json:"title,omitempty"`
	Description     string      `json:"description,omitempty"`
	Message         string      `json:"message,omitempty"` // a template
	Parameters      []Parameter `json:"parameters,omitempty"`
	Methods         []string    `json:"methods,omitempty"`
	Page            string      `json:"page,omitempty"`
	Visibility      string      `json:"visibility,omitempty"`
	Severity        string      `json:"severity,omitempty"`
	Version         string      `json:"version,omitempty"`
	Since           string      `json:"since,omitempty"`
	DeprecatedSince string      `json:"deprecatedSince,omitempty"`
	ReplacedBy      string      `json:"replacedBy,omitempty"`
}

// Parameter is a parameter that an error is declared with.
type Parameter struct {
	Key         string `json:"key"`
	Type        string `json:"type"`
	Sensitivity string `json:"sensitivity"`
	Example     string `json:"example,omitempty"`
	Description string `json:"description,omitempty"`
}

// maxDescription is the longest description that is kept.
const maxDescription = 2048

// OfDeclared reads an error that nobody has got: what every error of its kind says. Nil is nil.
func OfDeclared(e *catalog.Error) *Document {
	if e == nil {
		return nil
	}
	usual := status.New(e.GRPCCode(), "", "", declaredRetry(e)...)
	d := &Document{Schema: Schema, Kind: KindDeclared}
	d.identify(e.GRPCCode(), show(e.Reason), show(e.Domain))
	d.Message, d.CatalogVersion, d.Outcome = status.Display(e.Message, maxText), show(e.Version), show(e.Outcome)
	d.Suggestion = cmp.Or(status.Display(e.Suggestion, maxText), usual.Suggestion())
	d.retry(usual)
	for _, written := range e.Actions {
		action := new(recoursev1.RecoveryAction)
		if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(readable(written), action) == nil && len(d.Actions) < maxItems {
			d.action(action)
		}
	}
	if len(e.Actions) == 0 {
		for _, action := range usual.RecoveryActions() {
			d.action(action)
		}
	}
	keep(d, e.Links, func(l catalog.Link) { d.link(l.Description, l.URL) })
	d.Declare(e)
	return d
}

// readable takes an action of a service's own type out of what is read, which leaves its label: the type need not be
// known here.
func readable(action json.RawMessage) []byte {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(action, &fields) != nil {
		return action
	}
	delete(fields, "custom")
	if written, err := json.Marshal(fields); err == nil {
		return written
	}
	return action
}

func declaredRetry(e *catalog.Error) []status.Option {
	var options []status.Option
	if delay := e.Delay(); delay > 0 {
		options = append(options, status.RetryAfter(delay))
	}
	if v, ok := recoursev1.RetryAdvice_Verdict_value["VERDICT_"+e.Retry]; ok && v != 0 {
		options = append(options, status.Retry(recoursev1.RetryAdvice_Verdict(v)))
	}
	return options
}

// OfKnown reads an error that needs no catalogue, such as package status makes itself, or that of a gRPC code.
func OfKnown(e *status.Error, title, description string) *Document {
	if e == nil {
		return nil
	}
	d := Of(e)
	d.Kind = KindDeclared
	d.Declared = &Declaration{Title: status.Display(title, maxText), Description: described(description)}
	return d
}

// Declare adds what a catalogue says of the error that d is about. It does nothing for nil.
func (d *Document) Declare(e *catalog.Error) {
	if e == nil {
		return
	}
	s := &Declaration{
		Title: status.Display(e.Title, maxText), Description: described(e.Description), Message: status.Display(e.Message, maxText),
		Page: address(e.Page), Visibility: show(e.Visibility), Severity: show(e.Severity), Version: show(e.Version),
		Since: show(e.Since), DeprecatedSince: show(e.DeprecatedSince), ReplacedBy: show(e.ReplacedBy),
	}
	keep(d, e.Methods, func(m string) { s.Methods = append(s.Methods, status.Display(m, maxText)) })
	keep(d, e.Params, func(p catalog.Param) {
		s.Parameters = append(s.Parameters, Parameter{
			show(p.Key), show(p.Type), show(p.Sensitivity), show(p.Example), status.Display(p.Description, maxText),
		})
	})
	d.Declared = s
}

// described is a description on one line.
func described(text string) string {
	return strings.Join(strings.Fields(status.Display(text, maxDescription)), " ")
}

func (p *page) declared(d *Document) {
	s := d.Declared
	p.headline(d.ErrorCode+":", cmp.Or(s.Title, d.Message))
	p.paragraph(s.Description)
	p.blank()
	p.row("code", d.identity())
	p.row("message", d.Message)
	p.row("suggestion", d.Suggestion)
	p.actions(d)
	p.row("again", d.again())
	p.row("effect", effect(d.Outcome))
	p.links(d)
	p.catalogue(d)
}

// declaration shows what the catalogue says of an error that somebody has got, whose own words come before.
func (p *page) declaration(d *Document) {
	if d.Declared == nil {
		return
	}
	p.row("declared", named(d.Declared.Title, d.Declared.Description))
	p.catalogue(d)
}

func (p *page) catalogue(d *Document) {
	s := d.Declared
	if s.DeprecatedSince != "" {
		text := "since " + s.DeprecatedSince
		if s.ReplacedBy != "" {
			text += ", replaced by " + s.ReplacedBy
		}
		p.row("deprecated", text)
	}
	p.row("page", s.Page)
	some(p, s.Methods, func(m string) { p.row("method", m) })
	some(p, s.Parameters, func(v Parameter) {
		if _, sent := d.Parameters[v.Key]; sent && d.Kind == KindError && !p.style.All {
			return // its value was shown
		}
		p.row("declares", v.text())
	})
	p.row("seen by", visibility[s.Visibility])
	p.row("severity", strings.ToLower(s.Severity))
	p.row("since", s.Since)
}

// visibility is who may see an error that not everybody may see.
var visibility = map[string]string{"PARTNER": "partners and the organization's own services", "INTERNAL": "the organization's own services"}

func (v Parameter) text() string {
	kinds := slices.DeleteFunc([]string{v.Type, v.Sensitivity}, func(s string) bool { return s == "" })
	text := v.Key + " (" + strings.ToLower(strings.Join(kinds, ", ")) + ")"
	if v.Description != "" {
		text += ": " + v.Description
	}
	return text
}
