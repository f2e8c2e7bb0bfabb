package interceptors

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What becomes of a stream that has let go of its attempts is the same as if it had them.

// scripted is the stream of an interceptor below, whose call goes on until it is ended.
type scripted struct {
	grpc.ClientStream
	end, sent error
}

func (s *scripted) RecvMsg(any) error    { return s.end }
func (s *scripted) SendMsg(any) error    { return s.sent }
func (s *scripted) Trailer() metadata.MD { return nil }

func TestTheEndOfAStreamEndsWhatIsBelow(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	broken := status.New(codes.Aborted, "BROKEN", "broken").GRPCStatus().Err()
	for name, test := range map[string]struct {
		end, sent error
		want      string
	}{
		"in good order":       {end: io.EOF},
		"with a failure":      {end: broken, want: "BROKEN"},
		"what cannot be sent": {end: errors.New("the receiver must not be asked"), sent: broken, want: "BROKEN"},
	} {
		below, ctx := new(scripted), context.Context(nil)
		opened, err := (&client{policies: set}).stream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, nil, "/a.B/C",
			func(of context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
				ctx = of
				return below, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		s := opened.(*clientStream)
		if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil || s.attempts.Load() != nil || ctx.Err() != nil {
			t.Fatalf("%s: %v; attempts: %v; %v", name, err, s.attempts.Load(), ctx.Err())
		}
		below.end, below.sent = test.end, test.sent
		if test.sent != nil {
			if e, _ := status.From(s.SendMsg(wrapperspb.String("q"))); e.ErrorCode() != test.want || ctx.Err() == nil {
				t.Errorf("%s: sending says %v, and what is below: %v", name, e, ctx.Err())
			}
		}
		for range 2 {
			err := s.RecvMsg(new(wrapperspb.StringValue))
			if e, _ := status.From(err); test.want == "" && err != io.EOF || test.want != "" && e.ErrorCode() != test.want {
				t.Errorf("%s: receiving says %v", name, err)
			}
		}
		if ctx.Err() == nil {
			t.Errorf("%s: what is below goes on", name)
		}
	}
}

// A fallback answers only where nothing was delivered. Some time is left for it.
func TestAStreamThatHasAnsweredHasNoFallback(t *testing.T) {
	for name, failure := range map[string]error{"in good order": nil, "with a failure": status.New(codes.Unavailable, "BROKEN", "broken")} {
		end := make(chan error, 1)
		set, err := policy.New()
		if err != nil {
			t.Fatal(err)
		}
		conn := rpctest.Start(t, answers(end), ServerOptions(), DialOptions(Policies(set),
			Fallback(rpctest.Shapes[3].Method(), AnswerStream(func(_ context.Context, _ *wrapperspb.StringValue, _ *status.Error, send func(*wrapperspb.StringValue) error) error {
				t.Errorf("%s: the fallback is asked", name)
				return send(wrapperspb.String("instead"))
			})))...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s := openedWith(ctx, t, conn)
		if s.attempts.Load() != nil {
			t.Errorf("%s: the attempts are kept", name)
		}
		asked, _ := ctx.Deadline()
		if bound, ok := s.Context().Deadline(); !ok || !bound.Before(asked) {
			t.Errorf("%s: the call ends %v, and its caller gives up %v", name, bound, asked)
		}
		end <- failure
		err = s.RecvMsg(new(wrapperspb.StringValue))
		if e, _ := status.From(err); failure == nil && err != io.EOF || failure != nil && e.ErrorCode() != "BROKEN" {
			t.Errorf("%s: %v", name, err)
		}
		if s.Context().Err() == nil {
			t.Errorf("%s: the deadline is left", name)
		}
	}
}

// A server that has to fall back in the middle of a stream says so at its end.
func TestAMarkAtTheEndIsSeen(t *testing.T) {
	mark := degradedMetadata(&recoursev1.Degraded{ErrorCode: "DOWN", Domain: "a.test"}, "")
	handler := func(ctx context.Context, x rpctest.Exchange) error {
		_, _ = x.Recv()
		_ = x.Send("a")
		return grpc.SetTrailer(ctx, mark)
	}
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	conn := rpctest.Start(t, handler, nil, DialOptions(Policies(set))...)
	ends := func(s *clientStream) {
		if s.attempts.Load() != nil {
			t.Error("the attempts are kept")
		}
		for range 2 {
			if err := s.RecvMsg(new(wrapperspb.StringValue)); err != io.EOF {
				t.Error(err)
			}
		}
	}
	var told []string
	tell := callOption{apply: func(s *callSettings) {
		s.tell = append(s.tell, func(d *recoursev1.Degraded) { told = append(told, d.GetErrorCode()) })
	}}
	if ends(openedOn(t, conn, tell)); !slices.Equal(told, []string{"DOWN"}) {
		t.Errorf("an option is told of %q", told)
	}
	ctx, seen := WatchDegraded(t.Context())
	if ends(openedWith(ctx, t, conn)); seen().GetErrorCode() != "DOWN" {
		t.Errorf("a context is told of %v", seen())
	}
}

// critic is a hook that fails calls that went well.
type critic struct{ endings }

type criticKey struct{}

func (c *critic) Begin(ctx context.Context, _ Call) (context.Context, Run, error) {
	return context.WithValue(ctx, criticKey{}, true), c, nil
}

func (c *critic) End(err error) error {
	_ = c.endings.End(err)
	return errors.Join(err, errors.New("not good enough"))
}

func TestAHookSeesAStreamWithoutAttempts(t *testing.T) {
	var failure atomic.Pointer[Failure]
	end, hook := make(chan error, 1), new(critic)
	end <- nil
	s := opened(t, answers(end), Use(hook), OnFailure(func(_ context.Context, f Failure) {
		if f.Side == ClientSide {
			failure.Store(&f)
		}
	}))
	if s.Context().Value(criticKey{}) == nil {
		t.Error("the context is not the hook's")
	}
	err := s.RecvMsg(new(wrapperspb.StringValue))
	if f := failure.Load(); err == io.EOF || f == nil || f.Attempts != 1 {
		t.Errorf("%v; %+v", err, f)
	}
}

// What is told of an attempt is used again only when gRPC has told all of it.
func TestWhatMayStillBeToldIsNotUsedAgain(t *testing.T) {
	for _, complete := range []bool{false, true} {
		e := new(evidence)
		opts := e.given(nil, true)
		if complete {
			opts[len(opts)-1].(grpc.OnFinishCallOption).OnFinish(nil)
		}
		(&clientStream{told: e}).wentWell()
		if again := !e.lent; again != complete {
			t.Errorf("complete: %t, used again: %t", complete, again)
		}
	}
}

// Options are those of the call that they are lent to, whoever had them before.
func TestOptionsAreNotThoseOfACallBefore(t *testing.T) {
	e, theirs := new(evidence), []grpc.CallOption{grpc.WaitForReady(true)}
	for i, opts := range [][]grpc.CallOption{nil, theirs, nil, nil, theirs, theirs} {
		got := e.given(opts, true)
		_, first := got[0].(grpc.FailFastCallOption)
		if want := len(opts) > 0; first != want || len(got) != len(opts)+2 {
			t.Errorf("call %d has %d options, the application's first: %t, want %t", i, len(got), first, want)
		}
		got[len(got)-1].(grpc.OnFinishCallOption).OnFinish(nil)
		if e.clear(); len(opts) > 0 && got[0] != nil {
			t.Errorf("call %d: the application's options are kept", i)
		}
	}
}

// With one reply there is nothing to come after it: its stream needs its attempts no more
// than others do, and its end is what it was.
func TestAStreamOfOneReplyLetsGoOfItsAttempts(t *testing.T) {
	set, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	mark := degradedMetadata(&recoursev1.Degraded{ErrorCode: "DOWN", Domain: "a.test"}, "")
	handler := func(ctx context.Context, x rpctest.Exchange) error {
		_ = grpc.SetTrailer(ctx, mark)
		return rpctest.Echo(ctx, x)
	}
	conn := rpctest.Start(t, handler, nil, DialOptions(Policies(set))...)
	told := 0
	count := callOption{apply: func(s *callSettings) { s.tell = append(s.tell, func(*recoursev1.Degraded) { told++ }) }}
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, rpctest.Shapes[2].Method(), count)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.SendMsg(wrapperspb.String("q")), s.CloseSend()
	var reply wrapperspb.StringValue
	if err := s.RecvMsg(&reply); err != nil || reply.GetValue() != "q" {
		t.Errorf("%v, %v", &reply, err)
	}
	if s.(*clientStream).attempts.Load() != nil {
		t.Error("the attempts are kept")
	}
	for range 2 {
		if err := s.RecvMsg(&reply); err != io.EOF {
			t.Errorf("after the reply: %v", err)
		}
	}
	if got := DegradedIn(s.Trailer()).GetErrorCode(); got != "DOWN" || told != 1 {
		t.Errorf("the trailers say %q, and %d were told", got, told)
	}
	if err := s.SendMsg(wrapperspb.String("late")); err == nil {
		t.Error("something is sent after the reply")
	}
}
