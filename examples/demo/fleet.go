package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

// fleet is an assistant and its model, of one situation alone: nothing has failed there yet.
type fleet struct{ assistant, model *process }

// startModel starts a model, or a router in front of another.
func (d *demo) startModel(ctx context.Context, args ...string) (*process, error) {
	return start(ctx, filepath.Join(d.dir, "backend"), append([]string{"-levers"}, args...)...)
}

func (d *demo) startAssistant(ctx context.Context, model *process, args ...string) (*process, error) {
	args = append([]string{"-levers", "-backend", model.addr, "-policy", d.policy()}, args...)
	return start(ctx, filepath.Join(d.dir, "server"), args...)
}

// policy is the path of a copy of examples/recourse.yaml: the demo may be run from anywhere.
func (d *demo) policy() string { return filepath.Join(d.dir, "recourse.yaml") }

// policyFile writes the policies of the example with one line changed, as an operator would, and returns its path.
func (d *demo) policyFile(name, line, instead string) (path string, err error) {
	if n := strings.Count(d.policies, line+"\n"); n != 1 {
		return "", fmt.Errorf("recourse.yaml has %q %d times, should be once", line, n)
	}
	path = filepath.Join(d.dir, name+".yaml")
	return path, os.WriteFile(path, []byte(strings.Replace(d.policies, line+"\n", instead+"\n", 1)), 0o600)
}

// later has something done when the situation is over.
func (st *stage) later(f func()) { st.cleanup = append(st.cleanup, f) }

func (st *stage) tidyUp() {
	for i := len(st.cleanup) - 1; i >= 0; i-- {
		st.cleanup[i]()
	}
}

// fleet starts an assistant with a model behind it.
func (st *stage) fleet(ctx context.Context, args ...string) (f fleet, ok bool) {
	model, err := st.startModel(ctx)
	if err == nil {
		st.later(model.stop)
		f.model = model
		f.assistant, ok = st.assistant(ctx, model, args...)
		return f, ok
	}
	st.differ("no model: %v", err)
	return f, false
}

// assistant starts one that asks the given model.
func (st *stage) assistant(ctx context.Context, model *process, args ...string) (*process, bool) {
	p, err := st.startAssistant(ctx, model, args...)
	if err != nil {
		st.differ("no assistant: %v", err)
		return nil, false
	}
	st.later(p.stop)
	return p, true
}

// connect makes a connection for as long as the situation lasts.
func (st *stage) connect(p *process, opts ...grpc.DialOption) (link, bool) {
	l, err := connect(p.addr, opts...)
	if err != nil {
		st.differ("no connection: %v", err)
		return l, false
	}
	st.later(func() { _ = l.Close() })
	return l, true
}

// named gives a call its request id.
func named(ctx context.Context, id string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-request-id", id)
}

// arrivals returns the calls of the situation that a service has got, its own log says.
func (st *stage) arrivals(ctx context.Context, p *process, id string) (calls []record) {
	st.settle(ctx, p)
	rs, _ := p.records()
	for _, r := range rs {
		if r.Msg == arrived && strings.HasPrefix(r.RequestID, id) {
			calls = append(calls, r)
		}
	}
	return calls
}

// settle waits until everything that a service has written is here: a last call, of a method that there is not, is
// written after all others.
func (st *stage) settle(ctx context.Context, p *process) {
	select {
	case <-p.ended:
		return // so it is
	default:
	}
	st.marks++
	id := fmt.Sprintf("mark-%d", st.marks)
	conn, err := connect(p.addr)
	if err != nil {
		st.differ("no connection: %v", err)
		return
	}
	defer func() { _ = conn.Close() }()
	mark := metadata.NewOutgoingContext(ctx, metadata.Pairs("x-request-id", id)) // and nothing of the situation's own
	_ = conn.Invoke(mark, "/demo.Mark/Mark", &emptypb.Empty{}, &emptypb.Empty{})
	_, ok := p.logged(ctx, arrived, id)
	st.check(ok, "a log is incomplete")
}

// hop shows how often the calls of the situation came over one hop, and notes if that is not as often as it should be.
func (st *stage) hop(ctx context.Context, name string, p *process, want int) []record {
	return st.hopUpTo(ctx, name, p, want, want)
}

func (st *stage) hopUpTo(ctx context.Context, name string, p *process, least, most int) []record {
	calls := st.arrivals(ctx, p, st.id)
	st.count(name, len(calls), "")
	st.check(len(calls) >= least && len(calls) <= most, "%s: %d calls, should be %d to %d", name, len(calls), least, most)
	return calls
}

// count shows a number of calls.
func (st *stage) count(name string, n int, remark string) {
	calls := "calls"
	if n == 1 {
		calls = "call"
	}
	st.line(name, "%d %s%s", n, calls, remark)
}

// line shows what a caller does not see.
func (st *stage) line(name, format string, args ...any) {
	fmt.Printf("    %s  %s\n", st.paint(dim, fmt.Sprintf("%-20s", name)), fmt.Sprintf(format, args...))
}
