package recourse_test

import (
	"bufio"
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/recourse-dev/recourse"

// A rule says what a room must never import. Patterns are those of the go command; "./" is this module.
type rule struct {
	who    string   // the packages it holds for
	unless string   // the packages it does not hold for, "" for none
	never  []string // what they must not import
	except []string // what they may nevertheless
	direct bool     // it holds for their own imports only, not for those of what they import
}

// grpc's codes and status are plain values, fit for code that knows nothing of connections.
var plainGRPC = []string{"google.golang.org/grpc/codes", "google.golang.org/grpc/status"}

var loggers = []string{
	"log/...",
	"github.com/go-logr/...",
	"github.com/grpc-ecosystem/go-grpc-middleware/...",
	"github.com/rs/zerolog/...",
	"github.com/sirupsen/logrus/...",
	"go.uber.org/zap/...",
	"google.golang.org/grpc/grpclog/...",
}

// The rooms of the house, those to come included, so that each is checked from its first day.
var rules = []rule{
	{who: "./gen/...", never: []string{"./..."}, except: []string{"./gen/...", "./status/..."}},
	{who: "./gen/go/recourse/...", never: []string{"./..."}, except: []string{"./gen/go/recourse/..."}},

	{who: "./status/...", never: []string{"google.golang.org/grpc/..."}, except: plainGRPC},
	{who: "./status/...", never: []string{"./..."}, except: []string{"./gen/...", "./status/..."}},
	{who: "./status/...", never: loggers},
	{who: "./status/template/...", never: []string{"./..."}},

	{who: "./policy/...", never: []string{"google.golang.org/grpc/..."}, except: plainGRPC},
	{who: "./policy/...", never: []string{"./..."}, except: []string{"./policy/..."}},
	{who: "./policy/...", never: loggers},

	// The engine is state machines: no connection, and but for the cache and the words for failures none knows another.
	{who: "./internal/*/...", unless: "./internal/rpctest/...", never: []string{"google.golang.org/grpc/..."}, except: plainGRPC},
	{who: "./internal/*/...", never: []string{"./internal/*/..."}, except: []string{"./internal/=/...", "./internal/lru/...", "./internal/fallback/..."}},
	{who: "./internal/...", never: []string{"./interceptors/...", "./async/..."}},
	{who: "./internal/...", never: loggers},

	{who: "./async/...", never: []string{"./interceptors/..."}},
	{who: "./telemetry/...", never: []string{"go.opentelemetry.io/otel/sdk/..."}},
	// A catalogue is read, checked and compared where no service runs, by checks that do not know one another.
	{who: "./catalog/...", never: []string{"./interceptors/...", "./async/...", "./telemetry/...", "./policy/...", "./internal/..."}},
	{who: "./catalog/...", never: []string{"google.golang.org/grpc/..."}, except: plainGRPC},
	{who: "./catalog/...", never: loggers},
	{who: "./catalog/*/...", never: []string{"./catalog/*/..."}, except: []string{"./catalog/=/..."}},
	{who: "./catalog/docs/...", never: []string{"./..."}, except: []string{"./catalog/...", "./gen/go/recourse/...", "./status/..."}},
	{who: "./explain/...", never: []string{"google.golang.org/grpc/..."}, except: plainGRPC},
	{who: "./explain/...", never: []string{"./..."}, except: []string{"./gen/...", "./status/...", "./catalog/...", "./explain/..."}},
	{who: "./explain/...", never: loggers},

	// What an example needs, its reader needs too.
	{who: "./examples/...", never: []string{".../internal/..."}, direct: true},

	// Nothing stands on the roof.
	{who: "./...", never: []string{"."}},
	{who: "./...", unless: "./cmd/...", never: []string{"./cmd/..."}},
	{who: "./...", unless: "./conformance/...", never: []string{"./conformance/..."}},
	{who: "./...", unless: "./examples/...", never: []string{"./examples/..."}},

	// The test bench stays in tests.
	{who: "./...", unless: "./internal/rpctest/...", never: []string{"./internal/rpctest/..."}},
}

// What a user of recourse downloads with it.
var allowedModules = []string{
	"github.com/google/go-cmp",
	"github.com/grpc-ecosystem/go-grpc-middleware/v2",
	"go.opentelemetry.io/otel",
	"go.opentelemetry.io/otel/...",
	"go.yaml.in/yaml/...",
	"google.golang.org/genproto/googleapis/rpc",
	"google.golang.org/grpc",
	"google.golang.org/protobuf",
}

func TestImports(t *testing.T) {
	imports := moduleImports(t)
	if len(imports[module+"/status"]) == 0 {
		t.Fatalf("no imports of status found among %d packages", len(imports))
	}
	for _, v := range violations(rules, imports) {
		t.Error(v)
	}
}

func TestImportRules(t *testing.T) {
	const status, gen, async = module + "/status", module + "/gen/go/recourse/v1", module + "/async"
	const retry, limit, lru, engine = module + "/internal/retry", module + "/internal/limit", module + "/internal/lru", module + "/interceptors"
	tests := []struct {
		name    string
		imports map[string][]string
		want    []string
	}{
		{"allowed", map[string][]string{
			status: {"google.golang.org/grpc/codes", "google.golang.org/grpc/status", gen, status + "/internal/fit", "errors"},
			gen:    {"google.golang.org/protobuf/proto"},
			retry:  {status, retry + "/backoff", lru},
			engine: {"google.golang.org/grpc", retry, limit, "log/slog"},
			async:  {retry},

			module + "/examples/server": {engine},
		}, nil},
		{"grpc in status", map[string][]string{status: {"google.golang.org/grpc/metadata"}},
			[]string{"status imports google.golang.org/grpc/metadata"}},
		{"logger in status", map[string][]string{status: {"log/slog"}}, []string{"status imports log/slog"}},
		{"ours in gen", map[string][]string{gen: {status}}, []string{"gen/go/recourse/v1 imports status"}},
		{"machine in machine", map[string][]string{retry: {limit}}, []string{"internal/retry imports internal/limit"}},
		{"grpc in a machine", map[string][]string{retry: {"google.golang.org/grpc"}}, []string{"internal/retry imports google.golang.org/grpc"}},
		{"internal in example", map[string][]string{module + "/examples/server": {retry}},
			[]string{"examples/server imports internal/retry"}},
		{"through another", map[string][]string{async: {module + "/telemetry"}, module + "/telemetry": {engine}},
			[]string{"async imports interceptors"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, violations(rules, test.imports)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// A rule with a mistake in its pattern would hold for nothing; here each one has to fire.
func TestEveryImportRuleFires(t *testing.T) {
	for i, r := range rules {
		for _, never := range r.never {
			who, imp := example(r.who, "some"), example(never, "other")
			if got := violations(rules[i:i+1], map[string][]string{who: {imp}}); len(got) != 1 {
				t.Errorf("rule %d: %s imports %s: got %q, want one violation", i, who, imp, got)
			}
		}
	}
}

func TestModules(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := directModules(data)
	if len(required) == 0 {
		t.Fatal("no requirement found in go.mod")
	}
	for _, path := range required {
		if !matchesAny(allowedModules, path) {
			t.Errorf("%s is not among the modules that recourse may require", path)
		}
	}
	if regexp.MustCompile(`(?m)^(tool|replace)\b`).Match(data) {
		t.Error("go.mod has a tool or replace line: tools are modules of their own, and users ignore replacements")
	}
}

func TestDirectModules(t *testing.T) {
	got := directModules([]byte("module m\n\nrequire a.example/b v1.0.0\n\nrequire (\n\tc.example v1.0.0\n\td.example v1.0.0 // indirect\n)\n"))
	if diff := cmp.Diff([]string{"a.example/b", "c.example"}, got); diff != "" {
		t.Errorf("direct modules (-want +got):\n%s", diff)
	}
}

// Whoever copies the contract into another build needs protobuf's own files and nothing else.
func TestContractImports(t *testing.T) {
	files, err := filepath.Glob("proto/recourse/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatalf("no contract found: %v", err)
	}
	line := regexp.MustCompile(`(?m)^import\s+(?:public\s+|weak\s+|option\s+)?"([^"]+)"`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range line.FindAllStringSubmatch(string(data), -1) {
			if !strings.HasPrefix(m[1], "google/protobuf/") && !strings.HasPrefix(m[1], "recourse/v1/") {
				t.Errorf("%s imports %s", file, m[1])
			}
		}
	}
}

// violations lists what the rules forbid, each as "package imports package". Foreign packages count where they are
// imported directly, our own also through others of ours.
func violations(rules []rule, imports map[string][]string) []string {
	var found []string
	for pkg := range imports {
		for _, imp := range reach(pkg, imports) {
			if slices.ContainsFunc(rules, func(r rule) bool { return r.forbids(pkg, imp, slices.Contains(imports[pkg], imp)) }) {
				found = append(found, room(pkg)+" imports "+room(imp))
			}
		}
	}
	slices.Sort(found)
	return found
}

func (r rule) forbids(pkg, imp string, direct bool) bool {
	if r.direct && !direct {
		return false
	}
	who := pattern(r.who, "").FindStringSubmatch(pkg)
	if who == nil || r.unless != "" && matches(r.unless, pkg) {
		return false
	}
	own := "" // what the star of who stands for here
	if len(who) > 1 {
		own = who[1]
	}
	hit := func(p string) bool { return pattern(p, own).MatchString(imp) }
	return slices.ContainsFunc(r.never, hit) && !slices.ContainsFunc(r.except, hit)
}

// reach lists what pkg imports, and what of our own it reaches through packages of ours.
func reach(pkg string, imports map[string][]string) []string {
	reached := slices.Clone(imports[pkg])
	for i := 0; i < len(reached); i++ {
		for _, next := range imports[reached[i]] {
			if ours(next) && next != pkg && !slices.Contains(reached, next) {
				reached = append(reached, next)
			}
		}
	}
	return reached
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func room(path string) string { return strings.TrimPrefix(path, module+"/") }

func matches(p, path string) bool { return pattern(p, "").MatchString(path) }

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// pattern compiles a pattern of the go command, with two additions: "*" is one element of the path, and "=" is the
// element that "*" stood for in the importing package.
func pattern(p, own string) *regexp.Regexp {
	p = strings.ReplaceAll(absolute(p), "=", own)
	re := regexp.QuoteMeta(p)
	re = strings.ReplaceAll(re, `\*`, `([^/]+)`)
	if rest, ok := strings.CutSuffix(re, `/\.\.\.`); ok {
		re = rest + `(?:/.*)?`
	}
	re = strings.ReplaceAll(re, `\.\.\.`, `.*`)
	return regexp.MustCompile("^" + re + "$")
}

func absolute(p string) string {
	if p == "." {
		return module
	}
	if rest, ok := strings.CutPrefix(p, "./"); ok {
		return module + "/" + rest
	}
	return p
}

// example is a path that the pattern matches.
func example(p, name string) string {
	return strings.NewReplacer("...", name, "*", name).Replace(absolute(p))
}

// moduleImports reads what the packages of this module import outside their tests. It parses the files rather than
// asking the go command, so that the test cache notices every change.
func moduleImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	eachGoFile(t, func(dir, file string) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := strings.TrimSuffix(module+"/"+filepath.ToSlash(dir), "/.")
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(imports[pkg], path) {
				imports[pkg] = append(imports[pkg], path)
			}
		}
	})
	return imports
}

// eachGoFile visits the Go files of this module except tests, in lexical order.
func eachGoFile(t *testing.T, visit func(dir, file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && foreign(path, d.Name()):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			visit(filepath.Dir(path), path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// foreign tells whether the go command would leave a folder out of this module.
func foreign(path, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" || name == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// directModules lists the modules that a go.mod file requires directly.
func directModules(data []byte) []string {
	var paths []string
	block := false
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == ")" {
			block = false
		}
		rest, single := strings.CutPrefix(line, "require ")
		if rest == "(" {
			block = true
			continue
		}
		if (single || block) && !strings.HasSuffix(line, "// indirect") {
			path, _, _ := strings.Cut(rest, " ")
			paths = append(paths, path)
		}
	}
	return paths
}
