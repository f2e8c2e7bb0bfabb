package interceptors

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/deadline"
	"github.com/recourse-dev/recourse/internal/fallback"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Substitute answers in place of a call that failed. Make one with [Answer],
// [AnswerStream], [Canned] or [LastGood], and use it with [Fallback].
type Substitute struct {
	kind   recoursev1.Degraded_Kind
	source string
	codes  []string // empty: failures of the service

	request, reply protoreflect.FullName // "": any
	shape          substituteShape
	replies        int // of canned ones

	// run may complete the mark before it sends.
	run func(ctx context.Context, c failedCall, mark *recoursev1.Degraded, send func(proto.Message) error) error
	// learn sees good answers, nil if there is nothing to learn.
	learn func(ctx context.Context, conn any, method string, req, reply proto.Message)
	// unkeyed: on a server nothing would tell the callers apart.
	unkeyed bool
	blind   bool          // it answers without looking at the request
	stuck   *atomic.Int32 // runs that do not return
}

type substituteShape uint8

const (
	anyReplies substituteShape = iota
	oneReply
	manyReplies
	oneReplyToOneRequest
)

// failedCall is what a substitute may know.
type failedCall struct {
	conn   any // of a client
	method string
	req    proto.Message // nil where the client streams
	cause  *status.Error
}

// Fallback says what answers when a call of the method has failed for good: the
// first of the substitutes that is meant for the failure and does not fail itself.
// If all fail, the call fails with its own error. The answer is marked as
// degraded, see [Degraded] and the metadata recourse-degraded.
//
// Substitutes run after all repeats, for as long as the policy's FallbackTimeout
// and in a goroutine of their own, even if the call's own deadline has passed, but
// not for a caller who has given up. One that does not return in time is left
// behind; of ten that do not, no more are started. On a stream they are asked only
// before the first reply. They take effect unless the policy's Fallback is off.
//
// A method that does not exist, or has other messages or another shape than the
// substitute, is a mistake in the program: Fallback panics.
func Fallback(method string, chain ...*Substitute) Option {
	md := mustDescribe(method)
	if len(chain) == 0 {
		misuse("Fallback(%q): there is no substitute", method)
	}
	for _, s := range chain {
		if s == nil {
			misuse("Fallback(%q): a substitute is nil", method)
		}
		s.check(method, md)
	}
	chain = slices.Clone(chain)
	return bothOption{
		server: func(s *server) {
			for _, sub := range chain {
				if sub.unkeyed {
					misuse("Fallback(%q): on a server LastGood needs a key function that tells callers apart, or one caller's answer reaches another", method)
				}
			}
			s.fallbacks = with(s.fallbacks, method, chain)
		},
		client: func(c *client) { c.fallbacks = with(c.fallbacks, method, chain) },
	}
}

func with(m map[string][]*Substitute, method string, chain []*Substitute) map[string][]*Substitute {
	if m == nil {
		m = map[string][]*Substitute{}
	}
	m[method] = append(m[method], chain...)
	return m
}

func (s *Substitute) check(method string, md protoreflect.MethodDescriptor) {
	if s.request != "" && s.request != md.Input().FullName() {
		misuse("Fallback(%q): the substitute takes %s, the method %s", method, s.request, md.Input().FullName())
	}
	if s.reply != "" && s.reply != md.Output().FullName() {
		misuse("Fallback(%q): the substitute answers with %s, the method with %s", method, s.reply, md.Output().FullName())
	}
	switch {
	case s.shape == manyReplies && !md.IsStreamingServer():
		misuse("Fallback(%q): the method has one reply: use Answer", method)
	case s.shape >= oneReply && s.shape != manyReplies && md.IsStreamingServer():
		misuse("Fallback(%q): the method streams its replies: use AnswerStream or Canned", method)
	case s.shape == oneReplyToOneRequest && md.IsStreamingClient():
		misuse("Fallback(%q): LastGood needs one request to find the answer by, but the method streams them: use Answer", method)
	case s.shape == anyReplies && !md.IsStreamingServer() && s.replies != 1:
		misuse("Fallback(%q): the method has one reply, not %d", method, s.replies)
	}
}

// Answer makes a substitute of a function, for methods with one reply. The request
// is the call's own, which f must not change, and nil where the client streams
// requests; cause is what the call failed with. f must honour its context.
func Answer[Req, Res proto.Message](f func(ctx context.Context, req Req, cause *status.Error) (Res, error)) *Substitute {
	return newSubstitute(Substitute{
		kind: recoursev1.Degraded_KIND_SUBSTITUTE, request: nameOf[Req](), reply: nameOf[Res](), shape: oneReply,
		run: func(ctx context.Context, c failedCall, _ *recoursev1.Degraded, send func(proto.Message) error) error {
			req, _ := c.req.(Req)
			res, err := f(ctx, req, c.cause)
			if err != nil {
				return err
			}
			return send(res)
		},
	})
}

// AnswerStream is [Answer] for methods that stream their replies: f sends them as
// a handler would. Once it has sent one, an error of it is the call's.
func AnswerStream[Req, Res proto.Message](f func(ctx context.Context, req Req, cause *status.Error, send func(Res) error) error) *Substitute {
	return newSubstitute(Substitute{
		kind: recoursev1.Degraded_KIND_SUBSTITUTE, request: nameOf[Req](), reply: nameOf[Res](), shape: manyReplies,
		run: func(ctx context.Context, c failedCall, _ *recoursev1.Degraded, send func(proto.Message) error) error {
			req, _ := c.req.(Req)
			return f(ctx, req, c.cause, func(res Res) error { return send(res) })
		},
	})
}

// Canned makes a substitute of fixed replies: one, or for a method that streams
// its replies any number. They are copied now.
func Canned[Res proto.Message](replies ...Res) *Substitute {
	copies := make([]proto.Message, len(replies))
	for i, r := range replies {
		if isNothing(r) {
			misuse("Canned: reply %d is nil", i)
		}
		copies[i] = proto.Clone(r)
	}
	return newSubstitute(Substitute{
		kind: recoursev1.Degraded_KIND_DEFAULT, source: "canned", reply: nameOf[Res](), replies: len(replies), blind: true,
		run: func(_ context.Context, _ failedCall, _ *recoursev1.Degraded, send func(proto.Message) error) error {
			for _, r := range copies {
				if err := send(proto.Clone(r)); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// wantRequest reports whether any of them looks at the request, which then has to be
// kept for it.
func wantRequest(chain []*Substitute) bool {
	return slices.ContainsFunc(chain, func(s *Substitute) bool { return !s.blind })
}

func newSubstitute(s Substitute) *Substitute {
	s.stuck = new(atomic.Int32)
	return &s
}

// For limits a substitute to failures with one of these error codes, such as
// "MODEL_OVERLOADED", or the name of a gRPC code where an error has none of its
// own. Without it a substitute is for the failures of a service: UNAVAILABLE,
// DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNKNOWN, DATA_LOSS.
func (s *Substitute) For(errorCodes ...string) *Substitute {
	for _, c := range errorCodes {
		if !isErrorCode(c) {
			misuse("For(%q): that is no error code: write it in capitals and underscores, as UNAVAILABLE or BOOK_NOT_FOUND", c)
		}
	}
	narrow := *s
	narrow.codes = append(slices.Clone(s.codes), errorCodes...)
	return &narrow
}

// isErrorCode accepts what ErrorInfo's reason may be (AIP-193).
func isErrorCode(s string) bool {
	return s != "" && s[0] >= 'A' && s[0] <= 'Z' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// From names where the answers come from, such as "cache": a fixed word for the
// mark, fit for the label of a metric.
func (s *Substitute) From(source string) *Substitute {
	named := *s
	named.source = status.Display(source, 64)
	return &named
}

// named is its source, for an observer.
func (s *Substitute) named() string { return cmp.Or(s.source, "fallback") }

// rescue is a chain about to run.
type rescue struct {
	chain    []*Substitute
	budget   time.Duration
	call     failedCall
	single   bool                                                 // one reply, which is sent when the substitute has returned
	begin    func(*recoursev1.Degraded)                           // told of the mark before the first reply
	send     func(ctx context.Context, reply proto.Message) error // an error of it ends the call
	observed *observed
	seen     *status.Error // the cause, with what substitutes have failed with behind it
}

// run asks the substitutes after a call has failed. It returns the mark of the
// answer that was sent, and an error after that; or no mark, and the error of the
// call with what the substitutes failed with behind it.
func (f *rescue) run(ctx context.Context) (*recoursev1.Degraded, error) {
	cause := f.call.cause
	if len(f.chain) == 0 || errors.Is(ctx.Err(), context.Canceled) {
		return nil, cause
	}
	ctx, cancel := deadline.Outliving(ctx, f.budget)
	defer cancel()
	failed := []error{cause.Unwrap()}
	f.seen = cause
	for _, s := range f.chain {
		if !fallback.MeantFor(s.codes, cause) || ctx.Err() != nil {
			continue
		}
		a := &answer{rescue: f, substitute: s, mark: fallback.Mark(s.kind, s.source, cause)}
		err := a.run(ctx)
		if a.hasBegun() {
			return a.mark, asStatus(err)
		}
		f.observed.tell(Event{Kind: EventFallback, Reason: s.named(), Err: status.Classify(err)})
		failed = append(failed, err)
		f.seen = cause.With(status.Cause(errors.Join(failed...)))
	}
	return nil, f.seen
}

// asStatus keeps nil an error that is nil.
func asStatus(err error) error {
	if err == nil {
		return nil
	}
	return status.Classify(err)
}

// answer is one substitute at work.
type answer struct {
	*rescue
	substitute *Substitute
	mark       *recoursev1.Degraded
	only       proto.Message

	mu    sync.Mutex // decides between the substitute and its time
	begun bool       // a reply is sent
	left  bool       // nobody waits for it any more
}

// maxStuck is how many runs of a substitute may be left behind.
const maxStuck = 10

var (
	errGone     = errors.New("the goroutine of the fallback has ended")
	errStuck    = status.New(codes.DeadlineExceeded, codeSubstitute, "the fallback did not end in time")
	errNotAsked = errors.New("nobody waits for the fallback any more")
)

// run waits for the substitute, but not for ever.
func (a *answer) run(ctx context.Context) error {
	s := a.substitute
	if s.stuck.Load() >= maxStuck {
		return errStuck
	}
	done := make(chan error, 1)
	s.stuck.Add(1)
	go func() {
		defer s.stuck.Add(-1)
		a.work(ctx, done)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		timer := time.NewTimer(deadline.Grace)
		defer timer.Stop()
		select {
		case err = <-done:
		case <-timer.C:
			a.mu.Lock()
			a.left = true
			a.mu.Unlock()
			return errStuck
		}
	}
	switch {
	case err != nil:
		return err
	case a.single && a.only == nil:
		return errNoReply
	case a.single:
		return a.pass(ctx, a.only)
	}
	return a.start() // a stream without replies is one too
}

// start marks the answer, once, unless its time was up.
func (a *answer) start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left {
		return errNotAsked
	}
	if !a.begun {
		a.begun = true
		a.begin(a.mark)
		a.observed.tell(Event{Kind: EventFallback, Reason: a.substitute.named()})
	}
	return nil
}

func (a *answer) hasBegun() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.begun
}

// work runs the substitute, which may panic.
func (a *answer) work(ctx context.Context, done chan<- error) {
	err := errGone
	defer func() { done <- err }()
	defer recovered(&err)
	err = a.substitute.run(ctx, a.call, a.mark, func(m proto.Message) error { return a.take(ctx, m) })
}

// take takes a reply from the substitute.
func (a *answer) take(ctx context.Context, m proto.Message) error {
	switch name := a.substitute.reply; {
	case isNothing(m) || name != "" && m.ProtoReflect().Descriptor().FullName() != name:
		return errNoReply
	case a.single:
		a.only = m
		return nil
	}
	return a.pass(ctx, m)
}

func (a *answer) pass(ctx context.Context, m proto.Message) error {
	if err := a.start(); err != nil {
		return err
	}
	return a.send(ctx, m)
}

// nameOf is empty for a function that takes any message.
func nameOf[M proto.Message]() protoreflect.FullName {
	var m M
	if any(m) == nil {
		return ""
	}
	return m.ProtoReflect().Descriptor().FullName()
}
