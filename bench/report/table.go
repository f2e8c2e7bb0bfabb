package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is one of Markdown's, which can be read as it is too.
type table struct {
	rows [][]string // the first names the columns
}

func columns(names ...string) *table { return &table{rows: [][]string{names}} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer) {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range t.rows {
		line := "|"
		for j, cell := range row {
			line += " " + cell + strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)) + " |"
		}
		fmt.Fprintln(w, line)
		if i == 0 {
			line = "|"
			for _, width := range widths {
				line += strings.Repeat("-", width+2) + "|"
			}
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintln(w)
}
