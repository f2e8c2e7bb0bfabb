package proxies

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "write the table in docs/proxies.md anew")

const document, begin, end = "../../docs/proxies.md", "<!-- begin: written by its test -->\n", "<!-- end -->\n"

// TestTheDocumentIsCurrent makes the table of docs/proxies.md from calls, and compares.
func TestTheDocumentIsCurrent(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s and grpc-go %s, each as it comes but for what is said:\n\n", nginx.release(t), haproxy.release(t), grpc.Version)
	b.WriteString(table(t))

	old, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(old, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", document)
	}
	want := slices.Concat(before, []byte(begin), []byte(b.String()), []byte(end), after)
	if bytes.Equal(old, want) {
		return
	}
	if !*update {
		t.Fatalf("%s is not current: run conformance/proxies/run.sh -update. It would say:\n%s", document, b.String())
	}
	if err := os.WriteFile(document, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A way is how an error gets to a client. The last ones show that it is the buffer, and what sending headers first would
// gain.
type way struct {
	client *client
	proxy  *proxy
	when   string
	shape  rpctest.Shape
	play   func(error) play
}

func ways() (ws []way) {
	for _, c := range clients {
		for _, p := range proxies {
			ws = append(ws, way{c, p, "before", rpctest.Shapes[0], fails})
		}
	}
	for _, p := range proxies {
		ws = append(ws, way{plain, p, "after", rpctest.Shapes[1], failsLater})
	}
	for _, p := range []*proxy{
		nginx.with("location / {", "grpc_buffer_size 16k;"), haproxy.with("global", "tune.bufsize 32768"),
	} {
		ws = append(ws, way{plain, p, "before", rpctest.Shapes[0], fails})
	}
	return ws
}

func table(t *testing.T) string {
	sizes := []int{status.DefaultTrailerBytes, 7168, status.MaxTrailerBytes, 12 << 10, beyond}
	ways := ways()
	cells := make([][]string, len(ways))
	for _, size := range sizes {
		s, send := largestOf(t, size)
		servers := map[*proxy]string{}
		for i, w := range ways {
			if servers[w.proxy] == "" {
				servers[w.proxy] = w.proxy.start(t, s.address)
			}
			got := s.call(t, w.client.dial(t, servers[w.proxy]), w.shape, w.play(send))
			want := s.call(t, plain.dial(t, s.address), w.shape, w.play(send))
			cells[i] = append(cells[i], outcome(got, want))
		}
	}

	var b strings.Builder
	b.WriteString("| client | proxy | first message |")
	for _, size := range sizes {
		fmt.Fprintf(&b, " %d |", size)
	}
	b.WriteString("\n|" + strings.Repeat("---|", 3+len(sizes)) + "\n")
	for i, w := range ways {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", w.client.name, w.proxy.name, w.when, strings.Join(cells[i], " | "))
	}
	return b.String()
}

// largestOf is a server and an error that takes so many bytes, with recourse as far as that goes.
func largestOf(t *testing.T, size int) (*stage, error) {
	if size <= status.MaxTrailerBytes {
		s := open(t, size)
		return s, s.largest(t, later, dense, size)
	}
	return openBare(t), bare(t, size)
}

// outcome is the cell of the table.
func outcome(got, direct call) string {
	g, d := grpcstatus.Convert(got.Err), grpcstatus.Convert(direct.Err)
	said := strings.ToUpper(g.Code().String())
	switch {
	case proto.Equal(g.Proto(), d.Proto()) && len(got.Trailer["x-request-id"]) == len(direct.Trailer["x-request-id"]):
		said = "whole"
	case g.Code() == d.Code():
		said = "the code alone"
	}
	if got.runs != 1 {
		said += fmt.Sprintf(", ran %d times", got.runs)
	}
	return said
}
