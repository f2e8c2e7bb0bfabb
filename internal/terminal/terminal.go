// Package terminal tells whether an interceptor is the last of its chain. What is below
// one, it does not know: an interceptor of somebody else may call gRPC several times,
// at once or after it has returned, and what was lent to it must not be used again.
package terminal

import (
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// The functions of grpc-go that are below the last interceptor of a client, and the one
// that stands for the interceptors below one on a server. Nobody promises these names:
// on a client any other means that there is somebody below, which is safe, and a test
// holds grpc-go to all of them.
const (
	invoke    = "google.golang.org/grpc.invoke"
	newStream = "google.golang.org/grpc.newClientStream"
	chained   = "google.golang.org/grpc.getChainUnaryHandler." // a function within it
)

// kinds has what is known of a function, by its address.
var kinds sync.Map

type kind uint8

const (
	other kind = iota
	grpcItself
	chain
)

// The last that were found to be gRPC itself, and handlers that are none of its chain,
// so that most calls need not look.
var (
	last     atomic.Uintptr
	handlers [64]atomic.Uintptr
)

// IsGRPC reports whether a grpc.UnaryInvoker or a grpc.Streamer is gRPC itself.
func IsGRPC(f any) bool {
	pc := reflect.ValueOf(f).Pointer()
	if pc == last.Load() {
		return true
	}
	if kindOf(pc) != grpcItself {
		return false
	}
	last.Store(pc)
	return true
}

// IsChain reports whether a grpc.UnaryHandler is grpc-go's way to another interceptor.
func IsChain(f any) bool {
	pc := reflect.ValueOf(f).Pointer()
	known := &handlers[pc>>5%uintptr(len(handlers))]
	if known.Load() == pc {
		return false
	}
	if kindOf(pc) == chain {
		return true
	}
	known.Store(pc)
	return false
}

// Stands has f, a fake of a test or a benchmark, taken for gRPC itself.
func Stands(f any) { kinds.Store(reflect.ValueOf(f).Pointer(), grpcItself) }

func kindOf(pc uintptr) kind {
	if k, known := kinds.Load(pc); known {
		return k.(kind)
	}
	k := other
	if f := runtime.FuncForPC(pc); f != nil {
		switch name := f.Name(); {
		case name == invoke, name == newStream:
			k = grpcItself
		case strings.Contains(name, chained):
			k = chain
		}
	}
	kinds.Store(pc, k)
	return k
}
