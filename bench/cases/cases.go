// Package cases is the work that contenders are measured with.
package cases

import (
	"context"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
)

// Names of cases that the report refers to.
const (
	ClientNoDeadline = "direct/client"
	ClientDeadline   = "direct/client-deadline"
	ServerDeadline   = "direct/server-deadline"
	ServerNoDeadline = "direct/server"
	ClientStream     = "direct/client-stream"
	ServerStream     = "direct/server-stream"
	RetryDirect      = "direct/retry"
	UnaryMemory      = "unary/bufconn"
	UnaryTCP         = "unary/tcp"
	UnaryTCP64       = "unary/tcp-64"
	UnaryOnce        = "unary-not-repeatable/bufconn"
	StreamMemory     = "server-stream/bufconn"
	StreamTCP        = "server-stream/tcp"
	BidiMemory       = "bidi/bufconn"
	BidiTCP          = "bidi/tcp"
	RetryMemory      = "retry/bufconn"
	RetryTCP         = "retry/tcp"
	IdleStream       = "idle-stream"
	IdleAfterLarge   = "idle-stream-64KiB-request"
)

// All are the cases of calls that succeed, at once or at the second attempt.
func All() []harness.Case {
	steadily := func() assistantv1.AssistantServer { return steady{} }
	flakily := func() assistantv1.AssistantServer { return new(flaky) }
	bareStreams := func(c contender.Contender) bool { return c.UnaryOnly }
	neither := func(c contender.Contender) bool { return c.Telemetry || !c.Retries && c.Name != contender.BareName }
	telemetry := func(c contender.Contender) bool { return c.Telemetry }
	return []harness.Case{
		direct{name: ClientNoDeadline, ctx: background, timeout: true, prepare: directClient(succeed), without: telemetry}.make(),
		direct{name: ClientDeadline, ctx: withDeadline, prepare: directClient(succeed)}.make(),
		direct{name: ServerDeadline, ctx: serving(true), prepare: directServer}.make(),
		direct{name: ServerNoDeadline, ctx: serving(false), timeout: true, prepare: directServer, without: telemetry}.make(),
		direct{name: ClientStream, ctx: background, prepare: directClientStream, without: bareStreams}.make(),
		direct{name: ServerStream, ctx: serving(true), prepare: directServerStream, without: bareStreams}.make(),
		direct{name: RetryDirect, ctx: background, prepare: directRetry, without: telemetry}.make(),
		overNetwork{name: UnaryMemory, network: rig.Memory, service: steadily, do: unary}.make(),
		overNetwork{name: UnaryTCP, network: rig.Loopback, service: steadily, do: unary}.make(),
		overNetwork{name: UnaryTCP64, network: rig.Loopback, callers: 64, service: steadily, do: unary}.make(),
		overNetwork{name: UnaryOnce, network: rig.Memory, service: steadily, do: unaryOnce, without: telemetry}.make(),
		overNetwork{name: StreamMemory, network: rig.Memory, bounded: true, service: steadily, do: serverStream, without: bareStreams}.make(),
		overNetwork{name: StreamTCP, network: rig.Loopback, bounded: true, service: steadily, do: serverStream, without: bareStreams}.make(),
		overNetwork{name: BidiMemory, network: rig.Memory, bounded: true, service: steadily, do: pingPong, without: bareStreams}.make(),
		overNetwork{name: BidiTCP, network: rig.Loopback, bounded: true, service: steadily, do: pingPong, without: bareStreams}.make(),
		overNetwork{name: RetryMemory, network: rig.Memory, service: flakily, do: unary, byHand: byHand, client: true, without: neither}.make(),
		overNetwork{name: RetryTCP, network: rig.Loopback, service: flakily, do: unary, byHand: byHand, client: true, without: neither}.make(),
		idleStreams(IdleStream, 10),
		idleStreams(IdleAfterLarge, 64<<10),
	}
}

// directRetry has every call fail once and then succeed, but for the interceptor that
// does nothing: that succeeds at once, and is subtracted.
func directRetry(c contender.Contender) (one func(context.Context) error, stop func(), err error) {
	if c.Name == NoOp {
		return directClient(succeed)(c)
	}
	return directClient(failFirst())(c)
}
