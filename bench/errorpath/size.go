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
	Name  string
	Bytes int
}

// Sizes are those of the default error, an ErrorInfo and a RetryInfo, as a
// google.rpc.Status, and what bounds all others.
func Sizes() []Fact {
	answer := func(c codes.Code, r status.Rendering) int {
		r.Domain, r.RequestID = domain, newID()
		e := status.New(c, reason, message, status.RetryAfter(delay))
		return proto.Size(raw(e.Encode(r).Status))
	}
	grpcDefault := statusOf(errorInfo(newID()), retryInfo())
	return []Fact{
		{"default error, grpc-withdetails", grpcDefault},
		{"default error", answer(code, status.Rendering{})},
		{"default error, not the server's fault", answer(codes.ResourceExhausted, status.Rendering{})},
		{"default error, no guidance", answer(code, status.Rendering{OmitGuidance: true})},
		{"default error, no guidance, not the server's fault", answer(codes.ResourceExhausted, status.Rendering{OmitGuidance: true})},
		{"default error, no ErrorDetail", answer(code, status.Rendering{OmitErrorDetail: true})},
		{"trailer block by default", status.DefaultTrailerBytes},
		{"trailer block at most", status.MaxTrailerBytes},
		{"largest error by default", largest(0)},
		{"largest error of all", largest(status.MaxTrailerBytes)},
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
