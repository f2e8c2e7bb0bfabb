package docs

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/status/template"
)

// page is what there is to say about an error.
type page struct {
	Error                  *catalog.Error
	Dir                    string // where its index.html is, from the root of the site
	Root                   string // the way back
	Before, After, Instead *page

	Code        code
	Description []string // paragraphs
	Message     string   // with examples
	Suggestion  string   // with examples; that of the code where the error has none
	Actions     []action
	Retry       answer
	Outcome     answer
	Params      []param
	Languages   []catalog.Translation // with examples
	Methods     []method
	Visibility  string // empty for everybody
	Links       []catalog.Link
	Go, Status  string // to copy
	Broken      string // why there is no example
}

type param struct {
	catalog.Param
	Is, Seen string // the type and the sensitivity in words
}

// action is something that somebody can do.
type action struct {
	Who, What string
	How       string // empty: the label says all
	Link      string
	Fixes     []*recoursev1.FixFields_Fix
	Required  bool
	ThenRetry bool
}

func newPage(e *catalog.Error) *page {
	e = cleaned(e)
	p := &page{
		Error: e, Dir: e.Reason + "/", Root: "../",
		Code: codeOf(e.Code), Description: paragraphs(e.Description), Message: e.Message, Suggestion: e.Suggestion,
		Outcome: outcomeOf(e.Outcome), Visibility: visibilities[e.Visibility],
	}
	for _, x := range e.Params {
		p.Params = append(p.Params, param{x, orElse(types[x.Type], x.Type), orElse(sensitivities[x.Sensitivity], x.Sensitivity)})
	}
	p.Languages = translated(e)
	for _, name := range e.Methods {
		p.Methods = append(p.Methods, newMethod(name))
	}
	for _, l := range e.Links {
		if !strings.ContainsAny(l.URL, "{}") {
			p.Links = append(p.Links, catalog.Link{Description: orElse(l.Description, l.URL), URL: https(l.URL)})
		}
	}
	p.Go = snippet(e)
	sent, text, err := example(e)
	if err != nil {
		p.Broken = err.Error()
		p.Retry = retryOf(e.Retry, e.RetryDelay, false)
		return p
	}
	p.Status = text
	p.Message, p.Suggestion = sent.Message(), sent.Suggestion()
	for _, a := range sent.RecoveryActions() {
		p.Actions = append(p.Actions, actionOf(a))
	}
	p.Retry = retryOf(catalog.Word(sent.Verdict()), e.RetryDelay, e.Retry == "")
	if sent.Outcome() != 0 {
		p.Outcome = outcomeOf(catalog.Word(sent.Outcome()))
	}
	return p
}

// translated are the texts in other languages with examples, of parameters that everybody may see.
func translated(e *catalog.Error) []catalog.Translation {
	keys := make([]string, len(e.Params))
	for i, p := range e.Params {
		keys[i] = p.Key
	}
	fill := func(text string) string {
		t, err := template.Parse(text, keys)
		if err != nil {
			return text
		}
		return t.Render(func(i int) string {
			if e.Params[i].Sensitivity != "PUBLIC" {
				return "***"
			}
			return e.Params[i].Example
		})
	}
	out := slices.Clone(e.Translations)
	for i, t := range out {
		out[i].Message, out[i].Suggestion = fill(t.Message), fill(t.Suggestion)
	}
	return out
}

// cleaned is a copy without characters that cannot be seen, or that make what follows be
// read in another order than it stands: a page, and above all code to copy, says what it shows.
func cleaned(e *catalog.Error) *catalog.Error {
	c := *e
	for _, text := range []*string{
		&c.Title, &c.Description, &c.Message, &c.Suggestion, &c.Since, &c.DeprecatedSince, &c.ReplacedBy, &c.Version, &c.Enum, &c.Value,
	} {
		*text = clean(*text)
	}
	c.Params, c.Links, c.Methods = slices.Clone(c.Params), slices.Clone(c.Links), slices.Clone(c.Methods)
	for i, p := range c.Params {
		c.Params[i].Key, c.Params[i].Example, c.Params[i].Description = clean(p.Key), clean(p.Example), clean(p.Description)
	}
	c.Translations = slices.Clone(c.Translations)
	for i, t := range c.Translations {
		c.Translations[i] = catalog.Translation{Locale: clean(t.Locale), Message: clean(t.Message), Suggestion: clean(t.Suggestion)}
	}
	for i, l := range c.Links {
		c.Links[i].Description = clean(l.Description)
	}
	for i, m := range c.Methods {
		c.Methods[i] = clean(m)
	}
	return &c
}

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// paragraphs are what is between blank lines.
func paragraphs(text string) []string {
	var out []string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// https is an address that a link may lead to, empty if it is none.
func https(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

func actionOf(a *recoursev1.RecoveryAction) action {
	what, how := typed(a)
	out := action{
		Who: actors[a.GetActor()], What: orElse(status.Display(a.GetLabel(), 80), what), How: how,
		Fixes: a.GetFixFields().GetFixes(), Required: a.GetRequired(), ThenRetry: a.GetThenRetry(),
		Link: https(a.GetOpenLink().GetUrl()),
	}
	if out.How == out.What {
		out.How = ""
	}
	return out
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
