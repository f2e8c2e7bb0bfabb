package protoc_test

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const ours = ".recourse.go"

// The plugin writes the same code whoever runs it, and however many files at once: protoc and buf, for one directory at a
// time, as build systems do, and for all of them.
func TestProtocAndBufGenerateTheSame(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	plugin := filepath.Join(bin, "protoc-gen-recourse-go")
	command(t, root, "go", "build", "-o", plugin, "./cmd/protoc-gen-recourse-go")
	command(t, root, "go", "build", "-modfile=tools/buf/go.mod", "-o", filepath.Join(bin, "buf"), "github.com/bufbuild/buf/cmd/buf")
	protoc := strings.TrimSpace(command(t, root, "bash", "tools/protoc/install.sh"))

	tests := []struct {
		name, protos, module, committed string
		files                           int
	}{
		{"assistant", "proto", "github.com/recourse-dev/recourse/gen/go", "gen/go", 2},
		{"guide", "examples/catalogue/proto", "github.com/recourse-dev/recourse/examples/catalogue/gen", "examples/catalogue/gen", 1},
		{"a method that declares an error of another package", "tools/protoc/testdata", "example.com/gen", "", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			protos, include := filepath.Join(root, test.protos), filepath.Join(root, "proto")
			files := protosIn(t, protos)
			dirs := map[string][]string{}
			for _, file := range files {
				dirs[filepath.Dir(file)] = append(dirs[filepath.Dir(file)], file)
			}
			opt := "module=" + test.module

			got := map[string]map[string]string{}
			runProtoc := func(out string, files []string) {
				args := []string{"-I", protos, "-I", include, "--plugin=" + plugin, "--recourse-go_out=" + out, "--recourse-go_opt=" + opt}
				command(t, root, protoc, append(args, files...)...)
			}
			atOnce, each := t.TempDir(), t.TempDir()
			runProtoc(atOnce, files)
			for _, files := range dirs {
				runProtoc(each, files)
			}
			got["protoc, all at once"], got["protoc, for each directory"] = read(t, atOnce), read(t, each)

			workspace := t.TempDir()
			write(t, filepath.Join(workspace, "buf.yaml"), `{"version": "v2", "modules": [{"path": "proto"}, {"path": "include"}]}`)
			for _, file := range files {
				copyFile(t, filepath.Join(protos, file), filepath.Join(workspace, "proto", file))
			}
			for _, file := range protosIn(t, filepath.Join(include, "recourse")) {
				if test.protos != "proto" { // which has them itself
					copyFile(t, filepath.Join(include, "recourse", file), filepath.Join(workspace, "include", "recourse", file))
				}
			}
			if err := os.MkdirAll(filepath.Join(workspace, "include"), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, strategy := range []string{"all", "directory"} {
				out := t.TempDir()
				command(t, workspace, filepath.Join(bin, "buf"), "generate", "proto", "-o", out, "--template",
					`{"version": "v2", "plugins": [{"local": "`+plugin+`", "out": ".", "opt": "`+opt+`", "strategy": "`+strategy+`"}]}`)
				got["buf, strategy "+strategy] = read(t, out)
			}

			want := got["buf, strategy all"]
			if test.committed != "" {
				want = read(t, filepath.Join(root, test.committed))
			}
			if len(want) != test.files {
				t.Errorf("%d files, want %d", len(want), test.files)
			}
			for who, files := range got {
				if !maps.Equal(files, want) {
					t.Errorf("%s writes %v\n%v", who, slices.Sorted(maps.Keys(files)), files)
				}
			}
		})
	}
}

func protosIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	for name := range filesIn(t, dir) {
		if strings.HasSuffix(name, ".proto") {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	if len(files) == 0 {
		t.Fatalf("no proto files in %s", dir)
	}
	return files
}

// read is the code in a folder that the plugin wrote.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := filesIn(t, dir)
	maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasSuffix(name, ours) })
	return files
}

func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(b))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs a program, and returns what it printed.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%s %v: %v\n%s%s", filepath.Base(name), args, err, out, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
