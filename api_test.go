package recourse_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const apiFile = "api.txt"

const apiHeader = "# The exported API, one symbol a line. Written by: make api\n"

// Folders at the root whose packages promise nothing to Go users.
var unpromised = []string{"gen", "examples", "cmd", "tools", "bench", "conformance"}

// TestAPI makes every change of the exported API a line in a review.
func TestAPI(t *testing.T) {
	var lines []string
	for dir, files := range publicPackages(t) {
		lines = append(lines, apiOf(t, filepath.ToSlash(dir), files)...)
	}
	if len(lines) == 0 {
		t.Fatal("no exported symbol found")
	}
	slices.Sort(lines)
	got := apiHeader + strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(apiFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the exported API differs from %s; if that is meant, run make api (-want +got):\n%s", apiFile, diff)
	}
}

func TestAPILines(t *testing.T) {
	const source = `package p

type Kind int

const (
	First Kind = iota
	Second
	hidden
)

const Limit = 4 << 10

var Default, Other string = "a", "b"

type Pair[K comparable, V any] struct {
	Key     K
	A, B    func(name string) error
	secret  V
	*Option
}

type Option func(*int)

type Old = Kind

type Reader interface {
	Kind
	Read(p []byte) (n int, err error)
	secret()
}

func New(kind Kind, opts ...Option) (p *Pair[string, int], err error) { return nil, nil }

func Of[T any](value T) map[string]interface{ M(x T) } { return nil }

func (k Kind) String() string { return "" }

func (p *Pair[K, V]) Get(key K) V { return p.secret }

func (p *Pair[K, V]) hidden() {}

func private() {}

type unexported struct{ X int }
`
	file := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	got := apiOf(t, "p", []string{file})
	slices.Sort(got)
	want := []string{
		"p: const First Kind",
		"p: const Limit = 4 << 10",
		"p: const Second Kind",
		"p: func (*Pair[K, V]) Get(K) V",
		"p: func (Kind) String() string",
		"p: func New(Kind, ...Option) (*Pair[string, int], error)",
		"p: func Of[T any](T) map[string]interface{ M(T) }",
		"p: type Kind int",
		"p: type Old = Kind",
		"p: type Option func(*int)",
		"p: type Pair[K comparable, V any] struct",
		"p: type Pair[K comparable, V any] struct, *Option",
		"p: type Pair[K comparable, V any] struct, A func(string) error",
		"p: type Pair[K comparable, V any] struct, B func(string) error",
		"p: type Pair[K comparable, V any] struct, Key K",
		"p: type Pair[K comparable, V any] struct, unexported",
		"p: type Reader interface",
		"p: type Reader interface, Kind",
		"p: type Reader interface, Read func([]byte) (int, error)",
		"p: type Reader interface, unexported",
		"p: var Default string",
		"p: var Other string",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("api (-want +got):\n%s", diff)
	}
}

// publicPackages finds the files of every package that a user may import.
func publicPackages(t *testing.T) map[string][]string {
	t.Helper()
	packages := map[string][]string{}
	eachGoFile(t, func(dir, file string) {
		path := strings.Split(filepath.ToSlash(dir), "/")
		if !slices.Contains(unpromised, path[0]) && !slices.Contains(path, "internal") {
			packages[dir] = append(packages[dir], file)
		}
	})
	return packages
}

// apiOf renders the exported symbols of the package in dir.
func apiOf(t *testing.T, dir string, paths []string) []string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(fset, files, module+"/"+dir)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{prefix: dir + ": "}
	a.values(pkg.Consts, pkg.Vars)
	a.funcs(pkg.Funcs)
	for _, typ := range pkg.Types {
		a.values(typ.Consts, typ.Vars)
		a.funcs(typ.Funcs, typ.Methods)
		a.typ(typ.Decl.Specs[0].(*ast.TypeSpec))
	}
	return a.lines
}

// api gathers one line for each symbol. Names of parameters are left out: callers do not depend on them.
type api struct {
	prefix string
	lines  []string
}

func (a *api) add(words ...string) {
	a.lines = append(a.lines, a.prefix+strings.Join(words, ""))
}

func (a *api) values(groups ...[]*doc.Value) {
	for _, v := range slices.Concat(groups...) {
		var typ ast.Expr // a constant without a value has the type of the one before it
		for _, spec := range v.Decl.Specs {
			spec := spec.(*ast.ValueSpec)
			if spec.Type != nil || len(spec.Values) > 0 {
				typ = spec.Type
			}
			a.value(v.Decl.Tok.String(), spec, typ)
		}
	}
}

func (a *api) value(keyword string, spec *ast.ValueSpec, typ ast.Expr) {
	for i, name := range spec.Names {
		switch {
		case !name.IsExported():
		case typ != nil:
			a.add(keyword, " ", name.Name, " ", text(typ))
		case i < len(spec.Values):
			a.add(keyword, " ", name.Name, " = ", text(spec.Values[i]))
		default:
			a.add(keyword, " ", name.Name)
		}
	}
}

func (a *api) funcs(groups ...[]*doc.Func) {
	for _, f := range slices.Concat(groups...) {
		decl := *f.Decl
		decl.Doc, decl.Body = nil, nil
		if decl.Recv != nil {
			decl.Recv = anonymous(decl.Recv)
		}
		a.add(text(&decl))
	}
}

func (a *api) typ(spec *ast.TypeSpec) {
	head := "type " + spec.Name.Name + typeParams(spec.TypeParams)
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		a.add(head, " struct")
		a.members(head+" struct, ", typ.Fields, typ.Incomplete)
	case *ast.InterfaceType:
		a.add(head, " interface")
		a.members(head+" interface, ", typ.Methods, typ.Incomplete)
	default:
		if spec.Assign.IsValid() {
			head += " ="
		}
		a.add(head, " ", text(typ))
	}
}

func (a *api) members(head string, fields *ast.FieldList, incomplete bool) {
	for _, field := range fields.List {
		if len(field.Names) == 0 {
			a.add(head, text(field.Type))
		}
		for _, name := range field.Names {
			a.add(head, name.Name, " ", text(field.Type))
		}
	}
	if incomplete { // nobody else can write such a literal, or implement such an interface
		a.add(head, "unexported")
	}
}

// typeParams renders a list of type parameters, "" for none.
func typeParams(params *ast.FieldList) string {
	if params == nil {
		return ""
	}
	var rendered []string
	for _, field := range params.List {
		for _, name := range field.Names {
			rendered = append(rendered, name.Name+" "+text(field.Type))
		}
	}
	return "[" + strings.Join(rendered, ", ") + "]"
}

// text prints a node on one line, without the names of parameters.
func text(node ast.Node) string {
	ast.Inspect(node, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncType); ok {
			f.Params, f.Results = anonymous(f.Params), anonymous(f.Results)
		}
		return true
	})
	var out bytes.Buffer
	if err := printer.Fprint(&out, token.NewFileSet(), node); err != nil {
		return err.Error() // shows up as a difference
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// anonymous copies a list of parameters without their names.
func anonymous(list *ast.FieldList) *ast.FieldList {
	if list == nil {
		return nil
	}
	var fields []*ast.Field
	for _, field := range list.List {
		for range max(1, len(field.Names)) {
			fields = append(fields, &ast.Field{Type: field.Type})
		}
	}
	return &ast.FieldList{List: fields}
}
