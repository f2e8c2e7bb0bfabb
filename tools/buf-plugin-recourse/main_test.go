package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"buf.build/go/bufplugin/check"
)

func TestSpec(t *testing.T) {
	if err := check.ValidateSpec(spec()); err != nil {
		t.Fatal(err)
	}
}

const config = `version: v2
modules:
  - path: proto
lint:
  use: [RECOURSE]
breaking:
  use: [RECOURSE_BREAKING]
plugins:
  - plugin: PLUGIN
`

// TestBuf has buf itself run the plugin, over the contract and the example with one text changed, and over the change.
func TestBuf(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds buf")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "proto"), os.DirFS(filepath.Join(root, "proto"))); err != nil {
		t.Fatal(err)
	}
	plugin := filepath.Join(dir, "buf-plugin-recourse")
	command(t, ".", 0, "go", "build", "-o", plugin, ".")
	if err := os.WriteFile(filepath.Join(dir, "buf.yaml"), []byte(strings.Replace(config, "PLUGIN", plugin, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	buf := filepath.Join(dir, "buf")
	command(t, filepath.Join(root, "tools", "buf"), 0, "go", "build", "-o", buf, "github.com/bufbuild/buf/cmd/buf")
	command(t, dir, 0, buf, "build", "-o", "older.binpb")
	if out := command(t, dir, 0, buf, "lint"); out != "" {
		t.Errorf("the example: %s", out)
	}

	errors := filepath.Join(dir, "proto", "assistant", "v1", "errors.proto")
	b, err := os.ReadFile(errors)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(b), "Start a new chat.", "Please start a new chat.", 1)
	changed = strings.Replace(changed, "code: CODE_UNIMPLEMENTED", "code: CODE_INVALID_ARGUMENT", 1)
	if err := os.WriteFile(errors, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	const please = "the suggestion of ASSISTANT_ERROR_CHAT_FULL says please: say what is the case, or what to do"
	if out := command(t, dir, 100, buf, "lint"); strings.Count(out, "\n") != 1 ||
		!strings.HasPrefix(out, "proto/assistant/v1/errors.proto:") || !strings.Contains(out, please) {
		t.Errorf("lint: %s", out)
	}
	const code = "ASSISTANT_ERROR_SOUND_NOT_SUPPORTED has the code INVALID_ARGUMENT and had UNIMPLEMENTED"
	if out := command(t, dir, 100, buf, "breaking", "--against", "older.binpb"); strings.Count(out, "\n") != 1 || !strings.Contains(out, code) {
		t.Errorf("breaking: %s", out)
	}
}

// command runs a program, and returns what it printed.
func command(t *testing.T, dir string, code int, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s %v: exit code %d, want %d\n%s", filepath.Base(name), args, got, code, out)
	}
	return string(out)
}
