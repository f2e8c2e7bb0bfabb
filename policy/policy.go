package policy

import (
	"time"

	"google.golang.org/grpc/codes"
)

// Policy is what holds for one method. It is a value: copy it to change it, and
// replace Codes rather than write into it, for copies share it. The zero Policy is
// not valid; a useful one comes from [Set.For].
//
// Where nothing else is said, a duration of 0 means that there is no such limit.
// "Client" and "server" say which side reads a field; the others are read by both.
// Package async reads what a client reads, and HardStop.
type Policy struct {
	// Timeout is for unary calls only; default 30s. Client: the longest that a call
	// may take, all attempts and waits together, where its caller allows more or sets
	// no deadline. Server: the deadline of a call whose caller set none.
	Timeout time.Duration

	// MaxTimeout, server, calls of any shape: the longest that a call may run,
	// whatever its caller allows. Default 0: no limit.
	MaxTimeout time.Duration

	// MinTimeout is the least time worth starting with; default 2ms. Server: a call
	// with less time left is refused at once. Client: an attempt with less time left
	// is not made.
	MinTimeout time.Duration

	// AttemptTimeout, client, unary: the longest that each attempt may take on its
	// own. Default 0: as long as the call has.
	AttemptTimeout time.Duration

	// FirstMessageTimeout, streams: the longest wait for the other side's first
	// message. Default 0: no limit.
	FirstMessageTimeout time.Duration

	// IdleTimeout, streams: the longest time without any message. Default 0: no limit.
	IdleTimeout time.Duration

	// HardStop, server: answer when time is up even though the handler has not
	// returned. Default false, for it costs a goroutine a call.
	HardStop bool

	// MaxAttempts, client: how often a call is made at most, the first time included;
	// 1 means never again. From 1 to 10; default 3.
	MaxAttempts int

	// Backoff, client: the wait before the first repeat is random between 0 and this
	// (full jitter); default 25ms. 0: no wait.
	Backoff time.Duration

	// MaxBackoff, client: the ceiling of all later waits, not below Backoff;
	// default 1s.
	MaxBackoff time.Duration

	// BackoffMultiplier, client: by how much the wait grows from one repeat to the
	// next, at least 1; default 2.
	BackoffMultiplier float64

	// Codes, client: further codes, beside UNAVAILABLE, that may be repeated when the
	// server states no verdict. Default nil: none. OK cannot be one.
	Codes []codes.Code

	// Idempotent says that the method may be repeated although its descriptor does not
	// say so. Default false.
	Idempotent bool

	// HandlerAttempts, server: how often a handler runs at most for one call, 1 or 2;
	// default 1. A second run needs a method that may be repeated.
	HandlerAttempts int

	// Fallback says that fallbacks are used; default true.
	Fallback bool

	// FallbackTimeout is the longest that a fallback may take; default 10s. It must
	// be more than 0 where fallbacks are used.
	FallbackTimeout time.Duration

	// LogAllErrors logs also the errors that are the caller's fault; default true.
	LogAllErrors bool

	// StackTraces adds stack traces to log records of panics and unexpected errors;
	// default true. They are never sent.
	StackTraces bool

	// LogRecovery logs repeats, fallbacks and degraded answers; default true.
	LogRecovery bool

	// Guidance, server: errors carry a suggestion and recovery actions; default true.
	Guidance bool

	// TechnicalDetails, server: callers that the server takes for its own kind
	// (status.Internal) see the text of causes and the stacks of panics, as
	// google.rpc.DebugInfo; default false.
	TechnicalDetails bool

	// ContactSupportThreshold: after so many failures in a row of one caller on one
	// method the error also says how to reach support. Default 3; 0: never.
	ContactSupportThreshold int
}

// builtin is what holds where no layer says anything.
func builtin() Policy {
	return Policy{
		Timeout:                 30 * time.Second,
		MinTimeout:              2 * time.Millisecond,
		MaxAttempts:             3,
		Backoff:                 25 * time.Millisecond,
		MaxBackoff:              time.Second,
		BackoffMultiplier:       2,
		HandlerAttempts:         1,
		Fallback:                true,
		FallbackTimeout:         10 * time.Second,
		LogAllErrors:            true,
		StackTraces:             true,
		LogRecovery:             true,
		Guidance:                true,
		ContactSupportThreshold: 3,
	}
}
