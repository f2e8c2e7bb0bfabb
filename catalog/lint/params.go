package lint

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// A number with its unit, such as 100ms, 5 GB and 80%.
var withUnit = regexp.MustCompile(`(?i)^[+-]?[0-9]+([.,][0-9]+)?\s*(` +
	`ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|` +
	`b|bytes?|[kmgt]i?b|%|percent|rps|qps|tps|px|km|kg|eur|usd|€|\$)$`)

// params checks the parameters of one error.
func (l *linter) params(s *subject) {
	for i, p := range s.Params {
		switch {
		case slices.Contains(s.keys[:i], p.Key):
			l.fail(s, "CAT_PARAM_KEY", "two parameters of %s have the key %q: take one out", s.Value, p.Key)
			continue
		case !sendable(p.Key):
			l.fail(s, "CAT_PARAM_KEY",
				"the key %q of %s cannot be sent: use 2 to 64 letters, digits, hyphens and underscores, a small letter first, "+
					"and not recourseOutcome or recourseRetry",
				p.Key, s.Value)
		case strings.ContainsAny(p.Key, "-_"):
			l.fail(s, "CAT_PARAM_CASE", "the key %s of %s is not lowerCamelCase: write %s", p.Key, s.Value, camel(p.Key))
		}
		switch level := s.opts.GetParams()[i].GetSensitivity(); {
		case level == recoursev1.ErrorParameter_SENSITIVITY_UNSPECIFIED || level > recoursev1.ErrorParameter_SENSITIVITY_SECRET || level < 0:
			l.fail(s, "CAT_PARAM_SENSITIVITY", "the parameter %s of %s does not say who may see it: set sensitivity", p.Key, s.Value)
		}
		l.value(s, p)
	}
}

// sendable asks status, which leaves out what it cannot send.
func sendable(key string) bool {
	_, kept := status.New(codes.Internal, "A_KEY", "", status.Meta(key, "value")).Metadata()[key]
	return kept
}

func (l *linter) value(s *subject, p catalog.Param) {
	if p.Example == "" || p.Type == "DURATION" && isDuration(p.Example) {
		return
	}
	if p.Type != "TIMESTAMP" && withUnit.MatchString(p.Example) {
		l.fail(s, "CAT_PARAM_UNIT",
			"the parameter %s of %s has its unit in the value, as in %q: put it into the key (sizeBytes, delayMillis) and "+
				"send the number alone, or use a duration",
			p.Key, s.Value, p.Example)
		return
	}
	if !isOf(p.Type, p.Example) {
		l.fail(s, "CAT_PARAM_EXAMPLE",
			"the example %q of the parameter %s of %s is no %s: give one that is", p.Example, p.Key, s.Value, p.Type)
	}
}

func isOf(typ, value string) bool {
	var err error
	switch typ {
	case "INT64":
		_, err = strconv.ParseInt(value, 10, 64)
	case "BOOL":
		return value == "true" || value == "false"
	case "DOUBLE":
		var f float64
		f, err = strconv.ParseFloat(value, 64)
		return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	case "DURATION":
		return isDuration(value)
	case "TIMESTAMP":
		_, err = time.Parse(time.RFC3339Nano, value)
	}
	return err == nil
}

// What protobuf's JSON writes: seconds.
var duration = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,9})?s$`)

func isDuration(value string) bool { return duration.MatchString(value) }

// synonyms finds what has several names in the errors of one domain, or one name for
// several things.
func (l *linter) synonyms() {
	type place struct {
		domain, what string
	}
	type use struct {
		param catalog.Param
		by    *subject
	}
	byName, byMeaning := map[place]use{}, map[place]use{}
	for _, s := range l.subjects {
		for i, p := range s.Params {
			if slices.Contains(s.keys[:i], p.Key) {
				continue // CAT_PARAM_KEY
			}
			name, meaning := place{s.Domain, canonical(p.Key)}, place{s.Domain, strings.ToLower(strings.Trim(p.Description, " ."))}
			first, known := byName[name]
			alike, described := byMeaning[meaning]
			switch {
			case known && first.param.Key != p.Key && first.by != s:
				l.fail(s, "CAT_PARAM_SYNONYM",
					"%s has the parameter %s, and %s has %s: if they are the same thing, give them one key",
					s.Value, p.Key, first.by.Value, first.param.Key)
			case known && first.param.Key == p.Key && first.param.Type != p.Type:
				l.fail(s, "CAT_PARAM_SYNONYM",
					"the parameter %s is %s in %s and %s in %s: give it one type, or two keys",
					p.Key, p.Type, s.Value, first.param.Type, first.by.Value)
			case meaning.what != "" && described && alike.param.Key != p.Key && alike.by != s:
				l.fail(s, "CAT_PARAM_SYNONYM",
					"the parameters %s of %s and %s of %s are described alike: give them one key, or say what tells them apart",
					p.Key, s.Value, alike.param.Key, alike.by.Value)
			}
			if !known {
				byName[name] = use{p, s}
			}
			if !described {
				byMeaning[meaning] = use{p, s}
			}
		}
	}
}

// Words that are written in a shorter form as often as not.
var long = map[string]string{
	"acct": "account", "addr": "address", "amt": "amount", "cfg": "configuration", "config": "configuration", "curr": "current",
	"db": "database", "desc": "description", "dest": "destination", "dst": "destination", "env": "environment", "id": "identifier",
	"info": "information", "loc": "location", "max": "maximum", "min": "minimum", "msg": "message", "num": "number", "org": "organization",
	"prev": "previous", "prod": "product", "qty": "quantity", "ref": "reference", "repo": "repository", "req": "request", "res": "resource",
	"src": "source", "ts": "timestamp", "usr": "user", "ver": "version", "vm": "virtualmachine",
}

// canonical is a key with its words at full length.
func canonical(key string) string {
	var b strings.Builder
	for _, word := range wordsOf(key) {
		if full, ok := long[word]; ok {
			word = full
		}
		b.WriteString(word)
	}
	return b.String()
}

func wordsOf(key string) []string {
	var words []string
	start, runes := 0, []rune(key)
	flush := func(end int) {
		if end > start {
			words = append(words, strings.ToLower(string(runes[start:end])))
		}
		start = end
	}
	for i, r := range runes {
		switch {
		case r == '-' || r == '_':
			flush(i)
			start = i + 1
		case unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(runes[i-1]):
			flush(i)
		}
	}
	flush(len(runes))
	return words
}

func camel(key string) string {
	var b strings.Builder
	for i, word := range wordsOf(key) {
		if i > 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	return b.String()
}
