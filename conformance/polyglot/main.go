// Command polyglot has a client of each language go through the situations of README.md against one server, prints a
// line a client, and with -o a table of who got through what. It fails where a client fails, or leaves a situation out.
// A language whose tools are not there is a named skip; with CI set in the environment it is a failure.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
)

// A client is one gRPC library of a language.
type client struct {
	language, library string
	command           []string // from the root of the repository
}

func (c client) String() string { return c.language + " (" + c.library + ")" }

func script(language, library string) client {
	return client{language, library, []string{"bash", "clients/" + language + "/polyglot.sh", library}}
}

var clients = []client{
	{"go", "grpc-go", []string{"go", "run", "./conformance/goclient"}},
	script("typescript", "grpc-js"),
	script("typescript", "connect"),
	script("python", "grpcio"),
	script("python", "asyncio"),
	script("java", "grpc-java"),
	script("rust", "tonic"),
	script("cpp", "grpc++"),
	script("ruby", "grpc-ruby"),
}

func main() {
	only := flag.String("only", "", "`languages` to run, separated by commas; by default all")
	table := flag.String("o", "", "`file` to write the table to; it needs all languages")
	check := flag.Bool("check", false, "compare the table with the file of -o instead of writing it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *table, *check); err != nil {
		fmt.Fprintln(os.Stderr, "polyglot:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, table string, check bool) error {
	chosen := clients
	if only != "" {
		names := strings.Split(only, ",")
		chosen = slices.DeleteFunc(slices.Clone(clients), func(c client) bool { return !slices.Contains(names, c.language) })
		if len(chosen) == 0 || table != "" {
			return fmt.Errorf("-only %s: name some of the languages, and no table", only)
		}
	}
	folder, err := filepath.Abs("conformance/golden")
	if err != nil {
		return err
	}
	cases, err := golden.Load(folder)
	if err != nil {
		return fmt.Errorf("run it at the root of the repository: %w", err)
	}
	servers, err := start(ctx, folder)
	if err != nil {
		return err
	}
	defer servers.stop()

	expected := situations(cases)
	var results []result
	failed, skipped := false, false
	for _, c := range chosen {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r := c.run(ctx, servers.env, expected)
		results = append(results, r)
		r.print()
		failed = failed || !r.passed()
		skipped = skipped || r.skipped != ""
	}
	switch {
	case failed:
		return errors.New("not every language reads and does what it should")
	case table == "":
		return nil
	case skipped && check:
		fmt.Printf("%s was not compared, for it takes all languages\n", table)
		return nil
	case skipped:
		return fmt.Errorf("%s is not written where a language was skipped", table)
	}
	return publish(table, render(results, cases), check)
}

func publish(path string, page []byte, check bool) error {
	if !check {
		return os.WriteFile(path, page, 0o644)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, page) {
		return fmt.Errorf("%s is not what this run showed: run make polyglot-docs", path)
	}
	return nil
}

// situations is what every client has to go through, in the order of README.md.
func situations(cases []golden.Case) []string {
	var all []string
	for _, c := range cases {
		all = append(all, "file/"+c.Name)
		if c.FileOnly == "" {
			all = append(all, "wire/"+c.Name)
		}
	}
	for _, s := range named {
		all = append(all, s.name)
	}
	return all
}

// named are the situations that are no golden errors, and what is shown in each.
var named = []struct{ name, shows string }{
	{"retry/waits", "native retry waits for the server's delay, and succeeds"},
	{"retry/never", "a verdict of NEVER means one call, though the code may be retried"},
	{"retry/later", "a delay longer than the deadline means one call, and the error at once"},
	{"retry/busy", "without a delay, native retry goes by its own policy"},
	{"retry/fields", "a fault of the request means one call"},
	{"retry/stream-waits", "a stream is retried before its first message, after the delay"},
	{"retry/stream-never", "a stream is not retried after NEVER"},
	{"error/no-headers", "a failed call has no headers, which would switch native retry off"},
	{"error/largest", "an error too large for trailers arrives, cut, with its code"},
	{"error/bug", "nothing of what a handler's own error says arrives, but a request id does"},
	{"error/stream-breaks-off", "an error after three messages is as complete as one before"},
	{"error/client-stream", "an error in the middle of a request stream"},
	{"error/bidi", "an error in the middle of a conversation"},
	{"answer/degraded", "an answer that is not the real one is marked"},
	{"answer/stream-degraded", "so is a stream of them"},
	{"answer/real", "a real answer has no mark"},
	{"example/answer", "the assistant answers"},
	{"example/not-understood", "a suggestion for a person"},
	{"example/fields", "two fields to correct, named at once"},
	{"example/token-expired", "sign in again"},
	{"example/quota", "a quota is used up, and when it renews"},
	{"example/breaks-off", "a text breaks off, and where it goes on"},
	{"example/sound", "a recording that cannot be read"},
	{"example/chat-full", "a chat that got too long"},
	{"example/bug", "a handler panics: support, and a request id to quote"},
	{"example/degraded", "the model is away: an apology, marked as one"},
}

// result is what a client did.
type result struct {
	client
	version string            // of the client library, as it says itself
	ok      map[string]string // what went well, and a note on it
	notOK   map[string]string // what did not, and why
	skipped string            // why it did not run
	log     string            // the end of what it wrote for people
}

func (r result) passed() bool { return len(r.notOK) == 0 }

// missing is the exit code of a client that has not begun, for a tool is not there.
const missing = 77

// slow is the longest that a language may take, what it builds included.
const slow = 15 * time.Minute

func (c client) run(ctx context.Context, env []string, expected []string) result {
	ctx, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a script leaves nothing behind
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if cmd.Process != nil {
		_ = cmd.Cancel() // what it has left running; else there is nobody to end
	}

	r := result{client: c, ok: map[string]string{}, notOK: map[string]string{}, log: tail(log.String(), 40)}
	for line := range strings.Lines(out.String()) {
		r.read(strings.TrimSpace(line))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == missing && len(r.ok)+len(r.notOK) == 0 {
		if why := cmp.Or(tail(log.String(), 1), "it does not say which tool is missing"); os.Getenv("CI") == "" {
			r.skipped = why
		} else {
			r.notOK["the run"] = why
		}
		return r
	}
	for name := range r.ok {
		if !slices.Contains(expected, name) {
			r.notOK[name] = "no such situation"
		}
	}
	for _, name := range expected {
		if _, ok := r.ok[name]; !ok && r.notOK[name] == "" {
			r.notOK[name] = "left out"
		}
	}
	if err != nil && len(r.notOK) == 0 {
		r.notOK["the run"] = err.Error()
	}
	return r
}

// read takes in a line of the client's output.
func (r *result) read(line string) {
	if version, ok := strings.CutPrefix(line, "client "); ok {
		r.version = version
		return
	}
	rest, bad := strings.CutPrefix(line, "not ok ")
	if !bad {
		var ok bool
		if rest, ok = strings.CutPrefix(line, "ok "); !ok {
			return
		}
	}
	name, note, _ := strings.Cut(rest, " # ")
	name = strings.TrimSpace(name)
	_, before := r.ok[name]
	switch {
	case bad:
		r.notOK[name] = cmp.Or(note, "not said why")
		delete(r.ok, name)
	case before:
		r.notOK[name] = "told twice"
	case r.notOK[name] == "":
		r.ok[name] = note
	}
}

func (r result) print() {
	if r.skipped != "" {
		fmt.Printf("%v: skipped: %s\n", r.client, r.skipped)
		return
	}
	names := make([]string, 0, len(r.notOK))
	for name := range r.notOK {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i == 10 {
			fmt.Printf("  and %d more\n", len(names)-i)
			break
		}
		fmt.Printf("  not ok %s: %s\n", name, r.notOK[name])
	}
	if len(names) > 0 && r.log != "" {
		fmt.Println("  " + strings.ReplaceAll(r.log, "\n", "\n  "))
	}
	fmt.Printf("%v: %d passed, %d failed\n", r.client, len(r.ok), len(r.notOK))
}

// tail is the last lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
