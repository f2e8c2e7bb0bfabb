// Command demo shows what a caller of a gRPC service sees when something goes wrong. It builds the assistant and its
// model backend, runs them as two processes on the loopback interface, brings about one situation after another, prints
// what the person at the other end reads, and checks it. `make demo` runs it; with numbers as arguments it plays only
// those situations.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dev/recourse/explain"
)

// Bounds of what may hang.
const (
	buildTime = 5 * time.Minute
	startTime = 10 * time.Second
	callTime  = 15 * time.Second
	logTime   = time.Second
	stopTime  = 3 * time.Second
	wholeTime = 2 * time.Minute
)

// patience is how long the assistant waits for the model that most situations share: long for a loaded machine, short
// for a reader.
const patience = 1500 * time.Millisecond

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what the clients in this process have to say is shown otherwise
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	ok, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	if !ok {
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "recourse-demo-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	policies, err := build(ctx, dir)
	if err != nil {
		return false, err
	}
	d := &demo{dir: dir, policies: policies, only: os.Args[1:], style: explain.For(os.Stdout)}

	if err := os.WriteFile(d.policy(), []byte(policies), 0o600); err != nil {
		return false, err
	}

	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	if d.backend, err = d.startModel(ctx); err != nil {
		return false, err
	}
	defer d.backend.stop()
	const line = "      timeout_seconds: "
	impatient, err := d.policyFile("impatient", line+"8", line+fmt.Sprint(patience.Seconds()))
	if err != nil {
		return false, err
	}
	if d.server, err = d.startAssistant(ctx, d.backend, "-policy", impatient); err != nil {
		return false, err
	}
	defer d.server.stop()
	if err := d.dial(); err != nil {
		return false, err
	}
	defer d.close()
	return d.play(ctx)
}

// build makes the programs, and returns the text of the policy file that lies beside them.
func build(ctx context.Context, dir string) (policies string, err error) {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	const examples = "github.com/recourse-dev/recourse/examples/"
	programs := []string{examples + "server", examples + "backend", examples + "client"}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	cmd := exec.CommandContext(ctx, "go", append(args, programs...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", err
	}
	cmd = exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", programs[0])
	cmd.Stderr = os.Stderr
	folder, err := cmd.Output()
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "..", "recourse.yaml"))
	return string(b), err
}

// play goes through the situations and says whether all of them were as they should be.
func (d *demo) play(ctx context.Context) (ok bool, err error) {
	fmt.Printf("An assistant on %s asks a model on %s, each a process of its own.\n", d.server.addr, d.backend.addr)
	good := 0
	played := 0
	for i, s := range slices.Concat(situations, recoveries) {
		if len(d.only) > 0 && !slices.Contains(d.only, fmt.Sprint(i+1)) {
			continue
		}
		played++
		st := &stage{demo: d, id: fmt.Sprintf("demo-%d", i+1)}
		fmt.Printf("\n%s\n", d.paint(bold, fmt.Sprintf("%2d  %s", i+1, s.title)))
		fmt.Printf("    %s\n", d.paint(dim, s.did))
		call, cancel := context.WithTimeout(ctx, callTime)
		s.run(call, st)
		st.tidyUp()
		cancel()
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if st.verdict(s.so) {
			good++
		}
	}
	fmt.Printf("\n%d situations, %d as they should be\n", played, good)
	return played > 0 && good == played, nil
}
