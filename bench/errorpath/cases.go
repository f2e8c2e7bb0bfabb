// Package errorpath compares what a failing call costs with this library, with
// grpc-go alone and with others: to make an error with details, to send it, to find
// one detail in it, all of it end to end, and to turn a panic into one.
//
// All ways to do a thing say the same with the same details of google.rpc. What this
// library sends by default besides them, guidance in recourse.v1.ErrorDetail, is part
// of what it is measured with; where that is left out, the name says so.
package errorpath

import (
	"slices"

	"github.com/recourse-dev/recourse/bench/harness"
	grpcstatus "google.golang.org/grpc/status"
)

// Cases are all comparisons of the error path.
func Cases() []harness.Case {
	return slices.Concat(makingCases(), findingCases(), callingCases(), busyCases(), declaredCases(), []harness.Case{panicCase(), loggedCase()})
}

// What the work yields goes here, so that no compiler leaves it out.
var sink struct {
	status *grpcstatus.Status
	err    error
	text   string
	bytes  []byte
	number int64
}

// endless makes the contender of work that needs nothing to be set up or cleaned up.
func endless(name string, work func()) harness.Contender {
	return harness.Contender{Name: name, Setup: func() (func(int), func(), error) {
		run := func(n int) {
			for range n {
				work()
			}
		}
		return run, func() {}, nil
	}}
}
