package interceptors

import (
	"sync"
	"time"
)

// watchdog measures how long the other side of a stream keeps somebody waiting, to
// receive or to send. A nil watchdog does nothing.
type watchdog struct {
	first, idle time.Duration // before and after its first message; 0: no limit
	silence     chan error    // of a server: what its client is told

	mu      sync.Mutex
	timer   *time.Timer
	waiting int
	heard   bool
}

// newWatchdog makes one, nil if there is nothing to watch.
func newWatchdog(first, idle time.Duration, owner interface{ bark() }) *watchdog {
	if first <= 0 && idle <= 0 {
		return nil
	}
	w := &watchdog{first: first, idle: idle, timer: time.AfterFunc(time.Hour, owner.bark)}
	w.timer.Stop()
	return w
}

// begin is called before waiting.
func (w *watchdog) begin() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	if w.waiting == 1 || w.heard {
		w.start()
	}
}

// end is called after waiting; received is whether a message came.
func (w *watchdog) end(received bool) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
	w.heard = w.heard || received
	switch {
	case w.waiting == 0:
		w.timer.Stop()
	case w.heard:
		w.start()
	}
}

// start measures anew.
func (w *watchdog) start() {
	limit := w.idle
	if !w.heard && w.first > 0 {
		limit = w.first
	}
	if limit > 0 {
		w.timer.Reset(limit)
	} else {
		w.timer.Stop()
	}
}

func (w *watchdog) stop() {
	if w != nil {
		w.timer.Stop()
	}
}
