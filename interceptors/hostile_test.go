package interceptors_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Every failure that the default log is for leaves one line with its request id,
// whatever its error does.
func TestTheDefaultLogLosesNothing(t *testing.T) {
	for name, handler := range map[string]rpctest.Handler{
		"plain":                 fails(errors.New("cause-text")),
		"own, with a cause":     fails(status.New(codes.Internal, "SAVE_FAILED", "save failed", status.Cause(errors.New("save failed: cause-text")))),
		"own, wrapped":          fails(fmt.Errorf("outer: %w", status.New(codes.Internal, "SAVE_FAILED", "save failed", status.Cause(errors.New("cause-text"))))),
		"panic":                 func(context.Context, rpctest.Exchange) error { panic("cause-text") },
		"Goexit":                func(context.Context, rpctest.Exchange) error { runtime.Goexit(); return nil },
		"typed nil":             func(context.Context, rpctest.Exchange) error { var e *fs.PathError; return e },
		"methods panic":         fails(explosive{}),
		"wraps itself":          fails(new(ouroboros)),
		"is caused by itself":   fails(status.New(codes.Internal, "ODD", "odd", status.Cause(new(ouroboros)))),
		"another service's own": fails(status.Received(grpcstatus.Error(codes.NotFound, "cause-text"), "/a.B/C", "", false)),
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			old := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			defer slog.SetDefault(old)
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				log.Reset()
				conn := rpctest.Start(t, handler, interceptors.ServerOptions(), interceptors.DialOptions()...)
				e := from(t, rpctest.Do(t.Context(), conn, shape).Err)
				got := log.String()
				if strings.Count(got, "\n") != 1 || !strings.Contains(got, "request_id="+e.RequestID()) || e.RequestID() == "" {
					t.Errorf("not one line with %q:\n%s", e.RequestID(), got)
				}
				switch name {
				case "Goexit", "typed nil", "methods panic", "wraps itself", "is caused by itself":
				default:
					if !strings.Contains(got, "cause-text") {
						t.Errorf("the cause is not in the log:\n%s", got)
					}
				}
			})
		})
	}
}

// A client reads errors of interceptors below it, which may be as odd.
func TestAClientSurvivesOddErrors(t *testing.T) {
	for name, odd := range map[string]error{"wraps itself": new(ouroboros), "methods panic": explosive{}} {
		t.Run(name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				below := []grpc.DialOption{
					grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
						return odd
					}),
					grpc.WithChainStreamInterceptor(func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
						return nil, odd
					}),
				}
				dial := interceptors.DialOptions(interceptors.OnFailure(func(context.Context, interceptors.Failure) {}))
				conn := rpctest.Start(t, rpctest.Echo, quiet(), append(dial, below...)...)
				if e := from(t, rpctest.Do(t.Context(), conn, shape).Err); e.Code() != codes.Unknown {
					t.Errorf("got %v", e)
				}
			})
		})
	}
}

// Adding guidance to an error of another service does not make it one's own.
func TestWithDoesNotLaunder(t *testing.T) {
	later := interceptors.Use(enricher{})
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		for name, leafErr := range map[string]error{
			"recourse": status.New(codes.NotFound, "ROW_NOT_FOUND", "canary", status.Meta("row", "canary")),
			"plain":    grpcstatus.Error(codes.Internal, "canary"),
		} {
			back := rpctest.Start(t, fails(leafErr), quiet(), interceptors.DialOptions()...)
			front := func(ctx context.Context, _ rpctest.Exchange) error {
				e, _ := status.From(rpctest.Do(ctx, back, shape).Err)
				return e.With(status.Suggest("Ask somebody else."))
			}
			conn := rpctest.Start(t, front, quiet(later), interceptors.DialOptions()...)
			r := rpctest.Do(t.Context(), conn, shape)
			if e := from(t, r.Err); e.ErrorCode() != status.CodeDependencyFailed || strings.Contains(everything(r), "canary") {
				t.Errorf("%s: %s", name, everything(r))
			}
		}
		conn := rpctest.Start(t, fails(grpcstatus.Error(codes.Internal, "canary")), quiet(later), interceptors.DialOptions()...)
		if r := rpctest.Do(t.Context(), conn, shape); strings.Contains(everything(r), "canary") {
			t.Errorf("a handler's INTERNAL: %s", everything(r))
		}
	})
}

// enricher adds to whatever failed, as a policy of a user would.
type enricher struct{ swallow }

func (enricher) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, enricher{}, nil
}

func (enricher) End(err error) error {
	if e, ok := status.From(err); ok {
		return e.With(status.Help("More", "https://docs.example.com"))
	}
	return err
}

// Fields that a later version of a dependency adds are not for strangers.
func TestUnknownFieldsOfADependencyStayBehind(t *testing.T) {
	advice := &recoursev1.RetryAdvice{Verdict: status.Never}
	advice.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 15, protowire.BytesType), "canary"))
	st, err := grpcstatus.New(codes.Unavailable, "down").WithDetails(
		&errdetails.ErrorInfo{Reason: "X_Y"}, &recoursev1.ErrorDetail{ErrorCode: "X_Y", Retry: advice})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		back := rpctest.Start(t, fails(st.Err()), nil, interceptors.DialOptions()...)
		conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
			return rpctest.Do(ctx, back, rpctest.Shapes[0]).Err
		}, quiet(), interceptors.DialOptions()...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
		if e := from(t, r.Err); e.Verdict() != status.Never || strings.Contains(everything(r), "canary") {
			t.Errorf("%s", everything(r))
		}
	})
}

// A permit that a policy holds is given back, whoever ends the goroutine.
func TestEveryRunEndsWhenAPolicyEndsTheGoroutine(t *testing.T) {
	for _, at := range []string{"Begin, by Goexit", "End, by Goexit"} {
		eachShape(t, func(t *testing.T, shape rpctest.Shape) {
			rec := &recorder{}
			conn := rpctest.Start(t, rpctest.Echo, quiet(interceptors.Use(rec, explosive{at: at})), interceptors.DialOptions()...)
			if e := from(t, rpctest.Do(t.Context(), conn, shape).Err); e.Code() != codes.Internal {
				t.Errorf("%s: %v", at, e)
			}
			synctest.Wait()
			if seen := rec.seen(); len(seen) != 1 || seen[0].Ends != 1 || seen[0].Code != codes.Internal {
				t.Errorf("%s: %+v", at, seen)
			}
		})
	}
}

func TestAClientsPoliciesLearnOfGoexitBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		conn := rpctest.Start(t, rpctest.Echo, quiet(), append(interceptors.DialOptions(interceptors.Use(rec)),
			grpc.WithChainUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
				runtime.Goexit()
				return nil
			}))...)
		go rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
		synctest.Wait()
		if seen := rec.seen(); len(seen) != 1 || seen[0].Ends != 1 || seen[0].Code != codes.Internal {
			t.Errorf("%+v", seen)
		}
	})
}

// The trailers of a handler may leave no room for anything else; the code that
// plain grpc-go would deliver still arrives.
func TestTheCodeArrivesBesideLargeTrailersOfTheHandler(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		for size := 7400; size <= 7900; size += 50 {
			handler := func(ctx context.Context, _ rpctest.Exchange) error {
				if err := grpc.SetTrailer(ctx, metadata.Pairs("own", strings.Repeat("x", size))); err != nil {
					return err
				}
				return status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book")
			}
			conn := rpctest.Start(t, handler, quiet(), append(interceptors.DialOptions(), grpc.WithMaxHeaderListSize(8192))...)
			if e := from(t, rpctest.Do(t.Context(), conn, shape).Err); e.Code() != codes.NotFound {
				t.Fatalf("with %d bytes of trailers: %v", size, e)
			}
		}
	})
}

func TestAHugeDelayIsNotNever(t *testing.T) {
	huge, err := grpcstatus.New(codes.Unavailable, "down").WithDetails(&errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: 315576000000}})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for _, handlerErr := range []error{huge.Err(), status.New(codes.Unavailable, "DOWN", "down", status.RetryAfter(math.MaxInt64))} {
			conn := rpctest.Start(t, fails(handlerErr), quiet(), interceptors.DialOptions()...)
			r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
			if got := strings.Join(r.Trailer["grpc-retry-pushback-ms"], ","); got != fmt.Sprint(math.MaxInt32) {
				t.Errorf("pushback %q", got)
			}
		}
	})
}

// Clients match the reason that a service sends today.
func TestTheErrorInfoOfAnExistingServiceStaysAsItIs(t *testing.T) {
	st, err := grpcstatus.New(codes.NotFound, "no such user").WithDetails(
		&errdetails.ErrorInfo{Reason: "user_not_found", Domain: "Users", Metadata: map[string]string{"user.id": "7", "ID": "x", "k": ""}})
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range [][]grpc.ServerOption{nil, quiet()} {
		eachShape(t, func(t *testing.T, shape rpctest.Shape) {
			conn := rpctest.Start(t, fails(st.Err()), server, interceptors.DialOptions()...)
			err := rpctest.Do(t.Context(), conn, shape).Err
			info, ok := status.Detail[*errdetails.ErrorInfo](err)
			if !ok || !proto.Equal(info, st.Details()[0].(*errdetails.ErrorInfo)) {
				t.Errorf("got %v", info)
			}
			if e := from(t, err); e.ErrorCode() != "user_not_found" || len(e.Metadata()) != 3 {
				t.Errorf("%v, %v", e, e.Metadata())
			}
		})
	}
}

// What a policy refused is the end, though the handler goes on.
func TestNothingFollowsARefusedMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := status.New(codes.ResourceExhausted, "TOO_MANY", "too many messages")
		stubborn := func(_ context.Context, x rpctest.Exchange) error {
			for range 3 {
				if err := x.Send("message"); !errors.Is(err, refused) {
					t.Errorf("Send: %v", err)
				}
			}
			return nil
		}
		conn := rpctest.Start(t, stubborn, quiet(interceptors.Use(refuser{refused})), interceptors.DialOptions()...)
		r := rpctest.Do(t.Context(), conn, rpctest.Shapes[1])
		if len(r.Replies) != 0 || !errors.Is(r.Err, refused) {
			t.Errorf("%q, %v", r.Replies, r.Err)
		}
	})
}

// refuser refuses the first message that goes out.
type refuser struct{ err error }

func (r refuser) Begin(ctx context.Context, _ interceptors.Call) (context.Context, interceptors.Run, error) {
	return ctx, &refusing{err: r.err}, nil
}

type refusing struct {
	err  error
	seen int
}

func (r *refusing) Message(in bool, _ any) error {
	if in {
		return nil
	}
	if r.seen++; r.seen == 1 {
		return r.err
	}
	return nil
}

func (r *refusing) End(err error) error { return err }

// A codec that knows one type of message, as a proxy's does.
func TestARefusedReplyWithACodecOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := status.New(codes.DataLoss, "ODD_REPLY", "the reply is odd")
		conn := rpctest.Start(t, func(_ context.Context, x rpctest.Exchange) error {
			return errors.Join(x.Send("one"), x.Send("two"))
		}, quiet(), interceptors.DialOptions(interceptors.Use(objector{refused}))...)
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, rpctest.Shapes[1].Method(), grpc.ForceCodec(frames{}))
		if err != nil {
			t.Fatal(err)
		}
		if err := request(s, &frame{}); err != nil {
			t.Fatal(err)
		}
		if err := s.RecvMsg(&frame{}); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		if err := s.RecvMsg(&frame{}); !errors.Is(err, refused) {
			t.Errorf("a second time: %v", err)
		}
	})
}

type frame struct{ b []byte }

type frames struct{}

func (frames) Name() string                    { return "proto" } // so that the server reads it
func (frames) Marshal(v any) ([]byte, error)   { return v.(*frame).b, nil }
func (frames) Unmarshal(b []byte, v any) error { v.(*frame).b = bytes.Clone(b); return nil }

// A status that was encoded for the wire is still whole for who reads it in the
// process.
func TestAnEncodedStatusIsWholeInTheProcess(t *testing.T) {
	err := grpcstatus.Convert(errBusy.Encode(status.Rendering{Domain: domain}).Status.Err()).Err()
	e, ok := status.From(err)
	if !ok || e.ErrorCode() != "MODEL_BUSY" || e.Suggestion() != errBusy.Suggestion() || e.Outcome() != status.NotApplied {
		t.Errorf("%v, %q, %v", e, e.Suggestion(), e.Outcome())
	}
	if d, ok := e.RetryDelay(); !ok || d != 2*time.Second {
		t.Errorf("delay %v, %v", d, ok)
	}
	if bad, ok := status.Detail[*errdetails.BadRequest](err); !ok || len(bad.GetFieldViolations()) != 1 {
		t.Errorf("BadRequest %v", bad)
	}
}
