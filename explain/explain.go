// Package explain shows errors to people at a terminal: what went wrong, what they can do about it, and what to quote
// to support. Nothing that a server says can move the cursor, add a line or change a colour. A [Document] has the same
// for programs.
package explain

import (
	"os"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
)

// Style says how an explanation looks. The zero value is plain text, 80 columns wide, for the person at the program.
type Style struct {
	Color bool
	Width int  // columns; 0 means 80
	Full  bool // for a developer: parameters, causes, details of other types, and what the catalogue says
	All   bool // lists in full, rather than their first five entries
}

// For returns the style that suits a file: colours on a terminal only, and not where NO_COLOR is set.
func For(f *os.File) Style {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return Style{Color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// Error explains err in a few lines, each ended by a newline; nil is explained by nothing. Any error will do: the less
// it says, the shorter the explanation.
func Error(err error, style Style) string { return Of(err).Text(style) }

// Degraded explains the mark of an answer that is not the real one. The empty mark of a real answer is explained by
// nothing.
func Degraded(d *recoursev1.Degraded, style Style) string { return OfDegraded(d).Text(style) }
