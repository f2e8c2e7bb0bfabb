package errorpath

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Every contender can do its work, more than once.
func TestCases(t *testing.T) {
	explained := map[string]bool{}
	for _, a := range Abouts {
		if explained[a.Name] || a.Text == "" {
			t.Errorf("%s: %q", a.Name, a.Text)
		}
		explained[a.Name] = true
	}
	seen, met := map[string]bool{}, map[string]bool{}
	for _, c := range Cases() {
		if seen[c.Name] {
			t.Errorf("two cases %s", c.Name)
		}
		seen[c.Name] = true
		names := map[string]bool{}
		for _, x := range c.Contenders {
			names[x.Name], met[x.Name] = true, true
			if !explained[x.Name] {
				t.Errorf("%s/%s: who is that?", c.Name, x.Name)
			}
			run, stop, err := x.Setup()
			if err != nil {
				t.Errorf("%s/%s: %v", c.Name, x.Name, err)
				continue
			}
			run(1)
			run(70)
			stop()
		}
		if !names[c.Baseline] || len(names) != len(c.Contenders) {
			t.Errorf("%s: contenders %v, baseline %s", c.Name, names, c.Baseline)
		}
	}
	for name := range explained {
		if !met[name] {
			t.Errorf("%s is in no case", name)
		}
	}
}

func TestWaysSayTheSame(t *testing.T) {
	for _, n := range counts {
		for _, w := range ways {
			makeError := w.with(n)
			if makeError == nil {
				continue
			}
			t.Run(fmt.Sprintf("%d/%s", n, w.name), func(t *testing.T) {
				id := expectDetails(t, parse(t, w.encode(makeError())), n)
				again := expectDetails(t, parse(t, w.encode(makeError())), n)
				if (id == again) != w.static || id == "" {
					t.Errorf("ids %q and %q", id, again)
				}
			})
		}
	}
}

// Who says all by hand says as much.
func TestAllIsAll(t *testing.T) {
	for _, n := range counts {
		if ours, all := len(encodeOwn(own(n)())), len(encodeGRPC(withAll(n)())); ours != all {
			t.Errorf("%d details: %d bytes, by hand %d", n, ours, all)
		}
		if ours, all := len(encodeDeclared(chatFull())), len(encodeGRPC(chatFullByHand())); ours != all {
			t.Errorf("a declared error: %d bytes, by hand %d", ours, all)
		}
		sizes := map[string]int{}
		for _, p := range pairs(n) {
			conn, stop, err := start(p.fail, p.server, nil)
			if err != nil {
				t.Fatal(err)
			}
			var trailer metadata.MD
			st := grpcstatus.Convert(conn.Invoke(t.Context(), method, new(emptypb.Empty), new(emptypb.Empty), grpc.Trailer(&trailer)))
			stop()
			sizes[p.name] = proto.Size(st.Proto()) + len(fmt.Sprint(trailer["x-request-id"], trailer["grpc-retry-pushback-ms"]))
		}
		if sizes[Answers] != sizes[WithAll] {
			t.Errorf("a call with %d details: %d bytes, by hand %d", n, sizes[Answers], sizes[WithAll])
		}
	}
}

func parse(t *testing.T, header string) *spb.Status {
	t.Helper()
	b, err := base64.RawStdEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	p := new(spb.Status)
	if err := proto.Unmarshal(b, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// expectDetails compares the details of google.rpc with the first n messages, and
// returns the request's id. Those that this library adds are passed over.
func expectDetails(t *testing.T, p *spb.Status, n int) (id string) {
	t.Helper()
	if p.GetCode() != int32(code) && p.GetCode() != int32(codes.ResourceExhausted) || p.GetMessage() != message {
		t.Errorf("got %d %q", p.GetCode(), p.GetMessage())
	}
	want := messages()[:n]
	for _, d := range p.GetDetails() {
		m, err := d.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *errdetails.ErrorInfo:
			id = m.GetMetadata()[idKey]
			m.Metadata = map[string]string{idKey: ""}
		case *errdetails.RequestInfo:
			id = m.GetRequestId()
			continue
		}
		if !strings.HasPrefix(string(m.ProtoReflect().Descriptor().FullName()), "google.rpc.") {
			continue
		}
		if len(want) == 0 || !proto.Equal(m, want[0]) {
			t.Errorf("got %v, want %v", m, want)
			continue
		}
		want = want[1:]
	}
	if len(want) > 0 {
		t.Errorf("missing %v", want)
	}
	return id
}

func TestRawIsTheStatus(t *testing.T) {
	st := grpcstatus.Convert(withDetails(5)())
	if !proto.Equal(raw(st), st.Proto()) || raw(st) == st.Proto() {
		t.Error("grpc-go keeps its message elsewhere")
	}
	if allocs := testing.AllocsPerRun(10, func() { raw(st) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestFindersFind(t *testing.T) {
	for _, n := range []int{0, 3, 5} {
		for _, f := range finders {
			err, failed := f.given(n)
			if failed != nil {
				t.Fatal(failed)
			}
			for range 2 {
				d, ok := f.find(err)
				if want := n > 0 && !strings.HasSuffix(f.name, "unread"); ok != want || want && d != delay {
					t.Errorf("%s with %d details: %v, %v", f.name, n, d, ok)
				}
			}
		}
	}
}

// What arrives is the same, whoever sends it.
func TestCallsFailAlike(t *testing.T) {
	for _, n := range []int{0, 1, 3, 5} {
		for _, p := range pairs(n) {
			t.Run(fmt.Sprintf("%d/%s", n, p.name), func(t *testing.T) { p.expect(t, n) })
		}
	}
	for _, p := range busyPairs() {
		t.Run("busy/"+p.name, func(t *testing.T) { p.expect(t, -1) })
	}
}

// expect makes calls and looks at their errors; n < 0 is an error of a busy server.
func (p pair) expect(t *testing.T, n int) {
	conn, stop, err := start(p.fail, p.server, p.client)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var ids []string
	for range 20 {
		err := p.call(conn, new(emptypb.Empty), new(emptypb.Empty))
		st := grpcstatus.Convert(err)
		if st.Code() != p.want() || st.Message() != message {
			t.Fatalf("got %v", err)
		}
		e, own := errors.AsType[*status.Error](err)
		if own != (p.client != nil) {
			t.Fatalf("got %T", err)
		}
		ids = append(ids, p.inspect(t, st, e, n))
	}
	slices.Sort(ids)
	if unique := len(slices.Compact(ids)); unique != len(ids) && (unique > 1 || p.client != nil) {
		t.Errorf("%d ids for %d calls", unique, len(ids))
	}
}

func (p pair) inspect(t *testing.T, st *grpcstatus.Status, e *status.Error, n int) (id string) {
	t.Helper()
	all := st.Proto()
	if strings.Contains(p.name, Long) {
		expectLong(t, all)
	}
	if n > 0 && !strings.HasPrefix(p.name, Bare) {
		id = expectDetails(t, all, n)
	}
	if e == nil {
		return id
	}
	if d, ok := e.RetryDelay(); ok != (n != 0 && n != 1) || ok && d != delay {
		t.Errorf("delay %v, %v", d, ok)
	}
	if e.ErrorCode() != reason || e.Domain() != domain || e.RequestID() == "" || e.Elided() != 0 {
		t.Errorf("got %+v", e)
	}
	return e.RequestID()
}

func expectLong(t *testing.T, p *spb.Status) {
	t.Helper()
	for _, d := range p.GetDetails() {
		if m := new(errdetails.BadRequest); d.UnmarshalTo(m) == nil {
			if size := proto.Size(p); !proto.Equal(m, long) || size < 2000 || size > 2600 {
				t.Errorf("%d bytes with %v", size, m)
			}
			return
		}
	}
	t.Errorf("got %v", p)
}

func TestPanicsBecomeErrors(t *testing.T) {
	for _, g := range guards {
		intercept, err := capture(g.server())
		if err != nil {
			t.Fatal(err)
		}
		f := newFake(intercept)
		for range 2 {
			sink.bytes = nil
			st := f.status()
			if g.name == Gomw {
				if st.Code() != codes.Unknown || !strings.Contains(st.Message(), "errorpath.burst") {
					t.Errorf("%s: %v", g.name, st)
				}
				continue
			}
			if st.Code() != codes.Internal || !strings.Contains(string(sink.bytes), "errorpath.burst") {
				t.Errorf("%s: %v, stack %s", g.name, st, sink.bytes)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for _, f := range Sizes() {
		t.Logf("%5d %s", f.Bytes, f.What)
		if f.Bytes <= 0 {
			t.Errorf("%s: %d", f.What, f.Bytes)
		}
	}
	if got, want := statusOf(errorInfo(newID()), retryInfo()), proto.Size(raw(grpcstatus.Convert(busyPairs()[1].fail()))); got != want {
		t.Errorf("%d bytes, grpc-go sends %d", got, want)
	}
}
