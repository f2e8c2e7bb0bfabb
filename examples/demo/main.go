// Command demo shows what a caller of a gRPC service sees when something goes wrong. It builds the assistant and its
// model backend, runs them as two processes on the loopback interface, brings about one situation after another, prints
// what the person at the other end reads, and checks it. `make demo` runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/recourse-dev/recourse/examples/explain"
)

// Bounds of what may hang.
const (
	buildTime = 5 * time.Minute
	startTime = 10 * time.Second
	callTime  = 5 * time.Second
	logTime   = time.Second
	stopTime  = 3 * time.Second
	wholeTime = time.Minute
)

// patience is how long the assistant waits for its model: long for a loaded machine, short for a reader.
const patience = 1500 * time.Millisecond

func main() {
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
	if err := build(ctx, dir); err != nil {
		return false, err
	}

	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	backend, err := start(ctx, filepath.Join(dir, "backend"), "-levers")
	if err != nil {
		return false, err
	}
	defer backend.stop()
	server, err := start(ctx, filepath.Join(dir, "server"), "-levers", "-backend", backend.addr, "-patience", patience.String())
	if err != nil {
		return false, err
	}
	defer server.stop()

	d := &demo{dir: dir, server: server, backend: backend, style: explain.For(os.Stdout)}
	if err := d.dial(); err != nil {
		return false, err
	}
	defer d.close()
	return d.play(ctx)
}

func build(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	const examples = "github.com/recourse-dev/recourse/examples/"
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), examples+"server", examples+"backend", examples+"client")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// play goes through the situations and says whether all of them were as they should be.
func (d *demo) play(ctx context.Context) (ok bool, err error) {
	fmt.Printf("An assistant on %s asks a model on %s, each a process of its own.\n", d.server.addr, d.backend.addr)
	good := 0
	for i, s := range situations {
		st := &stage{demo: d}
		fmt.Printf("\n%s\n", d.paint(bold, fmt.Sprintf("%2d  %s", i+1, s.title)))
		fmt.Printf("    %s\n", d.paint(dim, s.did))
		call, cancel := context.WithTimeout(ctx, callTime)
		s.run(call, st)
		cancel()
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if st.verdict(s.so) {
			good++
		}
	}
	fmt.Printf("\n%d situations, %d as they should be\n", len(situations), good)
	return good == len(situations), nil
}
