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
	c := harness.Case{Name: Busy, Baseline: Bare}
	for _, p := range busyPairs() {
		c.Contenders = append(c.Contenders, p.contender(callers))
	}
	return []harness.Case{c}
}

func busyPairs() []pair {
	ours := interceptors.DialOptions()
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
		{name: Bare, fail: func() error { return grpcstatus.Error(code, message) }},
		{name: GRPCDefault, fail: grpcDefault},
		{name: GRPCDefaultStatic, fail: once(grpcDefault)},
		{name: AnswersDefault, fail: own(code), server: serverOptions(), client: ours},
		{name: AnswersDefault + "-plain", fail: own(code), client: ours,
			server: serverOptions(interceptors.OmitErrorDetail(status.Public))},
		{name: AnswersDefaultStatic, fail: once(own(codes.ResourceExhausted)), code: codes.ResourceExhausted,
			server: serverOptions(), client: ours},
		{name: AnswersDefaultStatic + "-unavailable", fail: once(own(code)), server: serverOptions(), client: ours},
		{name: "grpc" + Long, fail: grpcLong},
		{name: "grpc" + Long + "-static", fail: once(grpcLong)},
		{name: Answers + Long, fail: own(code, status.Attach(long)), server: serverOptions(), client: ours},
		{name: Answers + Long + "-static", fail: once(own(codes.ResourceExhausted, status.Attach(long))), code: codes.ResourceExhausted,
			server: serverOptions(), client: ours},
	}
}
