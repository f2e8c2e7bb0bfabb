package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a server that the demo has started.
type process struct {
	addr   string
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	log   bytes.Buffer
	wrote chan struct{} // closed when something was added to the log
}

// start runs a program and waits until it says where it listens. The program ends with the demo, even if that is killed:
// it reads from a pipe that nobody else holds.
func start(ctx context.Context, program string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{cancel: cancel, ended: make(chan struct{}), wrote: make(chan struct{})}
	cmd := exec.CommandContext(ctx, program, append([]string{"-attached"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime // then it is killed
	cmd.Stderr = p
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		_, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	first := make(chan string, 1)
	go func() {
		defer close(p.ended)
		out := bufio.NewReader(stdout)
		line, _ := out.ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // it was told to end
	}()

	hurry := time.NewTimer(startTime)
	defer hurry.Stop()
	select {
	case line := <-first:
		if addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on "); ok {
			p.addr = addr
			return p, nil
		}
		err = errors.New("said nothing")
	case <-hurry.C:
		err = errors.New("did not start in time")
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.stop()
	return nil, fmt.Errorf("%s: %w\n%s", program, err, p.log.String())
}

// stop ends the process and waits until it is gone.
func (p *process) stop() {
	p.cancel()
	<-p.ended
}

// Write adds to the log: it is the process's standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.wrote)
	p.wrote = make(chan struct{})
	return p.log.Write(b)
}

// record is one line of a server's log.
type record struct {
	Time      time.Time
	Msg       string
	ErrorCode string `json:"error_code"`
	RequestID string `json:"request_id"`
	Attempt   int
	Cause     string
}

// What servers write.
const (
	arrived  = "call arrived"
	failed   = "call failed"
	returned = "handler returned"
)

// records returns what a process has written so far, and a channel that is closed once there is more.
func (p *process) records() (rs []record, more <-chan struct{}) {
	p.mu.Lock()
	lines, wrote := p.log.String(), p.wrote
	p.mu.Unlock()
	for line := range strings.Lines(lines) {
		var r record
		if json.Unmarshal([]byte(line), &r) == nil {
			rs = append(rs, r)
		}
	}
	return rs, wrote
}

// logged waits for a record of a call: servers write it before they answer, but the client may be gone by then.
func (p *process) logged(ctx context.Context, message, requestID string) (record, bool) {
	for {
		rs, wrote := p.records()
		for _, r := range rs {
			if r.Msg == message && r.RequestID == requestID {
				return r, true
			}
		}
		select {
		case <-wrote:
		case <-ctx.Done():
			return record{}, false
		}
	}
}
