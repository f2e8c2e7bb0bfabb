package interceptors

import (
	"context"
	"io"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/proto"
)

// substitute has the fallbacks answer in place of the server.
func (s *streamCall) substitute() *standIn {
	e, _ := status.From(s.outcome)
	s.mu.Lock()
	req, _ := s.request.(proto.Message)
	s.mu.Unlock()
	t := &standIn{call: s, cause: e, replies: make(chan proto.Message), over: make(chan struct{}), err: e}
	f := rescue{
		chain: s.method.fallbacks, budget: s.policy.FallbackTimeout, single: !s.call.ServerStreams,
		call:     failedCall{conn: s.cc, method: s.call.Method, req: req, cause: e},
		observed: s.observed,
		send: func(ctx context.Context, m proto.Message) error {
			select {
			case t.replies <- m:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	f.begin = func(d *recoursev1.Degraded) { t.mark, t.cause = d, f.seen }
	go func() {
		defer close(t.over)
		_, t.err = f.run(s.caller)
	}()
	return t
}

// standIn is a stream of replies that a fallback makes.
type standIn struct {
	call    *streamCall
	cause   *status.Error
	replies chan proto.Message
	over    chan struct{}
	mark    *recoursev1.Degraded // set before the first reply, if any
	marked  bool
	ended   bool
	err     error // the call's own, until the fallback is over
}

func (t *standIn) recv(m any) error {
	select {
	case reply := <-t.replies:
		into, ok := m.(proto.Message)
		if !ok {
			return errNoReply
		}
		t.tell()
		proto.Reset(into)
		proto.Merge(into, reply)
		if !t.call.call.ServerStreams {
			<-t.over // nobody asks for more
			t.end()
		}
		return nil
	case <-t.over:
	}
	t.tell()
	t.end()
	if t.err == nil {
		return io.EOF
	}
	return t.err
}

func (t *standIn) end() {
	if !t.ended {
		t.ended = true
		t.call.finish(t.err)
	}
}

func (t *standIn) tell() {
	if t.mark != nil && !t.marked {
		t.marked = true
		t.call.mark(t.mark)
		t.call.recovered(t.cause, t.mark)
	}
}
