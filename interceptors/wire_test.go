package interceptors_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// huge is an error with 64 KiB of every kind of thing.
func huge() *status.Error {
	big := strings.Repeat("0123456789abcdef", 4<<10)
	bad := &errdetails.BadRequest{}
	for i := range 400 {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: fmt.Sprint("items[", i, "]"), Reason: "TOO_LONG", Description: big[:160]})
	}
	return status.New(codes.FailedPrecondition, "TOO_MUCH", big,
		status.Suggest(big), status.Meta("size", big), status.Meta("kept", "yes"),
		status.RetryAfter(2*time.Second), status.Outcome(status.NotApplied),
		status.Recover(status.Action(status.ByCallerCode, big, &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: big}}})),
		status.Attach(bad, wrapperspb.String(big), &errdetails.DebugInfo{Detail: big}, &errdetails.LocalizedMessage{Locale: "en-US", Message: big},
			&errdetails.ResourceInfo{Description: big}))
}

// A peer's limit is for the whole trailer block; above it an error loses its
// code, and takes other calls with it.
func TestHugeErrorsArriveAndHarmNobody(t *testing.T) {
	for _, row := range []struct {
		limit uint32
		opts  []interceptors.ServerOption
	}{
		{8192, nil}, {4096, nil}, {8192, []interceptors.ServerOption{interceptors.TrailerBytes(8192)}}, {2048, []interceptors.ServerOption{interceptors.TrailerBytes(2048)}},
	} {
		limit := row.limit
		t.Run(fmt.Sprint(limit, " ", len(row.opts)), func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				release := make(chan struct{})
				handler := func(ctx context.Context, x rpctest.Exchange) error {
					m, err := x.Recv()
					if err != nil {
						return err
					}
					if m == "huge" {
						if err := grpc.SetTrailer(ctx, metadata.Pairs("own", strings.Repeat("x", 300), "own-bin", strings.Repeat("y", 300))); err != nil {
							return err
						}
						return huge()
					}
					<-release
					return x.Send(m)
				}
				conn := rpctest.Start(t, handler, quiet(row.opts...), append(interceptors.DialOptions(), grpc.WithMaxHeaderListSize(limit))...)
				var innocent sync.WaitGroup
				for range 20 {
					innocent.Go(func() {
						if r := rpctest.Do(t.Context(), conn, shape, "innocent"); r.Err != nil || len(r.Replies) != 1 {
							t.Errorf("an innocent call: %v %v", r.Replies, r.Err)
						}
					})
				}
				synctest.Wait()
				for range 5 {
					r := rpctest.Do(t.Context(), conn, shape, "huge")
					e := from(t, r.Err)
					if e.Code() != codes.FailedPrecondition || e.ErrorCode() != "TOO_MUCH" || e.Domain() != domain {
						t.Fatalf("got %v", e)
					}
					if d, ok := e.RetryDelay(); !ok || d != 2*time.Second || e.Verdict() != status.SameRequest {
						t.Errorf("delay %v %v, verdict %v", d, ok, e.Verdict())
					}
					if e.Outcome() != status.NotApplied || e.RequestID() == "" || e.Elided() == 0 {
						t.Errorf("outcome %v, id %q, elided %d", e.Outcome(), e.RequestID(), e.Elided())
					}
					if _, ok := status.Detail[*errdetails.ErrorInfo](r.Err); !ok {
						t.Error("no ErrorInfo")
					}
					if r.Trailer["own"] == nil {
						t.Error("the handler's own trailer is gone")
					}
				}
				close(release)
				innocent.Wait()
			})
		})
	}
}

// What Encode counts is what grpc-go counts: a client that accepts exactly that
// much reads the error, one that accepts a byte less does not.
func TestTheSizeIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no book has id 42%", status.Meta("bookId", "42"))
		size := uint32(e.Encode(status.Rendering{}).Size)
		handler := func(context.Context, rpctest.Exchange) error { return e } // grpc-go asks GRPCStatus
		for limit, want := range map[uint32]codes.Code{size: codes.NotFound, size - 1: codes.Internal} {
			conn := rpctest.Start(t, handler, nil, grpc.WithMaxHeaderListSize(limit))
			if got := grpcstatus.Code(rpctest.Do(t.Context(), conn, rpctest.Shapes[0]).Err); got != want {
				t.Errorf("limit %d: %v, want %v", limit, got, want)
			}
		}
	})
}

// A client that announces no limit enforces one all the same, by killing the
// connection; DialOptions announces it.
func TestDialOptionsAnnounceTheHeaderLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := announced(t, interceptors.DialOptions()...); got != 16<<20 {
			t.Errorf("announced %d", got)
		}
		if got := announced(t, append(interceptors.DialOptions(), grpc.WithMaxHeaderListSize(8192))...); got != 8192 {
			t.Errorf("a later option: announced %d", got)
		}
		if got := announced(t); got != 0 {
			t.Errorf("grpc-go alone announces %d: DialOptions need not", got)
		}
	})
}

// announced reads SETTINGS_MAX_HEADER_LIST_SIZE off the connection preface.
func announced(t *testing.T, opts ...grpc.DialOption) uint32 {
	t.Helper()
	preface := make(chan []byte, 1)
	lis := rpctest.Serve(t, rpctest.Echo)
	conn := rpctest.Dial(t, lis, append(opts, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		c, err := lis.DialContext(ctx)
		return &tap{Conn: c, first: preface}, err
	}))...)
	if r := rpctest.Do(t.Context(), conn, rpctest.Shapes[0]); r.Err != nil {
		t.Fatal(r.Err)
	}
	b := <-preface
	const magic, frameHeader, setting = 24, 9, 6
	b = b[magic:]
	length := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	for s := b[frameHeader : frameHeader+length]; len(s) >= setting; s = s[setting:] {
		if id := uint16(s[0])<<8 | uint16(s[1]); id == 6 {
			return uint32(s[2])<<24 | uint32(s[3])<<16 | uint32(s[4])<<8 | uint32(s[5])
		}
	}
	return 0
}

// tap keeps the first bytes that a client writes.
type tap struct {
	net.Conn
	seen  []byte
	first chan []byte
}

func (c *tap) Write(b []byte) (int, error) {
	if c.first != nil {
		if c.seen = append(c.seen, b...); len(c.seen) >= 24+9+6 {
			c.first <- c.seen
			c.first = nil
		}
	}
	return c.Conn.Write(b)
}

const retryPolicy = `{"methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 4, "initialBackoff": "0.010s", "maxBackoff": "0.010s", "backoffMultiplier": 1,
	"retryableStatusCodes": ["UNAVAILABLE", "INTERNAL", "ABORTED", "NOT_FOUND"]}}]}`

// The retry that every gRPC has built in needs no library of ours to obey.
func TestStockRetryObeysTheServer(t *testing.T) {
	for _, row := range []struct {
		name     string
		err      error
		attempts int
		least    time.Duration
		most     time.Duration
	}{
		{"plain unavailable", status.New(codes.Unavailable, "DOWN", "down"), 4, 24 * time.Millisecond, 36 * time.Millisecond},
		{"a delay", status.New(codes.Unavailable, "BUSY", "busy", status.RetryAfter(2*time.Second)), 4, 6 * time.Second, 7500 * time.Millisecond},
		{"never", status.New(codes.Unavailable, "GONE", "gone", status.Retry(status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED)), 1, 0, 0},
		{"at a higher level", status.New(codes.Aborted, "CONFLICT", "conflict", status.Retry(status.AtHigherLevel, 0)), 1, 0, 0},
		{"no verdict on an internal error", fmt.Errorf("odd"), 4, 24 * time.Millisecond, 36 * time.Millisecond},
		{"a client's fault says nothing", status.New(codes.NotFound, "NONE", "none", status.Retry(status.Never, 0)), 4, 24 * time.Millisecond, 36 * time.Millisecond},
	} {
		for _, side := range []string{"both sides", "server only"} {
			t.Run(row.name+", "+side, func(t *testing.T) {
				eachShape(t, func(t *testing.T, shape rpctest.Shape) {
					attempts := 0
					handler := func(_ context.Context, x rpctest.Exchange) error {
						attempts++
						// Where a stream ends while grpc-go sends its message again, grpc-go forgets how it ended.
						if _, err := x.Recv(); err != nil {
							return err
						}
						return row.err
					}
					dial := []grpc.DialOption{grpc.WithDefaultServiceConfig(retryPolicy)}
					if side == "both sides" {
						dial = append(interceptors.DialOptions(), dial...)
					}
					conn := rpctest.Start(t, handler, quiet(), dial...)
					start := time.Now()
					r := rpctest.Do(t.Context(), conn, shape)
					if r.Err == nil || attempts != row.attempts {
						t.Errorf("%d attempts, want %d (%v)", attempts, row.attempts, r.Err)
					}
					if took := time.Since(start); took < row.least || took > row.most {
						t.Errorf("took %v, want %v to %v", took, row.least, row.most)
					}
					if got := strings.Join(r.Trailer["grpc-retry-pushback-ms"], ","); row.name == "a client's fault says nothing" && got != "" {
						t.Errorf("pushback %q", got)
					}
				})
			})
		}
	}
}

func TestThePushbackOfAHandlerStaysTheOnlyOne(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		handler := func(ctx context.Context, _ rpctest.Exchange) error {
			if err := grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "7", "grpc-status-details-bin", "garbage")); err != nil {
				return err
			}
			return errBusy
		}
		conn := rpctest.Start(t, handler, quiet(), interceptors.DialOptions()...)
		r := rpctest.Do(t.Context(), conn, shape)
		if got := r.Trailer["grpc-retry-pushback-ms"]; len(got) != 1 || got[0] != "7" {
			t.Errorf("pushback %q", got)
		}
		if e := from(t, r.Err); e.ErrorCode() != "MODEL_BUSY" {
			t.Errorf("got %v", e)
		}
	})
}

func TestAPlainClientReadsTheStandardDetails(t *testing.T) {
	e := errBusy.With(status.Help("How to pick a model", "https://docs.example.com/models"))
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, fails(fmt.Errorf("wrapped: %w", e)), quiet())
		r := rpctest.Do(t.Context(), conn, shape)
		st := grpcstatus.Convert(r.Err)
		if st.Code() != codes.Unavailable || st.Message() != "the model is busy" {
			t.Errorf("got %v", st)
		}
		var names []string
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				if d.GetReason() != "MODEL_BUSY" || d.GetDomain() != domain || d.GetMetadata()["modelId"] != "m1" {
					t.Errorf("ErrorInfo %v", d)
				}
			case *errdetails.RetryInfo:
				if d.GetRetryDelay().AsDuration() != 2*time.Second {
					t.Errorf("RetryInfo %v", d)
				}
			case *errdetails.BadRequest:
				if d.GetFieldViolations()[0].GetField() != "prompt" {
					t.Errorf("BadRequest %v", d)
				}
			case *errdetails.Help:
				if d.GetLinks()[0].GetUrl() != "https://docs.example.com/models" {
					t.Errorf("Help %v", d)
				}
			}
			names = append(names, fmt.Sprintf("%T", d))
		}
		want := "*errdetails.ErrorInfo *errdetails.RetryInfo *errdetails.RequestInfo *errdetails.BadRequest *errdetails.Help *recoursev1.ErrorDetail"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("details:\n got %s\nwant %s", got, want)
		}
	})
}

func TestOurClientReadsAPlainServer(t *testing.T) {
	for code, want := range map[codes.Code]recoursev1.RetryAdvice_Verdict{
		codes.Unavailable:     status.SameRequest,
		codes.Unauthenticated: status.AfterAction,
		codes.Aborted:         status.AtHigherLevel,
		codes.NotFound:        status.Never,
		codes.Code(99):        status.Never,
	} {
		t.Run(code.String(), func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := rpctest.Start(t, fails(grpcstatus.Error(code, "said \x1b[31mplainly\x1b[0m")), nil, interceptors.DialOptions()...)
				e := from(t, rpctest.Do(t.Context(), conn, shape).Err)
				if e.Message() != "said [31mplainly[0m" || e.Suggestion() == "" || e.Verdict() != want {
					t.Errorf("%v, %q, %v", e, e.Suggestion(), e.Verdict())
				}
			})
		})
	}
}

// Wrapping the transport's stream would be the easy way to see trailers; grpc-go
// has functions that insist on its own type.
func TestTransportFunctionsKeepWorking(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		handler := func(ctx context.Context, x rpctest.Exchange) error {
			if _, err := grpc.ClientSupportedCompressors(ctx); err != nil {
				return err
			}
			if err := grpc.SetHeader(ctx, metadata.Pairs("header", "h")); err != nil {
				return err
			}
			if err := grpc.SetTrailer(ctx, metadata.Pairs("trailer", "t")); err != nil {
				return err
			}
			if m, ok := grpc.Method(ctx); !ok || m != shape.Method() {
				return fmt.Errorf("method %q", m)
			}
			return rpctest.Echo(ctx, x)
		}
		conn := rpctest.Start(t, handler, quiet(), interceptors.DialOptions()...)
		r := rpctest.Do(t.Context(), conn, shape, "hello")
		if r.Err != nil || strings.Join(r.Replies, "") != "hello" {
			t.Fatalf("%q, %v", r.Replies, r.Err)
		}
		if r.Header["header"] == nil || r.Trailer["trailer"] == nil || r.Trailer["x-request-id"] != nil {
			t.Errorf("header %v, trailer %v", r.Header, r.Trailer)
		}
	})
}

// A stock client would wait for a delay that is longer than its caller does, and then say that the deadline has passed.
// It gets the error at once instead, whatever comes first: the deadline of the call, or of the attempt.
func TestADelayBeyondTheDeadline(t *testing.T) {
	busy := status.New(codes.Unavailable, "BUSY", "busy", status.RetryAfter(3*time.Second))
	for name, row := range map[string]struct {
		dial     []grpc.DialOption
		deadline time.Duration
		attempts int
		least    time.Duration
		most     time.Duration
	}{
		"a stock client":                     {[]grpc.DialOption{grpc.WithDefaultServiceConfig(retryPolicy)}, 2 * time.Second, 1, 0, 0},
		"a stock client with time":           {[]grpc.DialOption{grpc.WithDefaultServiceConfig(retryPolicy)}, 4 * time.Second, 2, 3 * time.Second, 4 * time.Second},
		"ours":                               {interceptors.DialOptions(interceptors.Policies(policies(t))), 2 * time.Second, 1, 0, 0},
		"ours, whose attempts have less":     {interceptors.DialOptions(interceptors.Policies(policies(t, func(p *policy.Policy) { p.AttemptTimeout = time.Second }))), time.Minute, 3, 6 * time.Second, 9 * time.Second},
		"ours, with interceptors and native": {append(interceptors.DialOptions(), grpc.WithDefaultServiceConfig(retryPolicy)), 2 * time.Second, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				attempts := 0
				conn := rpctest.Start(t, func(_ context.Context, x rpctest.Exchange) error {
					attempts++
					if _, err := x.Recv(); err != nil {
						return err
					}
					return busy
				}, quiet(), row.dial...)
				ctx, cancel := context.WithTimeout(t.Context(), row.deadline)
				defer cancel()
				start := time.Now()
				r := rpctest.Do(ctx, conn, shape)
				took := time.Since(start)
				e, ok := status.From(r.Err)
				if !ok || e.ErrorCode() != "BUSY" || e.Verdict() != status.SameRequest {
					t.Fatalf("got %v", r.Err)
				}
				if delay, ok := e.RetryDelay(); !ok || delay != 3*time.Second {
					t.Errorf("the delay is %v", delay)
				}
				if attempts != row.attempts || took < row.least || took > row.most {
					t.Errorf("%d attempts in %v, want %d in %v to %v", attempts, took, row.attempts, row.least, row.most)
				}
			})
		})
	}
}
