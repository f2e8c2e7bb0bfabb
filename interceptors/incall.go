package interceptors

import (
	"context"
	"reflect"
	"sync"

	"google.golang.org/grpc"
)

// A context of our own for every handler would cost every call an allocation, which
// few have a use for. So the handler gets the transport's, and who wants to know the
// call that a context belongs to finds it by grpc-go's stream, which is in there.

// calls are the unary calls in progress. A call is there exactly as long as its
// interceptor runs, so that nothing of it is kept alive by a context that is used
// longer.
var calls callTable

type callTable [64]struct {
	mu    sync.Mutex
	calls map[uintptr]*serverCall
	_     [48]byte // to the end of a cache line: calls of different cores seldom meet
}

// callIn shows f the call, on a server, that ctx belongs to, and reports whether there
// is one. f must not block, nor keep the call.
func callIn(ctx context.Context, f func(*serverCall)) bool {
	own, _ := ctx.Value(callKey{}).(*serverCall)
	key := streamKey(ctx)
	if (own == nil || own.key != key) && calls.show(key, f) {
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
	if v.Kind() != reflect.Pointer {
		return 0
	}
	return v.Pointer()
}

// add enters a call under its key. It fails where there is no key, or another has it:
// of an interceptor further out, or of a stream without an address of its own.
func (t *callTable) add(c *serverCall) bool {
	if c.key == 0 {
		return false
	}
	s := &t[shardOf(c.key)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[uintptr]*serverCall{}
	}
	if _, taken := s.calls[c.key]; taken {
		return false
	}
	s.calls[c.key] = c
	return true
}

// remove takes a call out. From then on nobody finds it.
func (t *callTable) remove(key uintptr) {
	s := &t[shardOf(key)]
	s.mu.Lock()
	delete(s.calls, key)
	s.mu.Unlock()
}

// show calls f with the call under a key, which is not removed meanwhile.
func (t *callTable) show(key uintptr, f func(*serverCall)) bool {
	if key == 0 {
		return false
	}
	s := &t[shardOf(key)]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[key]
	if c != nil {
		f(c)
	}
	return c != nil
}

// shardOf spreads addresses, whose last bits say little (Knuth, "The Art of Computer
// Programming", volume 3, 6.4: multiplicative hashing).
func shardOf(key uintptr) uint64 { return uint64(key) * 0x9e3779b97f4a7c15 >> 58 }
