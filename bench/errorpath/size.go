package errorpath

import (
	"sort"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// A Fact is a size in bytes: there is nothing to measure about it.
type Fact struct {
	Name  string // what rows call it: the contender that sends it, where there is one
	What  string
	Bytes int
}

// Names of facts that are no contenders.
const (
	LargestByDefault = "largest by default"
	LargestOfAll     = "largest of all"
)

// Sizes are those of the default error, an ErrorInfo and a RetryInfo, as a
// google.rpc.Status, and what bounds all others.
func Sizes() []Fact {
	answer := func(c codes.Code, r status.Rendering) int {
		r.Domain, r.RequestID = domain, newID()
		e := status.New(c, reason, message, status.RetryAfter(delay))
		return proto.Size(raw(e.Encode(r).Status))
	}
	return []Fact{
		{GRPCDefault, "the default error of grpc-go: ErrorInfo and RetryInfo", statusOf(errorInfo(newID()), retryInfo())},
		{AnswersDefault, "the default error", answer(code, status.Rendering{})},
		{AnswersDefaultStatic, "the default error where the failure is not the server's fault",
			answer(codes.ResourceExhausted, status.Rendering{})},
		{"", "the default error without guidance", answer(code, status.Rendering{OmitGuidance: true})},
		{"", "the same, not the server's fault", answer(codes.ResourceExhausted, status.Rendering{OmitGuidance: true})},
		{AnswersDefault + "-plain", "the default error without ErrorDetail", answer(code, status.Rendering{OmitErrorDetail: true})},
		{LargestByDefault, "the largest error that is sent whole by default", largest(0)},
		{LargestOfAll, "the largest error that is sent whole where the server allows most", largest(status.MaxTrailerBytes)},
		{"", "all trailers on the wire by default", status.DefaultTrailerBytes},
		{"", "all trailers on the wire where the server allows most", status.MaxTrailerBytes},
	}
}

func statusOf(details ...proto.Message) int {
	b := appendText(nil, 2, message)
	b = append(b, 1<<3, byte(code))
	for _, m := range details {
		b = appendDetail(b, m)
	}
	return len(b)
}

// largest is the size up to which nothing is left out of an error.
func largest(budget int) int {
	size := 0
	sort.Search(status.MaxTrailerBytes, func(n int) bool {
		padding := &anypb.Any{TypeUrl: prefix + "recourse.bench.Padding", Value: make([]byte, n)}
		enc := status.New(code, reason, message, status.Attach(padding)).
			Encode(status.Rendering{Domain: domain, TrailerBytes: budget})
		if enc.Elided > 0 {
			return true
		}
		size = max(size, proto.Size(raw(enc.Status)))
		return false
	})
	return size
}
