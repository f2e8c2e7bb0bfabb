package interceptors

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
)

// streamAttempt is one attempt at a stream.
type streamAttempt struct {
	grpc.ClientStream
	cancel context.CancelFunc
	watch  *watchdog
	late   atomic.Bool           // it was silent for too long
	broken atomic.Pointer[error] // what could not be sent again
}

// sendNow sends a message of the application's.
func (a *streamAttempt) sendNow(m any) error {
	a.watch.begin()
	err := a.ClientStream.SendMsg(m)
	a.watch.end(false)
	return err
}

// send sends again. Where that fails, the receiver learns why.
func (a *streamAttempt) send(kept []any, closed bool) {
	for _, m := range kept {
		if err := a.SendMsg(m); err != nil {
			if err != io.EOF {
				a.broken.Store(&err)
				a.cancel()
			}
			return
		}
	}
	if closed {
		_ = a.CloseSend() // it fails with the stream only
	}
}

// failure is the error of an attempt that ended with err: gRPC says no more of what
// ended it here than that it was cancelled.
func (a *streamAttempt) failure(err error) error {
	if a.late.Load() {
		return status.Timeout(err)
	}
	if broken := a.broken.Load(); broken != nil {
		return *broken
	}
	return err
}

// bark ends an attempt that is silent for too long.
func (a *streamAttempt) bark() {
	a.late.Store(true)
	a.cancel()
}

// leave ends an attempt that nobody follows any more.
func (a *streamAttempt) leave() {
	a.cancel()
	a.watch.stop()
}

// drain reads what is left of an attempt that was left: gRPC writes the targets of
// call options when a stream has ended, and the application may look at them now.
func (a *streamAttempt) drain(m any) {
	defer func() { _ = recover() }() // a codec may insist on messages of its own type
	for a.ClientStream.RecvMsg(m) == nil {
	}
}
