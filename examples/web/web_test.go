package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
)

// The server's list is what browsers are told, and a page of another origin is told nothing.
func TestAllow(t *testing.T) {
	const ours = "http://127.0.0.1:1"
	called := 0
	handler := allow(ours, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	tests := []struct {
		name, origin string
		preflight    bool
		allowed      bool
		called       int
	}{
		{"our page asks before it calls", ours, true, true, 0},
		{"our page calls", ours, false, true, 1},
		{"another page asks", "http://127.0.0.1:2", true, false, 0},
		{"another page calls", "http://127.0.0.1:2", false, false, 1},
		{"an address that begins like ours", ours + "23", true, false, 0},
		{"a file, or a page in a sandbox", "null", true, false, 0},
		{"no browser", "", false, false, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			called = 0
			r := httptest.NewRequest(http.MethodPost, "/assistant.v1.Assistant/Process", nil)
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.preflight {
				r.Method = http.MethodOptions
				r.Header.Set("Access-Control-Request-Method", "POST")
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			h := w.Result().Header
			origin, exposed := "", []string(nil)
			if test.allowed {
				origin, exposed = ours, recourseconnect.ExposedHeaders()
			}
			if got := h.Get("Access-Control-Allow-Origin"); got != origin {
				t.Errorf("the origin %q is allowed, want %q", got, origin)
			}
			if got := strings.Split(h.Get("Access-Control-Expose-Headers"), ", "); test.allowed && !slices.Equal(got, exposed) {
				t.Errorf("exposed are %q, want %q", got, exposed)
			}
			if got := h.Get("Access-Control-Allow-Headers") != ""; got != (test.allowed && test.preflight) {
				t.Errorf("request headers are allowed: %t", got)
			}
			if h.Get("Vary") != "Origin" || called != test.called {
				t.Errorf("Vary: %s, %d calls", h.Get("Vary"), called)
			}
		})
	}
}

// busy is an assistant that has said when to come back.
type busy struct {
	assistantv1.UnimplementedAssistantServer
}

func (busy) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	return nil, assistantv1.QuotaUsedUp{CallsPerMinute: 2}.Err(status.RetryAfter(40 * time.Second))
}

// An error reaches the page as the assistant has sent it: with its delay, however long, and with the request id that is in
// the assistant's log.
func TestTheErrorArrivesWhole(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan string, 1)
	assistant := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain("assistant.example.com"),
		interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { failed <- f.RequestID }))...)
	assistantv1.RegisterAssistantServer(assistant, busy{})
	go func() { _ = assistant.Serve(listener) }() // until it is stopped
	t.Cleanup(assistant.Stop)

	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(`<html data-api="{{.}}">`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	said, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, settings{
			listen: "127.0.0.1:0", listenAPI: "127.0.0.1:0", assistant: listener.Addr().String(), folder: folder,
		}, stdout)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewReader(said)
	address := func(before string) string {
		line, _ := lines.ReadString('\n')
		url, ok := strings.CutPrefix(strings.TrimSpace(line), before)
		if !ok {
			t.Fatalf("the program says %q", line)
		}
		return url
	}
	page, api := address("listening on "), address("serving calls on ")

	resp, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if policy := resp.Header.Get("Content-Security-Policy"); err != nil || !strings.Contains(string(html), `data-api="`+api+`"`) ||
		!strings.HasSuffix(policy, "connect-src "+api) {
		t.Errorf("the page is %q with the policy %q: %v", html, policy, err)
	}

	resp, err = http.Post(api+"/assistant.v1.Assistant/Process", "application/json", strings.NewReader(`{"query": "hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body struct {
		Details []struct {
			Type  string
			Debug struct {
				RetryDelay string
				Retry      struct{ Verdict string }
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	delay, verdict := "", ""
	for _, d := range body.Details {
		delay, verdict = delay+d.Debug.RetryDelay, verdict+d.Debug.Retry.Verdict
	}
	if delay != "40s" || verdict != "VERDICT_SAME_REQUEST" {
		t.Errorf("the delay is %q, the verdict %q", delay, verdict)
	}
	if id, want := resp.Header.Get("X-Request-Id"), <-failed; id != want || id == "" {
		t.Errorf("the request id is %q, that of the assistant %q", id, want)
	}
}

func TestThePageIsNotBuilt(t *testing.T) {
	err := run(t.Context(), settings{listen: "127.0.0.1:0", listenAPI: "127.0.0.1:0", folder: t.TempDir()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "README.md") {
		t.Errorf("got %v", err)
	}
}
