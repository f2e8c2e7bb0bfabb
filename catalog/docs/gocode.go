package docs

import (
	"fmt"
	"go/token"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/catalog"
)

// snippet is Go code that makes and knows an error, ready to be copied: with the generated
// code where the catalogue says where that is, else with package status.
func snippet(e *catalog.Error) string {
	importPath, pkg := goPackage(e.GoPackage)
	name := catalog.GoName(e.Reason)
	if pkg == "" || !identifiers(e) {
		return plainSnippet(e)
	}
	imported := strconv.Quote(importPath)
	if path.Base(importPath) != pkg {
		imported = pkg + " " + imported
	}
	var b strings.Builder
	fmt.Fprintf(&b, "import %s\n\n", imported)
	if e.DeprecatedSince == "" {
		fmt.Fprintf(&b, "// A server makes it.\nreturn nil, %s.%s{%s}.Err()\n\n", pkg, name, fields(e))
	}
	fmt.Fprintf(&b, "// A client knows it.\nif errors.Is(err, %s.Err%s) {\n\t// %s\n}\n", pkg, name, comment(e))
	if len(e.Params) > 0 {
		fmt.Fprintf(&b, "\n// And reads its parameters.\nif p, ok := %s.Err%s.From(err); ok {\n\tfmt.Println(%s)\n}\n",
			pkg, name, strings.Join(reads(e), ", "))
	}
	return b.String()
}

// identifiers tells whether the names of an error are names in Go: what is copied is code, and
// nothing else that a catalogue would like to be.
func identifiers(e *catalog.Error) bool {
	for _, p := range e.Params {
		if !token.IsIdentifier(catalog.GoName(p.Key)) {
			return false
		}
	}
	return token.IsIdentifier(catalog.GoName(e.Reason))
}

func plainSnippet(e *catalog.Error) string {
	const code = "import \"github.com/recourse-dev/recourse/status\"\n\n// A client knows it.\n" +
		"if e, ok := status.From(err); ok && e.Domain() == %q && e.ErrorCode() == %q {\n\t// %s\n}\n"
	return fmt.Sprintf(code, e.Domain, e.Reason, comment(e))
}

// comment is what a client does, on one line.
func comment(e *catalog.Error) string {
	return strings.Join(strings.Fields(orElse(e.Suggestion, e.Title)), " ")
}

// goPackage splits a go_package option: "path;name" or a path. What is no name in Go counts
// as not said.
func goPackage(option string) (importPath, name string) {
	importPath, name, _ = strings.Cut(option, ";")
	if name == "" {
		name = strings.NewReplacer("-", "_", ".", "_").Replace(path.Base(importPath))
	}
	if !token.IsIdentifier(name) {
		return "", ""
	}
	if importPath == "" || strings.ContainsFunc(importPath, func(r rune) bool { return r <= ' ' || strings.ContainsRune("\"`\\<>", r) }) {
		return "", ""
	}
	return importPath, name
}

// fields are what stands in the braces of a struct: on lines of their own where there are many.
func fields(e *catalog.Error) string {
	var out []string
	for _, p := range e.Params {
		out = append(out, catalog.GoName(p.Key)+": "+literal(p))
	}
	if len(out) < 2 {
		return strings.Join(out, "")
	}
	width := 0
	for _, p := range e.Params {
		width = max(width, len(catalog.GoName(p.Key)))
	}
	for i, p := range e.Params { // as gofmt would have it
		out[i] = fmt.Sprintf("\t%-*s %s,\n", width+1, catalog.GoName(p.Key)+":", literal(p))
	}
	return "\n" + strings.Join(out, "")
}

func reads(e *catalog.Error) []string {
	var out []string
	for _, p := range e.Params {
		out = append(out, "p."+catalog.GoName(p.Key))
	}
	return out
}

// literal is the example of a parameter in Go, or something of its type.
func literal(p catalog.Param) string {
	switch p.Type {
	case "INT64":
		n, _ := strconv.ParseInt(p.Example, 10, 64)
		return strconv.FormatInt(n, 10)
	case "BOOL":
		v, _ := strconv.ParseBool(p.Example)
		return strconv.FormatBool(v)
	case "DOUBLE":
		f, err := strconv.ParseFloat(p.Example, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			f = 0
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	case "DURATION":
		d, _ := time.ParseDuration(p.Example)
		if d%time.Second == 0 {
			return fmt.Sprintf("%d * time.Second", d/time.Second)
		}
		return fmt.Sprintf("%d * time.Millisecond", d.Milliseconds())
	case "TIMESTAMP":
		return "time.Now()"
	}
	return strconv.Quote(p.Example)
}
