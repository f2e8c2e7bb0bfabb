package status

import (
	"fmt"
	"strings"
)

// hidden stands for a value that must not be shown.
const hidden = "***"

// template is a text with the values of parameters in it: {key}, and {{ or }} for a
// brace.
type template struct {
	fixed string // the text, if it names no parameter
	parts []part // otherwise
}

// part is text, or the value of a parameter.
type part struct {
	text  string
	param int // -1: none
}

// parseTemplate finds the parameters that a text names. A brace that is not one of the
// above is a mistake.
func parseTemplate(text string, keys []string) (t template, err error) {
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
			return template{}, fmt.Errorf("a single brace: write {{ or }} for the character itself")
		}
		param := indexOf(keys, rest[:end])
		if param < 0 {
			return template{}, fmt.Errorf("{%s} is no declared parameter", rest[:end])
		}
		flush()
		t.parts = append(t.parts, part{param: param})
		rest = rest[end+1:]
	}
	flush()
	if len(t.parts) == 1 && t.parts[0].param < 0 {
		t = template{fixed: t.parts[0].text}
	}
	return t, nil
}

func indexOf(keys []string, key string) int {
	for i, k := range keys {
		if k == key {
			return i
		}
	}
	return -1
}

// render fills in the values.
func (t *template) render(value func(param int) string) string {
	if t.parts == nil {
		return t.fixed
	}
	n := 0
	for _, p := range t.parts {
		if n += len(p.text); p.param >= 0 {
			n += len(value(p.param))
		}
	}
	b := make([]byte, 0, n)
	for _, p := range t.parts {
		if b = append(b, p.text...); p.param >= 0 {
			b = append(b, value(p.param)...)
		}
	}
	return string(b)
}
