package report

import (
	_ "embed"
	"maps"
	"path"
	"slices"
	"strings"
)

// notes.md has what people have found out, under headings that say what it is about.
//
//go:embed notes.md
var notesFile string

// notes are texts by their heading.
type notes map[string]string

// parseNotes reads what stands under each heading of the second level.
func parseNotes(text string) notes {
	n := notes{}
	for part := range strings.SplitSeq("\n"+text, "\n## ") {
		heading, body, _ := strings.Cut(part, "\n")
		n[strings.TrimSpace(heading)] = strings.TrimSpace(body)
	}
	delete(n, "")
	return n
}

// row finds what is said of a row, or of the group that it is in.
func (n notes) row(id string) (text string, ok bool) {
	for _, heading := range []string{"row " + id, "row " + strings.TrimRight(id, letters)} {
		if text, ok = n[heading]; ok {
			return text, true
		}
	}
	return "", false
}

// peer finds what is said of a peer that is ahead in a case: under "peer NAME in CASES",
// with patterns of path.Match between commas. Of several the first by heading counts.
func (n notes) peer(name, in string) (text string, ok bool) {
	for _, heading := range slices.Sorted(maps.Keys(n)) {
		patterns, of := strings.CutPrefix(heading, "peer "+name+" in ")
		if of && slices.ContainsFunc(strings.Split(patterns, ", "), func(p string) bool { ok, _ := path.Match(p, in); return ok }) {
			return n[heading], true
		}
	}
	return "", false
}
