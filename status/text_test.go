package status_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/quick"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/status"
)

func TestDisplay(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"empty", "", 0, ""},
		{"plain", "no such book", 0, "no such book"},
		{"no limit", strings.Repeat("x", 1000), 0, strings.Repeat("x", 1000)},
		{"negative limit", "abc", -1, "abc"},

		{"colour", "a\x1b[31mred\x1b[0m", 0, "a[31mred[0m"},
		{"terminal title", "\x1b]0;owned\x07x", 0, "]0;ownedx"},
		{"eight-bit escape", "a\u009b31mb", 0, "a31mb"},
		{"backspace and delete", "a\x08\x7fb", 0, "ab"},
		{"NUL", "a\x00b", 0, "ab"},
		{"lines", "a\nb\r\nc\td\ve\f", 0, "a b  c d e "},
		{"line separators", "a\u2028b\u2029c\u0085d", 0, "a b c d"},
		{"spaces of other kinds", "a\u00a0b\u3000c\u2003d", 0, "a b c d"},
		{"around", "\n\t a \u3000", 0, "   a  "},
		{"nothing but spaces", " \n\t", 0, "   "},
		{"a log line of its own", "x\nlevel=error msg=forged", 0, "x level=error msg=forged"},

		{"bidirectional overrides", "a\u202eb\u202dc\u202cd\u202ae\u202bf", 0, "abcdef"},
		{"isolates", "a\u2066b\u2067c\u2068d\u2069e", 0, "abcde"},
		{"marks", "a\u200eb\u200fc\u061cd", 0, "abcd"},
		{"byte order mark", "\ufeffa\ufeffb", 0, "ab"},
		{"zero width", "a\u200bb\u2060c\u00add", 0, "abcd"},
		{"tags", "a\U000e0001\U000e0041\U000e007fb", 0, "ab"},
		{"interlinear annotations", "a\ufff9b\ufffac\ufffbd", 0, "abcd"},
		{"fillers", "a\u3164b\u115fc\u1160d\uffa0e\u034ff", 0, "abcdef"},

		{"invalid bytes", "a\xffb\xc3\x28c\xed\xa0\x80", 0, "a\ufffdb\ufffd(c\ufffd\ufffd\ufffd"},
		{"the replacement character itself", "a\ufffdb", 0, "a\ufffdb"},
		{"cut off in a rune", "a\xe8\xaa", 0, "a\ufffd\ufffd"},

		{"emoji with joiners", "👩\u200d👩\u200d👧 🏳️\u200d🌈", 0, "👩\u200d👩\u200d👧 🏳️\u200d🌈"},
		{"Persian with its joiner", "می\u200cخواهم", 0, "می\u200cخواهم"},
		{"Hindi with its joiner", "क्\u200dष", 0, "क्\u200dष"},
		{"right to left", "שלום مرحبا", 0, "שלום مرحبا"},
		{"combining", "e\u0301", 0, "e\u0301"},

		{"cut", "abcdefghij", 9, "abcdef..."},
		{"exact", "abcdefghi", 9, "abcdefghi"},
		{"on a rune boundary", "語語語", 8, "語..."},
		{"no space before the mark", "abc defgh", 7, "abc..."},
		{"only the mark", "abcdef", 3, "..."},
		{"less than the mark", "abcdef", 2, ""},
		{"less than the mark but enough", "ab", 2, "ab"},
		{"cleaned, then measured", "\x00\x00\x00abc\x00", 3, "abc"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := status.Display(test.in, test.limit)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if again := status.Display(got, test.limit); again != got {
				t.Errorf("a second time gives %q", again)
			}
			if err := clean(got, test.limit); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every character by itself, since the tables are not ours.
func TestDisplayOfEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		in := "a" + string(r) + "b"
		got := status.Display(in, 0)
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			if got != "a b" {
				t.Errorf("%U is shown as %q, want a space", r, got)
			}
		case got == "ab":
			if unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) && r != '\u2800' {
				t.Errorf("%U, which is visible, is left out", r)
			}
		case got != in:
			t.Errorf("%U is shown as %q", r, got)
		}
		if clean(got, 0) != nil {
			t.Errorf("%U: %v", r, clean(got, 0))
		}
		if status.IsClean(in) != (got == in) {
			t.Errorf("%U: isClean says %v, clean changes it: %v", r, status.IsClean(in), got != in)
		}
	}
}

// Text is looked at eight bytes at a time: every byte counts wherever it stands.
func TestEveryByteOfATextCounts(t *testing.T) {
	for length := 1; length <= 17; length++ {
		for at := range length {
			for c := range 256 {
				b := bytes.Repeat([]byte("x"), length)
				b[at] = byte(c)
				s, inside := string(b), at > 0 && at < length-1
				if got, want := status.IsClean(s), c > ' ' && c < 0x7f || c == ' ' && inside; got != want {
					t.Fatalf("%q: clean is %v, want %v", s, got, want)
				}
			}
			for r, want := range map[string]bool{"é": true, "語": true, "🙂": true, "\u202e": false, "\u0085": false, "\xe8\xaa": false} {
				if s := strings.Repeat("x", at) + r + strings.Repeat("x", length-at); status.IsClean(s) != want {
					t.Errorf("%q: clean is %v, want %v", s, !want, want)
				}
			}
		}
	}
}

func TestDisplayIsIdempotent(t *testing.T) {
	err := quick.Check(func(b []byte, limit uint8) bool {
		s := string(b)
		got := status.Display(s, int(limit))
		return clean(got, int(limit)) == nil && status.Display(got, int(limit)) == got
	}, &quick.Config{MaxCount: 20000})
	if err != nil {
		t.Error(err)
	}
}

func TestCleanTextIsNotCopied(t *testing.T) {
	for _, s := range []string{"", "plain", strings.Repeat("語🙂", 50)} {
		if n := testing.AllocsPerRun(100, func() { status.Display(s, 0) }); n > 0 {
			t.Errorf("%q: %v allocations", s, n)
		}
	}
}
