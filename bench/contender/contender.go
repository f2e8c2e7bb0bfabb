// Package contender has the ways to install interceptors, or none, that are
// compared with each other: one file each. To add one, write a file that adds it to
// the list; nothing else has to know of it.
package contender

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/grpc"
)

// Kind is what a contender is in the comparison.
type Kind uint8

// In the order of the tables.
const (
	Bare  Kind = iota // gRPC by itself
	Ours              // this library
	Floor             // the least that the work takes
	Peer              // somebody else's
)

// Names that the rows of the report refer to.
const (
	BareName              = "bare"
	DeadlineName          = "bare-deadline"
	RecourseName          = "recourse"
	CoreName              = "recourse-core"
	LogOffName            = "recourse-log-off"
	OtelName              = "recourse-otel"
	OtelUnsampledName     = "recourse-otel-unsampled"
	OtelNoopName          = "recourse-otel-noop"
	ObservedName          = "recourse-observed"
	PassingName           = "recourse-passing"
	FloorName             = "floor"
	GomwName              = "gomw"
	GomwNoLogName         = "gomw-nolog"
	FailsafeName          = "failsafe"
	OtelSDKName           = "otelgrpc-sdk"
	OtelgrpcNoopName      = "otelgrpc-noop"
	OtelgrpcUnsampledName = "otelgrpc-unsampled"
	GRPCRetryName         = "grpc-retry"
	GRPCTimedRetry        = "grpc-retry-timeout"
)

// Contender is one of them, with what it claims to do: tests hold it to that.
type Contender struct {
	Name  string
	About string // in half a sentence
	Kind  Kind

	CallerDeadline bool // whoever calls sets a deadline
	Bounds         bool // a unary call whose caller set no deadline reaches the server with one
	BoundsStreams  bool // and so does a stream
	Retries        bool // a unary call that may be repeated is, up to Attempts times
	HoldsBack      bool // fewer than all attempts reach a service that stays down, three hops below
	UnaryOnly      bool // streams are bare
	OutsideChain   bool // it is no interceptor, so that there is nothing to call without a network
	Telemetry      bool // it is one of the ways to have telemetry, which are measured where that is asked about

	// New prepares a client and a server. Nothing is shared with other calls of it.
	New func() (Installed, error)
}

// Installed is a contender in use.
type Installed struct {
	Server []grpc.ServerOption
	Dial   []grpc.DialOption
	Stop   func() // nil: there is nothing to stop
}

// What all contenders are told, where they can be. Nobody waits between attempts: the
// measured work must not be waiting.
const (
	Timeout  = 30 * time.Second
	Attempts = 3
)

var list []Contender

// add is called once for each contender, from the declaration of a variable.
func add(c Contender) struct{} {
	list = append(list, c)
	return struct{}{}
}

// All are all contenders: gRPC, ours, the floor, and the peers by name.
func All() []Contender {
	return slices.SortedStableFunc(slices.Values(list), func(a, b Contender) int {
		if a.Kind == Peer && b.Kind == Peer {
			return cmp.Compare(a.Name, b.Name)
		}
		return cmp.Compare(a.Kind, b.Kind)
	})
}

// installed is a contender without state.
func installed(server []grpc.ServerOption, dial ...grpc.DialOption) func() (Installed, error) {
	return func() (Installed, error) { return Installed{Server: server, Dial: dial}, nil }
}
