package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
)

const domain = "test.example.com"

// quiet are the server options of a test that does not look at the log.
func quiet(opts ...interceptors.ServerOption) []grpc.ServerOption {
	return interceptors.ServerOptions(append([]interceptors.ServerOption{
		interceptors.Domain(domain), interceptors.OnFailure(nil),
	}, opts...)...)
}

// eachShape runs a test in virtual time for all four kinds of call.
func eachShape(t *testing.T, test func(t *testing.T, shape rpctest.Shape)) {
	t.Helper()
	for _, shape := range rpctest.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, shape) })
		})
	}
}

// fails is a handler that reads the first message, sends what it may, and fails.
func fails(err error) rpctest.Handler {
	return func(_ context.Context, x rpctest.Exchange) error {
		if m, _ := x.Recv(); m == "mid-stream" {
			for _, reply := range []string{"one", "two"} {
				if sendErr := x.Send(reply); sendErr != nil {
					return sendErr
				}
			}
		}
		return err
	}
}

// everything is all that a client got, as text and as raw bytes. metadata.MD
// would print its values as redacted.
func everything(r rpctest.Result) string {
	return fmt.Sprint(map[string][]string(r.Header), map[string][]string(r.Trailer), r.Replies, grpcstatus.Convert(r.Err).Proto())
}

// statusOf reads what a plain client got.
func statusOf(err error) error {
	if e, ok := status.From(err); ok {
		return e
	}
	return err
}

func from(t *testing.T, err error) *status.Error {
	t.Helper()
	if err == nil {
		t.Fatal("the call succeeded")
	}
	e, ok := err.(*status.Error)
	if !ok {
		t.Fatalf("the error is a %T, want *status.Error itself: %v", err, err)
	}
	return e
}

var errBusy = status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy",
	status.Meta("modelId", "m1"),
	status.Suggest("Try a smaller model."),
	status.Recover(status.Action(status.ByCallerCode, "Use the small model", &recoursev1.CallMethod{Method: "/a.B/Small"})),
	status.RetryAfter(2*time.Second),
	status.Outcome(status.NotApplied),
	status.Violation("prompt", "TOO_LONG", "too long for the large model"),
	status.Cause(errors.New("canary: 3 workers of 3 are busy on 10.0.0.7")),
)

func TestAnErrorArrivesWholeInEveryShape(t *testing.T) {
	for _, request := range []string{"at once", "mid-stream"} {
		t.Run(request, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				want := 0
				if request == "mid-stream" {
					if !shape.ServerStreams {
						return // there is no middle
					}
					want = 2
				}
				conn := rpctest.Start(t, fails(errBusy), quiet(), interceptors.DialOptions()...)
				r := rpctest.Do(t.Context(), conn, shape, request)
				if len(r.Replies) != want {
					t.Errorf("replies before the error: %q, want %d", r.Replies, want)
				}
				e := from(t, r.Err)
				type told struct {
					Code              codes.Code
					ErrorCode, Domain string
					Message, Suggests string
					Meta              map[string]string
					Delay             time.Duration
					Outcome           recoursev1.Outcome
					Verdict           recoursev1.RetryAdvice_Verdict
					Operation         string
					Actions           []*recoursev1.RecoveryAction
				}
				delay, _ := e.RetryDelay()
				got := told{e.Code(), e.ErrorCode(), e.Domain(), e.Message(), e.Suggestion(), e.Metadata(), delay, e.Outcome(), e.Verdict(), e.Operation(), e.RecoveryActions()}
				wantTold := told{
					codes.Unavailable, "MODEL_BUSY", domain, "the model is busy", "Try a smaller model.",
					map[string]string{"modelId": "m1"}, 2 * time.Second, status.NotApplied,
					status.SameRequest, shape.Method(), errBusy.RecoveryActions(),
				}
				if diff := cmp.Diff(wantTold, got, protocmp.Transform()); diff != "" {
					t.Error(diff)
				}
				if bad, ok := status.Detail[*errdetails.BadRequest](r.Err); !ok || bad.GetFieldViolations()[0].GetReason() != "TOO_LONG" {
					t.Errorf("BadRequest = %v, %v", bad, ok)
				}
				if e.RequestID() == "" || len(r.Trailer["x-request-id"]) != 1 || r.Trailer["x-request-id"][0] != e.RequestID() {
					t.Errorf("request id %q, trailer %q", e.RequestID(), r.Trailer["x-request-id"])
				}
				if strings.Contains(everything(r), "canary") {
					t.Error("the cause crossed the wire")
				}
				if len(r.Header["x-request-id"]) != 0 {
					t.Errorf("an error set headers: %v", r.Header)
				}
			})
		})
	}
}

func TestErrorsIsAcrossTheWire(t *testing.T) {
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		wrapped := fmt.Errorf("while serving: %w", errors.Join(errors.New("rollback failed"), errBusy))
		conn := rpctest.Start(t, fails(wrapped), quiet(), interceptors.DialOptions()...)
		err := rpctest.Do(t.Context(), conn, shape).Err
		if !errors.Is(err, errBusy) {
			t.Errorf("errors.Is(%v, errBusy) = false", err)
		}
		if !errors.Is(fmt.Errorf("again: %w", err), errBusy.With(status.Domain(domain))) {
			t.Error("errors.Is with the domain = false")
		}
		if errors.Is(err, errBusy.With(status.Domain("other.example.com"))) {
			t.Error("errors.Is matched another domain")
		}
		if errors.Is(err, status.New(codes.Unavailable, "OTHER", "the model is busy")) {
			t.Error("errors.Is matched another error code")
		}
		if got := from(t, err).Message(); got != "the model is busy" {
			t.Errorf("message %q: wrapping changed the outgoing text", got)
		}
	})
}

// The rows of what handlers return in practice, and what has to arrive. grpc-go
// gets half of them wrong: it sends the text of plain errors, drops all details
// for one bad byte, and makes successes of errors.
func TestWhateverAHandlerReturnsArrivesAsWhatItIs(t *testing.T) {
	rich, err := grpcstatus.New(codes.FailedPrecondition, "not ready").WithDetails(
		&errdetails.ErrorInfo{Reason: "NOT_READY", Domain: "own.example.com", Metadata: map[string]string{"state": "draft"}},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: "STATE", Subject: "doc/1"}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	notFound := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book")
	for _, row := range []struct {
		name      string
		err       error
		code      codes.Code
		errorCode string
		message   string
	}{
		{"deadline, raw", context.DeadlineExceeded, codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time"},
		{"deadline, wrapped", fmt.Errorf("canary: %w", context.DeadlineExceeded), codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time"},
		{"cancelled, raw", context.Canceled, codes.Canceled, status.CodeCancelled, "the call was cancelled"},
		{"plain", errors.New("canary"), codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
		{"plain around a status as text", fmt.Errorf("canary: %v", rich.Err()), codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
		{"status, wrapped twice", fmt.Errorf("canary: %w", fmt.Errorf("canary: %w", rich.Err())), codes.FailedPrecondition, "NOT_READY", "not ready"},
		{"joined, plain first", errors.Join(errors.New("canary"), rich.Err(), rich.Err()), codes.FailedPrecondition, "NOT_READY", "not ready"},
		{"joined, plain last", errors.Join(rich.Err(), errors.New("canary")), codes.FailedPrecondition, "NOT_READY", "not ready"},
		{"deadline and status", fmt.Errorf("canary %w %w", context.DeadlineExceeded, rich.Err()), codes.FailedPrecondition, "NOT_READY", "not ready"},
		{"status without a status", oddStatus{nil}, codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
		{"status that says OK", oddStatus{grpcstatus.New(codes.OK, "canary")}, codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
		{"own error that says OK", status.New(codes.OK, "FINE", "it is not"), codes.Internal, "FINE", "it is not"},
		{"own error, typed nil", (*status.Error)(nil), codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
		{"own error, wrapped with bad UTF-8", fmt.Errorf("user \xff: %w", notFound), codes.NotFound, "BOOK_NOT_FOUND", "no such book"},
		{"status with bad UTF-8 in the message", badMessage(t, rich), codes.FailedPrecondition, "NOT_READY", "name \uFFFD is bad"},
		{"internal status with text", grpcstatus.Error(codes.Internal, "canary: pq: password"), codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
		{"bare status", grpcstatus.Error(codes.NotFound, "no book 42"), codes.NotFound, "NOT_FOUND", "no book 42"},
		{"EOF", io.EOF, codes.Internal, status.CodeUnexpected, "an unexpected error occurred"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := rpctest.Start(t, fails(row.err), quiet(), interceptors.DialOptions()...)
				r := rpctest.Do(t.Context(), conn, shape)
				e := from(t, r.Err)
				if e.Code() != row.code || e.ErrorCode() != row.errorCode || e.Message() != row.message {
					t.Errorf("got %v %s %q, want %v %s %q", e.Code(), e.ErrorCode(), e.Message(), row.code, row.errorCode, row.message)
				}
				if e.Suggestion() == "" || e.RequestID() == "" {
					t.Errorf("suggestion %q, request id %q", e.Suggestion(), e.RequestID())
				}
				if strings.Contains(everything(r), "canary") {
					t.Error("text that was not meant for the caller crossed the wire")
				}
				if row.errorCode == "NOT_READY" {
					if p, ok := status.Detail[*errdetails.PreconditionFailure](r.Err); !ok || p.GetViolations()[0].GetSubject() != "doc/1" {
						t.Errorf("the detail is lost: %v", p)
					}
					if e.Domain() != "own.example.com" || e.Metadata()["state"] != "draft" {
						t.Errorf("domain %q, metadata %v", e.Domain(), e.Metadata())
					}
				}
			})
		})
	}
}

type oddStatus struct{ st *grpcstatus.Status }

func (o oddStatus) Error() string                  { return "canary" }
func (o oddStatus) GRPCStatus() *grpcstatus.Status { return o.st }

// badMessage is a status whose message grpc-go cannot encode.
func badMessage(t *testing.T, rich *grpcstatus.Status) error {
	t.Helper()
	p := rich.Proto()
	p.Message = "name \xff is bad"
	return grpcstatus.ErrorProto(p)
}

func TestInvalidUTF8AnywhereLosesNothingElse(t *testing.T) {
	info, err := proto.Marshal(&errdetails.ErrorInfo{Reason: "NAME_INVALID", Domain: "own.example.com", Metadata: map[string]string{"name": "??"}})
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(strings.Replace(string(info), "??", "\xff\xfe", 1))
	for name, handlerErr := range map[string]error{
		"made here": status.New(codes.InvalidArgument, "NAME_INVALID", "bad \xff",
			status.Domain("own.example.com"), status.Meta("name", "\xff"), status.Suggest("\xffRename it."),
			status.Recover(status.Action(status.ByEndUser, "Rename\xff", &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: "name\xff"}}})),
			status.Attach(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "\xff"}}})),
		"a status of grpc-go": grpcstatus.ErrorProto(&spb.Status{Code: int32(codes.InvalidArgument), Message: "bad \xff", Details: []*anypb.Any{
			{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: raw},
		}}),
	} {
		t.Run(name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				conn := rpctest.Start(t, fails(handlerErr), quiet(), interceptors.DialOptions()...)
				e := from(t, rpctest.Do(t.Context(), conn, shape).Err)
				if e.Code() != codes.InvalidArgument || e.ErrorCode() != "NAME_INVALID" || e.Domain() != "own.example.com" {
					t.Errorf("got %v %s@%s", e.Code(), e.ErrorCode(), e.Domain())
				}
				if e.Message() != "bad \uFFFD" || !strings.Contains(e.Metadata()["name"], "\uFFFD") {
					t.Errorf("message %q, metadata %q", e.Message(), e.Metadata())
				}
				if len(e.RecoveryActions()) == 0 {
					t.Error("no recovery actions")
				}
			})
		})
	}
}

// st, _ = st.WithDetails(bad); return nil, st.Err(): both are nil.
func TestTheIdiomThatMakesASuccessOfAnErrorIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idiom := func(context.Context, rpctest.Exchange) error {
			st, _ := grpcstatus.New(codes.InvalidArgument, "bad").WithDetails(&errdetails.ErrorInfo{Reason: "\xff"})
			return st.Err()
		}
		conn := rpctest.Start(t, idiom, quiet(), interceptors.DialOptions()...)
		e := from(t, rpctest.Do(t.Context(), conn, rpctest.Shapes[0]).Err)
		if e.Code() != codes.Internal || e.ErrorCode() != status.CodeUnexpected {
			t.Errorf("got %v", e)
		}
	})
}

func TestADependencysErrorIsNotTheCallersError(t *testing.T) {
	leaf := status.New(codes.NotFound, "ROW_NOT_FOUND", "canary: no row in users", status.Domain("db.example.com"),
		status.Attach(&errdetails.ResourceInfo{ResourceName: "canary/7"}))
	busy := status.New(codes.ResourceExhausted, "POOL_EXHAUSTED", "canary", status.RetryAfter(3*time.Second))
	dead := status.New(codes.Unavailable, "GAVE_UP", "canary", status.Retry(status.Never, recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED))
	for _, row := range []struct {
		name      string
		leaf      error
		pass      bool
		code      codes.Code
		errorCode string
		pushback  string // a prefix
		delay     time.Duration
	}{
		{"not found", leaf, false, codes.Internal, status.CodeDependencyFailed, "", 0},
		{"not found, passed through", leaf, true, codes.NotFound, "ROW_NOT_FOUND", "", 0},
		{"exhausted", busy, false, codes.Unavailable, status.CodeDependencyUnavailable, "3", 3 * time.Second},
		{"retries spent", dead, false, codes.Unavailable, status.CodeDependencyUnavailable, "-1", 0},
		{"plain", errors.New("canary"), false, codes.Internal, status.CodeDependencyFailed, "", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				var failures []interceptors.Failure
				back := rpctest.Start(t, fails(row.leaf), quiet(), interceptors.DialOptions()...)
				front := func(ctx context.Context, _ rpctest.Exchange) error {
					err := fmt.Errorf("asking the leaf: %w", rpctest.Do(ctx, back, shape).Err)
					if row.pass {
						return status.PassThrough(err)
					}
					return err
				}
				conn := rpctest.Start(t, front, quiet(interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { failures = append(failures, f) })),
					interceptors.DialOptions()...)
				r := rpctest.Do(t.Context(), conn, shape)
				e := from(t, r.Err)
				if e.Code() != row.code || e.ErrorCode() != row.errorCode {
					t.Errorf("got %v", e)
				}
				if d, _ := e.RetryDelay(); d != row.delay {
					t.Errorf("delay %v, want %v", d, row.delay)
				}
				if p := strings.Join(r.Trailer["grpc-retry-pushback-ms"], ","); !strings.HasPrefix(p, row.pushback) || (row.pushback == "") != (p == "") {
					t.Errorf("pushback %q, want %q", p, row.pushback)
				}
				if !row.pass && strings.Contains(everything(r), "canary") {
					t.Error("the dependency's text reached the caller")
				}
				if len(e.Causes()) != 0 {
					t.Errorf("a public caller sees causes: %v", e.Causes())
				}
				if len(failures) != 1 || !errors.Is(failures[0].Err, row.leaf) && row.name != "plain" {
					t.Errorf("the cause is lost to the operator: %v", failures)
				}
			})
		})
	}
}

func TestWhoGaveUpIsToldByTheContext(t *testing.T) {
	slow := func(ctx context.Context, _ rpctest.Exchange) error {
		<-ctx.Done()
		return fmt.Errorf("query: %w", context.Canceled) // what a driver may make of it
	}
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		got := make(chan interceptors.Failure, 1)
		conn := rpctest.Start(t, slow, quiet(interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { got <- f })),
			interceptors.DialOptions()...)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		e := from(t, rpctest.Do(ctx, conn, shape).Err)
		if e.Code() != codes.DeadlineExceeded || time.Since(start) != 3*time.Second {
			t.Errorf("client: %v after %v", e, time.Since(start))
		}
		if f := <-got; f.Err.Code() != codes.DeadlineExceeded || f.Err.ErrorCode() != status.CodeTimeout {
			t.Errorf("server: %v", f.Err)
		}
	})
}

func TestRequestIDs(t *testing.T) {
	for _, row := range []struct{ name, sent, want string }{
		{"the caller's", "req-42", "req-42"},
		{"made here", "", ""},
		{"unusable", "two words", ""},
		{"too long", strings.Repeat("x", 129), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachShape(t, func(t *testing.T, shape rpctest.Shape) {
				var seen []string
				back := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
					seen = append(seen, interceptors.RequestID(ctx))
					return errors.New("broken")
				}, quiet(), interceptors.DialOptions()...)
				conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
					seen = append(seen, interceptors.RequestID(ctx))
					return rpctest.Do(ctx, back, shape).Err
				}, quiet(), interceptors.DialOptions()...)
				ctx := t.Context()
				if row.sent != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", row.sent)
				}
				r := rpctest.Do(ctx, conn, shape)
				e := from(t, r.Err)
				id := e.RequestID()
				if id == "" || row.want != "" && id != row.want || row.want == "" && id == row.sent {
					t.Errorf("id %q for %q", id, row.sent)
				}
				if diff := cmp.Diff([]string{id, id}, seen); diff != "" {
					t.Errorf("the hops saw other ids: %s", diff)
				}
				if info, ok := status.Detail[*errdetails.RequestInfo](r.Err); !ok || info.GetRequestId() != id {
					t.Errorf("RequestInfo %v", info)
				}
				if ref := e.RecoveryActions()[0].GetContactSupport().GetReference(); ref != id {
					t.Errorf("support would be told %q", ref)
				}
			})
		})
	}
	if id := interceptors.RequestID(t.Context()); id != "" {
		t.Errorf("outside of a call: %q", id)
	}
}

func TestTrustDecidesWhatACallerSees(t *testing.T) {
	leaf := status.New(codes.NotFound, "ROW_NOT_FOUND", "leaf-text", status.Domain("db.example.com"))
	for _, row := range []struct {
		name               string
		opts               []interceptors.ServerOption
		causes, debug      bool
		redacted, noDetail bool
	}{
		{name: "nobody said"},
		{name: "a function that panics", opts: []interceptors.ServerOption{technicalDetails(t), interceptors.Trust(func(context.Context) status.Trust { panic("odd") })}},
		{name: "public with technical details on", opts: []interceptors.ServerOption{technicalDetails(t)}},
		{name: "internal", opts: []interceptors.ServerOption{trusted(status.Internal)}, causes: true},
		{name: "internal with technical details", opts: []interceptors.ServerOption{trusted(status.Internal), technicalDetails(t)}, causes: true, debug: true},
		{name: "partner", opts: []interceptors.ServerOption{trusted(status.Partner)}, causes: true, redacted: true},
		{name: "partner of the domain", opts: []interceptors.ServerOption{trusted(status.Partner), interceptors.PartnerDomains("db.example.com")}, causes: true},
		{name: "no detail for the public", opts: []interceptors.ServerOption{interceptors.OmitErrorDetail(status.Public)}, noDetail: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				back := rpctest.Start(t, fails(leaf), quiet(), interceptors.DialOptions()...)
				conn := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
					return fmt.Errorf("own-text: %w", rpctest.Do(ctx, back, rpctest.Shapes[0]).Err)
				}, quiet(row.opts...), interceptors.DialOptions()...)
				err := rpctest.Do(t.Context(), conn, rpctest.Shapes[0]).Err
				e := from(t, err)
				causes := e.Causes()
				if (len(causes) == 1) != row.causes {
					t.Fatalf("causes %v", causes)
				}
				if row.causes && (causes[0].GetErrorCode() == "ROW_NOT_FOUND") == row.redacted {
					t.Errorf("cause %v", causes[0])
				}
				debug, ok := status.Detail[*errdetails.DebugInfo](err)
				if ok != row.debug || row.debug && !strings.Contains(debug.GetDetail(), "own-text") {
					t.Errorf("debug info %v", debug)
				}
				if _, ok := status.Detail[*recoursev1.ErrorDetail](err); ok == row.noDetail {
					t.Errorf("ErrorDetail there: %v", ok)
				}
			})
		})
	}
}

func trusted(t status.Trust) interceptors.ServerOption {
	return interceptors.Trust(func(context.Context) status.Trust { return t })
}

// Where no answer came, the id that was sent is still the one to quote.
func TestACallWithoutAnAnswerHasTheIDItWasSentWith(t *testing.T) {
	hang := func(ctx context.Context, _ rpctest.Exchange) error {
		<-ctx.Done()
		return ctx.Err()
	}
	eachShape(t, func(t *testing.T, shape rpctest.Shape) {
		conn := rpctest.Start(t, hang, quiet(), interceptors.DialOptions()...)
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "req-7"), time.Second)
		defer cancel()
		e := from(t, rpctest.Do(ctx, conn, shape).Err)
		if e.Code() != codes.DeadlineExceeded || e.RequestID() != "req-7" || e.Outcome() != status.Indeterminate {
			t.Errorf("%v, id %q, outcome %v", e, e.RequestID(), e.Outcome())
		}
	})
}

func technicalDetails(t testing.TB) interceptors.ServerOption {
	return interceptors.Policies(policies(t, func(p *policy.Policy) { p.TechnicalDetails = true }))
}
