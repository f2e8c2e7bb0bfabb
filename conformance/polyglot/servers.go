package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// servers is what the clients call: the conformance server, and the example's with the service behind it.
type servers struct {
	env     []string
	dir     string
	running []*server
}

type server struct {
	cmd   *exec.Cmd
	stdin io.Closer // a server stops when it ends
}

// grace is how long a server may take to stop.
const grace = 5 * time.Second

func start(ctx context.Context, folder string) (_ *servers, err error) {
	s := &servers{}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "polyglot-"); err != nil {
		return nil, err
	}
	for _, pkg := range []string{"./conformance/server", "./examples/backend", "./examples/server"} {
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(s.dir, strings.ReplaceAll(pkg[2:], "/", "-")), pkg).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
	}
	conformance, err := s.run(ctx, "conformance-server", 2, "-golden", folder)
	if err != nil {
		return nil, err
	}
	backend, err := s.run(ctx, "examples-backend", 1, "-listen", "127.0.0.1:0", "-attached", "-levers")
	if err != nil {
		return nil, err
	}
	example, err := s.run(ctx, "examples-server", 1, "-listen", "127.0.0.1:0", "-attached", "-levers", "-backend", backend["listening on"])
	if err != nil {
		return nil, err
	}
	s.env = []string{
		"GOLDEN_DIR=" + folder, "GOLDEN_ADDR=" + conformance["golden"], "LIVE_ADDR=" + conformance["live"],
		"EXAMPLE_ADDR=" + example["listening on"],
	}
	return s, nil
}

// run starts a server and returns the addresses that it prints, each behind its name.
func (s *servers) run(ctx context.Context, name string, addresses int, args ...string) (map[string]string, error) {
	cmd := exec.Command(filepath.Join(s.dir, name), args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has its own copy
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.running = append(s.running, &server{cmd, stdin})
	lines := make(chan string, addresses)
	go func() {
		defer close(lines)
		for out := bufio.NewScanner(stdout); out.Scan(); {
			if len(lines) < cap(lines) {
				lines <- out.Text()
			}
		}
	}()
	found := map[string]string{}
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for len(found) < addresses {
		select {
		case line, ok := <-lines:
			what, addr, two := cutLast(line)
			if !ok || !two {
				said, _ := os.ReadFile(log.Name())
				return nil, fmt.Errorf("%s did not start: %s", name, said)
			}
			found[what] = addr
		case <-late.C:
			return nil, fmt.Errorf("%s did not say where it listens", name)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return found, nil
}

func cutLast(line string) (before, after string, found bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// stop ends the servers, the last first.
func (s *servers) stop() {
	for i := len(s.running) - 1; i >= 0; i-- {
		up := s.running[i]
		_ = up.stdin.Close()
		kill := time.AfterFunc(grace, func() { _ = up.cmd.Process.Kill() })
		err := up.cmd.Wait()
		kill.Stop()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			fmt.Fprintln(os.Stderr, "polyglot:", up.cmd.Path, exit)
		}
	}
	_ = os.RemoveAll(s.dir)
}
