// Package harness measures contenders that do the same work side by side, in one
// process and in turns, so that what disturbs one disturbs the others too.
package harness

// A Case is work that several contenders do.
type Case struct {
	Name       string // "unary/bufconn"
	Baseline   string // the contender that ratios refer to
	Contenders []Contender
	// Heap measures what n times the work leaves on the heap until it is stopped,
	// instead of what it takes.
	Heap bool
}

// A Contender is one way to do the work of a case.
type Contender struct {
	Name string // "recourse"
	// Setup prepares it, once. What it returns does the work n times, and cleans up.
	Setup func() (run func(n int), stop func(), err error)
}
