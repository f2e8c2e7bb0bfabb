package locale

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxRanges is how many languages of a caller are looked at.
const maxRanges = 16

// source is the language of the declarations: whoever likes it best needs no translation.
const source = "en"

// best finds the language that a caller likes best, of those that there are: as RFC 4647
// looks up (section 3.4), where a range that fits nothing is shortened from its end.
func best(in map[string]entry, accepted string) (entry, bool) {
	if len(in) == 0 {
		return entry{}, false
	}
	for _, r := range ranges(accepted) {
		for tag := r; tag != ""; {
			if e, has := in[tag]; has {
				return e, true
			}
			if tag == source {
				return entry{}, false
			}
			i := strings.LastIndexByte(tag, '-')
			if i >= 2 && tag[i-2] == '-' { // a single character goes with what follows it
				i -= 2
			}
			tag = tag[:max(i, 0)]
		}
	}
	return entry{}, false
}

// ranges are the languages of a header in small letters, best first. What cannot be
// understood is left out, as is "*", which says nothing.
func ranges(accepted string) []string {
	type weighed struct {
		tag string
		q   float64
	}
	var all []weighed
	for part := range strings.SplitSeq(accepted, ",") {
		if len(all) == maxRanges {
			break
		}
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if !tag.MatchString(name) {
			continue
		}
		q := 1.0
		if v, has := strings.CutPrefix(strings.TrimSpace(params), "q="); has {
			var err error
			if q, err = strconv.ParseFloat(v, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		if q > 0 {
			all = append(all, weighed{name, q})
		}
	}
	slices.SortStableFunc(all, func(a, b weighed) int { return cmp.Compare(b.q, a.q) })
	tags := make([]string, len(all))
	for i, w := range all {
		tags[i] = w.tag
	}
	return tags
}
