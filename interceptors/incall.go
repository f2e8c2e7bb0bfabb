package interceptors

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
)

// A context of our own for every handler would cost every unary call an allocation,
// and few have a use for it. So the handler gets the transport's, and who wants to know
// the call that a context belongs to finds it by grpc-go's stream, which is in there.
// Streams have a context of their own, and so has a handler that may be left behind.

// inProgress are the unary calls in progress: one table for the process (128 KiB,
// touched as it fills), since a context tells the call and not the server. A call is
// there exactly as long as its interceptor runs, so that nothing of it is kept alive by
// a context that is used longer. Where there is no room for one, it does have a context
// of its own.
var inProgress callTable

const (
	slotBits = 13
	probes   = 4 // slots that may have a call
)

// callTable is a hash table with a lock for each slot: calls seldom meet.
type callTable [1 << slotBits]struct {
	mu   sync.Mutex
	call *serverCall
}

// ownContexts is set once a call has a context of its own, and streamless once there is
// one whose stream cannot be told from others.
var ownContexts, streamless atomic.Bool

// raise sets a flag that is set for good, and is looked at by every call: to write to it
// again would take it from all other cores.
func raise(flag *atomic.Bool) {
	if !flag.Load() {
		flag.Store(true)
	}
}

// callIn shows f the call, on a server, that ctx belongs to, and reports whether there
// is one. f must not block, nor keep the call, nor ask a context, which may be anybody's:
// a slot of the table may be locked.
func callIn(ctx context.Context, f func(*serverCall)) bool {
	key := streamKey(ctx)
	if key == 0 && !streamless.Load() {
		return false
	}
	var own *serverCall
	if ownContexts.Load() {
		own, _ = ctx.Value(callKey{}).(*serverCall)
	}
	if (own == nil || own.key != key) && inProgress.show(key, f) {
		return true // the stream is nearer than the context of our own
	}
	if own != nil {
		f(own)
	}
	return own != nil
}

type callKey struct{}

// streamKey tells grpc-go's streams apart, 0 if there is none that can be told. The
// address is a fine key as long as the call is in the table, and holds the stream.
func streamKey(ctx context.Context) uintptr {
	stream := grpc.ServerTransportStreamFromContext(ctx)
	if stream == nil {
		return 0
	}
	v := reflect.ValueOf(stream)
	if v.Kind() != reflect.Pointer || v.Type().Elem().Size() == 0 { // which all have one address
		return 0
	}
	return v.Pointer()
}

// add enters a call. It fails where the call has no key, or another call has the same,
// of an interceptor further out, or there is no room.
func (t *callTable) add(c *serverCall) bool {
	if c.key == 0 {
		return false
	}
	for i := range probes {
		slot := &t[slotOf(c.key, i)]
		slot.mu.Lock()
		taken := slot.call
		if taken == nil {
			slot.call = c
		}
		same := taken != nil && taken.key == c.key
		slot.mu.Unlock()
		switch {
		case taken == nil:
			c.entered, c.probe = true, uint8(i)
			return true
		case same:
			return false
		}
	}
	return false
}

// remove takes a call out. From then on nobody finds it.
func (t *callTable) remove(c *serverCall) {
	slot := &t[slotOf(c.key, int(c.probe))]
	slot.mu.Lock()
	slot.call = nil
	slot.mu.Unlock()
}

// show calls f with the call under a key, which is not removed meanwhile. The first is
// that of the innermost interceptor.
func (t *callTable) show(key uintptr, f func(*serverCall)) bool {
	if key == 0 {
		return false
	}
	for i := range probes {
		if t.showSlot(slotOf(key, i), key, f) {
			return true
		}
	}
	return false
}

func (t *callTable) showSlot(n int, key uintptr, f func(*serverCall)) bool {
	slot := &t[n]
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if slot.call == nil || slot.call.key != key {
		return false
	}
	f(slot.call)
	return true
}

// slotOf spreads addresses, whose last bits say little (Knuth, "The Art of Computer
// Programming", volume 3, 6.4: multiplicative hashing).
func slotOf(key uintptr, probe int) int {
	hash := uint64(key) * 0x9e3779b97f4a7c15 >> (64 - slotBits)
	return (int(hash) + probe) % (1 << slotBits)
}
