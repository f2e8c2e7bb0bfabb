// Package template is the texts of declared errors, the values in them, and their error
// codes: those who make errors and those who check them go by the same rules.
package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Template is a text with the values of parameters in it: {key}, and {{ or }} for a
// brace. The zero value is the empty text.
type Template struct {
	fixed string // the text, if it names no parameter
	parts []part // otherwise
}

// part is text, or the value of a parameter.
type part struct {
	text  string
	param int // -1: none
}

// Fixed is the template of a text that names no parameter, whatever braces are in it.
func Fixed(text string) Template { return Template{fixed: text} }

// Parse finds the parameters that a text names, among those with these keys. A brace
// that is not one of the above is a mistake.
func Parse(text string, keys []string) (t Template, err error) {
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t.parts = append(t.parts, part{text: plain.String(), param: -1})
			plain.Reset()
		}
	}
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			plain.WriteString(rest)
			break
		}
		plain.WriteString(rest[:i])
		brace := rest[i]
		rest = rest[i+1:]
		if rest != "" && rest[0] == brace {
			plain.WriteByte(brace)
			rest = rest[1:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if brace == '}' || end < 0 {
			return Template{}, errors.New("a single brace: write {{ or }} for the character itself")
		}
		param := slices.Index(keys, rest[:end])
		if param < 0 {
			return Template{}, fmt.Errorf("{%s} is no declared parameter", rest[:end])
		}
		flush()
		t.parts = append(t.parts, part{param: param})
		rest = rest[end+1:]
	}
	flush()
	if len(t.parts) == 1 && t.parts[0].param < 0 {
		t = Template{fixed: t.parts[0].text}
	}
	return t, nil
}

// Text is the text of a template that names no parameter, empty of any other.
func (t *Template) Text() string { return t.fixed }

// Params are the parameters that the template names, in the order of the text, as often as it
// does; nil if there is none.
func (t *Template) Params() []int {
	var params []int
	for _, p := range t.parts {
		if p.param >= 0 {
			params = append(params, p.param)
		}
	}
	return params
}

// Varies tells whether the template names a parameter.
func (t *Template) Varies() bool { return t.parts != nil }

// Render fills in the values.
func (t *Template) Render(value func(param int) string) string {
	if t.parts == nil {
		return t.fixed
	}
	b := make([]byte, 0, 256) // on the stack, and enough for most
	for _, p := range t.parts {
		if b = append(b, p.text...); p.param >= 0 {
			b = append(b, value(p.param)...)
		}
	}
	return string(b)
}
