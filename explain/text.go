package explain

import (
	"fmt"
	"maps"
	"slices"
)

// Text explains a document in lines of text, each ended by a newline; nil is explained by nothing. What matters most
// comes first, so that it may be cut after any line.
func (d *Document) Text(style Style) string {
	if d == nil {
		return ""
	}
	p := &page{style: style}
	switch d.Kind {
	case KindDegraded:
		p.degraded(d)
	case KindDeclared:
		p.declared(d)
	default:
		p.error(d)
	}
	return p.String()
}

func (p *page) error(d *Document) {
	p.headline("error:", d.headline())
	if d.Code == "" { // there is no more
		return
	}
	p.paragraph(d.Suggestion)
	p.blank()
	if p.style.Full {
		p.reference(d)
		p.problems(d)
		p.actions(d)
		p.links(d)
		p.further(d)
		p.declaration(d)
		return
	}
	p.problems(d)
	p.actions(d)
	p.links(d)
	p.row("again", d.again())
	p.row("effect", effect(d.Outcome))
	p.elided(d)
	p.row("request id", d.RequestID)
	p.row("code", d.identity())
}

// reference is what a developer looks at first.
func (p *page) reference(d *Document) {
	p.row("code", d.identity())
	p.row("again", d.again())
	p.row("effect", effect(d.Outcome))
	p.row("request id", d.RequestID)
	p.row("operation", d.Operation)
	if d.Localized != "" {
		p.row("message", d.Message)
	}
}

// further is what the rest of an error says.
func (p *page) further(d *Document) {
	some(p, slices.Sorted(maps.Keys(d.Parameters)), func(key string) { p.row("parameter", key+" = "+d.Parameters[key]) })
	for _, c := range d.Causes {
		p.row("behind it", c.text())
	}
	some(p, d.Details, func(detail Detail) { p.row("also sent", detail.text()) })
	p.elided(d)
}

func (p *page) degraded(d *Document) {
	p.headline("note:", "this is "+insteadOf(d.Mark))
	p.paragraph(d.Suggestion)
	p.blank()
	p.actions(d)
	if d.ErrorCode != "" {
		p.row("because", identity(d.ErrorCode, d.Domain))
	}
	p.row("source", d.Mark.Source)
	if p.style.Full {
		p.declaration(d)
	}
}

// headline is the server's message, in the reader's language where the server knows it.
func (d *Document) headline() string {
	switch {
	case d.Localized != "":
		return d.Localized
	case d.Message != "" || d.Code == "":
		return d.Message
	}
	return "the call failed"
}

// identity is what an error is called, and its code.
func (d *Document) identity() string {
	return identity(d.ErrorCode, d.Domain) + " (" + d.code.String() + ")"
}

// problems says what exactly is wrong, or used up, or in the way.
func (p *page) problems(d *Document) {
	for _, kind := range []string{"field", "quota", "state"} {
		list := slices.DeleteFunc(slices.Clone(d.Problems), func(v Problem) bool { return v.Kind != kind })
		some(p, list, func(v Problem) {
			if kind == "quota" && !p.style.Full { // its id is for the operator
				v.Name = ""
			}
			p.row(kind, named(v.Name, v.Text))
		})
	}
}

func (p *page) actions(d *Document) {
	for _, a := range d.Actions {
		p.row(actor(a.actor), a.text())
	}
}

func (p *page) links(d *Document) {
	some(p, d.Links, func(l Link) { p.row("read", named(l.Description, l.URL)) })
}

func (p *page) elided(d *Document) {
	switch d.Elided {
	case 0:
	case 1:
		p.row("more", "one more detail was left out")
	default:
		p.row("more", fmt.Sprintf("%d more details were left out", d.Elided))
	}
}

func (c Cause) text() string {
	text := c.Code
	if c.ErrorCode != "" && c.ErrorCode != c.Code {
		text = identity(c.ErrorCode, c.Domain) + " (" + c.Code + ")"
	}
	if c.Service != "" {
		text = c.Service + ": " + text
	}
	if c.RequestID != "" {
		text += ", request id " + c.RequestID
	}
	if c.Redacted {
		text += ", the rest is not for you"
	}
	return text
}

func (d Detail) text() string {
	text := fmt.Sprintf("%s, %d bytes", d.Type, d.Bytes)
	if d.Bytes == 1 {
		text = d.Type + ", 1 byte"
	}
	if !d.Known {
		text += ", of a type that is not known here"
	}
	if d.Text != "" {
		text += ": " + d.Text
	}
	return text
}

// some shows the first items of a list and counts the others.
func some[T any](p *page, list []T, show func(T)) {
	most := maxItems
	if p.style.All {
		most = len(list)
	}
	for _, item := range list[:min(len(list), most)] {
		show(item)
	}
	if more := len(list) - most; more > 0 {
		p.row("", fmt.Sprintf("and %d more", more))
	}
}
