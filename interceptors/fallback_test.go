package interceptors_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type text = wrapperspb.StringValue

// substitute answers in the shape's own way.
func substitute(shape rpctest.Shape, reply func(req *text, cause *status.Error) (string, error)) *interceptors.Substitute {
	if shape.ServerStreams {
		return interceptors.AnswerStream(func(_ context.Context, req *text, cause *status.Error, send func(*text) error) error {
			s, err := reply(req, cause)
			if err != nil {
				return err
			}
			for part := range strings.FieldsSeq(s) {
				if err := send(wrapperspb.String(part)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return interceptors.Answer(func(_ context.Context, req *text, cause *status.Error) (*text, error) {
		s, err := reply(req, cause)
		return wrapperspb.String(s), err
	})
}

// onEitherSide runs a test with an option on the server and on the client.
func onEitherSide(t *testing.T, f func(t *testing.T, shape rpctest.Shape, start startFunc)) {
	t.Helper()
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		t.Run(side.String(), func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				f(t, shape, func(h rpctest.Handler, opts ...interceptors.Option) *grpc.ClientConn {
					server, client := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{}
					for _, o := range opts {
						if side == interceptors.ServerSide {
							server = append(server, o)
						} else {
							client = append(client, o)
						}
					}
					return rpctest.Start(t, h, interceptors.ServerOptions(server...), interceptors.DialOptions(client...)...)
				})
			})
		})
	}
}

type startFunc = func(h rpctest.Handler, opts ...interceptors.Option) *grpc.ClientConn

var unlogged = interceptors.OnFailure(func(context.Context, interceptors.Failure) {})

func TestAFallbackAnswers(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		var cause *status.Error
		want := []string{"b", "c"}
		if !shape.ServerStreams {
			want = []string{"b c"}
		}
		handler := func(_ context.Context, x rpctest.Exchange) error {
			if _, err := x.Recv(); err != nil {
				return err
			}
			return unavailable(status.Suggest("Wait a little."), status.Domain("echo.test"))
		}
		conn := start(handler, interceptors.Fallback(shape.Method(), substitute(shape, func(req *text, c *status.Error) (string, error) {
			if !shape.ClientStreams && req.GetValue() != "a" {
				t.Errorf("request %q, want the call's own", req.GetValue())
			}
			cause = c
			return "b c", nil
		})))
		ctx, seen := interceptors.WatchDegraded(t.Context())
		r := rpctest.Do(ctx, conn, shape, "a")
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if diff := cmp.Diff(want, r.Replies); diff != "" {
			t.Errorf("replies (-want +got):\n%s", diff)
		}
		if cause.ErrorCode() != "DOWN" {
			t.Errorf("the fallback was told of %v", cause)
		}
		d := seen()
		if d.GetKind() != recoursev1.Degraded_KIND_SUBSTITUTE || d.GetErrorCode() != "DOWN" || d.GetDomain() != "echo.test" || d.GetSuggestion() != "Wait a little." {
			t.Errorf("mark %v", d)
		}
	})
}

func TestTheMarkOnTheWire(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, dead, interceptors.ServerOptions(unlogged,
			interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned")))))
		r := rpctest.Do(t.Context(), conn, shape, "a")
		if r.Err != nil || len(r.Replies) != 1 {
			t.Fatalf("%v, %v", r.Replies, r.Err)
		}
		const line = `default;src="canned";reason=DOWN`
		for name, md := range map[string]map[string][]string{"header": r.Header, "trailer": r.Trailer} {
			if diff := cmp.Diff([]string{line}, md["recourse-degraded"]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if len(md["recourse-degraded-bin"]) != 1 {
				t.Errorf("%s has %d marks", name, len(md["recourse-degraded-bin"]))
			}
		}
	})
}

func TestWhatAFallbackIsFor(t *testing.T) {
	canned := interceptors.Canned(wrapperspb.String("canned"))
	tests := []struct {
		name       string
		err        error
		substitute *interceptors.Substitute
		want       bool
	}{
		{"the service is down", unavailable(), canned, true},
		{"the handler panics", nil, canned, true},
		{"the request is wrong", status.New(codes.InvalidArgument, "WRONG", ""), canned, false},
		{"nothing there", status.New(codes.NotFound, "NONE", ""), canned, false},
		{"the code it is for", status.New(codes.NotFound, "NONE", ""), canned.For("OTHER", "NONE"), true},
		{"another code", unavailable(), canned.For("NONE"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
				conn := start(func(context.Context, rpctest.Exchange) error {
					if test.err == nil {
						panic("help")
					}
					return test.err
				}, interceptors.Fallback(shape.Method(), test.substitute))
				r := rpctest.Do(t.Context(), conn, shape, "a")
				if got := r.Err == nil; got != test.want {
					t.Errorf("error %v, want a substitute: %v", r.Err, test.want)
				}
			})
		})
	}
}

func TestAllFallbacksFail(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		broken := errors.New("the cache is cold")
		conn := start(dead, interceptors.Fallback(shape.Method(),
			substitute(shape, func(*text, *status.Error) (string, error) { return "", broken }),
			substitute(shape, func(*text, *status.Error) (string, error) { panic("help") }),
		))
		r := rpctest.Do(t.Context(), conn, shape, "a")
		if e, ok := status.From(r.Err); !ok || e.ErrorCode() != "DOWN" || len(r.Replies) != 0 {
			t.Errorf("%v with %v, want the call's own error", r.Replies, r.Err)
		}
	})
}

func TestTheSecondFallback(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		conn := start(dead, interceptors.Fallback(shape.Method(),
			substitute(shape, func(*text, *status.Error) (string, error) { return "", errors.New("no") }),
			interceptors.Canned(wrapperspb.String("second")),
		))
		r := rpctest.Do(t.Context(), conn, shape, "a")
		if diff := cmp.Diff([]string{"second"}, r.Replies); diff != "" || r.Err != nil {
			t.Errorf("error %v, replies (-want +got):\n%s", r.Err, diff)
		}
	})
}

func TestAFallbackOutlivesTheDeadline(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		handler := func(ctx context.Context, _ rpctest.Exchange) error { <-ctx.Done(); return ctx.Err() }
		var left time.Duration
		slow := substitute(shape, func(*text, *status.Error) (string, error) { time.Sleep(3 * time.Second); return "late", nil })
		if shape.Name == "Unary" {
			slow = interceptors.Answer(func(ctx context.Context, _ *text, _ *status.Error) (*text, error) {
				end, _ := ctx.Deadline()
				left = time.Until(end)
				time.Sleep(3 * time.Second)
				return wrapperspb.String("late"), ctx.Err()
			})
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Fallback(shape.Method(), slow))...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		r := rpctest.Do(ctx, conn, shape, "a")
		// A twentieth of the time is kept back.
		if took := time.Since(began); r.Err != nil || took != 3950*time.Millisecond {
			t.Errorf("error %v after %v, want the answer after 950ms and 3s", r.Err, took)
		}
		if shape.Name == "Unary" && left != 10*time.Second {
			t.Errorf("the fallback has %v, want 10s", left)
		}
	})
}

func TestACallerWhoGivesUpGetsNoFallback(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		asked := false
		conn := start(func(ctx context.Context, _ rpctest.Exchange) error { <-ctx.Done(); return ctx.Err() },
			interceptors.Fallback(shape.Method(), substitute(shape, func(*text, *status.Error) (string, error) { asked = true; return "x", nil })))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		r := rpctest.Do(ctx, conn, shape, "a")
		synctest.Wait()
		if e, _ := status.From(r.Err); e.Code() != codes.Canceled || asked {
			t.Errorf("%v, fallback asked: %v; want CANCELLED and no fallback", r.Err, asked)
		}
	})
}

func TestDegradedAsError(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		conn := start(dead, interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned"))))
		reply := wrapperspb.String("untouched")
		var err error
		if shape.Name == "Unary" {
			err = conn.Invoke(t.Context(), shape.Method(), wrapperspb.String("a"), reply, interceptors.DegradedAsError())
		} else {
			s, e := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: shape.ServerStreams}, shape.Method(), interceptors.DegradedAsError())
			if e != nil {
				t.Fatal(e)
			}
			if e := s.SendMsg(wrapperspb.String("a")); e != nil && e != io.EOF { // the call may have failed already
				t.Fatal(e)
			}
			_ = s.CloseSend()
			reply = new(text)
			err = s.RecvMsg(reply)
		}
		e, ok := status.From(err)
		if !ok || e.Code() != codes.Unavailable || e.ErrorCode() != "DOWN" {
			t.Errorf("%v, want UNAVAILABLE DOWN", err)
		}
	})
}

func TestAnswersOfAFailedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, dead, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Policies(policies(t)))...)
		reply := wrapperspb.String("as it was")
		err := conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String("a"), reply)
		if err == nil || reply.GetValue() != "as it was" {
			t.Errorf("%v with reply %q", err, reply.GetValue())
		}
	})
}

func TestLastGood(t *testing.T) {
	for _, side := range []string{"client", "server"} {
		t.Run(side, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				down := false
				unary := rpctest.Shapes[0]
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					if down {
						return unavailable()
					}
					return rpctest.Echo(ctx, x)
				}
				key := func(_ context.Context, req *text) string { return strings.TrimSuffix(req.GetValue(), "!") }
				o := interceptors.Fallback(unary.Method(), interceptors.LastGood(time.Minute, key))
				server, client := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{}
				if side == "server" {
					server = append(server, o)
				} else {
					client = append(client, o)
				}
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(server...), interceptors.DialOptions(client...)...)
				do := func(req string) (rpctest.Result, *recoursev1.Degraded) {
					ctx, seen := interceptors.WatchDegraded(t.Context())
					return rpctest.Do(ctx, conn, unary, req), seen()
				}
				if r, d := do("a"); r.Err != nil || d != nil {
					t.Fatalf("%v, %v", r.Err, d)
				}
				down = true
				time.Sleep(40 * time.Second)
				r, d := do("a!")
				if diff := cmp.Diff([]string{"a"}, r.Replies); diff != "" || r.Err != nil {
					t.Errorf("error %v, replies (-want +got):\n%s", r.Err, diff)
				}
				if d.GetKind() != recoursev1.Degraded_KIND_STALE || d.GetAge().AsDuration() != 40*time.Second {
					t.Errorf("mark %v, want one of 40s", d)
				}
				if r, _ := do("b"); r.Err == nil {
					t.Errorf("another request was answered with %v", r.Replies)
				}
				time.Sleep(21 * time.Second)
				if r, _ := do("a"); r.Err == nil {
					t.Errorf("an answer older than a minute: %v", r.Replies)
				}
			})
		})
	}
}

func TestMisuse(t *testing.T) {
	unary, stream := rpctest.Shapes[0].Method(), rpctest.Shapes[1].Method()
	canned := interceptors.Canned(wrapperspb.String("x"))
	tests := map[string]struct {
		build func()
		want  string
	}{
		"no such method": {func() { interceptors.Fallback("/no.Such/Method", canned) }, "assistantv1.Assistant_Process_FullMethodName"},
		"nil":            {func() { interceptors.Fallback(unary, nil) }, "nil"},
		"another reply":  {func() { interceptors.Fallback(unary, interceptors.Canned(&emptypb.Empty{})) }, "google.protobuf.StringValue"},
		"two replies": {func() {
			interceptors.Fallback(unary, interceptors.Canned(wrapperspb.String("x"), wrapperspb.String("y")))
		}, "one reply"},
		"one for a stream":    {func() { interceptors.Fallback(stream, substitute(rpctest.Shapes[0], nil)) }, "use AnswerStream"},
		"a stream for one":    {func() { interceptors.Fallback(unary, substitute(rpctest.Shapes[1], nil)) }, "use Answer"},
		"last good of stream": {func() { interceptors.Fallback(stream, interceptors.LastGood[*text](time.Hour, nil)) }, "use Answer"},
		"no age":              {func() { interceptors.LastGood[*text](0, nil) }, "how old"},
		"no key on a server": {func() {
			interceptors.ServerOptions(interceptors.Fallback(unary, interceptors.LastGood[*text](time.Hour, nil)))
		}, "key function"},
		"resume without policies": {func() {
			interceptors.DialOptions(interceptors.Resume(stream, func(*text) int { return 0 }, func(r *text, _ int) *text { return r }))
		}, "Policies"},
		"resume of unary": {func() {
			interceptors.Resume(unary, func(*text) int { return 0 }, func(r *text, _ int) *text { return r })
		}, "stream of replies"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, test.want) {
					t.Errorf("panic %q, want one that says %q", got, test.want)
				}
			}()
			test.build()
		})
	}
}

func TestFallbacksCanBeTurnedOff(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		off := policies(t, func(p *policy.Policy) { p.Fallback, p.MaxAttempts = false, 1 })
		conn := start(dead, interceptors.Policies(off), interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("x"))))
		if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err == nil {
			t.Errorf("%v, want the error", r.Replies)
		}
	})
}

func TestAFallbackThatDoesNotReturn(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		release := make(chan struct{})
		var asked atomic.Int32
		conn := start(dead, interceptors.Fallback(shape.Method(),
			substitute(shape, func(*text, *status.Error) (string, error) { asked.Add(1); <-release; return "late", nil })))
		for i := range 12 {
			began := time.Now()
			r := rpctest.Do(t.Context(), conn, shape, "a")
			want := 10*time.Second + 2*time.Millisecond
			if i >= 10 {
				want = 0
			}
			if e, _ := status.From(r.Err); e.ErrorCode() != "DOWN" || time.Since(began) != want {
				t.Errorf("call %d: %v after %v, want the call's own error after %v", i, r.Err, time.Since(began), want)
			}
		}
		if n := asked.Load(); n != 10 {
			t.Errorf("asked %d times, want 10", n)
		}
		close(release)
		synctest.Wait()
	})
}

func TestAFallbackEndsItsGoroutine(t *testing.T) {
	onEitherSide(t, func(t *testing.T, shape rpctest.Shape, start startFunc) {
		conn := start(dead, interceptors.Fallback(shape.Method(),
			substitute(shape, func(*text, *status.Error) (string, error) { runtime.Goexit(); return "", nil })))
		if e, _ := status.From(rpctest.Do(t.Context(), conn, shape, "a").Err); e.ErrorCode() != "DOWN" {
			t.Errorf("%v, want the call's own error", e)
		}
	})
}

// The application stops reading the substitute's stream: nothing is left running.
func TestASubstitutesStreamIsAbandoned(t *testing.T) {
	for _, shape := range rpctest.Shapes {
		if !shape.ServerStreams {
			continue
		}
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended error
				endless := interceptors.AnswerStream(func(_ context.Context, _ *text, _ *status.Error, send func(*text) error) error {
					for ended == nil {
						ended = send(wrapperspb.String("again"))
					}
					return ended
				})
				conn := rpctest.Start(t, dead, interceptors.ServerOptions(unlogged), interceptors.DialOptions(interceptors.Fallback(shape.Method(), endless))...)
				ctx, cancel := context.WithCancel(t.Context())
				s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: shape.ClientStreams, ServerStreams: true}, shape.Method())
				if err != nil {
					t.Fatal(err)
				}
				if err := s.SendMsg(wrapperspb.String("a")); err != nil && err != io.EOF { // the server may have ended the call already
					t.Fatal(err)
				}
				if err := s.CloseSend(); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if err := s.RecvMsg(new(text)); err != nil {
						t.Fatal(err)
					}
				}
				cancel()
				synctest.Wait()
				if ended == nil {
					t.Error("the substitute goes on")
				}
			})
		})
	}
}

// A proxy has dropped the binary mark: the text alone still tells.
func TestTheTextAloneMarks(t *testing.T) {
	tests := map[string]recoursev1.Degraded_Kind{
		`stale;src="cache"`: recoursev1.Degraded_KIND_STALE, "degraded": 0, "something new": 0, "": 0,
	}
	for line, want := range tests {
		synctest.Test(t, func(t *testing.T) {
			handler := func(ctx context.Context, x rpctest.Exchange) error {
				_ = grpc.SetTrailer(ctx, metadata.Pairs("recourse-degraded", line))
				return rpctest.Echo(ctx, x)
			}
			conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions()...)
			d := &recoursev1.Degraded{Suggestion: "of the call before"}
			if err := conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String("a"), new(text), interceptors.Degraded(&d)); err != nil {
				t.Fatal(err)
			}
			if d == nil || d.GetKind() != want || d.GetSuggestion() != "" {
				t.Errorf("%q: %v", line, d)
			}
		})
	}
}

// Without a key function two requests are the same if they are equal, but for the
// id that tells them apart, and asked by the same caller.
func TestLastGoodWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(answering)
		lis := rpctest.Listen(t, func(s *grpc.Server) { assistantv1.RegisterAssistantServer(s, a) }, interceptors.ServerOptions(unlogged)...)
		conn := rpctest.Dial(t, lis, interceptors.DialOptions(interceptors.Fallback(assistantv1.Assistant_Process_FullMethodName,
			interceptors.LastGood[*assistantv1.ProcessRequest](time.Hour, nil)))...)
		ask := func(query, id, user string) error {
			ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", user, "traceparent", id)
			_, err := assistantv1.NewAssistantClient(conn).Process(ctx, &assistantv1.ProcessRequest{Query: query, RequestId: id})
			return err
		}
		if err := ask("weather", "1", "ada"); err != nil {
			t.Fatal(err)
		}
		a.down = true
		for _, test := range []struct {
			query, user string
			want        bool
		}{{"weather", "ada", true}, {"weather", "bob", false}, {"news", "ada", false}} {
			if err := ask(test.query, "2", test.user); (err == nil) != test.want {
				t.Errorf("%s for %s: %v, want an answer: %v", test.query, test.user, err, test.want)
			}
		}
	})
}

type answering struct {
	assistantv1.UnimplementedAssistantServer
	down bool
}

func (a *answering) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	if a.down {
		return nil, unavailable()
	}
	return &assistantv1.ProcessResponse{Answer: "dry and mild"}, nil
}

func TestARealAnswerHasNoMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := rpctest.Start(t, rpctest.Echo, interceptors.ServerOptions(), interceptors.DialOptions()...)
		d := &recoursev1.Degraded{Suggestion: "of the call before"}
		if err := conn.Invoke(t.Context(), rpctest.Shapes[0].Method(), wrapperspb.String("a"), new(text), interceptors.Degraded(&d)); err != nil || d != nil {
			t.Errorf("%v, mark %v", err, d)
		}
	})
}

// One call is one line of the log, and says what became of it.
func TestWhatAClientLogs(t *testing.T) {
	tests := map[string]struct {
		failures []error
		fallback bool
		want     string
	}{
		"nothing of a success":  {nil, false, ""},
		"nothing of a failure":  {[]error{status.New(codes.NotFound, "NONE", "")}, false, ""},
		"a repeat":              {[]error{unavailable()}, false, "call succeeded when it was repeated"},
		"a fallback":            {[]error{unavailable(), unavailable(), unavailable()}, true, "call answered by a fallback"},
		"a fallback not needed": {[]error{unavailable()}, true, "call succeeded when it was repeated"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
				var log bytes.Buffer
				defer slog.SetDefault(slog.Default())
				slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
				opts := []interceptors.DialOption{interceptors.Policies(policies(t))}
				if test.fallback {
					opts = append(opts, interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned"))))
				}
				conn := rpctest.Start(t, (&script{failures: test.failures}).handle, interceptors.ServerOptions(unlogged), interceptors.DialOptions(opts...)...)
				rpctest.Do(t.Context(), conn, shape, "a")
				lines := strings.Count(log.String(), "\n")
				if (lines == 1) != (test.want != "") || lines > 1 || !strings.Contains(log.String(), test.want) {
					t.Errorf("%d lines:\n%s\nwant %q", lines, &log, test.want)
				}
			})
		})
	}
}
