package policy

import (
	"context"
	"fmt"
	"time"
)

const (
	// defaultEvery is how often a file is looked at if nothing else is said.
	defaultEvery = 10 * time.Second
	// settle is how long a file must have stayed as it is before it is believed: a
	// file that is being written is for a moment empty, or half there and yet valid.
	settle = 100 * time.Millisecond
)

// Watch looks at the file of the set now and then and replaces all policies when it
// has changed. It blocks until ctx ends. Its content decides, so that neither a new
// time on an old file nor a change that leaves time and size alone is mistaken.
//
// Every is the time between two looks; 0 or less means 10 seconds. A change is
// believed once time, size and content of the file have stayed the same for a tenth
// of a second (half of every, if that is less).
//
// Report, which may be nil, is called with nil after each change, and with the error
// once for each version of the file that cannot be used: what is wrong in it, or that
// the file is gone or empty. The policies then stay as they were. Once the file is as
// it was before that, report is called with nil again. It is called by the goroutine
// that watches; if it panics, the panic is dropped and watching goes on.
//
// Only a set made by [Load] has a file. For any other report gets one error, and Watch
// waits for ctx to end.
func (s *Set) Watch(ctx context.Context, every time.Duration, report func(error)) {
	if every <= 0 {
		every = defaultEvery
	}
	w := watcher{set: s, report: report, settle: min(settle, every/2)}
	if s == nil || s.path == "" {
		w.tell(errNoFile)
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.tick(ctx)
		}
	}
}

type watcher struct {
	set    *Set
	report func(error)
	settle time.Duration
	bad    *version // the last one found, if it could not be used
}

func (w *watcher) tick(ctx context.Context) {
	seen := look(w.set.path)
	if !w.news(seen) || !sleep(ctx, w.settle) {
		return
	}
	if !seen.unchanged(look(w.set.path)) { // being written: the next look will do
		return
	}
	err := w.use(seen)
	if err != nil {
		w.bad = &seen
	} else {
		w.bad = nil
	}
	w.tell(err)
}

// news reports whether report has yet to hear of this version.
func (w *watcher) news(v version) bool {
	if w.bad != nil {
		return !w.bad.sameContent(v)
	}
	return v.err != nil || !w.set.holds(v.data)
}

func (w *watcher) use(v version) error {
	switch {
	case v.err != nil:
		return v.err
	case len(v.data) == 0 && !w.set.holds(nil):
		return fmt.Errorf("policy: %s is empty now, probably by mishap: write {} for the defaults", w.set.path)
	}
	return w.set.adopt(v.data)
}

func (w *watcher) tell(err error) {
	if w.report == nil {
		return
	}
	defer func() { _ = recover() }()
	w.report(err)
}

// sleep reports whether the time has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
