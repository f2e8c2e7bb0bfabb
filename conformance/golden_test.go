// Package conformance_test makes the golden errors and holds this repository's own reader to them. README.md says what
// every reader has to do.
package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

var update = flag.Bool("update", false, "write the golden files anew; read what has changed")

const folder = "golden"

// The golden files are what cases.go makes: nobody has changed one by hand, and none is left of a case that has gone.
func TestGoldenFilesAreCurrent(t *testing.T) {
	made := cases()
	conns := serve(t, slices.Collect(maps.Values(named(made))))
	if *update {
		old, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range old {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range named(made) {
		path := filepath.Join(folder, name+".json")
		if *update {
			c.Report = read(t, conns, c)
			b, err := c.Text()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v: run go test ./conformance -update", err)
			continue
		}
		c.Report = read(t, conns, c)
		got, err := c.Text()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: this reader, or the case, says\n%s\nand the golden file\n%s", name, got, want)
		}
	}
	found, err := golden.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		if _, ok := made[c.Name]; !ok {
			t.Errorf("%s.json is a golden file without a case", c.Name)
		}
	}
}

func named(made map[string]golden.Case) map[string]golden.Case {
	for name, c := range made {
		c.Name = name
		made[name] = c
	}
	return made
}

// read makes the call with grpc-go's own client, and again with this repository's, and says what package status reads of it.
func read(t *testing.T, conns connections, c golden.Case) golden.Report {
	t.Helper()
	if c.FileOnly != "" {
		e, _ := status.From(status.FromProto(mustStatus(t, c.Call)))
		return report(t, c, e, nil)
	}
	var trailer metadata.MD
	e := call(t, conns.stock, c, grpc.Trailer(&trailer))
	if e != nil {
		e = status.Received(e.Unwrap(), "", strings.Join(trailer["x-request-id"], ""), false)
	}
	var degraded *recoursev1.Degraded
	ours := report(t, c, call(t, conns.ours, c, interceptors.Degraded(&degraded)), degraded)
	stock := report(t, c, e, degraded)

	// Ours knows which method failed, and notes why it did not try again.
	ours.Operation, ours.Why, ours.Attempts = stock.Operation, stock.Why, stock.Attempts
	if a, b := text(t, stock), text(t, ours); a != b {
		t.Errorf("%s: read from a stock client's error it is\n%s\nand from our client's\n%s", c.Name, a, b)
	}
	return stock
}

func call(t *testing.T, conn *grpc.ClientConn, c golden.Case, opts ...grpc.CallOption) *status.Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := conn.Invoke(ctx, "/"+golden.Service+"/"+c.Name, new(emptypb.Empty), new(emptypb.Empty), opts...)
	if (err != nil) != (c.Call.Code != 0) {
		t.Fatalf("%s: got error %v, want one of code %d", c.Name, err, c.Call.Code)
	}
	e, _ := status.From(err)
	return e
}

func report(t *testing.T, c golden.Case, e *status.Error, degraded *recoursev1.Degraded) golden.Report {
	t.Helper()
	r, err := golden.Of(e, degraded)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return r
}

func text(t *testing.T, r golden.Report) string {
	t.Helper()
	s, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type connections struct{ stock, ours *grpc.ClientConn }

// serve replays cases to two clients without policies: they read, and do nothing about what they read.
func serve(t *testing.T, all []golden.Case) connections {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: golden.Handler(all), Protocols: protocols}
	served := make(chan error, 1)
	go func() { served <- web.Serve(lis) }()
	dial := func(opts ...grpc.DialOption) *grpc.ClientConn {
		conn, err := grpc.NewClient("passthrough:golden", append(opts,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))...)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	conns := connections{dial(), dial(interceptors.DialOptions()...)}
	t.Cleanup(func() {
		_ = conns.stock.Close()
		_ = conns.ours.Close()
		_ = web.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return conns
}

func mustStatus(t *testing.T, c golden.Call) *spb.Status {
	t.Helper()
	st := new(spb.Status)
	if err := proto.Unmarshal(c.Status, st); err != nil {
		t.Fatal(err)
	}
	return st
}
