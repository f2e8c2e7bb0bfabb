package lint

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status/template"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	maxText      = 256 // bytes of a message or a suggestion
	maxSentences = 2
	maxNesting   = 8 // of an action; they have three levels
)

var (
	// What a service is made of is nothing that its callers can act on, and tells strangers where to look.
	insides = regexp.MustCompile(`(?i)\b(stack|stacktrace|traceback|backtrace|goroutine|panic|panicked|nil pointer|null pointer|segfault|` +
		`sql|select \*|postgres\w*|mysql|sqlite|mongodb|redis|memcached?|kafka|rabbitmq|kubernetes|` +
		`localhost|hostname|rpc error|errno|exception|[0-9]{1,3}(\.[0-9]{1,3}){3})\b`)
	please   = regexp.MustCompile(`(?i)\bplease\b`)
	sentence = regexp.MustCompile(`[.!?]+(\s+|$)`)
	markup   = regexp.MustCompile("<[a-zA-Z/!][^>]*>|\\]\\(|[*_`]{2}|`")
	refusal  = regexp.MustCompile(`(?i)might not exist`)
)

// A text of an error, and what it is called.
type text struct {
	name, text string
}

// texts checks what people read.
func (l *linter) texts(s *subject) {
	texts := []text{{"message", s.Message}, {"suggestion", s.Suggestion}}
	for _, x := range s.opts.GetLinks() {
		texts = append(texts, text{"url of a link", x.GetUrl()})
	}
	for _, a := range s.opts.GetActions() {
		eachText(a.ProtoReflect(), maxNesting, func(name, value string) { texts = append(texts, text{name + " of an action", value}) })
	}
	named, whole := make([]bool, len(s.Params)), true
	for _, t := range texts {
		whole = l.template(s, t, named) && whole
	}
	for i, p := range s.Params {
		if whole && !named[i] && !slices.Contains(s.keys[:i], p.Key) {
			l.warn(s, "CAT_TEMPLATE_PARAMS",
				"no text of %s shows the parameter %s: use it, or take it out if no program needs it", s.Value, p.Key)
		}
	}
	if strings.ContainsAny(s.Title, "{}") {
		l.fail(s, "CAT_TEMPLATE_PARAMS", "the title of %s has a brace, and titles stay as they are: take it out", s.Value)
	}
	l.style(s)
	l.links(s)
	l.permission(s)
}

// template checks a text and notes what it names; false if it is no template.
func (l *linter) template(s *subject, t text, named []bool) bool {
	parsed, err := template.Parse(t.text, s.keys)
	if err != nil {
		l.fail(s, "CAT_TEMPLATE_PARAMS", "the %s of %s: %v", t.name, s.Value, err)
		return false
	}
	reported := map[int]bool{}
	for _, i := range parsed.Params() {
		named[i] = true
		level := s.opts.GetParams()[i].GetSensitivity()
		if s.public() && level >= recoursev1.ErrorParameter_SENSITIVITY_PERSONAL && !reported[i] {
			reported[i] = true
			l.fail(s, "CAT_PARAM_SENSITIVITY",
				"the %s of %s shows the parameter %s, which is %s, and the error is public: take it out of the text",
				t.name, s.Value, s.keys[i], s.Params[i].Sensitivity)
		}
	}
	return true
}

// eachText visits the texts of an action that status treats as templates. Keys and values of maps are none.
func eachText(m protoreflect.Message, depth int, visit func(name, value string)) {
	if depth == 0 {
		return
	}
	// In the order of declaration: Range has none.
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case !m.Has(f) || f.IsMap():
		case f.IsList():
			list := m.Get(f).List()
			for j := range list.Len() {
				if f.Kind() == protoreflect.StringKind {
					visit(string(f.Name()), list.Get(j).String())
				} else if f.Message() != nil {
					eachText(list.Get(j).Message(), depth-1, visit)
				}
			}
		case f.Kind() == protoreflect.StringKind:
			visit(string(f.Name()), m.Get(f).String())
		case f.Message() != nil:
			eachText(m.Get(f).Message(), depth-1, visit)
		}
	}
}

// render fills in examples.
func (s *subject) render(text string) string {
	t, err := template.Parse(text, s.keys)
	if err != nil {
		return text // CAT_TEMPLATE_PARAMS
	}
	return t.Render(func(i int) string { return example(s.Params[i]) })
}

// plain is a text without its values, for what is only wrong if the author wrote it.
func (s *subject) plain(text string) string {
	t, err := template.Parse(text, s.keys)
	if err != nil {
		return text
	}
	return t.Render(func(int) string { return "x" })
}

func (l *linter) style(s *subject) {
	const rule = "CAT_MESSAGE_STYLE"
	if s.Title == "" {
		l.fail(s, rule, "%s has no title: write a few words for a headline", s.Value)
	}
	message := s.plain(s.Message)
	switch {
	case strings.TrimSpace(message) == "":
		l.fail(s, rule, "%s has no message: say what happened, in one or two sentences", s.Value)
	case !ascii(message):
		l.fail(s, rule,
			"the message of %s is not ASCII, and takes three times its size on the wire: write plain English, others belong "+
				"into translations", s.Value)
	case strings.Contains(message, "%"):
		l.fail(s, rule, "the message of %s has a %%, as formats have: write {key} for a value, and percent in words", s.Value)
	case sentences(message) > maxSentences:
		l.fail(s, rule,
			"the message of %s has more than %d sentences: what to do goes into the suggestion, the rest onto its page",
			s.Value, maxSentences)
	}
	for _, t := range []text{{"message", s.Message}, {"suggestion", s.Suggestion}} {
		plain := s.plain(t.text)
		if n := len(s.render(t.text)); n > maxText {
			l.fail(s, rule, "the %s of %s has %d bytes with the examples, and is cut off after %d: shorten it", t.name, s.Value, n, maxText)
		}
		if please.MatchString(plain) {
			l.fail(s, rule, "the %s of %s says please: say what is the case, or what to do", t.name, s.Value)
		}
		if word := insides.FindString(plain); word != "" {
			l.fail(s, rule,
				"the %s of %s says %q, which is about the service's insides: say it in the terms of its API", t.name, s.Value, word)
		}
	}
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf || text[i] < ' ' {
			return false
		}
	}
	return true
}

func sentences(text string) int {
	n := 0
	for _, part := range sentence.Split(text, -1) {
		if strings.TrimSpace(part) != "" {
			n++
		}
	}
	return n
}

func (l *linter) links(s *subject) {
	const rule = "CAT_LINK_HTTPS"
	for _, x := range s.opts.GetLinks() {
		switch {
		case !https(s.render(x.GetUrl())):
			l.fail(s, rule, "%s links to %q: links are absolute https URLs, others are not sent", s.Value, x.GetUrl())
		case strings.TrimSpace(x.GetDescription()) == "":
			l.fail(s, rule, "the link of %s to %s has no description: say what the page is about", s.Value, x.GetUrl())
		case markup.MatchString(x.GetDescription()):
			l.fail(s, rule, "the description of a link of %s has markup in it: write plain text", s.Value)
		}
	}
	for _, a := range s.opts.GetActions() {
		if open := a.GetOpenLink(); open != nil && !https(s.render(open.GetUrl())) {
			l.fail(s, rule, "an action of %s opens %q: links are absolute https URLs, others are not sent", s.Value, open.GetUrl())
		}
	}
}

func https(link string) bool {
	u, err := url.Parse(link)
	return err == nil && strings.HasPrefix(link, "https://") && u.Host != "" && u.User == nil
}

// permission: who may not do something hears the same whether or not there is anything to do it to (AIP-211).
func (l *linter) permission(s *subject) {
	if s.opts.GetCode() != recoursev1.ErrorOptions_CODE_PERMISSION_DENIED {
		return
	}
	t, err := template.Parse(s.Message, s.keys)
	if err != nil {
		return
	}
	shown := t.Params()
	for _, key := range []string{"permission", "resource"} {
		switch i := slices.Index(s.keys, key); {
		case i < 0:
			l.fail(s, "CAT_PERMISSION_SHAPE",
				"%s has no parameter %s: declare permission and resource, for clients that ask for access", s.Value, key)
			return
		case !slices.Contains(shown, i):
			l.fail(s, "CAT_PERMISSION_SHAPE",
				"the message of %s does not show {%s}: write \"Permission '{permission}' denied on resource '{resource}' (or it "+
					"might not exist).\"",
				s.Value, key)
			return
		}
	}
	if !refusal.MatchString(s.Message) {
		l.fail(s, "CAT_PERMISSION_SHAPE",
			"the message of %s tells that there is a resource: end it with \"(or it might not exist).\"", s.Value)
	}
}
