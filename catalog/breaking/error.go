package breaking

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/status/template"
)

// error compares an error with what it has become.
func (c *comparison) error(was, is *catalog.Error) {
	if was.Domain != is.Domain {
		c.fail("BREAK_DOMAIN", is,
			"%s has the domain %s and had %s, by which clients know it: change it back", is.Value, is.Domain, was.Domain)
	}
	if was.Reason != is.Reason {
		c.fail("BREAK_REASON", is,
			"%s has the error code %s and had %s, by which clients know it: change it back, or deprecate it and declare "+
				"another",
			is.Value, is.Reason, was.Reason)
	}
	if was.Enum == is.Enum && was.Number != is.Number {
		c.fail("BREAK_NUMBER", is, "%s has the number %d and had %d: change it back", is.Value, is.Number, was.Number)
	}
	if was.Code != is.Code {
		c.fail("BREAK_CODE", is,
			"%s has the code %s and had %s, which is all that many clients read: change it back, or deprecate it and declare "+
				"another",
			is.Value, is.Code, was.Code)
	}
	c.params(was, is)
	c.retry(was, is)
	switch {
	case was.Outcome == is.Outcome:
	case was.Outcome == "":
		c.info("BREAK_OUTCOME", is, "%s says that the outcome is %s, and said nothing", is.Value, is.Outcome)
	case is.Outcome == "":
		c.fail("BREAK_OUTCOME", is,
			"%s says nothing of the outcome, which was %s, and clients decide by it what to do again: change it back",
			is.Value, was.Outcome)
	default:
		c.fail("BREAK_OUTCOME", is,
			"%s says that the outcome is %s and said %s, and clients decide by it what to do again: change it back, or "+
				"declare another error",
			is.Value, is.Outcome, was.Outcome)
	}
	switch before, now := rank(visibilities, was.Visibility), rank(visibilities, is.Visibility); {
	case now > before:
		c.fail("BREAK_VISIBILITY", is, "%s is visible to %s callers and was to %s, and the others now get its code alone: change it back",
			is.Value, is.Visibility, was.Visibility)
	case now < before:
		c.info("BREAK_VISIBILITY", is,
			"%s is visible to %s callers and was to %s: make sure that its texts are fit for them", is.Value, is.Visibility, was.Visibility)
	}
	c.texts(was, is)
	c.actions(was, is)
	c.docs(was, is)
}

// From what most may see to what fewest may; what is not set counts as it does when an error is made. A word that is
// not here is of a later version, which no rule can compare.
var (
	visibilities  = map[string]int{"": 0, "PUBLIC": 0, "PARTNER": 1, "INTERNAL": 2}
	sensitivities = map[string]int{"PUBLIC": 0, "": 1, "INTERNAL": 1, "PERSONAL": 2, "SECRET": 3}
)

func rank(words map[string]int, word string) int {
	if r, known := words[word]; known {
		return r
	}
	return len(words)
}

func param(e *catalog.Error, key string) *catalog.Param {
	i := slices.IndexFunc(e.Params, func(p catalog.Param) bool { return p.Key == key })
	if i < 0 {
		return nil
	}
	return &e.Params[i]
}

func (c *comparison) params(was, is *catalog.Error) {
	for _, old := range was.Params {
		p := param(is, old.Key)
		if p == nil {
			c.fail("BREAK_PARAM_REMOVED", is,
				"%s has no parameter %s any more, and clients count on a key that there was: declare it again, its value may be "+
					"empty",
				is.Value, old.Key)
			continue
		}
		if p.Type != old.Type {
			c.fail("BREAK_PARAM_TYPE", is,
				"the parameter %s of %s is %s and was %s, and clients that parse it fail: change it back, or add another",
				p.Key, is.Value, p.Type, old.Type)
		}
		had, has := cmp.Or(old.Sensitivity, "unset"), cmp.Or(p.Sensitivity, "unset")
		switch before, after := rank(sensitivities, old.Sensitivity), rank(sensitivities, p.Sensitivity); {
		case after < before && rank(visibilities, is.Visibility) == 0:
			c.fail("BREAK_PARAM_SENSITIVITY", is,
				"the parameter %s of %s is %s and was %s, and the error is public: strangers would see it, change it back",
				p.Key, is.Value, has, had)
		case after < before:
			c.warn("BREAK_PARAM_SENSITIVITY", is,
				"the parameter %s of %s is %s and was %s: make sure that those who see it may",
				p.Key, is.Value, has, had)
		case after > before:
			c.warn("BREAK_PARAM_SENSITIVITY", is,
				"the parameter %s of %s is %s and was %s: some callers get it empty now", p.Key, is.Value, has, had)
		}
	}
	for _, p := range is.Params {
		if param(was, p.Key) == nil {
			c.info("BREAK_PARAM_ADDED", is, "%s has the new parameter %s", is.Value, p.Key)
		}
	}
}

const sameRequest = "SAME_REQUEST"

// retry compares what clients do, which the code decides where the error does not.
func (c *comparison) retry(was, is *catalog.Error) {
	before, now := verdict(was), verdict(is)
	switch {
	case before == now && now == sameRequest && is.Delay() < was.Delay():
		c.warn("BREAK_RETRY", is,
			"%s may be repeated after %s and was after %s: make sure that the service bears it", is.Value, is.Delay(), was.Delay())
	case before == now:
	case was.Retry == is.Retry && was.Code != is.Code: // BREAK_CODE
	case now == sameRequest:
		c.fail("BREAK_RETRY", is,
			"%s tells clients to send the same request again (%s), and told them %s: all of them at once are a load that "+
				"nobody has tried, declare another error",
			is.Value, now, before)
	default:
		c.warn("BREAK_RETRY", is,
			"%s has the verdict %s and had %s: calls that went on may end now, or the other way round", is.Value, now, before)
	}
}

func verdict(e *catalog.Error) string {
	switch {
	case e.Retry != "":
		return e.Retry
	case e.RetryDelay != "":
		return sameRequest
	}
	return catalog.Word(status.New(e.GRPCCode(), e.Reason, "").Verdict())
}

func (c *comparison) texts(was, is *catalog.Error) {
	for _, t := range []struct{ name, was, is string }{
		{"title", was.Title, is.Title}, {"message", was.Message, is.Message}, {"suggestion", was.Suggestion, is.Suggestion},
	} {
		if t.was != t.is {
			c.warn("BREAK_TEXT", is,
				"the %s of %s has changed from %q to %q: clients that look for the text, and translations, need the new one",
				t.name, is.Value, t.was, t.is)
		}
	}
}

// actions are the same while what they do is: labels are texts.
func (c *comparison) actions(was, is *catalog.Error) {
	before, now := essentials(was.Actions), essentials(is.Actions)
	kept := make([]string, 0, len(before))
	for _, a := range now {
		if slices.Contains(before, a) {
			kept = append(kept, a)
		}
	}
	switch {
	case len(kept) < len(before):
		c.warn("BREAK_ACTIONS", is,
			"%s offers %d of its %d recovery actions still, some gone or changed: clients that carry them out stop doing so",
			is.Value, len(kept), len(before))
	case !slices.Equal(kept, before):
		c.warn("BREAK_ACTIONS", is,
			"%s offers its recovery actions in another order, and clients take the first that they can: change it back, or "+
				"be sure", is.Value)
	case len(now) > len(before):
		c.info("BREAK_ACTIONS", is, "%s offers %d more recovery actions", is.Value, len(now)-len(before))
	case !slices.EqualFunc(was.Actions, is.Actions, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }):
		c.warn("BREAK_TEXT", is, "the label of an action of %s has changed: translations need the new one", is.Value)
	}
}

func essentials(actions []json.RawMessage) []string {
	var out []string
	for _, a := range actions {
		var fields map[string]any
		if json.Unmarshal(a, &fields) != nil {
			out = append(out, string(a))
			continue
		}
		delete(fields, "label")
		b, err := json.Marshal(fields)
		if err != nil {
			b = a
		}
		out = append(out, string(b))
	}
	return out
}

func (c *comparison) docs(was, is *catalog.Error) {
	var changed []string
	if was.Description != is.Description {
		changed = append(changed, "explanation")
	}
	if was.Page != is.Page {
		changed = append(changed, "page")
	}
	if !slices.Equal(was.Links, is.Links) {
		changed = append(changed, "links")
	}
	if was.DeprecatedSince != is.DeprecatedSince || was.ReplacedBy != is.ReplacedBy {
		changed = append(changed, "deprecation")
	}
	if len(changed) > 0 {
		c.info("BREAK_DOCS", is, "%s has another %s", is.Value, strings.Join(changed, " and another "))
	}
}

// methods compares what methods declare. One that is gone is for buf to find.
func (c *comparison) methods() {
	before := map[string][]string{}
	for _, m := range c.older.Methods {
		before[m.Name] = m.Errors
	}
	for _, name := range c.older.Silent {
		before[name] = nil
	}
	now := slices.Clone(c.newer.Methods)
	for _, name := range c.newer.Silent {
		now = append(now, &catalog.Method{Name: name})
	}
	for _, m := range now {
		was, known := before[m.Name]
		if !known {
			continue
		}
		for _, key := range m.Errors {
			if !slices.Contains(was, key) {
				c.report(catalog.Warning, "BREAK_METHOD_ERRORS", m.At(), key,
					"%s may answer with an error that it did not: clients with a case for each need another, give the catalogue a "+
						"new version", m.Name)
			}
		}
		for _, key := range was {
			if !slices.Contains(m.Errors, key) {
				c.report(catalog.Info, "BREAK_METHOD_ERRORS", m.At(), key, "%s does not declare the error any more", m.Name)
			}
		}
	}
}

// reason is the error code that a reserved name had, if the error did not name another.
func reason(enum, value string) string {
	return template.Reason(enum[strings.LastIndexByte(enum, '.')+1:], value)
}
