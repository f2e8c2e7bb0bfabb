package interceptors

import (
	"sync"
	"sync/atomic"
)

// baton is a lock that may be held while time passes, which a mutex may not in a
// bubble of testing/synctest, and that can be waited for together with other things.
// Its zero value is free.
type baton struct {
	state atomic.Int32

	mu    sync.Mutex
	freed chan struct{} // closed when it is dropped; nil: nobody waits
}

const (
	free = iota
	held
	awaited // held, and somebody waits
)

func (b *baton) take() {
	for !b.tryTake() {
		<-b.wait()
	}
}

func (b *baton) tryTake() bool { return b.state.CompareAndSwap(free, held) }

func (b *baton) drop() {
	if b.state.Swap(free) != awaited {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// wait returns a channel that is closed when it makes sense to try again.
func (b *baton) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	freed := b.freed
	for b.state.Load() != awaited && !b.state.CompareAndSwap(held, awaited) {
		if b.state.Load() == free {
			close(freed)
			b.freed = nil
			break
		}
	}
	return freed
}
