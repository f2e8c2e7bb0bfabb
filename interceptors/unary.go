package interceptors

import (
	"context"
	"reflect"
	"sync"

	"github.com/recourse-dev/recourse/internal/retry"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// unaryCall is a call with one request and one reply, with all its attempts.
type unaryCall struct {
	unaryState
	own     trouble  // so that it costs nothing
	watched observed // likewise
}

// unaryState is what every call has, and most calls have nothing else.
type unaryState struct {
	calling
	req, reply any
	invoker    grpc.UnaryInvoker

	last    bool          // gRPC itself is below
	kept    bool          // something may hold on to the call when it is over
	asked   proto.Message // the request as it was, for the fallbacks
	decoded any           // what attempts decode into: the reply itself, if it came empty
}

var _ retry.Op = (*unaryCall)(nil)

var unaryCalls = sync.Pool{New: func() any { return new(unaryCall) }}

// settled reports whether nobody will write any more to what was lent to the present
// attempt: an interceptor below may have made several calls of it.
func (u *unaryCall) settled() bool { return u.told != nil && u.last && u.told.complete() }

// release ends the call for good. It is used again for another where nothing can hold
// on to it any more, and its evidence where gRPC will not add to it.
func (u *unaryCall) release() {
	if u.kept {
		return
	}
	told := u.told
	if u.settled() {
		told.clear()
	} else {
		told = nil
	}
	if u.trouble != nil {
		u.own = trouble{}
	}
	if u.observed != nil {
		u.watched = observed{}
	}
	u.unaryState = unaryState{}
	u.told = told
	unaryCalls.Put(u)
}

// do makes the call.
func (u *unaryCall) do(ctx context.Context) (err error) {
	settings, rest, engaged := u.client.engaged(ctx, u.opts)
	if !engaged {
		err = u.invoker(u.observed.attempt(ctx, 1), u.call.Method, u.req, u.reply, u.cc, u.options()...)
		u.trailer = u.told.trailer
		if err == nil && u.observed.wanted() {
			u.observed.marked(DegradedIn(u.trailer))
		}
		return err
	}
	u.settings, u.opts = settings, rest
	defer func() { u.settings.finished(err) }()
	if err = u.begin(ctx); err != nil {
		return err
	}
	defer u.cancel()
	u.decoded = vessel(u.reply)
	if req, ok := u.req.(proto.Message); ok && wantRequest(u.method.fallbacks) {
		u.asked = proto.Clone(req) // interceptors below may change what is sent
	}
	if err = u.first(); err != nil {
		u.trouble = u.own.enter(&u.calling, u.method.facts.named(u.req))
		err = u.trouble.Repeat(u.ctx, err, u)
	}
	if err == nil {
		u.worked()
		err = u.accept()
	} else {
		u.settle(err)
	}
	if err == nil {
		u.saved(nil)
		return nil
	}
	return u.substitute(err)
}

func (u *unaryCall) first() error {
	if !u.Admit() {
		return u.throttled()
	}
	return u.Again(u.ctx, 1)
}

// Again makes one attempt. It shares no reply with one that may not have ended, and may
// still write.
func (u *unaryCall) Again(_ context.Context, n int) error {
	ctx, cancel := u.attempt(n)
	defer cancel()
	if m, ok := u.reply.(proto.Message); ok && n > 1 && !u.settled() {
		u.decoded = m.ProtoReflect().New().Interface()
	}
	err := u.invoker(ctx, u.call.Method, u.req, u.decoded, u.cc, u.options()...)
	u.trailer = u.told.trailer
	if err != nil {
		empty(u.decoded)
		return err
	}
	u.answered(true)
	return nil
}

// options returns those of an attempt. One that is not known to have ended keeps its
// own.
func (u *unaryCall) options() []grpc.CallOption {
	switch {
	case u.told != nil && !u.told.lent: // of a call before
	case u.settled():
		u.told.clear()
	default:
		u.told = new(evidence)
	}
	return u.told.given(u.opts, false)
}

// accept hands the reply to the application, unless it is not good enough.
func (u *unaryCall) accept() error {
	if d := DegradedIn(u.trailer); d != nil {
		if u.settings.refusesDegraded() {
			empty(u.decoded)
			return refusedDegraded(d)
		}
		u.mark(d)
	} else {
		u.learn()
	}
	if u.decoded != u.reply {
		proto.Reset(u.reply.(proto.Message))
		proto.Merge(u.reply.(proto.Message), u.decoded.(proto.Message))
	}
	return nil
}

// learn shows a good answer to the fallbacks that remember them.
func (u *unaryCall) learn() {
	for _, s := range u.method.fallbacks {
		if s.learn == nil {
			continue
		}
		if reply, ok := u.decoded.(proto.Message); ok && u.asked != nil {
			s.learn(u.caller, u.cc, u.call.Method, u.asked, reply)
		}
	}
}

// substitute asks the fallbacks for a reply. It returns the error of the call if
// they have none.
func (u *unaryCall) substitute(err error) error {
	if u.settings.refusesDegraded() || !u.policy.Fallback || len(u.method.fallbacks) == 0 {
		return err
	}
	e, _ := status.From(err)
	u.kept = true
	f := rescue{
		chain: u.method.fallbacks, budget: u.policy.FallbackTimeout, single: true,
		call: failedCall{conn: u.cc, method: u.call.Method, req: u.asked, cause: e}, begin: u.mark, observed: u.observed,
		send: func(_ context.Context, m proto.Message) error {
			reply, ok := u.reply.(proto.Message)
			if !ok {
				return errNoReply
			}
			proto.Reset(reply)
			proto.Merge(reply, m)
			return nil
		},
	}
	d, err := f.run(u.caller)
	if d != nil && err == nil {
		u.recovered(f.seen, d)
	}
	return err
}

// vessel is what attempts may decode into, so that a failed one leaves no trace in
// reply: reply itself if it is empty, since it can be emptied again.
func vessel(reply any) any {
	if m, ok := reply.(proto.Message); ok && proto.Size(m) > 0 {
		return m.ProtoReflect().New().Interface()
	}
	return reply
}

// empty takes a failed attempt's data out of a reply. Messages of other kinds than
// protobuf's are known by their Reset.
func empty(reply any) {
	if m, ok := reply.(proto.Message); ok {
		if proto.Size(m) > 0 {
			proto.Reset(m)
		}
		return
	}
	if m, ok := reply.(interface{ Reset() }); ok && !reflect.ValueOf(reply).IsNil() {
		m.Reset()
	}
}
