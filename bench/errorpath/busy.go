package errorpath

import (
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// callers is how many calls are under way at once where the question is how many
// errors a server can send.
const callers = 64

// busyCases are failing calls, many at once. The default error is an ErrorInfo and
// a RetryInfo, the long one has 2 KB.
func busyCases() []harness.Case {
	c := harness.Case{Name: name("busy"), Baseline: "no-details"}
	for _, p := range busyPairs() {
		c.Contenders = append(c.Contenders, p.contender(callers))
	}
	return []harness.Case{c}
}

func busyPairs() []pair {
	ours := interceptors.DialOptions()
	once := func(fail func() error) func() error {
		err := fail()
		return func() error { return err }
	}
	grpcDefault := func() error {
		return statusError(grpcstatus.New(code, message).WithDetails(errorInfo(newID()), retryInfo()))
	}
	grpcLong := func() error {
		return statusError(grpcstatus.New(code, message).WithDetails(errorInfo(newID()), retryInfo(), long))
	}
	own := func(c codes.Code, opts ...status.Option) func() error {
		return func() error {
			return status.New(c, reason, message, append(opts[:len(opts):len(opts)], status.RetryAfter(delay))...)
		}
	}
	return []pair{
		{name: "no-details", fail: func() error { return grpcstatus.Error(code, message) }},
		{name: "grpc-default", fail: grpcDefault},
		{name: "grpc-default-static", fail: once(grpcDefault)},
		{name: "recourse-default", fail: own(code), server: serverOptions(), client: ours},
		{name: "recourse-default-plain", fail: own(code), client: ours,
			server: serverOptions(interceptors.OmitErrorDetail(status.Public))},
		{name: "recourse-default-static", fail: once(own(codes.ResourceExhausted)), code: codes.ResourceExhausted,
			server: serverOptions(), client: ours},
		{name: "grpc-2KB", fail: grpcLong},
		{name: "grpc-2KB-static", fail: once(grpcLong)},
		{name: "recourse-2KB", fail: own(code, status.Attach(long)), server: serverOptions(), client: ours},
		{name: "recourse-2KB-static", fail: once(own(codes.ResourceExhausted, status.Attach(long))), code: codes.ResourceExhausted,
			server: serverOptions(), client: ours},
	}
}
