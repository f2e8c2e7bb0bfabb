package guide_test

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	module  = "github.com/recourse-dev/recourse"
	version = "v1.4.0"
	prefix  = module + "/examples/catalogue" // of the go_package in the guide, in whose place is a newcomer's own
	own     = "example.com/shop"
)

var (
	consoleBlocks = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	yamlBlocks    = regexp.MustCompile("(?ms)^<!-- guide:(buf[\\w.]*yaml) -->\n```yaml\n(.*?)^```$")
	otherSet      = regexp.MustCompile("`(protoc [^`]*-o set.binpb[^`]*)`")
	fromCompiler  = regexp.MustCompile(`(?m)^// (-|\t)\s*protoc .*\n`) // the compiler's version, of which buf has none
)

// TestTheGuide does all that docs/catalogue.md says, in its order: with a release of this repository that holds what
// it holds now, in an empty folder.
func TestTheGuide(t *testing.T) {
	n := newNewcomer(t)
	text := n.read(filepath.Join(n.root, "docs", "catalogue.md"))
	before, after := n.stages(text)
	for _, m := range consoleBlocks.FindAllStringSubmatch(text, -1) {
		command := m[1]
		do(t, before, command, "")
		do(t, after, command, n.run(command))
	}
	for _, stages := range []map[string]func(string){before, after} {
		for text := range stages {
			t.Errorf("the guide has no command with %q", text)
		}
	}
}

// do does what is to be done at a command, which the guide has once.
func do(t *testing.T, stages map[string]func(string), command, out string) {
	t.Helper()
	for text, stage := range stages {
		if strings.Contains(command, text) {
			stage(out)
			delete(stages, text)
		}
	}
}

// stages are what the guide says in other words than commands, before and after them, and what is to come of them. A
// command is known by a part of it.
func (n *newcomer) stages(guide string) (before, after map[string]func(out string)) {
	var gen map[string]string
	before = map[string]func(string){
		"go get": func(string) {
			n.copy("examples/catalogue/proto")
			n.copy("examples/catalogue/shop.go")
			n.copy("examples/catalogue/texts")
			n.run("go mod init " + own)
		},
		"protoc -I": func(string) { n.run("rm -r gen") },
		"git show": func(string) {
			n.run("git init -q && git add . && git commit -qm 'the release that clients know' && git tag v1.4.0")
		},
		"grpcurl": func(string) { n.serve() },
	}
	after = map[string]func(string){
		"go install " + module + "/cmd": func(string) {
			for _, m := range yamlBlocks.FindAllStringSubmatch(guide, -1) {
				n.write(m[1], strings.ReplaceAll(m[2], prefix, own))
			}
			if !strings.Contains(guide, "`buf generate`") {
				n.Fatal("the guide does not say buf generate")
			}
			n.run("buf generate")
			gen = n.code()
			n.run("go build ./...")
		},
		"protoc -I": func(string) {
			n.run("go build ./...")
			if got := n.code(); len(gen) != 3 || !maps.Equal(got, gen) {
				n.Errorf("protoc wrote %v, and buf %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(gen)))
			}
		},
		"recourse lint set.binpb": func(out string) {
			n.expect(out, `^$`)
			const docs = "recourse docs -format json -o %s set.binpb >/dev/null && cat %[1]s/catalog.json"
			want := n.run(fmt.Sprintf(docs, "../of-buf"))
			n.run("rm set.binpb && " + strings.ReplaceAll(otherSet.FindStringSubmatch(guide)[1], "\n", " "))
			n.expect(n.run("recourse lint set.binpb"), `^$`)
			if got := n.run(fmt.Sprintf(docs, "../of-protoc")); got != want || !strings.Contains(got, "OUT_OF_STOCK") {
				n.Errorf("of protoc's descriptors\n%s\nand of buf's\n%s", got, want)
			}
		},
		"recourse-vet": func(out string) { n.expect(out, `^$`) },
		"recourse docs": func(string) {
			for _, page := range []string{"catalog.json", "README.md", "index.html", "OUT_OF_STOCK/index.html"} {
				if !strings.Contains(n.read(filepath.Join(n.dir, "docs", "errors", page)), "OUT_OF_STOCK") {
					n.Errorf("%s does not name the error", page)
				}
			}
			n.run("recourse docs -check -o docs/errors set.binpb")
		},
		"recourse breaking": func(out string) { n.expect(out, `^$`) },
		"recourse explain -catalog docs/errors/catalog.json OUT_OF_STOCK": func(out string) {
			n.expect(out, `(?s)OUT_OF_STOCK.*Order fewer pieces, or try again tomorrow`)
		},
		"grpcurl":                     func(out string) { n.expect(out, `(?s)only 0 pieces of TEAPOT-2 are left.*Order fewer pieces`) },
		"recourse lint -translations": func(out string) { n.expect(out, `^$`) },
	}
	return before, after
}

// newcomer is somebody with an empty folder, Go, buf, protoc and their plugins.
type newcomer struct {
	*testing.T
	root string // of this repository
	dir  string // where the newcomer is
	bin  string // where go install puts commands
	env  []string
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	top := t.TempDir()
	n := &newcomer{T: t, root: root, dir: root, bin: filepath.Join(top, "bin")}
	tools := filepath.Join(top, "tools")
	for mod, command := range map[string][]string{
		"tools/buf":    {"github.com/bufbuild/buf/cmd/buf"},
		"tools/protoc": {"google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"},
		"tools/guide":  {"github.com/fullstorydev/grpcurl/cmd/grpcurl"},
	} {
		n.run("go -C " + mod + " build -o '" + tools + "/' " + strings.Join(command, " "))
	}
	protoc := strings.TrimSpace(n.run("tools/protoc/install.sh"))

	// What the release needs is there: nobody else is asked for it, nor for the release.
	n.run("go mod download && go -C tools/vet mod download")
	cache := strings.TrimSpace(n.run("go env GOMODCACHE"))
	releases := filepath.Join(top, "releases")
	n.release(releases, "")
	n.release(releases, "tools/vet")

	n.dir = filepath.Join(top, "shop")
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	n.env = append(os.Environ(),
		"PATH="+strings.Join([]string{n.bin, tools, filepath.Dir(protoc), os.Getenv("PATH")}, string(filepath.ListSeparator)),
		"GOBIN="+n.bin, "GOMODCACHE="+filepath.Join(top, "cache"), "GOFLAGS=-modcacherw -trimpath", "GOWORK=off",
		"GOPROXY=file://"+releases+",file://"+filepath.Join(cache, "cache", "download"), "GOSUMDB=off", "GOPRIVATE=",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=newcomer", "GIT_AUTHOR_EMAIL=newcomer@example.com",
		"GIT_COMMITTER_NAME=newcomer", "GIT_COMMITTER_EMAIL=newcomer@example.com",
	)
	return n
}

// release publishes a module of this repository, as it is in the work tree, into a folder that is a module proxy.
func (n *newcomer) release(releases, sub string) {
	n.Helper()
	path := strings.TrimSuffix(module+"/"+sub, "/")
	dir := filepath.Join(releases, path, "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		n.Fatal(err)
	}
	files := strings.Split(strings.TrimSuffix(n.run("git ls-files -zco --exclude-standard -- ./"+sub), "\x00"), "\x00")
	others := map[string]bool{} // the folders that are modules of their own
	for _, name := range files {
		if folder, ok := strings.CutSuffix(name, "/go.mod"); ok && folder != sub {
			others[folder+"/"] = true
		}
	}
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		n.Fatal(err)
	}
	defer f.Close()
	archive := zip.NewWriter(f)
	for _, name := range files {
		inOther := func(folder string) bool { return strings.HasPrefix(name, folder) }
		if info, err := os.Lstat(filepath.Join(n.root, name)); err != nil || !info.Mode().IsRegular() || slices.ContainsFunc(slices.Collect(maps.Keys(others)), inOther) {
			continue // deleted, a link, or not of this module
		}
		w, err := archive.Create(path + "@" + version + "/" + strings.TrimPrefix(strings.TrimPrefix(name, sub), "/"))
		if err == nil {
			_, err = w.Write([]byte(n.read(filepath.Join(n.root, name))))
		}
		if err != nil {
			n.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		n.Fatal(err)
	}
	n.write(filepath.Join(dir, version+".mod"), n.read(filepath.Join(n.root, sub, "go.mod")))
	n.write(filepath.Join(dir, version+".info"), `{"Version": "`+version+`", "Time": "2026-11-01T00:00:00Z"}`)
	n.write(filepath.Join(dir, "list"), version+"\n")
}

// serve serves the newcomer's shop, and has grpcurl call it where the guide has three dots.
func (n *newcomer) serve() {
	n.Helper()
	n.write("server/main.go", `package main

import (
	"fmt"
	"net"

	shop "`+own+`"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(shop.NewServer(new(shop.Shop)).Serve(listener))
}
`)
	n.run("go build -o ../server ./server")
	server := exec.Command(filepath.Join(filepath.Dir(n.dir), "server"))
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		n.Fatal(err)
	}
	n.write(filepath.Join(n.bin, "grpcurl"), `#!/usr/bin/env bash
[ "$*" = '-format-error ...' ] || { echo "called with $*" >&2; exit 2; }
exec "`+filepath.Join(filepath.Dir(n.dir), "tools", "grpcurl")+`" -format-error -plaintext -protoset set.binpb \
	-d '{"sku": "TEAPOT-2", "quantity": 5}' `+strings.TrimSpace(address)+` shop.v1.Shop/Order
`)
	n.run("chmod +x '" + filepath.Join(n.bin, "grpcurl") + "'")
}

// run has a shell do what the guide says, and returns what that printed.
func (n *newcomer) run(command string) string {
	n.Helper()
	cmd := exec.Command("bash", "-euc", command)
	cmd.Dir, cmd.Env = n.dir, n.env
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		n.Fatalf("%s\n%v\n%s%s", command, err, out, exit.Stderr)
	} else if err != nil {
		n.Fatal(err)
	}
	return string(out)
}

func (n *newcomer) expect(out, pattern string) {
	n.Helper()
	if !regexp.MustCompile(pattern).MatchString(out) {
		n.Errorf("printed\n%s\nwant %s", out, pattern)
	}
}

// copy takes a file or folder of the example, with the newcomer's own prefix.
func (n *newcomer) copy(path string) {
	n.Helper()
	from := filepath.Join(n.root, path)
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(filepath.Dir(from), path)
		n.write(name, strings.ReplaceAll(n.read(path), prefix, own))
		return err
	})
	if err != nil {
		n.Fatal(err)
	}
}

// code is the generated Go code.
func (n *newcomer) code() map[string]string {
	n.Helper()
	files := map[string]string{}
	gen := filepath.Join(n.dir, "gen")
	err := filepath.WalkDir(gen, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(gen, path)
		files[name] = fromCompiler.ReplaceAllString(n.read(path), "")
		return err
	})
	if err != nil {
		n.Fatal(err)
	}
	return files
}

func (n *newcomer) read(path string) string {
	n.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		n.Fatal(err)
	}
	return string(b)
}

// write writes a file, where it is not said otherwise the newcomer's.
func (n *newcomer) write(path, content string) {
	n.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.dir, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		n.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		n.Fatal(err)
	}
}
