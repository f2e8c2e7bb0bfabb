package status_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
)

// rich is a status of grpc-go's making with two details.
func rich(t testing.TB, code codes.Code, message string) error {
	return plain(rpc(t, code, message, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "shelf"}}},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://example.com"}}}))
}

func TestClassify(t *testing.T) {
	const (
		unexpected  = "an unexpected error occurred"
		unavailable = "a service that this one depends on is not available"
		late        = "a service that this one depends on did not answer in time"
		gone        = "a service that this one depends on failed"
	)
	notReady := rich(t, codes.FailedPrecondition, "not ready")
	both := []string{"google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.Help", "recourse.v1.ErrorDetail"}
	foreign := []string{"google.rpc.BadRequest", "google.rpc.Help", "google.rpc.ErrorInfo", "recourse.v1.ErrorDetail"}
	own := status.New(codes.NotFound, "BOOK_NOT_FOUND", "no such book", status.Attach(&errdetails.BadRequest{}, &errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://example.com"}}}))
	var typedNil *status.Error
	var nilPanics *panicsOn

	tests := []struct {
		name      string
		err       error
		code      codes.Code
		errorCode string
		message   string
		details   []string // nil: ErrorInfo and ErrorDetail alone
	}{
		// What a context says, however it is wrapped.
		{"deadline", context.DeadlineExceeded, codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time", nil},
		{"deadline, wrapped", fmt.Errorf("db: %w", context.DeadlineExceeded), codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time", nil},
		{"deadline, joined", errors.Join(errPlain, context.DeadlineExceeded), codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time", nil},
		{"canceled", context.Canceled, codes.Canceled, status.CodeCancelled, "the call was cancelled", nil},
		{"canceled, wrapped", fmt.Errorf("db: %w", context.Canceled), codes.Canceled, status.CodeCancelled, "the call was cancelled", nil},
		{"deadline before canceled", errors.Join(context.Canceled, context.DeadlineExceeded), codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time", nil},
		{"errors.New", errPlain, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"status, wrapped twice", fmt.Errorf("l2: %w", fmt.Errorf("l1: %w", notReady)), codes.FailedPrecondition, "FAILED_PRECONDITION", "not ready", foreign},
		{"status, printed", fmt.Errorf("secret text: %v", notReady), codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"statuses, joined with another", errors.Join(errPlain, notReady, rich(t, codes.NotFound, "none")), codes.NotFound, "NOT_FOUND", "none", foreign},
		{"status before context", fmt.Errorf("%w, %w", context.DeadlineExceeded, notReady), codes.FailedPrecondition, "FAILED_PRECONDITION", "not ready", foreign},
		{"GRPCStatus nil", statusError{}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"GRPCStatus OK", statusError{grpcstatus.New(codes.OK, "secret text")}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"GRPCStatus OK around a deadline", &statusAround{grpcstatus.New(codes.OK, ""), context.DeadlineExceeded}, codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time", nil},

		// S2: nothing about texts turns an error into a success, or loses its details.
		{"invalid UTF-8 in the message", statusError{grpcstatus.FromProto(&spb.Status{Code: 9, Message: "name \xff is bad", Details: rpc(t, 9, "", &errdetails.BadRequest{}).Details})},
			codes.FailedPrecondition, "FAILED_PRECONDITION", "name \ufffd is bad", []string{"google.rpc.BadRequest", "google.rpc.ErrorInfo", "recourse.v1.ErrorDetail"}},
		{"invalid UTF-8 around it", fmt.Errorf("user \xff: %w", notReady), codes.FailedPrecondition, "FAILED_PRECONDITION", "not ready", foreign},
		{"a detail of unknown type", plain(rpc(t, codes.NotFound, "none", unknownAny("\xff"))), codes.NotFound, "NOT_FOUND", "none",
			[]string{"nobody.v1.Knows", "google.rpc.ErrorInfo", "recourse.v1.ErrorDetail"}},
		{"a detail that does not decode", plain(rpc(t, codes.NotFound, "none", broken("google.rpc.Help"))), codes.NotFound, "NOT_FOUND", "none", nil},

		// S4: what is left of a status whose details were garbage.
		{"a status without details", grpcstatus.Error(codes.NotFound, "none"), codes.NotFound, "NOT_FOUND", "none", nil},
		{"a status without anything", grpcstatus.Error(codes.NotFound, ""), codes.NotFound, "NOT_FOUND", "not found", nil},
		{"an unknown code", grpcstatus.Error(99, "secret text"), codes.Unknown, status.CodeUnexpected, unexpected, nil},

		// S5: statuses whose text was meant for a log lose it, and their details.
		{"upstream's INTERNAL", rich(t, codes.Internal, `pq: password authentication failed for user "svc" host 10.0.3.7`), codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"upstream's UNKNOWN", rich(t, codes.Unknown, "secret text"), codes.Unknown, status.CodeUnexpected, unexpected, nil},
		{"upstream's DATA_LOSS", rich(t, codes.DataLoss, "secret text"), codes.DataLoss, status.CodeUnexpected, "data was lost or damaged", nil},
		{"upstream's ABORTED", rich(t, codes.Aborted, "conflict"), codes.Aborted, "ABORTED", "conflict", foreign},

		// Errors made here win, wherever they are.
		{"own", own, codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"own, wrapped", fmt.Errorf("secret text: %w", own), codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"own, joined", errors.Join(errPlain, fmt.Errorf("a: %w", errors.Join(context.Canceled, own))), codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"own before everything", errors.Join(rich(t, codes.DataLoss, "x"), remote(rpc(t, codes.Unauthenticated, "x")), context.Canceled, own), codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"own inside of a status", &statusAround{grpcstatus.New(codes.Unauthenticated, "x"), own}, codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"own that panicked", &status.PanicError{Value: own}, codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"received before grpc-go's", errors.Join(rich(t, codes.Unauthenticated, "x"), remote(rpc(t, codes.NotFound, "secret text"))), codes.Internal, status.CodeDependencyFailed, gone, nil},
		{"a nil Error", typedNil, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"a nil Error, wrapped", fmt.Errorf("a: %w", typedNil), codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"a nil Error beside another", errors.Join(typedNil, own), codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},

		// Networks.
		{"dial refused", dialRefused(t), codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"dial refused, inside of a URL error", &url.Error{Op: "Get", URL: "https://secret", Err: dialRefused(t)}, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"no such host", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "secret", IsNotFound: true}}, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"DNS too slow", &net.DNSError{Err: "timeout", Name: "secret", IsTimeout: true}, codes.DeadlineExceeded, status.CodeDependencyTimeout, late, nil},
		{"dial too slow", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, codes.DeadlineExceeded, status.CodeDependencyTimeout, late, nil},
		{"read too slow", readTooSlow(t), codes.DeadlineExceeded, status.CodeDependencyTimeout, late, nil},
		{"os.ErrDeadlineExceeded", fmt.Errorf("a: %w", os.ErrDeadlineExceeded), codes.DeadlineExceeded, status.CodeDependencyTimeout, late, nil},
		{"reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"broken pipe", syscall.EPIPE, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"no route", syscall.EHOSTUNREACH, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"no network", syscall.ENETUNREACH, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"closed", net.ErrClosed, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"closed pipe", io.ErrClosedPipe, codes.Unavailable, status.CodeDependencyUnavailable, unavailable, nil},
		{"an address in use is our own fault", &net.OpError{Op: "listen", Err: syscall.EADDRINUSE}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"a nil net error", (*net.OpError)(nil), codes.Internal, status.CodeUnexpected, unexpected, nil},

		// Errors that misbehave.
		{"a cycle", &cycle{"secret text"}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"a cycle, wrapped", fmt.Errorf("a: %w", &cycle{"secret text"}), codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"a bush without end", &bush{"secret text"}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"a cycle beside an Error", errors.Join(own, &cycle{"secret text"}), codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"panics in Unwrap", &panicsOn{unwrap: true}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"panics in Error", &panicsOn{text: true}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"panics in Is", &panicsOn{is: true}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"panics in As", &panicsOn{as: true}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"panics in GRPCStatus", &panicsOn{grpc: true}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"panics everywhere", &panicsOn{true, true, true, true, true}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"panics beside an Error", errors.Join(&panicsOn{true, true, true, true, true}, own), codes.NotFound, "BOOK_NOT_FOUND", "no such book", both},
		{"panics beside a deadline", errors.Join(&panicsOn{true, true, true, true, true}, context.DeadlineExceeded), codes.DeadlineExceeded, status.CodeTimeout, "the operation did not finish in time", nil},
		{"a nil pointer", nilPanics, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"an incomparable error", incomparable{errPlain}, codes.Internal, status.CodeUnexpected, unexpected, nil},
		{"nil in a list", &list{nil, nil}, codes.Internal, status.CodeUnexpected, unexpected, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := status.Classify(test.err)
			if e.Code() != test.code || e.ErrorCode() != test.errorCode || e.Message() != test.message {
				t.Errorf("got %v %s %q, want %v %s %q", e.Code(), e.ErrorCode(), e.Message(), test.code, test.errorCode, test.message)
			}
			p := sent(t, e, status.Rendering{})
			want := test.details
			if want == nil {
				want = []string{"google.rpc.ErrorInfo", "recourse.v1.ErrorDetail"}
			}
			if d := diff(want, names(p)); d != "" {
				t.Errorf("details: -want +got:\n%s", d)
			}
			if b, _ := proto.Marshal(p); bytes.Contains(b, []byte("secret")) {
				t.Errorf("the text of the cause is sent: %v", p)
			}
			if again := status.Classify(e); again != e {
				t.Errorf("classified twice it becomes %v", again)
			}
			for _, trust := range []status.Trust{status.Partner, status.Internal} { // no panic, no end missing
				sent(t, e, status.Rendering{Trust: trust, TechnicalDetails: true})
			}
		})
	}
}

type incomparable []error

func (i incomparable) Error() string   { return "secret text" }
func (i incomparable) Unwrap() []error { return i }

type list []error

func (l *list) Error() string   { return "secret text" }
func (l *list) Unwrap() []error { return *l }

func dialRefused(t testing.TB) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := net.Dial("tcp", addr)
	if err == nil {
		c.Close()
		t.Fatal("a closed port was answered")
	}
	return err
}

func readTooSlow(t testing.TB) error {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	if err := a.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	_, err := a.Read(make([]byte, 1))
	return err
}

func TestClassifyNilIsNil(t *testing.T) {
	called := false
	if e := status.Classify(nil, func(error) *status.Error { called = true; return status.New(1, "", "") }); e != nil || called {
		t.Errorf("got %v, classifier called: %v", e, called)
	}
}

func TestClassifyKeepsTheErrorAsCause(t *testing.T) {
	for name, err := range map[string]error{
		"plain": errPlain, "deadline": fmt.Errorf("a: %w", context.DeadlineExceeded), "canceled": context.Canceled, "network": syscall.EPIPE,
		"grpc-go's": fmt.Errorf("a: %w", rich(t, codes.NotFound, "m")), "grpc-go's INTERNAL": rich(t, codes.Internal, "m"),
		"received": fmt.Errorf("a: %w", remote(rpc(t, codes.NotFound, "m"))), "a classifier's": fmt.Errorf("a: %w", io.EOF),
	} {
		e := status.Classify(err, func(err error) *status.Error {
			if errors.Is(err, io.EOF) {
				return status.New(codes.NotFound, "NO_MORE", "")
			}
			return nil
		})
		if e.Unwrap() != err {
			t.Errorf("%s: the cause is %v, want %v", name, e.Unwrap(), err)
		}
	}
	if e := status.New(codes.NotFound, "X_Y", ""); status.Classify(fmt.Errorf("a: %w", e)) != e {
		t.Error("an Error made here is not returned as it is")
	}
}

func TestClassifiersGiveErrorsAMeaning(t *testing.T) {
	notFound := status.Sentinel(io.EOF, codes.NotFound, "NO_MORE", "no more", status.Domain(domain), status.Cause(errPlain))
	panics := func(error) *status.Error { panic("classifier") }
	knowsNothing := func(error) *status.Error { return nil }
	shared := status.New(codes.Aborted, "SHARED", "")
	own := status.New(codes.AlreadyExists, "OWN", "", status.Cause(io.EOF))
	tests := []struct {
		name        string
		err         error
		classifiers []status.Classifier
		want        string
	}{
		{"known", io.EOF, []status.Classifier{notFound}, "NO_MORE"},
		{"known, wrapped", fmt.Errorf("a: %w", io.EOF), []status.Classifier{notFound}, "NO_MORE"},
		{"known, joined", errors.Join(errPlain, io.EOF), []status.Classifier{notFound}, "NO_MORE"},
		{"unknown", io.ErrNoProgress, []status.Classifier{notFound}, status.CodeUnexpected},
		{"nil classifiers", io.EOF, []status.Classifier{nil, nil}, status.CodeUnexpected},
		{"behind one that panics", io.EOF, []status.Classifier{panics, nil, knowsNothing, notFound}, "NO_MORE"},
		{"only one that panics", io.EOF, []status.Classifier{panics}, status.CodeUnexpected},
		{"the first wins", io.EOF, []status.Classifier{notFound, func(error) *status.Error { return shared }}, "NO_MORE"},
		{"not asked about our own", own, []status.Classifier{notFound}, "OWN"},
		{"asked before received ones", errors.Join(io.EOF, remote(rpc(t, codes.DataLoss, ""))), []status.Classifier{notFound}, "NO_MORE"},
		{"asked before grpc-go's", errors.Join(io.EOF, rich(t, codes.Aborted, "")), []status.Classifier{notFound}, "NO_MORE"},
		{"asked before contexts", errors.Join(io.EOF, context.Canceled), []status.Classifier{notFound}, "NO_MORE"},
		{"may override contexts", context.Canceled, []status.Classifier{func(error) *status.Error { return shared }}, "SHARED"},
		{"Is panics", &panicsOn{is: true}, []status.Classifier{notFound}, status.CodeUnexpected},
		{"a cycle", &cycle{}, []status.Classifier{notFound}, status.CodeUnexpected},
		{"a target of nil", io.EOF, []status.Classifier{status.Sentinel(nil, codes.NotFound, "NIL", "")}, status.CodeUnexpected},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := status.Classify(test.err, test.classifiers...).ErrorCode(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	err := fmt.Errorf("a: %w", io.EOF)
	if e := status.Classify(err, notFound); e.Unwrap() != err || e.Domain() != domain || e.Code() != codes.NotFound || e.Message() != "no more" {
		t.Errorf("Sentinel made %v with cause %v in %q", e, e.Unwrap(), e.Domain())
	}
	if status.Classify(errPlain, func(error) *status.Error { return shared }); shared.Unwrap() != nil {
		t.Error("Classify changed an Error that a classifier shares")
	}
	if got := status.Classify(errPlain, func(error) *status.Error { return own }).Unwrap(); got != io.EOF {
		t.Errorf("the cause that a classifier gave was replaced by %v", got)
	}
}

// TestADependencysErrorBecomesOurOwn is the table of what a dependency's code becomes.
func TestADependencysErrorBecomesOurOwn(t *testing.T) {
	const failed, unavailable, late = status.CodeDependencyFailed, status.CodeDependencyUnavailable, status.CodeDependencyTimeout
	want := map[codes.Code]struct {
		code      codes.Code
		errorCode string
		verdict   recoursev1.RetryAdvice_Verdict
		delay     time.Duration // -1: none
	}{
		codes.Canceled:           {codes.Internal, failed, never, -1},
		codes.Unknown:            {codes.Internal, failed, never, -1},
		codes.InvalidArgument:    {codes.Internal, failed, never, -1},
		codes.DeadlineExceeded:   {codes.DeadlineExceeded, late, never, -1},
		codes.NotFound:           {codes.Internal, failed, never, -1},
		codes.AlreadyExists:      {codes.Internal, failed, never, -1},
		codes.PermissionDenied:   {codes.Internal, failed, never, -1},
		codes.ResourceExhausted:  {codes.Unavailable, unavailable, sameRequest, time.Second},
		codes.FailedPrecondition: {codes.Internal, failed, never, -1},
		codes.Aborted:            {codes.Internal, failed, never, -1},
		codes.OutOfRange:         {codes.Internal, failed, never, -1},
		codes.Unimplemented:      {codes.Internal, failed, never, -1},
		codes.Internal:           {codes.Internal, failed, never, -1},
		codes.Unavailable:        {codes.Unavailable, unavailable, sameRequest, -1},
		codes.DataLoss:           {codes.Internal, failed, never, -1},
		codes.Unauthenticated:    {codes.Internal, failed, never, -1},
		99:                       {codes.Internal, failed, never, -1},
	}
	for _, code := range append(everyCode(), 99) {
		t.Run(code.String(), func(t *testing.T) {
			p := rpc(t, code, "secret text", &errdetails.ErrorInfo{Reason: "SECRET", Domain: "secret.example.com", Metadata: map[string]string{"secret": "secret"}},
				&errdetails.DebugInfo{Detail: "secret"}, unknownAny("secret"), &errdetails.RequestInfo{RequestId: "secret"},
				&recoursev1.ErrorDetail{ErrorCode: "SECRET", Domain: "secret.example.com", Suggestion: "secret", Operation: "/secret", Outcome: recoursev1.Outcome_OUTCOME_APPLIED,
					RecoveryActions: []*recoursev1.RecoveryAction{{Label: "secret"}}, Causes: []*recoursev1.CauseLink{{Service: "secret"}}})
			e := status.Classify(fmt.Errorf("secret: %w", remote(p)))
			w := want[code]
			delay, ok := e.RetryDelay()
			if !ok {
				delay = -1
			}
			if e.Code() != w.code || e.ErrorCode() != w.errorCode || e.Verdict() != w.verdict || delay != w.delay {
				t.Errorf("got %v %s %v %v, want %v", e.Code(), e.ErrorCode(), e.Verdict(), delay, w)
			}
			if code == codes.DeadlineExceeded && e.Outcome() != recoursev1.Outcome_OUTCOME_INDETERMINATE {
				t.Errorf("outcome %v", e.Outcome())
			}
			if code != codes.DeadlineExceeded && e.Outcome() != 0 {
				t.Errorf("the dependency's outcome became ours: %v", e.Outcome())
			}
			if b, _ := proto.Marshal(sent(t, e, status.Rendering{})); bytes.Contains(bytes.ToLower(b), []byte("secret")) {
				t.Errorf("something of the dependency is sent: %q", b)
			}
			internal := sent(t, e, status.Rendering{Trust: status.Internal})
			link := &recoursev1.CauseLink{Service: "shelf.v1.Shelf", Domain: "secret.example.com", ErrorCode: "SECRET", Code: int32(min(code, 17)), RequestId: "secret"}
			if code == 99 {
				link.Code = int32(codes.Unknown)
			}
			if d := diff([]*recoursev1.CauseLink{link, {Service: "secret"}}, detail[*recoursev1.ErrorDetail](t, internal).GetCauses()); d != "" {
				t.Errorf("causes for an internal caller: -want +got:\n%s", d)
			}
		})
	}
}

func TestADependencysDelayAndNeverAreKept(t *testing.T) {
	advice := &recoursev1.RetryAdvice{Verdict: never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3, ExhaustedBy: "shelf"}
	speaks := func(code codes.Code, a *recoursev1.RetryAdvice, more ...proto.Message) *status.Error {
		return remote(rpc(t, code, "m", append(more, &errdetails.ErrorInfo{Reason: "X_Y"}, &recoursev1.ErrorDetail{ErrorCode: "X_Y", Retry: a})...))
	}
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)}
	for _, code := range everyCode() {
		e := status.Classify(speaks(code, advice))
		if e.Verdict() != never {
			t.Errorf("%v: NEVER became %v", code, e.Verdict())
		}
		if d := diff(advice, e.RetryAdvice()); d != "" {
			t.Errorf("%v: -want +got:\n%s", code, d)
		}
	}
	for _, v := range []recoursev1.RetryAdvice_Verdict{0, sameRequest, afterAction, atHigherLevel} {
		e := status.Classify(speaks(codes.NotFound, &recoursev1.RetryAdvice{Verdict: v}))
		if e.RetryAdvice() != nil {
			t.Errorf("the dependency's verdict %v, which is not about our caller's request, was kept", v)
		}
	}
	for _, code := range []codes.Code{codes.Unavailable, codes.ResourceExhausted} {
		if d, ok := status.Classify(speaks(code, nil, retry)).RetryDelay(); d != time.Minute || !ok {
			t.Errorf("%v: delay %v, %v", code, d, ok)
		}
		e := status.Classify(speaks(code, advice, retry))
		enc := e.Encode(status.Rendering{})
		if e.Verdict() != never || !enc.RetryForbidden || enc.RetryDelay >= 0 {
			t.Errorf("%v with a delay and NEVER: %v, %+v", code, e.Verdict(), enc)
		}
	}
	// NEVER is not lost in company.
	for errs := range permutations([]error{speaks(codes.Unavailable, advice), speaks(codes.ResourceExhausted, nil, retry), speaks(codes.Unavailable, nil)}) {
		if got := status.Classify(errors.Join(errs...)).Verdict(); got != never {
			t.Errorf("joined with others NEVER became %v", got)
		}
	}
}

func TestTheOrderOfAJoinDoesNotMatter(t *testing.T) {
	violation := func(field string) status.Option { return status.Violation(field, "BAD_FIELD", "bad") }
	verdict := func(v recoursev1.RetryAdvice_Verdict) status.Option { return status.Retry(v, 0) }
	made := func(code codes.Code, errorCode, message string, opts ...status.Option) error {
		return status.New(code, errorCode, message, opts...)
	}
	tests := []struct {
		name   string
		errs   []error
		want   string
		elided int
	}{
		{"codes", []error{made(codes.Unavailable, "UNA", ""), made(codes.NotFound, "NOT", ""), made(codes.Internal, "INT", ""), made(codes.Canceled, "CAN", "")}, "INT", 3},
		{"who the caller is comes first", []error{made(codes.DataLoss, "DAT", ""), made(codes.PermissionDenied, "PER", ""), made(codes.Unauthenticated, "UNA", "")}, "UNA", 2},
		{"error codes", []error{made(codes.NotFound, "BBB", ""), made(codes.NotFound, "AAA", ""), made(codes.NotFound, "CCC", "")}, "AAA", 2},
		{"domains", []error{made(codes.NotFound, "AAA", "", status.Domain("b")), made(codes.NotFound, "AAA", "", status.Domain("a")), made(codes.NotFound, "AAA", "")}, "AAA", 2},
		{"messages", []error{made(codes.NotFound, "AAA", "b"), made(codes.NotFound, "AAA", "a"), made(codes.NotFound, "AAA", "c")}, "AAA", 2},
		{"verdicts", []error{made(codes.Unavailable, "AAA", "", verdict(sameRequest)), made(codes.Unavailable, "BBB", "", verdict(never)), made(codes.Unavailable, "CCC", "")}, "BBB", 2},
		{"violations are merged", []error{made(codes.InvalidArgument, "BAD", "m", violation("c")), made(codes.InvalidArgument, "BAD", "m", violation("a"), violation("b")), made(codes.InvalidArgument, "BAD", "m", violation("d"))}, "BAD", 0},
		{"violations of others are not", []error{made(codes.InvalidArgument, "BAD", "m", violation("a")), made(codes.OutOfRange, "OUT", "m", violation("b")), made(codes.InvalidArgument, "CAD", "m", violation("c"))}, "BAD", 2},
		{"nor those of another domain", []error{made(codes.InvalidArgument, "BAD", "m", violation("a"), status.Domain("a")), made(codes.InvalidArgument, "BAD", "m", violation("b"), status.Domain("b"))}, "BAD", 1},
		{"received ones", []error{remote(rpc(t, codes.Unavailable, "u")), remote(rpc(t, codes.ResourceExhausted, "r")), remote(rpc(t, codes.DeadlineExceeded, "d"))}, status.CodeDependencyUnavailable, 0},
		{"grpc-go's", []error{plain(rpc(t, codes.NotFound, "u")), plain(rpc(t, codes.Unimplemented, "r")), plain(rpc(t, codes.NotFound, "d"))}, "UNIMPLEMENTED", 2},
		{"all kinds", []error{made(codes.NotFound, "NOT", ""), remote(rpc(t, codes.Internal, "r")), plain(rpc(t, codes.DataLoss, "d")), errPlain, context.Canceled}, "NOT", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			same := func(want, got *spb.Status) string {
				return cmp.Diff(want, got, protocmp.Transform(), protocmp.SortRepeated(func(a, b *errdetails.BadRequest_FieldViolation) bool { return a.GetField() < b.GetField() }))
			}
			var first *spb.Status
			for errs := range permutations(test.errs) {
				e := status.Classify(fmt.Errorf("a: %w", errors.Join(errs...)))
				if e.ErrorCode() != test.want {
					t.Fatalf("%v: got %s, want %s", errs, e.ErrorCode(), test.want)
				}
				if e.Elided() != test.elided {
					t.Errorf("%v: elided %d, want %d", errs, e.Elided(), test.elided)
				}
				p := sent(t, e, status.Rendering{Trust: status.Internal})
				if first == nil {
					first = p
				}
				if d := same(first, p); d != "" {
					t.Fatalf("%v: another order gives another answer:\n%s", errs, d)
				}
				nested := status.Classify(errors.Join(errs[0], fmt.Errorf("b: %w", errors.Join(errs[1:]...))))
				if d := same(first, sent(t, nested, status.Rendering{Trust: status.Internal})); d != "" {
					t.Fatalf("%v: nested joins give another answer:\n%s", errs, d)
				}
			}
		})
	}
}

func TestAJoinLeavesItsErrorsAsTheyWere(t *testing.T) {
	a := status.New(codes.InvalidArgument, "BAD", "m", status.Violation("a", "", ""))
	b := status.New(codes.InvalidArgument, "BAD", "m", status.Violation("b", "", ""))
	before := sent(t, a, status.Rendering{})
	e := status.Classify(errors.Join(a, b))
	if got, _ := status.Detail[*errdetails.BadRequest](e); len(got.GetFieldViolations()) != 2 {
		t.Errorf("merged: %v", got)
	}
	if d := diff(before, sent(t, a, status.Rendering{})); d != "" {
		t.Errorf("-before +after:\n%s", d)
	}
}

func TestMergedViolationsAreClean(t *testing.T) {
	dirty := func(field string) error {
		return plain(rpc(t, codes.InvalidArgument, "m", &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field + "\x1b"}}}))
	}
	e := status.Classify(errors.Join(dirty("a"), dirty("b"), plain(rpc(t, codes.InvalidArgument, "m", broken("google.rpc.BadRequest")))))
	want := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a"}, {Field: "b"}}}
	if d := diff(want, detail[*errdetails.BadRequest](t, sent(t, e, status.Rendering{}))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if e.Elided() != 1 {
		t.Errorf("elided %d, want the broken one", e.Elided())
	}
}

func TestUnspecificStatusesKeepWhatProgramsRead(t *testing.T) {
	for _, code := range []codes.Code{codes.Unknown, codes.Internal, codes.DataLoss} {
		p := rpc(t, code, "secret", &errdetails.ErrorInfo{Reason: "DISK_FULL", Domain: domain, Metadata: map[string]string{"path": "secret"}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}, &errdetails.LocalizedMessage{Locale: "en", Message: "secret"}, unknownAny("secret"),
			&recoursev1.ErrorDetail{ErrorCode: "DISK_FULL", Domain: domain, Suggestion: "secret", Operation: "secret", Outcome: recoursev1.Outcome_OUTCOME_NOT_APPLIED,
				Retry: &recoursev1.RetryAdvice{Verdict: sameRequest}, RecoveryActions: []*recoursev1.RecoveryAction{{Label: "secret"}}, Causes: []*recoursev1.CauseLink{{Service: "secret"}}})
		e := status.Classify(plain(p))
		if d, ok := e.RetryDelay(); e.Code() != code || e.ErrorCode() != "DISK_FULL" || e.Domain() != domain || d != time.Second || !ok ||
			e.Outcome() != recoursev1.Outcome_OUTCOME_UNSPECIFIED || e.Verdict() != sameRequest { // not applied was a call further down, perhaps
			t.Errorf("%v: got %v in %q, delay %v %v, %v, %v", code, e, e.Domain(), d, ok, e.Outcome(), e.Verdict())
		}
		for _, trust := range []status.Trust{status.Public, status.Partner, status.Internal} {
			if b, _ := proto.Marshal(sent(t, e, status.Rendering{Trust: trust})); bytes.Contains(b, []byte("secret")) {
				t.Errorf("%v: text is sent: %q", code, b)
			}
		}
	}
}

func TestPassThroughSendsAnErrorOnAsItIs(t *testing.T) {
	p := rpc(t, codes.NotFound, "no\nbook", &errdetails.ErrorInfo{Reason: "BOOK_NOT_FOUND", Domain: domain, Metadata: map[string]string{"isbn": "978"}},
		&errdetails.ResourceInfo{ResourceName: "books/1", Description: "a\x1bb"}, unknownAny("\x00\xff"), &errdetails.DebugInfo{Detail: "secret"},
		&recoursev1.ErrorDetail{ErrorCode: "BOOK_NOT_FOUND", Domain: domain, Suggestion: "Look elsewhere.", Outcome: recoursev1.Outcome_OUTCOME_NOT_APPLIED,
			Causes: []*recoursev1.CauseLink{{Service: "secret"}}, RecoveryActions: []*recoursev1.RecoveryAction{{Label: "Look"}}})
	for name, err := range map[string]error{"received": remote(p), "grpc-go's": plain(p), "wrapped": fmt.Errorf("secret: %w", remote(p))} {
		t.Run(name, func(t *testing.T) {
			passed := status.PassThrough(err)
			if !errors.Is(passed, err) {
				t.Error("the error is not behind the one passed on")
			}
			for how, e := range map[string]*status.Error{"alone": status.Classify(passed), "wrapped": status.Classify(fmt.Errorf("secret: %w", passed))} {
				got := sent(t, e, status.Rendering{Domain: "proxy.example.com"})
				want := rpc(t, codes.NotFound, "no book", &errdetails.ErrorInfo{Reason: "BOOK_NOT_FOUND", Domain: domain, Metadata: map[string]string{"isbn": "978"}},
					&errdetails.ResourceInfo{ResourceName: "books/1", Description: "ab"}, unknownAny("\x00\xff"),
					&recoursev1.ErrorDetail{ErrorCode: "BOOK_NOT_FOUND", Domain: domain, Suggestion: "Look elsewhere.", Outcome: recoursev1.Outcome_OUTCOME_NOT_APPLIED,
						RecoveryActions: []*recoursev1.RecoveryAction{{Label: "Look"}}})
				if d := diff(want, got); d != "" {
					t.Errorf("%s: -want +got:\n%s", how, d)
				}
			}
		})
	}
	if got := status.PassThrough(nil); got != nil {
		t.Errorf("PassThrough(nil) = %v", got)
	}
	if got := status.PassThrough(errPlain); got != errPlain {
		t.Errorf("PassThrough of an error without status = %v", got)
	}
	var none *status.Error
	if got := status.PassThrough(none); got != error(none) {
		t.Errorf("PassThrough of a nil Error = %v", got)
	}
}

func TestPassThroughKeepsTheTextOfAnUnspecificStatus(t *testing.T) {
	got := status.Classify(status.PassThrough(plain(rpc(t, codes.Internal, "the printer is on fire"))))
	if got.Message() != "the printer is on fire" || got.Code() != codes.Internal {
		t.Errorf("got %v", got)
	}
}

func TestClassifyWorkIsBounded(t *testing.T) {
	calls := 0
	var err error = &counting{&calls}
	if got := status.Classify(err).ErrorCode(); got != status.CodeUnexpected {
		t.Errorf("got %s", got)
	}
	if calls > 100_000 {
		t.Errorf("an error that unwraps to two of itself was unwrapped %d times", calls)
	}
	many := make([]error, 100_000)
	for i := range many {
		many[i] = err
	}
	calls = 0
	status.Classify(errors.Join(many...))
	if calls > 100_000 {
		t.Errorf("%d of them were unwrapped %d times", len(many), calls)
	}
}

type counting struct{ calls *int }

func (c *counting) Error() string   { return strings.Repeat("x", 1<<10) }
func (c *counting) Unwrap() []error { *c.calls++; return []error{c, c} }

// A link that a person should not follow is left out and counted, however it
// comes: attached, packed, or in an error that is passed on.
func TestOddLinksAreNotSent(t *testing.T) {
	help := &errdetails.Help{Links: []*errdetails.Help_Link{{Url: "javascript:alert(1)"}, {Url: "https://a"}, {Url: "http://b"}}}
	want := &errdetails.Help{Links: []*errdetails.Help_Link{{Url: "https://a"}}}
	for name, e := range map[string]*status.Error{
		"attached":  status.New(codes.NotFound, "X_Y", "m", status.Attach(help)),
		"packed":    status.New(codes.NotFound, "X_Y", "m", status.Attach(packed(t, help))),
		"passed on": status.Classify(status.PassThrough(remote(rpc(t, codes.NotFound, "m", &errdetails.ErrorInfo{Reason: "X_Y"}, help)))),
	} {
		if d := diff(want, detail[*errdetails.Help](t, sent(t, e, status.Rendering{}))); d != "" || e.Elided() != 2 {
			t.Errorf("%s: %d elided, -want +got:\n%s", name, e.Elided(), d)
		}
	}
	none := status.New(codes.NotFound, "X_Y", "m", status.Attach(&errdetails.Help{Links: help.GetLinks()[:1]}))
	if h := detail[*errdetails.Help](t, sent(t, none, status.Rendering{})); h != nil || none.Elided() != 1 {
		t.Errorf("%v, %d elided", h, none.Elided())
	}
}
