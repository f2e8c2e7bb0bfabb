package explain

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// page is text in the making: a headline, a paragraph, then rows of a key and a value.
type page struct {
	style Style
	text  strings.Builder
	key   string // of the last row
}

const (
	keyColumn  = 12
	rowIndent  = 2
	leastWidth = 20 // of a value, however narrow the page
)

func (p *page) String() string { return p.text.String() }

func (p *page) width() int {
	if p.style.Width <= 0 {
		return 80
	}
	return p.style.Width
}

func (p *page) headline(word, text string) {
	lines := wrap(word+" "+text, p.width())
	if rest, ok := strings.CutPrefix(lines[0], word); ok {
		lines[0] = p.paint(red, word) + p.paint(bold, rest)
	}
	for i := range lines[1:] {
		lines[i+1] = p.paint(bold, lines[i+1])
	}
	p.lines(lines)
}

func (p *page) paragraph(text string) {
	if text != "" {
		p.lines(wrap(text, p.width()))
	}
}

func (p *page) lines(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(&p.text, line)
	}
}

func (p *page) blank() { fmt.Fprintln(&p.text) }

// row writes a value beside its key. Rows that follow one another under the same key show it once; an empty key belongs
// to the row above. Without a value there is no row.
func (p *page) row(key, value string) {
	if value == "" {
		return
	}
	shown := key
	if key == p.key {
		shown = ""
	}
	if key != "" {
		p.key = key
	}
	for _, line := range wrap(value, max(p.width()-rowIndent-keyColumn, leastWidth)) {
		fmt.Fprintf(&p.text, "%*s%s%s\n", rowIndent, "", p.paint(dim, fmt.Sprintf("%-*s", keyColumn, shown)), line)
		shown = ""
	}
}

const (
	bold = "1"
	dim  = "2"
	red  = "1;31"
)

func (p *page) paint(color, text string) string {
	if !p.style.Color || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// wrap breaks clean text into lines at its spaces. A word that is longer than a line is left whole.
func wrap(text string, width int) []string {
	var lines []string
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		switch {
		case line == "":
			line, n = word, size
		case n+1+size <= width:
			line, n = line+" "+word, n+1+size
		default:
			lines = append(lines, line)
			line, n = word, size
		}
	}
	return append(lines, line)
}
