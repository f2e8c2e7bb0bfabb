package lint

import (
	"strings"

	"github.com/recourse-dev/recourse/status"
)

const (
	maxTrailer    = 2 << 10 // bytes: half of what a stock proxy lets through, for other trailers and causes
	maxActions    = 5
	maxLinks      = 3 // the error's own page included
	maxParams     = 64
	maxLabel      = 80
	maxActionText = 256
	maxVersion    = 32
)

// budget checks that nothing has to be left out on the way to the caller.
func (l *linter) budget(s *subject) {
	const rule = "CAT_BUDGET"
	links := len(s.opts.GetLinks())
	if s.Page != "" {
		links++
	}
	many := func(what string, n, most int) {
		if n > most {
			l.fail(s, rule, "%s has %d %s, and only %d are sent: take out what helps least", s.Value, n, what, most)
		}
	}
	many("actions", len(s.opts.GetActions()), maxActions)
	many("links", links, maxLinks)
	many("parameters", len(s.Params), maxParams)
	if len(s.Params) > maxParams {
		return
	}
	for _, a := range s.opts.GetActions() {
		if n := len(s.render(a.GetLabel())); n > maxLabel {
			l.fail(s, rule, "the label %q of %s has %d bytes, and is cut off after %d: shorten it", a.GetLabel(), s.Value, n, maxLabel)
		}
		eachText(a.ProtoReflect(), maxNesting, func(name, value string) {
			if len(s.render(value)) > maxActionText {
				l.fail(s, rule,
					"the %s of an action of %s is longer than %d bytes, and is cut off: shorten it", name, s.Value, maxActionText)
			}
		})
	}
	// To those who see the most, with an id and values as long as they get.
	made := s.make(longest)
	if made == nil {
		return
	}
	encoded := made.Encode(status.Rendering{
		Domain: s.Domain, RequestID: strings.Repeat("x", 36), Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes,
	})
	if encoded.Size > maxTrailer || !encoded.Fits {
		l.fail(s, rule,
			"%s takes %d bytes with its longest values, and %d are safe with proxies: shorten its texts, or its examples if "+
				"they are longer than values are",
			s.Value, encoded.Size, maxTrailer)
	}
}
