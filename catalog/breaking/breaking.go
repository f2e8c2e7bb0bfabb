// Package breaking tells what a change of the errors that services declare breaks for their
// clients. It compares two catalogues, of which the older is normally the document that was
// committed with the last release: no history of a repository is needed.
//
// A failure is what clients that follow the contract may rely on. A warning is worth a
// second look, an info is for the notes of a release.
package breaking

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
)

// Rules returns all rules, by id.
func Rules() []catalog.Rule { return slices.Clone(rules) }

var rules = []catalog.Rule{
	{ID: "BREAK_ACTIONS", Severity: catalog.Warning, Purpose: "Checks that errors keep their recovery actions, in order."},
	{ID: "BREAK_CODE", Severity: catalog.Failure, Purpose: "Checks that errors keep their gRPC codes."},
	{ID: "BREAK_DELETED", Severity: catalog.Failure, Purpose: "Checks that errors stay declared."},
	{ID: "BREAK_DOCS", Severity: catalog.Info, Purpose: "Lists errors that are explained or linked in another way."},
	{ID: "BREAK_DOMAIN", Severity: catalog.Failure, Purpose: "Checks that errors keep their domains."},
	{ID: "BREAK_ERROR_ADDED", Severity: catalog.Info, Purpose: "Lists errors that are new."},
	{ID: "BREAK_LOCALE", Severity: catalog.Warning, Purpose: "Checks that errors keep the languages that they have texts in."},
	{ID: "BREAK_METHOD_ERRORS", Severity: catalog.Warning, Purpose: "Checks that methods answer with the errors that they did."},
	{ID: "BREAK_NUMBER", Severity: catalog.Failure, Purpose: "Checks that errors keep their numbers."},
	{ID: "BREAK_OUTCOME", Severity: catalog.Failure, Purpose: "Checks that errors keep what they say of the outcome."},
	{ID: "BREAK_PARAM_ADDED", Severity: catalog.Info, Purpose: "Lists parameters that are new."},
	{ID: "BREAK_PARAM_REMOVED", Severity: catalog.Failure, Purpose: "Checks that errors keep their parameters."},
	{ID: "BREAK_PARAM_SENSITIVITY", Severity: catalog.Failure, Purpose: "Checks that parameters are not shown to more than before."},
	{ID: "BREAK_PARAM_TYPE", Severity: catalog.Failure, Purpose: "Checks that parameters keep their types."},
	{ID: "BREAK_REASON", Severity: catalog.Failure, Purpose: "Checks that errors keep their error codes."},
	{ID: "BREAK_RESERVED", Severity: catalog.Failure, Purpose: "Checks that what was reserved is not used again."},
	{ID: "BREAK_RETRY", Severity: catalog.Failure, Purpose: "Checks that clients are not told to repeat what they were not."},
	{ID: "BREAK_TEXT", Severity: catalog.Warning, Purpose: "Checks that errors keep their texts."},
	{ID: "BREAK_VISIBILITY", Severity: catalog.Failure, Purpose: "Checks that errors are visible to those who saw them."},
}

// Compare tells what is different in the newer catalogue. Positions are those of the newer
// one, as far as it was read from descriptors. Findings are in the order of the files, and
// of the keys where these are not known.
func Compare(older, newer *catalog.Catalog) []catalog.Finding {
	c := &comparison{older: older, newer: newer}
	partner, taken := c.match()
	for _, was := range older.Errors {
		if is := partner[was]; is != nil {
			c.error(was, is)
		} else {
			c.deleted(was)
		}
	}
	for _, is := range newer.Errors {
		if !taken[is] {
			c.added(is)
		}
	}
	c.locales(partner)
	c.reservations()
	c.methods()
	return catalog.SortFindings(c.findings)
}

type comparison struct {
	older, newer *catalog.Catalog
	findings     []catalog.Finding
}

func (c *comparison) report(severity catalog.Severity, rule string, at catalog.Position, key, format string, args ...any) {
	c.findings = append(c.findings, catalog.Finding{
		Problem: catalog.Problem{At: at, Text: fmt.Sprintf(format, args...), Rule: rule}, Severity: severity, Error: key,
	})
}

func (c *comparison) fail(rule string, e *catalog.Error, format string, args ...any) {
	c.report(catalog.Failure, rule, e.At(), e.Key(), format, args...)
}

func (c *comparison) warn(rule string, e *catalog.Error, format string, args ...any) {
	c.report(catalog.Warning, rule, e.At(), e.Key(), format, args...)
}

func (c *comparison) info(rule string, e *catalog.Error, format string, args ...any) {
	c.report(catalog.Info, rule, e.At(), e.Key(), format, args...)
}

// match finds what each error has become. What a caller sees comes first: an error is the
// same while its key is; then the name of the value, then its number.
func (c *comparison) match() (partner map[*catalog.Error]*catalog.Error, taken map[*catalog.Error]bool) {
	partner, taken = map[*catalog.Error]*catalog.Error{}, map[*catalog.Error]bool{}
	type name struct{ enum, value string }
	type number struct {
		enum   string
		number int32
	}
	pass := func(idOf func(*catalog.Error) any) {
		free := map[any]*catalog.Error{}
		for _, is := range c.newer.Errors {
			if id := idOf(is); !taken[is] && free[id] == nil {
				free[id] = is
			}
		}
		for _, was := range c.older.Errors {
			if is := free[idOf(was)]; partner[was] == nil && is != nil && !taken[is] {
				partner[was], taken[is] = is, true
			}
		}
	}
	pass(func(e *catalog.Error) any { return e.Key() })
	pass(func(e *catalog.Error) any { return name{e.Enum, e.Value} })
	pass(func(e *catalog.Error) any { return number{e.Enum, e.Number} })
	return partner, taken
}

// deleted points to the enum, if that is still there.
func (c *comparison) deleted(was *catalog.Error) {
	at := catalog.Position{}
	if e := enumOf(c.newer, was.Enum); e != nil {
		at = e.At()
	}
	c.report(catalog.Failure, "BREAK_DELETED", at, was.Key(),
		"%s is no longer declared, and its number %d and error code %s may be given to another error: declare it again, "+
			"with deprecated_since if nothing answers with it any more",
		was.Value, was.Number, was.Reason)
}

func enumOf(c *catalog.Catalog, name string) *catalog.Enum {
	i := slices.IndexFunc(c.Enums, func(e *catalog.Enum) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return c.Enums[i]
}

// added is where something may be used again: the newer file can have lost what it reserved.
func (c *comparison) added(is *catalog.Error) {
	c.info("BREAK_ERROR_ADDED", is, "%s is new", is.Value)
	if slices.Contains(c.older.Retired, is.Key()) {
		c.fail("BREAK_RESERVED", is, "%s has the error code %s, which was another error's: choose a new one", is.Value, is.Reason)
		return
	}
	for _, e := range c.older.Enums {
		switch {
		case e.Name == is.Enum && slices.Contains(e.ReservedNames, is.Value):
			c.fail("BREAK_RESERVED", is,
				"%s has a name that was reserved, since it was another error's: choose a new one, and reserve the old one again",
				is.Value)
		case e.Name == is.Enum && within(e.ReservedNumbers, catalog.Numbers{First: is.Number, Last: is.Number}):
			c.fail("BREAK_RESERVED", is,
				"%s has the number %d, which was reserved, since it was another error's: choose a new one, and reserve the old "+
					"one again",
				is.Value, is.Number)
		case e.Domain == is.Domain && slices.ContainsFunc(e.ReservedNames, func(name string) bool { return reason(e.Name, name) == is.Reason }):
			c.fail("BREAK_RESERVED", is,
				"%s has the error code %s, whose name was reserved, since it was another error's: choose a new one", is.Value, is.Reason)
		}
	}
}

// locales compares the languages that errors have texts in. One that is gone altogether is
// told once.
func (c *comparison) locales(partner map[*catalog.Error]*catalog.Error) {
	spoken := map[string]bool{}
	for _, e := range c.newer.Errors {
		for _, t := range e.Translations {
			spoken[strings.ToLower(t.Locale)] = true
		}
	}
	gone := map[string]int{}
	for _, was := range c.older.Errors {
		is := partner[was]
		if is == nil || is.DeprecatedSince != "" {
			continue
		}
		for _, t := range was.Translations {
			same := func(now catalog.Translation) bool { return strings.EqualFold(now.Locale, t.Locale) }
			switch {
			case slices.ContainsFunc(is.Translations, same):
			case spoken[strings.ToLower(t.Locale)]:
				c.warn("BREAK_LOCALE", is, "%s has no text in %s any more: those who read it get the English one, write it again", is.Value, t.Locale)
			default:
				gone[t.Locale]++
			}
		}
	}
	for _, locale := range slices.Sorted(maps.Keys(gone)) {
		c.report(catalog.Warning, "BREAK_LOCALE", catalog.Position{}, "",
			"no error has a text in %s any more, and %d had: put its file back, or have it compared too", locale, gone[locale])
	}
}

// reservations warns while what was reserved is not used again yet.
func (c *comparison) reservations() {
	for _, was := range c.older.Enums {
		is := enumOf(c.newer, was.Name)
		if is == nil {
			continue
		}
		var lost []string
		for _, name := range was.ReservedNames {
			if !slices.Contains(is.ReservedNames, name) && !c.uses(was.Name, func(e *catalog.Error) bool { return e.Value == name }) {
				lost = append(lost, name)
			}
		}
		for _, n := range was.ReservedNumbers {
			inside := func(e *catalog.Error) bool { return n.First <= e.Number && e.Number <= n.Last }
			if !within(is.ReservedNumbers, n) && !c.uses(was.Name, inside) {
				lost = append(lost, numbers(n))
			}
		}
		if len(lost) > 0 {
			c.report(catalog.Warning, "BREAK_RESERVED", is.At(), "",
				"%s does not reserve %s any more, which may be given to another error: reserve them again",
				is.Name, strings.Join(lost, ", "))
		}
	}
}

// uses tells whether an error of an enum, which [comparison.added] then reports, is such.
func (c *comparison) uses(enum string, such func(*catalog.Error) bool) bool {
	return slices.ContainsFunc(c.newer.Errors, func(e *catalog.Error) bool { return e.Enum == enum && such(e) })
}

// within tells whether all numbers of a range are among some others.
func within(ranges []catalog.Numbers, n catalog.Numbers) bool {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b catalog.Numbers) int { return cmp.Compare(a.First, b.First) })
	next := int64(n.First) // the first that is not known to be among them
	for _, r := range ranges {
		if int64(r.First) <= next {
			next = max(next, int64(r.Last)+1)
		}
	}
	return next > int64(n.Last)
}

func numbers(n catalog.Numbers) string {
	if n.First == n.Last {
		return fmt.Sprint(n.First)
	}
	return fmt.Sprintf("%d to %d", n.First, n.Last)
}
