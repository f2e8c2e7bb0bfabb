package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// reader is somebody at the console who looks at the metrics and leaves once the first round is over.
type reader struct {
	strings.Builder
	leave   func()
	metrics string // what the page of metrics says
}

var page = regexp.MustCompile(`http://\S+/metrics`)

func (r *reader) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "The same calls go on") {
		if resp, err := http.Get(page.FindString(string(b))); err == nil {
			text, _ := io.ReadAll(resp.Body)
			r.metrics = string(text)
			_ = resp.Body.Close()
		}
		r.leave()
	}
	return r.Builder.Write(b)
}

func watch(t *testing.T, asJSON bool) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := &reader{leave: cancel}
	if err := run(ctx, "127.0.0.1:0", asJSON, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatTheReaderSees(t *testing.T) {
	r := watch(t, false)
	said := r.String()
	for _, p := range plays {
		if !strings.Contains(said, "== "+p.title+"\n") {
			t.Errorf("nothing is shown of %q", p.title)
		}
	}
	for _, want := range []string{
		"client assistant.v1.Assistant/Process", "server assistant.v1.ModelBackend/Complete", // both sides
		"attempts=2 OK\n", "* recourse.backoff: reason=pushback", // a repeat that has helped
		"* recourse.fallback: fallback.source=apology", "note: this is not the real answer",
		"* recourse.refused: reason=limit", "* recourse.handler_abandoned: reason=deadline", "* recourse.trimmed: elided=",
		"INTENT_NOT_UNDERSTOOD@assistant.example.com (InvalidArgument)", "CLIENT_THROTTLED",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the reader does not see %q", want)
		}
	}
	if strings.Contains(strings.Join(answers(said), "\n"), "password") {
		t.Error("a user was shown what a driver has said")
	}
	if !strings.Contains(r.metrics, "\nrecourse_server_panics_total{") {
		t.Errorf("the page of metrics: %.300s", r.metrics)
	}

	id := regexp.MustCompile(`quotes the request id +(\S+)\n`).FindStringSubmatch(said)
	trace := regexp.MustCompile(`as shown above, is +(\S+)\n`).FindStringSubmatch(said)
	if id == nil || trace == nil || !strings.Contains(said, "trace "+trace[1]+", request id "+id[1]+"\n") {
		t.Fatalf("request id %q and trace %q are not shown together", id, trace)
	}
	_, last, _ := strings.Cut(said, "The log has under that id:\n")
	line, _, _ := strings.Cut(last, "\n")
	if !strings.Contains(line, "request_id="+id[1]) || !strings.Contains(line, "trace_id="+trace[1]) {
		t.Errorf("the log's line %q does not have the request id %s and the trace %s", line, id[1], trace[1])
	}
}

// answers are the lines that are neither a span nor a record of the log.
func answers(said string) (lines []string) {
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, " ") && !strings.Contains(line, "level=") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestSpansOfTheSDK(t *testing.T) {
	said := watch(t, true).String()
	from := strings.Index(said, "{\n")
	var span struct {
		Name        string
		SpanContext struct{ TraceID string }
	}
	if err := json.NewDecoder(strings.NewReader(said[max(from, 0):])).Decode(&span); err != nil || span.Name == "" || span.SpanContext.TraceID == "" {
		t.Errorf("the first span is %+v, error %v", span, err)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var failed *net.OpError
	if err := run(t.Context(), l.Addr().String(), false, io.Discard); !errors.As(err, &failed) {
		t.Errorf("got %v", err)
	}
}
