package proxies

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A proxy is a program and what it has to be told to pass on gRPC without TLS, and nothing else: all that matters for an
// error is as its authors have set it.
type proxy struct {
	name, program string
	args          []string
	config        string // listens on the first address, passes on to the second
}

// Everything that nginx writes stays in its folder, so that it needs no rights of its own. One process, which can be
// ended by its id; what it does for a call is the same.
var nginx = &proxy{
	name: "nginx", program: "nginx",
	args: []string{"-e", "stderr", "-p", ".", "-c", "proxy.conf"},
	config: `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %[1]s http2;
		location / {
			grpc_pass grpc://%[2]s;
		}
	}
}
`,
}

// HAProxy has no timeouts of its own and warns about that; these are those of Debian's file.
var haproxy = &proxy{
	name: "HAProxy", program: "haproxy",
	args: []string{"-db", "-f", "proxy.conf"},
	config: `
global
defaults
	mode http
	timeout connect 5s
	timeout client 50s
	timeout server 50s
frontend grpc
	bind %[1]s proto h2
	default_backend server
backend server
	server one %[2]s proto h2
`,
}

var proxies = []*proxy{nginx, haproxy}

// with is the proxy with one more setting, in a place that its configuration has.
func (p *proxy) with(place, setting string) *proxy {
	q := *p
	q.name += ", `" + strings.TrimSuffix(setting, ";") + "`"
	q.config = strings.Replace(p.config, place, place+"\n"+setting, 1)
	return &q
}

// path skips a test where the proxy is missing. In CI that is a failure.
func (p *proxy) path(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath(p.program)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: %v", p.name, err)
		}
		t.Skipf("%s is missing: %v", p.name, err)
	}
	return path
}

// release is what the program calls itself, without what a distribution adds.
func (p *proxy) release(t testing.TB) string {
	t.Helper()
	out, err := exec.Command(p.path(t), "-v").CombinedOutput()
	number := regexp.MustCompile(`\d+(\.\d+)+`).Find(out)
	if err != nil || number == nil {
		t.Fatalf("%s -v: %v\n%s", p.program, err, out)
	}
	return p.name + " " + string(number)
}

// start runs the proxy in front of a server until the test ends, and returns its address.
func (p *proxy) start(t testing.TB, server string) string {
	t.Helper()
	path := p.path(t)
	return listen(t, func(address string) (*process, error) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "proxy.conf"), fmt.Appendf(nil, p.config, address, server), 0o600); err != nil {
			return nil, err
		}
		return launch(t, dir, path, p.args...)
	})
}

// listen finds a free port for a program. Between choosing it and listening on it somebody else may take it: then the
// program ends, and the next one is tried.
func listen(t testing.TB, launch func(address string) (*process, error)) string {
	t.Helper()
	for range 5 {
		address := freePort(t)
		run, err := launch(address)
		if err != nil {
			t.Fatal(err)
		}
		if err = run.listening(address); err == nil {
			return address
		}
		t.Logf("%s on %s: %v", run.cmd.Args[2], address, err)
	}
	t.Fatal("it does not start")
	return ""
}

func freePort(t testing.TB) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	return lis.Addr().String()
}

// process is a program that ends with the test, and with the process of the test however that ends.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

const startTime = 10 * time.Second

// launch runs a program below a guard, this test's own executable, see TestMain.
func launch(t testing.TB, dir, program string, args ...string) (*process, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self, append([]string{guardWord, program}, args...)...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p, p
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // it was told to end, or what it has said tells why it did
	}()
	t.Cleanup(func() {
		_ = p.stdin.Close()
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), p.said())
		}
	})
	return p, nil
}

// listening waits until something answers at the address.
func (p *process) listening(address string) error {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return errors.New("it ended: " + strings.TrimSpace(p.said()))
		case <-again.C:
		}
	}
	return errors.New("nobody listens after " + startTime.String())
}

const guardWord = "guard-of-a-proxy"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == guardWord {
		os.Exit(guard(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// guard runs a program until the standard input ends, which nobody but the test holds open: so the program ends even if
// the test is killed.
func guard(program string, args []string) int {
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = cmd.Process.Kill()
	}()
	if err := cmd.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, program, err)
		return 1
	}
	return 0
}
