package gateway_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/gateway"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"google.golang.org/grpc/codes"
)

// after sends n messages and fails.
func after(n int, err error) rpctest.Handler {
	return func(_ context.Context, x rpctest.Exchange) error {
		for range n {
			if err := x.Send("piece"); err != nil {
				return err
			}
		}
		return err
	}
}

// Before the first message an error of a stream is one like any other.
func TestStreamFailsAtOnce(t *testing.T) {
	for _, body := range []gateway.Body{gateway.StatusBody, gateway.APIBody, gateway.ProblemBody} {
		config := gateway.Config{Body: body}
		url := serve(t, failing(rich()), config.Options())
		unary, stream := post(t, url+"/v1/echo", "X-Request-Id", theID), post(t, url+"/v1/stream", "X-Request-Id", theID)
		if stream.status != unary.status || !bytes.Equal(stream.body, unary.body) {
			t.Errorf("unary %d %s\nstream %d %s", unary.status, unary.body, stream.status, stream.body)
		}
		for _, name := range []string{"Content-Type", "X-Request-Id", "Cache-Control", "X-Content-Type-Options"} {
			if stream.header.Get(name) != unary.header.Get(name) || stream.header.Get(name) == "" {
				t.Errorf("%s: unary %q, stream %q", name, unary.header.Get(name), stream.header.Get(name))
			}
		}
	}
}

func TestStreamFailsLater(t *testing.T) {
	for _, test := range []struct {
		name string
		body gateway.Body
	}{{"status", gateway.StatusBody}, {"api", gateway.APIBody}, {"problem", gateway.ProblemBody}} {
		config := gateway.Config{Body: test.body, Docs: "https://docs.example.com/errors/"}
		got := post(t, serve(t, after(2, rich()), config.Options())+"/v1/stream", "X-Request-Id", theID)
		lines := strings.Split(strings.TrimSpace(string(got.body)), "\n")
		if got.status != 200 || len(lines) != 3 || lines[0] != `{"result":"piece"}` {
			t.Fatalf("%s: %d %s", test.name, got.status, got.body)
		}
		response{body: []byte(lines[2])}.golden(t, "stream-"+test.name)
	}
}

// Grpc-gateway by itself writes nothing, and the stream looks whole.
func TestStreamUnknownDetail(t *testing.T) {
	conn := rpctest.Start(t, after(1, plain(codes.NotFound, "lost", stranger)), nil)
	if got := post(t, front(t, conn, nil)+"/v1/stream"); strings.TrimSpace(string(got.body)) != `{"result":"piece"}` {
		t.Errorf("grpc-gateway alone: %s; the reason for this is gone", got.body)
	}
	got := post(t, front(t, conn, zero.Options())+"/v1/stream")
	if !bytes.Contains(got.body, []byte(`{"error":{"code":5,"message":"lost"`)) || !bytes.Contains(got.body, []byte(`"value":"CAc="`)) {
		t.Errorf("%s", got.body)
	}
}
