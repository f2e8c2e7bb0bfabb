package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// markdown is all errors in one file, with the headings that a reader of it can link to.
func (s *site) markdown() []byte {
	m := &writer{anchors: map[string]int{}}
	anchors := map[*page]string{}
	body := &writer{anchors: m.anchors}
	m.heading(1, "Error catalogue")
	for _, d := range s.Domains {
		body.heading(2, d.Name)
		for _, p := range d.Pages {
			anchors[p] = body.heading(3, p.Error.Reason)
			body.page(p)
		}
	}
	m.line("%s: what each one means, and what to do about it.", count(len(s.Pages), "error"))
	if s.JSON != "" {
		m.line("[%s](%s) has all of this for programs.", s.JSON, s.JSON)
	}
	m.line("")
	m.line("<!-- Made by `recourse docs`. DO NOT EDIT. -->")
	m.line("")
	m.line("| error | code | what happened | send it again? |\n|---|---|---|---|")
	for _, p := range s.Pages {
		m.line("| [%s](#%s) | %s | %s | %s |",
			escape(p.Error.Reason), anchors[p], escape(p.Code.Name), escape(p.Error.Title), escape(strings.ToLower(p.Retry.Short)))
	}
	return []byte(m.b.String() + "\n" + strings.TrimRight(body.b.String(), "\n") + "\n")
}

type writer struct {
	b       strings.Builder
	anchors map[string]int // how often each was given away
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// heading returns what a link to it says: small letters, hyphens for spaces, no other marks,
// and a number where it would be the same again.
func (w *writer) heading(level int, text string) (anchor string) {
	w.line("%s %s\n", strings.Repeat("#", level), escape(text))
	for _, r := range strings.ToLower(text) {
		switch {
		case r == ' ':
			anchor += "-"
		case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			anchor += string(r)
		}
	}
	n := w.anchors[anchor]
	w.anchors[anchor]++
	if n > 0 {
		anchor = fmt.Sprintf("%s-%d", anchor, n)
	}
	return anchor
}

func (w *writer) page(p *page) {
	w.line("**%s.** %s, HTTP %s.\n", escape(strings.TrimSuffix(p.Error.Title, ".")), escape(p.Code.Name), escape(p.Code.HTTP))
	if p.Error.DeprecatedSince != "" {
		instead := ""
		if p.Error.ReplacedBy != "" {
			instead = " Replaced by " + escape(p.Error.ReplacedBy) + "."
		}
		w.line("Deprecated since %s.%s\n", escape(p.Error.DeprecatedSince), instead)
	}
	if p.Visibility != "" {
		w.line("%s\n", p.Visibility)
	}
	for _, text := range p.Description {
		w.line("%s\n", escape(text))
	}
	w.line("> %s\n", escape(p.Message))
	if p.Suggestion != "" {
		w.line("What to do: %s\n", escape(p.Suggestion))
	}
	for i, a := range p.Actions {
		w.line("%d. %s", i+1, strings.Join(a.sentences(), " "))
	}
	if len(p.Actions) > 0 {
		w.line("")
	}
	w.line("- Send it again? %s", p.Retry.Text)
	w.line("- Did it take effect? %s. %s", p.Outcome.Short, p.Outcome.Text)
	if len(p.Methods) > 0 {
		var names []string
		for _, m := range p.Methods {
			names = append(names, verbatim(m.Full))
		}
		w.line("- Methods: %s", strings.Join(names, ", "))
	}
	if p.Error.Since != "" {
		w.line("- Since: %s", escape(p.Error.Since))
	}
	for _, l := range p.Links {
		w.line("- %s", link(l.Description, l.URL))
	}
	w.line("")
	w.params(p)
	w.languages(p)
	w.block("go", p.Go)
	if p.Status != "" {
		w.line("<details><summary>As a client receives it</summary>\n")
		w.block("json", p.Status+"\n")
		w.line("</details>\n")
	}
}

func (w *writer) params(p *page) {
	if len(p.Params) == 0 {
		return
	}
	w.line("| parameter | what it is | type | seen by | example |\n|---|---|---|---|---|")
	for _, x := range p.Params {
		example := ""
		if x.Example != "" {
			example = verbatim(x.Example)
		}
		w.line("| %s | %s | %s | %s | %s |", verbatim(x.Key), escape(x.Description), escape(x.Is), escape(x.Seen), example)
	}
	w.line("")
}

func (w *writer) languages(p *page) {
	if len(p.Languages) == 0 {
		return
	}
	w.line("| language | message | what to do |\n|---|---|---|")
	for _, t := range p.Languages {
		w.line("| %s | %s | %s |", escape(t.Locale), escape(t.Message), escape(t.Suggestion))
	}
	w.line("")
}

// block is a block of code, whose fence is longer than any in it.
func (w *writer) block(language, code string) {
	fence := "```"
	for strings.Contains(code, fence) {
		fence += "`"
	}
	w.line("%s%s\n%s%s\n", fence, language, code, fence)
}

// sentences are an action in words.
func (a action) sentences() []string {
	out := []string{link(a.What, a.Link) + " (" + lower(a.Who) + ")."}
	if a.How != "" {
		out = append(out, escape(a.How))
	}
	for _, f := range a.Fixes {
		text := "Field " + verbatim(f.GetField())
		if f.GetReason() != "" {
			text += " is " + verbatim(f.GetReason())
		}
		for i, v := range f.GetAllowedValues() {
			text += map[bool]string{true: "; allowed: ", false: ", "}[i == 0] + verbatim(v)
		}
		if f.GetSuggestedValue() != "" {
			text += "; set it to " + verbatim(f.GetSuggestedValue())
		}
		out = append(out, text+".")
	}
	if a.Required {
		out = append(out, "Before anything else.")
	}
	if a.ThenRetry {
		out = append(out, "Then send it again.")
	}
	return out
}

func lower(text string) string {
	return strings.ToLower(text[:min(1, len(text))]) + text[min(1, len(text)):]
}

func link(text, address string) string {
	if address == "" {
		return escape(text)
	}
	return "[" + escape(text) + "](<" + strings.NewReplacer("<", "%3C", ">", "%3E").Replace(address) + ">)"
}

// escape makes text of the catalogue stand for itself, on one line.
func escape(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = lone.ReplaceAllStringFunc(marks.Replace(text), func(s string) string { return strings.ReplaceAll(s, "_", `\_`) })
	return begins.ReplaceAllString(text, `$1\$2`)
}

var (
	marks = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
		"|", `\|`, "~", `\~`, "#", `\#`, "!", `\!`, "://", `:\//`, "@", "&#64;", "$", `\$`)
	// An underscore between letters is itself, and error codes are easier to read so.
	lone = regexp.MustCompile(`(^|[^\pL\pN])_+|_+($|[^\pL\pN])`)
	// What would begin a list, a heading or a rule.
	begins = regexp.MustCompile(`^(\d*)([-+=]|[.)](?:\s|$))`)
)

// verbatim is text as code, whatever is in it.
func verbatim(text string) string {
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || text == "" {
		text = " " + text + " "
	}
	return fence + text + fence
}
