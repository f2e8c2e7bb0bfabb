package policy

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// Validate reports everything that is impossible about the policy, one error for
// each, with what to do about it. A policy that [Set.For] returns is valid; one that
// was copied and changed need not be.
func (p *Policy) Validate() error {
	var errs []error
	for _, pr := range p.problems() {
		errs = append(errs, errors.New("policy: "+pr.say(p, goWords)))
	}
	return errors.Join(errs...)
}

// A problem is something impossible about one field, or about two together. In its
// text {A} and {B} stand for the name and value of either, {a} and {b} for the name.
type problem struct {
	fields []string
	text   string
}

// check is a problem, and when there is one.
type check struct {
	a, b   string // b may be empty
	broken func(p *Policy) bool
	text   string
}

const (
	maxAttempts        = 10
	maxHandlerAttempts = 2
	lastCode           = codes.Unauthenticated
)

var checks = []check{
	{"MinTimeout", "Timeout", func(p *Policy) bool { return above(p.MinTimeout, p.Timeout) },
		"{A} is more than {B}, so that every call would be refused: lower {a} or raise {b}"},
	{"MinTimeout", "MaxTimeout", func(p *Policy) bool { return above(p.MinTimeout, p.MaxTimeout) },
		"{A} is more than {B}, so that every call would be refused: lower {a} or raise {b}"},
	{"MinTimeout", "AttemptTimeout", func(p *Policy) bool { return above(p.MinTimeout, p.AttemptTimeout) },
		"{A} is more than {B}, so that no attempt would be made: lower {a} or raise {b}"},
	{"AttemptTimeout", "Timeout", func(p *Policy) bool { return above(p.AttemptTimeout, p.Timeout) },
		"{A} is more than {B}, so that it could never end an attempt: lower {a} or raise {b}"},
	{"FirstMessageTimeout", "MaxTimeout", func(p *Policy) bool { return above(p.FirstMessageTimeout, p.MaxTimeout) },
		"{A} is more than {B}, so that it could never end a stream: lower {a} or raise {b}"},
	{"IdleTimeout", "MaxTimeout", func(p *Policy) bool { return above(p.IdleTimeout, p.MaxTimeout) },
		"{A} is more than {B}, so that it could never end a stream: lower {a} or raise {b}"},
	{"MaxBackoff", "Backoff", func(p *Policy) bool { return p.MaxBackoff < p.Backoff },
		"{A} is less than {B}: raise {a} or lower {b}"},
	{"Backoff", "Timeout", func(p *Policy) bool {
		return p.MaxAttempts > 1 && p.Timeout > 0 && p.Backoff >= p.Timeout
	}, "{A} is not less than {B}, so that no repeat could fit: lower {a}, raise {b} or allow no repeats"},
	{"MaxAttempts", "", func(p *Policy) bool { return p.MaxAttempts < 1 || p.MaxAttempts > maxAttempts },
		"{A} is out of range: use 1 to 10"},
	{"HandlerAttempts", "", func(p *Policy) bool {
		return p.HandlerAttempts < 1 || p.HandlerAttempts > maxHandlerAttempts
	}, "{A} is out of range: use 1 or 2"},
	{"BackoffMultiplier", "", func(p *Policy) bool {
		return !(p.BackoffMultiplier >= 1) || math.IsInf(p.BackoffMultiplier, 1)
	}, "{A} is not a number from 1: use 1 or more"},
	{"FallbackTimeout", "Fallback", func(p *Policy) bool { return p.Fallback && p.FallbackTimeout == 0 },
		"{A} gives fallbacks no time although {B}: raise {a}, or use false for {b}"},
	{"ContactSupportThreshold", "", func(p *Policy) bool { return p.ContactSupportThreshold < 0 },
		"{A} is negative: use 0 or more"},
	{"Codes", "", func(p *Policy) bool { return slices.ContainsFunc(p.Codes, unrepeatable) },
		"{A} holds what is not the code of an error: use codes from CANCELLED to UNAUTHENTICATED"},
}

// above reports that a is more than a limit that exists.
func above(a, limit time.Duration) bool { return limit > 0 && a > limit }

func unrepeatable(c codes.Code) bool { return c == codes.OK || c > lastCode }

func (p *Policy) problems() []problem {
	var found []problem
	v := reflect.ValueOf(*p)
	for i := range v.NumField() {
		if d, ok := v.Field(i).Interface().(time.Duration); ok && d < 0 {
			found = append(found, problem{[]string{v.Type().Field(i).Name}, "{A} is negative: use 0 or more"})
		}
	}
	if len(found) > 0 { // to compare them would only repeat it
		return found
	}
	for _, c := range checks {
		if !c.broken(p) {
			continue
		}
		fields := []string{c.a}
		if c.b != "" {
			fields = append(fields, c.b)
		}
		found = append(found, problem{fields, c.text})
	}
	return found
}

// words names a field of p and renders its value: as a programmer wrote them, or as
// the author of a file did.
type words func(p *Policy, field string) (name, value string)

func goWords(p *Policy, field string) (name, value string) {
	return field, fmt.Sprint(reflect.ValueOf(*p).FieldByName(field).Interface())
}

func (pr problem) say(p *Policy, w words) string {
	var replace []string
	for i, field := range pr.fields {
		name, value := w(p, field)
		replace = append(replace, "{"+"AB"[i:i+1]+"}", name+" "+value, "{"+"ab"[i:i+1]+"}", name)
	}
	return strings.NewReplacer(replace...).Replace(pr.text)
}
