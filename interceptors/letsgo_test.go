package interceptors

import (
	"context"
	"io"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A stream that goes on for long, as one that watches something, begins with a large
// reply. When the application has let go of it, so has the stream.
func TestAStreamLetsGoOfItsFirstReply(t *testing.T) {
	handler := func(ctx context.Context, x rpctest.Exchange) error {
		_, _ = x.Recv()
		_ = x.Send(string(make([]byte, 1<<20)))
		_ = x.Send("small")
		<-ctx.Done()
		return nil
	}
	set, _ := policy.New()
	conn := rpctest.Start(t, handler, nil, DialOptions(Policies(set))...)
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, rpctest.Shapes[1].Method())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SendMsg(wrapperspb.String("q"))
	_ = s.CloseSend()
	first := func() weak.Pointer[wrapperspb.StringValue] {
		m := new(wrapperspb.StringValue)
		if err := s.RecvMsg(m); err != nil {
			t.Fatal(err)
		}
		return weak.Make(m)
	}()
	if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if first.Value() != nil {
		t.Errorf("a reply of %d bytes is kept", len(first.Value().GetValue()))
	}
	runtime.KeepAlive(s)
}

// opened is a stream that has had its first reply.
func opened(t *testing.T, handler rpctest.Handler, opts ...Option) *clientStream {
	t.Helper()
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.Backoff = 0 }))
	if err != nil {
		t.Fatal(err)
	}
	dial := []DialOption{Policies(set)}
	for _, o := range opts {
		dial = append(dial, o)
	}
	return openedOn(t, rpctest.Start(t, handler, ServerOptions(), DialOptions(dial...)...))
}

func openedOn(t *testing.T, conn *grpc.ClientConn, opts ...grpc.CallOption) *clientStream {
	t.Helper()
	return openedWith(t.Context(), t, conn, opts...)
}

func openedWith(ctx context.Context, t *testing.T, conn *grpc.ClientConn, opts ...grpc.CallOption) *clientStream {
	t.Helper()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(wrapperspb.String("q")); err != nil {
		t.Fatal(err)
	}
	if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil {
		t.Fatal(err)
	}
	return s.(*clientStream)
}

// answers sends one reply, and ends when it is told to, with what it is told.
func answers(end <-chan error) rpctest.Handler {
	return func(ctx context.Context, x rpctest.Exchange) error {
		_, _ = x.Recv()
		_ = x.Send("a")
		select {
		case err := <-end:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// From its first reply a stream is as gRPC made it, and ends as it would have otherwise.
func TestAStreamLetsGoOfItsAttempts(t *testing.T) {
	for _, failure := range []error{nil, status.New(codes.Aborted, "BROKEN", "broken")} {
		end := make(chan error, 1)
		runs := &endings{}
		s := opened(t, answers(end), Use(runs))
		if s.attempts.Load() != nil {
			t.Error("the attempts are kept")
		}
		if deadline, ok := s.Context().Deadline(); ok {
			t.Errorf("the call has a deadline: %v", deadline)
		}
		if md, err := s.Header(); err != nil || len(md) == 0 {
			t.Errorf("headers: %v, %v", md, err)
		}
		end <- failure
		for range 2 { // the second time it says the same
			err := s.RecvMsg(new(wrapperspb.StringValue))
			if e, _ := status.From(err); failure != nil && e.ErrorCode() != "BROKEN" || failure == nil && err != io.EOF {
				t.Errorf("the end is %v, want %v", err, failure)
			}
		}
		if runs.n.Load() != 1 {
			t.Errorf("%d ends", runs.n.Load())
		}
		if failure != nil && s.made() != 1 {
			t.Errorf("%d attempts", s.made())
		}
	}
}

// endings counts ends.
type endings struct{ n atomic.Int32 }

func (e *endings) Begin(ctx context.Context, _ Call) (context.Context, Run, error) {
	return ctx, e, nil
}
func (e *endings) Message(bool, any) error { return nil }
func (e *endings) End(err error) error     { e.n.Add(1); return err }

// Whoever sends may be the first to learn of the end.
func TestWhatCannotBeSentEndsAStreamWithoutAttempts(t *testing.T) {
	s := opened(t, answers(nil))
	sent := s.SendMsg("no message")
	received := s.RecvMsg(new(wrapperspb.StringValue))
	if sent == nil || received == nil || sent.Error() != received.Error() {
		t.Errorf("sending says %v, and receiving %v", sent, received)
	}
	if again := s.RecvMsg(new(wrapperspb.StringValue)); again == nil || again.Error() != sent.Error() {
		t.Errorf("later %v", again)
	}
}

// A stream that has ended well has: what is sent too late changes nothing for who receives.
func TestWhatIsSentTooLateChangesNoEnd(t *testing.T) {
	end := make(chan error, 1)
	end <- nil
	s := opened(t, answers(end))
	_ = s.CloseSend()
	for range 2 {
		if err := s.RecvMsg(new(wrapperspb.StringValue)); err != io.EOF {
			t.Fatalf("the end is %v", err)
		}
		if s.SendMsg(wrapperspb.String("late")) == nil {
			t.Fatal("it was sent after CloseSend")
		}
	}
}

// explosive is a message that panics when it is read.
type explosive struct{ *wrapperspb.StringValue }

func (explosive) ProtoReflect() protoreflect.Message { panic("canary") }

// Who leaves the attempts in a panic has left.
func TestAPanicDoesNotKeepTheAttempts(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	conn := rpctest.Start(t, rpctest.Echo, nil, DialOptions(Policies(set))...)
	opened, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method())
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*clientStream)
	for range 2 {
		_ = s.SendMsg(wrapperspb.String("q"))
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = s.RecvMsg(explosive{})
	}()
	if s.inside != 0 {
		t.Errorf("%d are at the attempts", s.inside)
	}
	if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil || s.attempts.Load() != nil {
		t.Errorf("%v, and the attempts are kept: %t", err, s.attempts.Load() != nil)
	}
}

// What has to be watched, or remembered, keeps its attempts.
func TestAStreamKeepsItsAttempts(t *testing.T) {
	downOnce := func() rpctest.Handler {
		var n atomic.Int32
		return func(ctx context.Context, x rpctest.Exchange) error {
			if n.Add(1) == 1 {
				return status.New(codes.Unavailable, "DOWN", "down", status.Retry(status.SameRequest), status.Outcome(status.NotApplied))
			}
			return answers(nil)(ctx, x)
		}
	}
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.Backoff, p.IdleTimeout = 0, time.Hour }))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.Backoff = 0 }))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*clientStream{
		"a time limit": openedOn(t, rpctest.Start(t, answers(nil), nil, DialOptions(Policies(set))...)),
		"a repeat":     openedOn(t, rpctest.Start(t, downOnce(), ServerOptions(), DialOptions(Policies(plain))...)),
		"waited for":   openedOn(t, rpctest.Start(t, answers(nil), nil, DialOptions(Policies(plain))...), grpc.OnFinish(func(error) {})),
	} {
		if s.attempts.Load() == nil {
			t.Errorf("%s: the attempts are gone", name)
		}
	}
}

// slowStream has a reply at once, and is slow to send.
type slowStream struct {
	grpc.ClientStream
	sending, sent chan struct{}
}

func (s slowStream) RecvMsg(any) error { return nil }
func (s slowStream) SendMsg(any) error {
	close(s.sending)
	<-s.sent
	return nil
}

// Nobody who is at the attempts has them taken away for another stream.
func TestWhoIsAtTheAttemptsKeepsThem(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	below := slowStream{sending: make(chan struct{}), sent: make(chan struct{})}
	c := &client{policies: set}
	opened, err := c.stream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, nil, "/a.B/C",
		func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return below, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*clientStream)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = s.SendMsg(wrapperspb.String("q"))
	}()
	<-below.sending
	_ = s.RecvMsg(new(wrapperspb.StringValue))
	if s.attempts.Load() == nil {
		t.Error("they are gone while a message is sent")
	}
	close(below.sent)
	<-over
	if s.attempts.Load() != nil {
		t.Error("they are kept when it was sent")
	}
}

// gRPC reads the options of a stream, in whatever goroutine ends it, until it has told the
// last of them: it has to be ours that says what is told may be used again.
func TestTheEndIsTheLastOption(t *testing.T) {
	for _, streams := range []bool{false, true} {
		opts := new(evidence).given([]grpc.CallOption{grpc.WaitForReady(true)}, streams)
		if _, ok := opts[len(opts)-1].(grpc.OnFinishCallOption); !ok {
			t.Errorf("streams %t: the last option is a %T", streams, opts[len(opts)-1])
		}
	}
	conn := rpctest.Start(t, rpctest.Echo, nil)
	var from peer.Peer
	told, late := false, false
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rpctest.Shapes[3].Method(),
		grpc.Peer(&from), grpc.OnFinish(func(error) { told, late = true, from.Addr != nil }))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.CloseSend()
	for s.RecvMsg(new(wrapperspb.StringValue)) == nil {
	}
	if !told || !late {
		t.Errorf("told of the end: %t, after the peer: %t", told, late)
	}
}

// What is told of an attempt is used for another stream when gRPC is done with it, though
// somebody else may be about to end the stream too. The race detector watches.
func TestWhatIsToldOfAStreamIsUsedAgain(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	conn := rpctest.Start(t, rpctest.Echo, nil, DialOptions(Policies(set))...)
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	one := func() {
		ctx, cancel := context.WithCancel(t.Context())
		s, err := conn.NewStream(ctx, desc, rpctest.Shapes[3].Method())
		if err != nil {
			t.Error(err)
			cancel()
			return
		}
		_ = s.SendMsg(wrapperspb.String("q"))
		m := new(wrapperspb.StringValue)
		if err := s.RecvMsg(m); err != nil {
			t.Error(err)
		}
		if s.(*clientStream).told == nil {
			t.Error("nothing is told of the attempt")
		}
		_ = s.CloseSend()
		go cancel()
		for s.RecvMsg(m) == nil {
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				one()
			}
		})
	}
	group.Wait()
}

// An application may have many streams that are open for long, and say little.
func TestAnOpenStreamIsSmall(t *testing.T) {
	for of, most := range map[reflect.Type]uintptr{reflect.TypeFor[clientStream](): 144, reflect.TypeFor[serverStream](): 208} {
		if of.Size() > most {
			t.Errorf("%v has %d bytes, want at most %d", of, of.Size(), most)
		}
	}
}
