package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// place is where something stands in a file. Columns count characters, and both
// count from 1.
type place struct {
	line, column int
	path         string // of the key, from the top of the file: "error_handling.async"
}

// whole is the path of what concerns no key.
const whole = "(file)"

func (p place) before(line, column int) bool {
	return p.line < line || p.line == line && p.column < column
}

// fault is something wrong with a file: its text says what, and after a colon what
// to do about it.
type fault struct {
	place
	text string
}

// sorted makes errors of faults, from the top of the file to its end.
func sorted(name string, faults []fault) []error {
	slices.SortStableFunc(faults, func(a, b fault) int {
		switch {
		case a.before(b.line, b.column):
			return -1
		case b.before(a.line, a.column):
			return 1
		}
		return 0
	})
	var errs []error
	for _, f := range faults {
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s: %s", name, f.line, f.column, f.path, f.text))
	}
	return errs
}

// placeAt is the place of the byte at an offset.
func placeAt(data []byte, offset int) place {
	before := data[:min(offset, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return place{
		line:   bytes.Count(before, []byte("\n")) + 1,
		column: utf8.RuneCount(before[start:]) + 1,
		path:   whole,
	}
}

// quote renders what somebody wrote on one line that is not too long.
func quote(s string) string {
	const longest = 60
	if len(s) <= longest {
		return strconv.Quote(s)
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut] + "…")
}

// nearest finds what was probably meant by a name, or nothing.
func nearest(name string, among []string) (string, bool) {
	best, least := "", 0
	for _, candidate := range among {
		d, ok := distance(bare(name), bare(candidate))
		if ok && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best, best != ""
}

// bare takes a name for the same however its words are joined: timeoutSeconds.
func bare(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(name))
}

// distance counts the letters to insert, remove or replace (Levenshtein), and reports
// whether these are few enough for a slip. So is a part of the name.
func distance(a, b string) (d int, slip bool) {
	const shortest, longest = 4, 40
	if len(a) > longest {
		return 0, false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := corner
			if a[i] != b[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	d = row[len(b)]
	return d, d <= len(b)/3 || len(a) >= shortest && strings.Contains(b, a)
}
