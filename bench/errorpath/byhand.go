package errorpath

import (
	"context"
	"strconv"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// withAll says by hand all that an error of this library says. Its ErrorDetail is
// taken from one, once, as an application would that knows what to send.
func withAll(n int) func() error {
	last := errorDetail(own(n)(), status.Rendering{Domain: domain})
	return func() error {
		return statusError(grpcstatus.New(code, message).WithDetails(list(n, errorInfo(newID()), last)...))
	}
}

// answerAll answers a call with all that this library's server answers.
func answerAll(n int) func() error {
	last := errorDetail(natural(n)(), status.Rendering{Domain: domain, RequestID: newID()})
	return func() error {
		id := newID()
		details := list(n, &errdetails.ErrorInfo{Reason: reason, Domain: domain}, &errdetails.RequestInfo{RequestId: id}, last)
		return &byHand{statusError(grpcstatus.New(code, message).WithDetails(details...)), id, n >= 3}
	}
}

// list is the first n details of google.rpc, of which the ErrorInfo is given, and more.
func list(n int, info *errdetails.ErrorInfo, more ...protoadapt.MessageV1) []protoadapt.MessageV1 {
	details := append(make([]protoadapt.MessageV1, 0, n+len(more)), info)
	if n >= 3 {
		details = append(details, retryInfo(), localized())
	}
	if n >= 5 {
		details = append(details, help(), badRequest())
	}
	return append(details, more...)
}

func errorDetail(err error, r status.Rendering) *recoursev1.ErrorDetail {
	e, _ := status.From(err)
	p := new(spb.Status)
	if b, err := proto.Marshal(raw(e.Encode(r).Status)); err != nil || proto.Unmarshal(b, p) != nil {
		return nil
	}
	details := p.GetDetails()
	m, _ := details[len(details)-1].UnmarshalNew()
	detail, _ := m.(*recoursev1.ErrorDetail)
	return detail
}

// byHand is an error whose handler sets the trailers.
type byHand struct {
	error
	id      string
	delayed bool
}

func (e *byHand) send(ctx context.Context) error {
	trailers := metadata.Pairs("x-request-id", e.id)
	if e.delayed {
		trailers.Set("grpc-retry-pushback-ms", strconv.FormatInt(delay.Milliseconds(), 10))
	}
	if err := grpc.SetTrailer(ctx, trailers); err != nil {
		return err
	}
	return e.error
}
