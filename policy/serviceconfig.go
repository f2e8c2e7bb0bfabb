package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// maxRetryAttempts is what gRPC holds the maxAttempts of a service config to.
const maxRetryAttempts = 5

// ServiceConfig makes a layer of a gRPC service config in JSON
// (https://github.com/grpc/grpc/blob/master/doc/service_config.md). It reads the
// entries of methodConfig: those for all methods ({}) are at the level of [Defaults],
// those for a service at that of [Service], those for a method at that of [Method].
//
// As in gRPC, one entry governs a method, the most specific; nothing of the others is
// inherited. It sets:
//
//   - timeout: Timeout. An entry without one leaves Timeout to the other layers. It
//     holds for unary calls only, as Timeout does.
//   - retryPolicy: MaxAttempts (at most 5, as in gRPC), Backoff, MaxBackoff,
//     BackoffMultiplier and Codes. It also sets Idempotent, for gRPC repeats what has a
//     retryPolicy without asking further: whoever wrote it has said that the method may
//     be repeated. An entry without one sets MaxAttempts to 1, as gRPC repeats nothing
//     then.
//
// Three things differ. UNAVAILABLE is repeated even if retryableStatusCodes leaves it
// out, for Codes are further ones. A multiplier below 1 is an error. And hedgingPolicy
// is one, for nothing here would do it. Everything else, retryThrottling included, is
// ignored, as gRPC ignores keys that it does not know.
//
// Do not give gRPC the same config for the same connection: both would repeat.
func ServiceConfig(config []byte) (Layer, error) {
	var root any
	if err := json.Unmarshal(config, &root); err != nil {
		return Layer{}, fmt.Errorf("policy: service config: not JSON (%w): write an object with methodConfig", err)
	}
	r := configReader{entries: map[target]string{}, group: group{}}
	top := r.object("(top)", root)
	for i, entry := range r.list("methodConfig", get(top, "methodConfig")) {
		r.entry(fmt.Sprintf("methodConfig[%d]", i), entry)
	}
	if len(r.errs) > 0 {
		return Layer{}, errors.Join(r.errs...)
	}
	return Layer{rules: r.rules}, nil
}

// configReader gathers rules, and everything wrong with the config.
type configReader struct {
	rules   []rule
	errs    []error
	entries map[target]string // where each name stands
	group   group
}

func (r *configReader) fault(path, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("policy: service config: %s: %s", path, fmt.Sprintf(format, args...)))
}

func (r *configReader) entry(path string, v any) {
	m := r.object(path, v)
	names := r.list(path+".name", get(m, "name"))
	if len(names) == 0 { // it is for no method: gRPC does not read it either
		return
	}
	if get(m, "hedgingPolicy") != nil {
		r.fault(path+".hedgingPolicy", "hedging is not supported: use retryPolicy instead")
	}
	timeout := r.duration(path+".timeout", get(m, "timeout"))
	retry := r.retryPolicy(path+".retryPolicy", get(m, "retryPolicy"))
	change := func(p *Policy) {
		if timeout > 0 {
			p.Timeout = timeout
		}
		retry(p)
	}
	for i, name := range names {
		if t, ok := r.name(fmt.Sprintf("%s.name[%d]", path, i), name); ok {
			r.rules = append(r.rules, rule{target: t, change: change, group: r.group})
		}
	}
}

// name reads what an entry is for, which no other may be for too.
func (r *configReader) name(path string, v any) (target, bool) {
	before := len(r.errs)
	m := r.object(path, v)
	t := target{r.text(path+".service", get(m, "service")), r.text(path+".method", get(m, "method"))}
	switch {
	case len(r.errs) > before:
	case t.service == "" && t.method != "":
		r.fault(path, "there is a method without a service: write the service too")
	case t.service != "" && !validName(t.service):
		r.fault(path+".service", `%s is not the name of a service: write "pkg.Service"`, quote(t.service))
	case t.method != "" && !validName(t.method):
		r.fault(path+".method", `%s is not the name of a method: write "Method"`, quote(t.method))
	case r.entries[t] != "":
		r.fault(path, "%s has the same name: remove one of the two", r.entries[t])
	default:
		r.entries[t], r.group[t] = path, true
		return t, true
	}
	return target{}, false
}

func (r *configReader) retryPolicy(path string, v any) func(*Policy) {
	if v == nil {
		return func(p *Policy) { p.MaxAttempts = 1 }
	}
	m := r.object(path, v)
	attempts := r.atLeast(path+".maxAttempts", get(m, "maxAttempts"), 2)
	if attempts != math.Trunc(attempts) {
		r.fault(path+".maxAttempts", "%v is not a whole number: write 2 or more", attempts)
	}
	initial := r.required(path+".initialBackoff", get(m, "initialBackoff"))
	most := r.required(path+".maxBackoff", get(m, "maxBackoff"))
	multiplier := r.atLeast(path+".backoffMultiplier", get(m, "backoffMultiplier"), 1)
	list := r.codes(path+".retryableStatusCodes", get(m, "retryableStatusCodes"))
	return func(p *Policy) {
		p.MaxAttempts = int(min(attempts, maxRetryAttempts))
		p.Backoff, p.MaxBackoff, p.BackoffMultiplier = min(initial, most), most, multiplier
		p.Codes, p.Idempotent = slices.Clone(list), true
	}
}

// codes reads names and numbers of codes, of which there must be one.
func (r *configReader) codes(path string, v any) []codes.Code {
	if list, ok := v.([]any); v == nil || ok && len(list) == 0 {
		r.fault(path, `there is no code: write at least one, such as "UNAVAILABLE"`)
	}
	var list []codes.Code
	for i, v := range r.list(path, v) {
		var c codes.Code
		text, err := json.Marshal(v)
		if err != nil || c.UnmarshalJSON(text) != nil || unrepeatable(c) {
			r.fault(fmt.Sprintf("%s[%d]", path, i), "%s is not the code of an error: "+
				`write its name, such as "UNAVAILABLE", or a number from 1 to 16`, jsonText(v))
		} else if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// get finds a key as encoding/json does for gRPC: by its name, else whatever its case.
func get(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.EqualFold(k, key) {
			return m[k]
		}
	}
	return nil
}

func (r *configReader) object(path string, v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		r.fault(path, "%s is not an object: write {...}", jsonText(v))
	}
	return m
}

func (r *configReader) list(path string, v any) []any {
	list, ok := v.([]any)
	if !ok && v != nil {
		r.fault(path, "%s is not a list: write [...]", jsonText(v))
	}
	return list
}

func (r *configReader) text(path string, v any) string {
	s, ok := v.(string)
	if !ok && v != nil {
		r.fault(path, "%s is not a string: write it in quotes", jsonText(v))
	}
	return s
}

// atLeast reads a number that must be there.
func (r *configReader) atLeast(path string, v any, least float64) float64 {
	n, ok := v.(float64)
	switch {
	case v == nil:
		r.fault(path, "it is missing: write a number, %v or more", least)
	case !ok:
		r.fault(path, "%s is not a number: write %v or more, without quotes", jsonText(v), least)
	case n < least:
		r.fault(path, "%v is too little: write %v or more", n, least)
	}
	return n
}

func (r *configReader) required(path string, v any) time.Duration {
	if v == nil {
		r.fault(path, `it is missing: write a duration such as "0.1s"`)
	}
	return r.duration(path, v)
}

// duration reads a google.protobuf.Duration in JSON, "1.5s". Of nil it makes 0. One
// that is too long for a time.Duration becomes the longest, as in gRPC.
func (r *configReader) duration(path string, v any) time.Duration {
	if v == nil {
		return 0
	}
	text, _ := v.(string)
	d, ok := parseDuration(text)
	switch {
	case !ok:
		r.fault(path, `%s is not a duration: write seconds with an s, such as "1.5s"`, jsonText(v))
	case d <= 0:
		r.fault(path, "%s is not more than 0: write more, or remove the key", jsonText(v))
	}
	return d
}

func parseDuration(text string) (time.Duration, bool) {
	number, unit := strings.CutSuffix(text, "s")
	positive, minus := strings.CutPrefix(number, "-")
	before, after, _ := strings.Cut(positive, ".")
	if !unit || len(after) > finest || !allDigits(before+after) {
		return 0, false
	}
	const longestSeconds = 315_576_000_000 // as google.protobuf.Duration
	if n, err := strconv.ParseInt("0"+before, 10, 64); err != nil || n > longestSeconds {
		return 0, false
	}
	d, err := time.ParseDuration("0" + positive + "s")
	switch {
	case err != nil:
		d = math.MaxInt64
	case minus:
		d = -d
	}
	return d, true
}

// jsonText renders a value as JSON, which has no line breaks, shortened.
func jsonText(v any) string {
	const most = 60
	b, err := json.Marshal(v)
	switch {
	case err != nil: // cannot be: it was JSON
		return "this"
	case len(b) <= most:
		return string(b)
	}
	return strings.ToValidUTF8(string(b[:most]), "") + "…"
}
