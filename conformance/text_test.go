package conformance_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/status"
)

// textTable is text.json: which characters a reader takes out of a text. Languages differ in the version of Unicode that
// they know, so readers are given the characters and not their categories.
type textTable struct {
	Spaces  [][2]rune `json:"spaces"`  // first and last of a range; each becomes one space
	Removed [][2]rune `json:"removed"` // these go
}

func TestTextTableIsCurrent(t *testing.T) {
	var table textTable
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || r == ' ' {
			continue
		}
		switch status.Display("x"+string(r)+"x", 0) {
		case "x x":
			table.Spaces = extend(table.Spaces, r)
		case "xx":
			table.Removed = extend(table.Removed, r)
		case "x" + string(r) + "x":
		default:
			t.Fatalf("%U is neither kept, nor removed, nor a space", r)
		}
	}
	got, err := json.MarshalIndent(table, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	// One range a line.
	for _, pair := range [][2]string{{"[\n   ", "["}, {",\n   ", ", "}, {"\n  ]", "]"}} {
		got = bytes.ReplaceAll(got, []byte(pair[0]), []byte(pair[1]))
	}
	got = append(got, '\n')
	const path = "text.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("text.json is not what package status does:\n%s", got)
	}
}

func extend(ranges [][2]rune, r rune) [][2]rune {
	if n := len(ranges); n > 0 && ranges[n-1][1] == r-1 {
		ranges[n-1][1] = r
		return ranges
	}
	return append(ranges, [2]rune{r, r})
}
