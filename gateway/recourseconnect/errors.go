package recourseconnect

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/internal/web"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Error makes an error of Connect of any error, as a public caller may see it: for code that
// the interceptor does not see, such as middleware with a connect.ErrorWriter. Its Unwrap is
// err. It is nil for nil.
func Error(err error) *connect.Error {
	e := status.Classify(err, classify)
	if e == nil {
		return nil
	}
	out := written(e.Encode(status.Rendering{}).Status, err)
	if id := web.ID(e.RequestID()); id != "" {
		out.Meta().Set(web.RequestID, id)
	}
	return out
}

// From returns the Error that err is, wraps or, as an error of Connect or a status of
// grpc-go, can be read as, with all details, of types that are not known too. It reports false
// for nil and for errors that are neither.
func From(err error) (*status.Error, bool) {
	if e, ok := status.From(err); ok {
		return e, true
	}
	if ce, ok := connectError(err); ok {
		return status.From(readable(ce, err))
	}
	return nil, false
}

// written makes Connect's error of what was encoded.
func written(st *grpcstatus.Status, err error) *connect.Error {
	p := web.Whole(st)
	out := connect.NewError(connect.Code(p.GetCode()), &sent{p.GetMessage(), err})
	for _, d := range p.GetDetails() {
		if detail, err := connect.NewErrorDetail(d); err == nil { // an Any, which cannot fail
			out.AddDetail(detail)
		}
	}
	return out
}

// sent is an error whose text is the one on the wire.
type sent struct {
	text string
	err  error
}

func (s *sent) Error() string { return s.text }
func (s *sent) Unwrap() error { return s.err }

func connectError(err error) (*connect.Error, bool) {
	var ce *connect.Error
	return ce, errors.As(err, &ce) && ce != nil
}

// received is an error of Connect with the status that package status reads.
type received struct {
	err    error
	status *grpcstatus.Status
}

func (r *received) Error() string                  { return r.err.Error() }
func (r *received) Unwrap() error                  { return r.err }
func (r *received) GRPCStatus() *grpcstatus.Status { return r.status }

// Bounds of what is read from a stranger, beyond those of package status.
const (
	maxDetails     = 64
	maxDetailBytes = 1 << 20
)

// readable finds everything that an error says. Where the server is one that only knows the
// metadata for stock clients, that is read too.
func readable(ce *connect.Error, err error) *received {
	p := &spb.Status{Code: int32(ce.Code()), Message: ce.Message()}
	size, delayed := 0, false
	for _, d := range ce.Details() {
		a := &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type(), Value: d.Bytes()}
		if size += len(a.Value); len(p.Details) == maxDetails || size > maxDetailBytes {
			break
		}
		delayed = delayed || d.Type() == "google.rpc.RetryInfo"
		p.Details = append(p.Details, a)
	}
	if delay, ok := pushback(ce.Meta()); ok && !delayed && delay >= 0 {
		if a, err := anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}); err == nil {
			p.Details = append(p.Details, a)
		}
	}
	return &received{err, grpcstatus.FromProto(p)}
}

// pushback reads when the server allows a repeat; a negative delay means never (gRFC A6).
func pushback(h http.Header) (time.Duration, bool) {
	values := h.Values(web.Pushback)
	if len(values) != 1 {
		return 0, false
	}
	ms, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || ms > math.MaxInt32 {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

// read makes a *status.Error of an error that a client's call has ended with. The end of a
// stream is none.
func read(ctx context.Context, procedure string, request http.Header, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if e, ok := err.(*status.Error); ok { // of the interceptor, installed twice
		return e
	}
	ce, ok := connectError(err)
	if !ok {
		return status.Received(err, procedure, web.ID(request.Values(web.RequestID)...), false)
	}
	id := web.ID(append(ce.Meta().Values(web.RequestID), request.Values(web.RequestID)...)...)
	timedOut := !connect.IsWireError(err) && errors.Is(ctx.Err(), context.DeadlineExceeded)
	e := status.Received(readable(ce, err), procedure, id, timedOut)
	if delay, ok := pushback(ce.Meta()); ok && delay < 0 && e.RetryAdvice() == nil {
		e = e.With(status.Retry(status.Never))
	}
	return e
}

// classify gives the errors of Connect a meaning on a server: one that a handler has made is
// its own, with its code and details, and one of a call to another service is that one's. A
// text that nobody has put into a status by name stays here where the code is one for a log.
func classify(err error) *status.Error {
	ce, ok := connectError(err)
	if !ok {
		return nil
	}
	if ce.Code() < connect.CodeCanceled || ce.Code() > connect.CodeUnauthenticated {
		return status.New(codes.Internal, "", "")
	}
	if connect.IsWireError(ce) {
		return status.Received(readable(ce, ce), "", "", false)
	}
	e, _ := status.From(readable(ce, ce))
	return e
}

// Degraded reads the mark of a degraded answer in its headers or trailers, nil if there is
// none. An answer has it in the headers where that was known before its first message, and in
// the trailers.
func Degraded(h http.Header) *recoursev1.Degraded { return interceptors.DegradedIn(fromHeader(h)) }

// ExposedHeaders are the headers that a page of another origin has to be allowed to read: the
// value of Access-Control-Expose-Headers, as a list. Without the Grpc- ones gRPC-Web loses the
// details of an error that comes before the first message, or all of it.
func ExposedHeaders() []string {
	return []string{
		"Grpc-Message", "Grpc-Retry-Pushback-Ms", "Grpc-Status", "Grpc-Status-Details-Bin",
		"Recourse-Degraded", "Recourse-Degraded-Bin", "Trailer-Recourse-Degraded", "Trailer-Recourse-Degraded-Bin", "X-Request-Id",
	}
}
