package main

import (
	"cmp"
	"slices"
	"strings"
)

// near returns the names that somebody who wrote name may have meant, the nearest first, at most three.
func near(name string, names []string) []string {
	type guess struct {
		name string
		far  int
	}
	var guesses []guess
	for _, other := range names {
		a, b := strings.ToLower(name), strings.ToLower(other)
		far := distance(a, b)
		if len(a) > 2 && (strings.Contains(b, a) || strings.Contains(a, b)) {
			far = min(far, 1)
		}
		if far <= 1+len(a)/4 {
			guesses = append(guesses, guess{other, far})
		}
	}
	slices.SortFunc(guesses, func(a, b guess) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	guesses = slices.CompactFunc(guesses, func(a, b guess) bool { return a.name == b.name })
	var out []string
	for _, g := range guesses[:min(len(guesses), 3)] {
		out = append(out, g.name)
	}
	return out
}

// maxCompared is the longest name that is compared by letters: the time grows with the square.
const maxCompared = 256

// distance is how many letters must be changed, added or taken out to make b of a.
func distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		return maxCompared
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0] // of the row above, one to the left
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := last
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			last = above
		}
	}
	return row[len(b)]
}

// meant is a sentence that offers names, empty if there are none.
func meant(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}
