package policy

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// key is one key of the file: a section, which has keys of its own, or a scalar.
type key struct {
	name   string
	keys   []key
	scalar scalar
	fields []string // of Policy, that the scalar sets; the first one carries its value
}

// scalar says how to read the value of a key.
type scalar struct {
	kind    string // what it has to be, as in "is not a number of seconds"
	example string
	parse   func(text string) (change func(*Policy), wrong string)
}

const (
	longest      = 24 * time.Hour
	finest       = 9 // digits behind the point: nanoseconds
	highestCount = 1000
)

// The keys of the file. What they mean is said in recourse.yaml.
var (
	sections = []key{
		{name: "async", keys: []key{
			{name: "timeout_seconds", fields: []string{"Timeout"},
				scalar: seconds("30", func(p *Policy, d time.Duration) { p.Timeout = d })},
			{name: "max_retries", fields: []string{"MaxAttempts"},
				scalar: count(maxAttempts-1, func(p *Policy, n int) { p.MaxAttempts = n + 1 })},
			{name: "retry_delay_seconds", fields: []string{"Backoff", "MaxBackoff"},
				scalar: seconds("1", func(p *Policy, d time.Duration) {
					p.Backoff, p.MaxBackoff = d, max(d, p.MaxBackoff)
				})},
		}},
		{name: "graceful_degradation", keys: []key{
			{name: "enabled", fields: []string{"Fallback"},
				scalar: flag(func(p *Policy, on bool) { p.Fallback = on })},
			{name: "fallback_timeout_seconds", fields: []string{"FallbackTimeout"},
				scalar: seconds("10", func(p *Policy, d time.Duration) { p.FallbackTimeout = d })},
		}},
		{name: "logging", keys: []key{
			{name: "log_all_errors", fields: []string{"LogAllErrors"},
				scalar: flag(func(p *Policy, on bool) { p.LogAllErrors = on })},
			{name: "include_stack_traces", fields: []string{"StackTraces"},
				scalar: flag(func(p *Policy, on bool) { p.StackTraces = on })},
			{name: "log_recovery_attempts", fields: []string{"LogRecovery"},
				scalar: flag(func(p *Policy, on bool) { p.LogRecovery = on })},
		}},
		{name: "user_messages", keys: []key{
			{name: "include_recovery_guidance", fields: []string{"Guidance"},
				scalar: flag(func(p *Policy, on bool) { p.Guidance = on })},
			{name: "technical_details", fields: []string{"TechnicalDetails"},
				scalar: flag(func(p *Policy, on bool) { p.TechnicalDetails = on })},
			{name: "contact_support_threshold", fields: []string{"ContactSupportThreshold"},
				scalar: count(highestCount, func(p *Policy, n int) { p.ContactSupportThreshold = n })},
		}},
	}
	methodKeys = append(sections[:len(sections):len(sections)], key{name: "idempotent", fields: []string{"Idempotent"},
		scalar: flag(func(p *Policy, on bool) { p.Idempotent = on })})
	topKeys = []key{{name: "error_handling", keys: sections}, {name: "methods", keys: methodKeys}}
)

// seconds reads a decimal number of seconds, of a day at most.
func seconds(example string, set func(*Policy, time.Duration)) scalar {
	s := scalar{kind: "a number of seconds", example: example}
	s.parse = func(text string) (func(*Policy), string) {
		if negative(text) {
			return nil, text + " is negative: write " + example
		}
		before, after, point := strings.Cut(text, ".")
		if !digits(before) || point && !allDigits(after) {
			return nil, fmt.Sprintf("%s is not %s: write %s", quote(text), s.kind, inSeconds(text, example))
		}
		if len(after) > finest {
			return nil, fmt.Sprintf("%s is finer than a nanosecond: write %d decimals at most", quote(text), finest)
		}
		d, err := time.ParseDuration(text + "s")
		if err != nil || d > longest {
			return nil, quote(text) + " is more seconds than a day has: write 86400 or less"
		}
		return func(p *Policy) { set(p, d) }, ""
	}
	return s
}

// count reads a whole number up to most.
func count(most int, set func(*Policy, int)) scalar {
	s := scalar{kind: "a whole number", example: "3"}
	s.parse = func(text string) (func(*Policy), string) {
		n, err := strconv.Atoi(text)
		switch {
		case negative(text):
			return nil, text + " is negative: write 0 or more"
		case !digits(text):
			return nil, fmt.Sprintf("%s is not a whole number: write one such as %s", quote(text), s.example)
		case err != nil || n > most:
			return nil, fmt.Sprintf("%s is too many: write %d or less", quote(text), most)
		}
		return func(p *Policy) { set(p, n) }, ""
	}
	return s
}

// flag reads true or false.
func flag(set func(*Policy, bool)) scalar {
	s := scalar{kind: "true or false", example: "true or false"}
	s.parse = func(text string) (func(*Policy), string) {
		meant := s.example
		switch strings.ToLower(text) {
		case "true", "yes", "y", "on", "1":
			meant = "true"
		case "false", "no", "n", "off", "0":
			meant = "false"
		}
		if text != meant || meant == s.example {
			return nil, quote(text) + " is not true or false: write " + meant
		}
		return func(p *Policy) { set(p, text == "true") }, ""
	}
	return s
}

// digits reports whether s is a whole number that nobody can take for an octal one.
func digits(s string) bool {
	return allDigits(s) && (len(s) == 1 || s[0] != '0')
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func negative(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && strings.HasPrefix(text, "-") && !math.IsInf(f, 0)
}

// inSeconds says what to write for a time in another notation: 0.5 for "500 ms".
func inSeconds(text, example string) string {
	short := strings.NewReplacer(" ", "", "seconds", "s", "second", "s", "secs", "s", "sec", "s",
		"minutes", "m", "minute", "m", "min", "m", "hours", "h", "hour", "h").Replace(strings.ToLower(text))
	d, err := time.ParseDuration(short)
	if err != nil {
		d, err = time.ParseDuration(short + "s")
	}
	if f, bad := strconv.ParseFloat(short, 64); err != nil && bad == nil && f <= longest.Seconds() {
		d, err = time.Duration(f*float64(time.Second)), nil
	}
	if err != nil || d <= 0 || d > longest {
		return "one such as " + example
	}
	return inFile(d)
}

func inFile(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// keyOf maps the fields of Policy to the keys that carry their value.
var keyOf = func() map[string]string {
	names := map[string]string{}
	for _, s := range sections {
		for _, k := range s.keys {
			names[k.fields[0]] = k.name
		}
	}
	return names
}()

// fileWords speaks of a field as its key in the file does, if there is one.
func fileWords(p *Policy, field string) (name, value string) {
	name, ok := keyOf[field]
	if !ok {
		return goWords(p, field)
	}
	v := reflect.ValueOf(*p).FieldByName(field).Interface()
	if d, ok := v.(time.Duration); ok {
		return name, inFile(d)
	}
	return name, fmt.Sprint(v)
}
