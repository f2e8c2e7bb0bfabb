package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/explain"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// screenful is how many lines are shown without -all.
const screenful = 40

// columns is how wide a terminal is taken to be.
const columns = 80

// maxCatalog is the largest catalogue that is read. Descriptor sets of whole organizations are smaller.
const maxCatalog = 64 << 20

func explainCommand() command {
	return command{
		name: "explain", args: "[error | @file | -]", short: "say what an error means and what to do about it",
		long: `Explain takes an error in any form in which it reaches somebody, and says what
happened, what to do, who has to do it, and whether to try again:

  an error code        BOOK_NOT_FOUND, library.example.com/BOOK_NOT_FOUND, UNAVAILABLE, 14
  trailers             grpc-status-details-bin: CAUS..., or its base64 alone;
                       recourse-degraded-bin, the mark of a degraded answer
  JSON                 google.rpc.Status, also of grpcurl -format-error; {"error": {...}}
                       of a REST gateway (AIP-193); an error of Connect
  text                 what grpcurl prints of an error, "rpc error: code = ... desc = ..."

It reads the argument, a file (@file), or the standard input (- or no argument). With a
catalogue it adds what that says. It exits with 0; 1 if it understood nothing; 2 if it was
called in a wrong way, or cannot read a file.

With -format json it writes one document, whose fields may become more within a version
of its schema, and never mean something else.`,
		example: `recourse explain -catalog catalog.json QUOTA_USED_UP
recourse explain 'grpc-status-details-bin: CAUSCG5vdCBoZXJl'
grpcurl -format-error ... 2>&1 | recourse explain`,
		setup: func(flags *flag.FlagSet) func(streams, []string) int {
			var view view
			view.define(flags)
			return func(s streams, args []string) int {
				if err := view.load(); err != nil {
					return s.fail("explain: %v", err)
				}
				text, err := pastedText(s, args)
				if err != nil {
					return s.fail("explain: %v", err)
				}
				return view.explain(s, text)
			}
		},
	}
}

// view is how errors are shown, which explain and call have in common.
type view struct {
	catalogFile string
	format      string
	all         bool

	catalog *catalog.Catalog // nil: none
}

func (v *view) define(flags *flag.FlagSet) {
	flags.StringVar(&v.catalogFile, "catalog", "", "the `file` of a catalogue as JSON, or of a descriptor set")
	flags.StringVar(&v.format, "format", "text", "text or json")
	flags.BoolVar(&v.all, "all", false, "show everything, however long")
}

// load reads the catalogue and checks the flags.
func (v *view) load() error {
	if v.format != "text" && v.format != "json" {
		return fmt.Errorf("-format is text or json, not %q", v.format)
	}
	if v.catalogFile == "" {
		return nil
	}
	b, err := readFile(v.catalogFile, maxCatalog)
	if err != nil {
		return err
	}
	if v.catalog, _, err = catalogIn(b); err != nil { // mistakes in declarations are for the linter
		return fmt.Errorf("%s: %w", v.catalogFile, err)
	}
	return nil
}

// readFile reads a file that is not larger than it may be.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return b, nil
}

// pastedText finds what is to be explained. One byte too many is read of it, for [understand] to refuse.
func pastedText(s streams, args []string) ([]byte, error) {
	text := strings.Join(args, " ") // a header that nobody has quoted
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return io.ReadAll(io.LimitReader(f, maxPasted+1))
	}
	if len(args) > 0 && text != "-" {
		return []byte(text), nil
	}
	if len(args) == 0 && isTerminal(s.stdin) {
		return nil, errors.New("what is to be explained? Name an error code, paste a trailer, or pipe JSON; see `recourse help explain`")
	}
	return io.ReadAll(io.LimitReader(s.stdin, maxPasted+1))
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// explain shows what was pasted.
func (v *view) explain(s streams, text []byte) int {
	p, err := understand(text)
	if err != nil {
		fmt.Fprintln(s.stderr, "recourse: explain: "+err.Error())
		return exitFound
	}
	var d *explain.Document
	if p.name != "" {
		if d = v.lookUp(p.name); d == nil {
			if other, ok := fromBase64(p.name, ""); ok {
				p = other
			}
		}
	}
	switch {
	case p.mark != nil:
		return v.show(s.stdout, v.declared(explain.OfDegraded(p.mark)))
	case p.status != nil && p.status.GetCode() == int32(codes.OK):
		return v.fine(s.stdout)
	case p.status != nil:
		return v.show(s.stdout, v.document(grpcstatus.ErrorProto(p.status)))
	}
	if d == nil {
		fmt.Fprintf(s.stderr, "recourse: explain: nobody has declared %s%s\n", p.name, v.hint(p.name))
		return exitFound
	}
	return v.show(s.stdout, d)
}

// document is everything about an error.
func (v *view) document(err error) *explain.Document { return v.declared(explain.Of(err)) }

// declared adds what the catalogue says of the error that a document is about.
func (v *view) declared(d *explain.Document) *explain.Document {
	if v.catalog != nil && d != nil && d.ErrorCode != "" && d.Domain != "" {
		d.Declare(v.catalog.Find(d.Domain + "/" + d.ErrorCode))
	}
	return d
}

// lookUp finds an error by name, nil if there is none.
func (v *view) lookUp(name string) *explain.Document {
	if reason, domain, has := strings.Cut(name, "@"); has {
		name = domain + "/" + reason
	}
	if v.catalog != nil {
		if e := v.catalog.Find(name); e != nil {
			return explain.OfDeclared(e)
		}
	}
	list := known()
	if i := slices.IndexFunc(list, func(d *explain.Document) bool { return d.ErrorCode == name }); i >= 0 {
		return list[i]
	}
	return nil
}

// hint says what else could be done about a name that is not known.
func (v *view) hint(name string) string {
	var names, same []string
	for _, d := range known() {
		names = append(names, d.ErrorCode)
	}
	if v.catalog != nil {
		for _, e := range v.catalog.Errors {
			names = append(names, status.Display(e.Reason, 63))
			if e.Reason == name {
				same = append(same, status.Display(e.Key(), 317))
			}
		}
	}
	if len(same) > 0 {
		return " alone: name one of " + strings.Join(same[:min(len(same), 5)], ", ")
	}
	_, reason, _ := strings.Cut("/"+name, "/")
	if i := strings.LastIndexByte(reason, '/'); i >= 0 {
		reason = reason[i+1:]
	}
	reason, _, _ = strings.Cut(reason, "@")
	if offer := meant(near(reason, names)); offer != "" || v.catalog != nil {
		return offer
	}
	return ": name the catalogue that has it with -catalog"
}

// fine is what there is to say of a status that is none.
func (v *view) fine(w io.Writer) int {
	if v.format == "json" {
		fmt.Fprintf(w, "{\n  \"schema\": %d,\n  \"kind\": \"ok\",\n  \"code\": \"OK\"\n}\n", explain.Schema)
		return exitOK
	}
	fmt.Fprintln(w, "This status is OK: the call did not fail.")
	return exitOK
}

// show writes a document in the form that was asked for.
func (v *view) show(w io.Writer, d *explain.Document) int {
	if v.format == "json" {
		_, _ = w.Write(asJSON(d))
		return exitOK
	}
	style := explain.Style{Full: true, All: v.all}
	if f, ok := w.(*os.File); ok {
		style.Color = explain.For(f).Color
	}
	text := d.Text(style)
	if !v.all {
		text = firstLines(text, screenful)
	}
	_, _ = io.WriteString(w, text)
	return exitOK
}

// asJSON writes anything that can be written, on lines of its own.
func asJSON(value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return nil
	}
	return b.Bytes()
}

// firstLines cuts text to what takes n lines of a terminal, and says so in the last. A line that is longer than the
// terminal is wide, such as an address, takes several.
func firstLines(text string, n int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	shown, taken, fits := 0, 0, 0 // fits: how many lines leave room for one more
	for _, line := range lines {
		taken += max(1, (utf8.RuneCountInString(line)+columns-1)/columns)
		if taken > n {
			break
		}
		shown++
		if taken < n {
			fits = shown
		}
	}
	if shown == len(lines) {
		return text
	}
	if len(lines)-fits == 1 {
		return strings.Join(lines[:fits], "") + "and one more line: -all shows it\n"
	}
	return strings.Join(lines[:fits], "") + fmt.Sprintf("and %d more lines: -all shows them\n", len(lines)-fits)
}
