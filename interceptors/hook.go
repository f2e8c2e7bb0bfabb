package interceptors

import (
	"context"

	"github.com/recourse-dev/recourse/internal/chain"
	"github.com/recourse-dev/recourse/status"
)

// Call describes an RPC to a hook.
type Call struct {
	Method        string // full name, "/pkg.Service/Method"
	Side          Side
	ClientStreams bool // the client sends any number of messages
	ServerStreams bool // the server sends any number of messages
}

func (c Call) streams() bool { return c.ClientStreams || c.ServerStreams }

// Side is the end of an RPC that a hook takes part in.
type Side uint8

// The two ends of an RPC.
const (
	ServerSide Side = iota
	ClientSide
)

func (s Side) String() string {
	if s == ClientSide {
		return "client"
	}
	return "server"
}

// Hook takes part in RPCs of every shape. It is used by many calls at once.
type Hook interface {
	// Begin is called when a call starts. The context it returns, nil for the one
	// given, must be derived from that; the Run follows the call, nil if the
	// hook has seen enough. An error refuses the call: the handler, or the
	// network, never sees it, and what is returned beside it is ignored.
	Begin(ctx context.Context, call Call) (context.Context, Run, error)
}

// Run is a hook's part in one RPC.
type Run interface {
	// Message is called for every message, before it is sent and after it was
	// received (in). An error ends the RPC with that error. On a stream, messages
	// in either direction are seen concurrently, and End may overlap both.
	Message(in bool, msg any) error
	// End is called exactly once, with the outcome: nil, or what went wrong. What
	// it returns replaces the outcome, except that an error cannot become a
	// success: nil for an error is answered with INTERNAL. On a client stream,
	// giving the call up without reading its outcome is the end too.
	End(err error) error
}

// runs are the parts of all hooks in one call, outermost first.
type runs []Run

// begin starts the hooks in order. A refusal ends those that began. A panic
// is one.
func begin(ctx context.Context, hooks []Hook, call Call) (context.Context, runs, error) {
	if len(hooks) == 0 {
		return ctx, nil, nil
	}
	rs := make(runs, 0, len(hooks))
	begun := false
	defer func() {
		if !begun { // a hook ended the goroutine
			_ = rs.end(status.Panicked(nil))
		}
	}()
	for _, p := range hooks {
		next, run, err := beginOne(ctx, p, call)
		if err != nil {
			begun = true
			return ctx, nil, rs.end(err)
		}
		if next != nil {
			ctx = next
		}
		if run != nil {
			rs = append(rs, run)
		}
	}
	begun = true
	return ctx, rs, nil
}

func beginOne(ctx context.Context, p Hook, call Call) (next context.Context, run Run, err error) {
	defer recovered(&err)
	return p.Begin(ctx, call)
}

// message shows a message to the hooks, in the order in which it passes them:
// the outermost is the first to see what goes to the handler or to the network,
// and the last to see what comes back.
func (rs runs) message(side Side, in bool, msg any) error {
	inward := in == (side == ServerSide)
	for i := range rs {
		r := rs[i]
		if !inward {
			r = rs[len(rs)-1-i]
		}
		if err := messageOne(r, in, msg); err != nil {
			return err
		}
	}
	return nil
}

func messageOne(r Run, in bool, msg any) (err error) {
	defer recovered(&err)
	return r.Message(in, msg)
}

// end tells the hooks the outcome, innermost first, and returns what they
// make of it. The outer ones learn of it even if an inner one ends the goroutine.
func (rs runs) end(err error) error {
	err = status.Finite(err) // hooks may ask errors.Is
	ended := true
	defer func() {
		if !ended {
			_ = rs.end(status.Panicked(nil))
		}
	}()
	for len(rs) > 0 {
		inner := rs[len(rs)-1]
		rs, ended = rs[:len(rs)-1], false
		err = status.Finite(endOne(inner, err))
		ended = true
	}
	return err
}

func endOne(r Run, was error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = status.Panicked(v)
			if was != nil {
				err = withCause(err, was)
			}
		} else if was != nil && err == nil {
			err = withCause(status.Classify(errLost), was)
		}
	}()
	return r.End(was)
}

// withCause keeps the error that a hook was told of behind the hook's own
// fault.
func withCause(fault error, was error) error {
	e := status.Classify(fault)
	return e.With(status.Cause(chain.Afterwards{Err: e.Unwrap(), Was: was}))
}

// recovered makes an error of a panic. Defer it directly.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = status.Panicked(v)
	}
}
