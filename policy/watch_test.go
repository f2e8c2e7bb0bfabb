package policy_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/policy"
)

// file renders one with a timeout, always of the same size for the same digits.
func file(seconds int) string {
	return fmt.Sprintf("error_handling: {async: {timeout_seconds: %d}}\n", seconds)
}

func load(t *testing.T, text string, layers ...policy.Layer) (set *policy.Set, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "recourse.yaml")
	write(t, path, text)
	set, err := policy.Load(path, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return set, path
}

func TestReload(t *testing.T) {
	set, path := load(t, file(5), policy.Service("a.B", attempts(4)))
	before := set.For("/a.B/C")
	write(t, path, file(5))
	if err := set.Reload(); err != nil || set.For("/a.B/C") != before {
		t.Errorf("the same file: %v, another policy: %v", err, set.For("/a.B/C") != before)
	}
	write(t, path, file(6))
	if err := set.Reload(); err != nil {
		t.Fatal(err)
	}
	if p := set.For("/a.B/C"); p.Timeout != 6*time.Second || p.MaxAttempts != 4 {
		t.Errorf("%+v", p)
	}
	if before.Timeout != 5*time.Second {
		t.Error("a policy that was handed out has changed")
	}
	now := set.For("/a.B/C")
	for _, bad := range []string{"error_handling: 1", file(99999), file(0)[:20], "\xff",
		"methods: {/a.B/C: {async: {timeout_seconds: 0.001}}}"} {
		write(t, path, bad)
		if err := set.Reload(); err == nil || !strings.HasPrefix(err.Error(), path+":1:") {
			t.Errorf("%q: %v", bad, err)
		}
		if set.For("/a.B/C") != now {
			t.Errorf("%q changed the policies", bad)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := set.Reload(); !errors.Is(err, fs.ErrNotExist) || set.For("/a.B/C") != now {
		t.Errorf("no file: %v", err)
	}
	write(t, path, "")
	if err := set.Reload(); err != nil || set.For("/a.B/C").Timeout != 30*time.Second {
		t.Errorf("an empty file: %v", err)
	}
}

// A set that was made of an empty file can be reloaded like any other.
func TestReloadOfAnEmptyFile(t *testing.T) {
	set, path := load(t, "")
	if err := set.Reload(); err != nil {
		t.Error(err)
	}
	write(t, path, file(7))
	if err := set.Reload(); err != nil || set.For("").Timeout != 7*time.Second {
		t.Errorf("%v, %v", err, set.For("").Timeout)
	}
}

// A layer's function that panics only later does no harm either.
func TestReloadWithALayerThatPanics(t *testing.T) {
	calls := 0
	set, path := load(t, file(5), policy.Defaults(func(*policy.Policy) {
		if calls++; calls > 1 {
			panic("boom")
		}
	}))
	write(t, path, file(6))
	if err := set.Reload(); err == nil || !strings.Contains(err.Error(),
		"boom") || set.For("").Timeout != 5*time.Second {
		t.Errorf("%v, %v", err, set.For("").Timeout)
	}
}

// watched is a set that is being watched every second, and what was reported of it.
type watched struct {
	t    *testing.T
	set  *policy.Set
	path string

	mu   sync.Mutex
	said []string
}

func watch(t *testing.T, text string, test func(w *watched)) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t}
		w.set, w.path = load(t, text)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.set.Watch(ctx, time.Second, w.report)
		}()
		test(w)
		cancel()
		<-done
	})
}

func (w *watched) report(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := "changed"
	if err != nil {
		said = strings.ReplaceAll(err.Error(), w.path, "FILE")
	}
	w.said = append(w.said, said)
}

// after waits and checks the timeout that holds then, and what was reported meanwhile.
func (w *watched) after(d, timeout time.Duration, said ...string) {
	w.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := w.set.For("/a.B/C").Timeout; got != timeout {
		w.t.Errorf("a timeout of %v, want %v", got, timeout)
	}
	if diff := cmp.Diff(said, w.said); diff != "" {
		w.t.Errorf("reports (-want +got):\n%s", diff)
	}
	w.said = nil
}

func (w *watched) write(text string) {
	w.t.Helper()
	write(w.t, w.path, text)
}

const (
	badFile  = "error_handling: {async: {timeout_seconds: soon}}\n"
	badError = `FILE:1:43: error_handling.async.timeout_seconds: "soon" is not a number of seconds: write one such as 30`
)

func TestWatch(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		w.after(time.Minute, 5*time.Second)
		w.write(file(6))
		w.after(999*time.Millisecond, 5*time.Second)
		w.after(101*time.Millisecond, 6*time.Second, "changed")
		w.after(time.Minute, 6*time.Second)
	})
}

// A change that leaves time and size alone is seen, and a new time alone is none.
func TestContentDecides(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		info, err := os.Stat(w.path)
		if err != nil {
			t.Fatal(err)
		}
		w.write(file(6))
		if err := os.Chtimes(w.path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		w.after(2*time.Second, 6*time.Second, "changed")
		policies := w.set.For("/a.B/C")
		if err := os.Chtimes(w.path, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		w.after(2*time.Second, 6*time.Second)
		if w.set.For("/a.B/C") != policies {
			t.Error("another policy")
		}
	})
}

func TestABadVersionIsReportedOnce(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		w.write(badFile)
		w.after(time.Minute, 5*time.Second, badError)
		if err := os.Chtimes(w.path, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute, 5*time.Second)
		w.write("\n" + badFile)
		w.after(time.Minute, 5*time.Second, strings.Replace(badError, ":1:", ":2:", 1))
		w.write(badFile)
		w.after(time.Minute, 5*time.Second, badError)
		w.write(file(7))
		w.after(time.Minute, 7*time.Second, "changed")
		w.write(badFile)
		w.after(time.Minute, 7*time.Second, badError)
		w.write(file(7)) // as it was: nothing to change, but good again
		w.after(time.Minute, 7*time.Second, "changed")
	})
}

func TestAFileThatVanishes(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		away := w.path + ".away"
		time.Sleep(500 * time.Millisecond)
		rename(t, w.path, away)
		w.after(550*time.Millisecond, 5*time.Second) // a look found nothing, but waits
		rename(t, away, w.path)
		w.after(time.Minute, 5*time.Second)
		rename(t, w.path, away)
		w.after(time.Minute, 5*time.Second, "policy: stat FILE: no such file or directory")
		write(t, away, file(6))
		rename(t, away, w.path)
		w.after(time.Minute, 6*time.Second, "changed")
	})
}

// Whatever can be seen of a file while it is written, it is not believed.
func TestAFileThatIsHalfWritten(t *testing.T) {
	watch(t, file(5)+"# more\n", func(w *watched) {
		whole := "error_handling: {async: {timeout_seconds: 60}}"
		for i := range len(whole) {
			w.write(whole[:i]) // some of these are valid on their own
			w.after(90*time.Millisecond, 5*time.Second)
		}
		w.write(whole)
		w.after(2*time.Second, time.Minute, "changed")
	})
}

// A file that is touched while it is being looked at waits for the next look.
func TestAFileThatIsBeingWritten(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		w.write(file(6))
		w.after(1050*time.Millisecond, 5*time.Second)
		if err := os.Chtimes(w.path, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		w.after(900*time.Millisecond, 5*time.Second)
		w.after(200*time.Millisecond, 6*time.Second, "changed")
	})
}

// A file that stays empty is a disk that was full, more likely than a wish.
func TestAFileThatIsEmptied(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		w.write("")
		w.after(time.Minute, 5*time.Second,
			"policy: FILE is empty now, probably by mishap: write {} for the defaults")
		w.write("{}")
		w.after(time.Minute, 30*time.Second, "changed")
	})
	watch(t, "", func(w *watched) {
		w.after(time.Minute, 30*time.Second)
		w.write(badFile)
		w.after(time.Minute, 30*time.Second, badError)
		w.write("")
		w.after(time.Minute, 30*time.Second, "changed")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute, 30*time.Second, "policy: stat FILE: no such file or directory")
	})
}

// Who looks often need not wait long.
func TestWatchOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, path := load(t, file(5))
		write(t, path, file(6))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		start := time.Now()
		set.Watch(ctx, 20*time.Millisecond, func(error) { cancel() })
		if took := time.Since(start); took != 30*time.Millisecond || set.For("").Timeout != 6*time.Second {
			t.Errorf("%v after %v", set.For("").Timeout, took)
		}
	})
}

// What Reload took over already is no news.
func TestWatchBesideReload(t *testing.T) {
	watch(t, file(5), func(w *watched) {
		w.write(file(6))
		if err := w.set.Reload(); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute, 6*time.Second)
	})
}

func TestWatchWithAnAwkwardReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, path := load(t, file(5))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		reports := 0
		wg.Go(func() { set.Watch(ctx, time.Second, func(error) { reports++; panic("boom") }) })
		wg.Go(func() { set.Watch(ctx, 0, nil) })
		for i := range 3 {
			write(t, path, file(6+i))
			time.Sleep(20 * time.Second)
			if got := set.For("").Timeout; got != time.Duration(6+i)*time.Second {
				t.Errorf("a timeout of %v", got)
			}
			write(t, path, badFile)
			time.Sleep(20 * time.Second)
		}
		cancel()
		wg.Wait()
		if reports != 6 {
			t.Errorf("%d reports", reports)
		}
	})
}

func TestWatchEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, path := load(t, file(5))
		// While it waits for the file to settle:
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Millisecond)
		defer cancel()
		write(t, path, file(6))
		start := time.Now()
		set.Watch(ctx, time.Second, func(err error) { t.Errorf("reported %v", err) })
		if took := time.Since(start); took != time.Second+time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// Without a file there is nothing to watch; that is said, and ctx still ends it.
func TestWatchWithoutAFile(t *testing.T) {
	var none *policy.Set
	for _, set := range []*policy.Set{newSet(t), parse(t, file(5)), none} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			var said []string
			start := time.Now()
			set.Watch(ctx, time.Second, func(err error) { said = append(said, err.Error()) })
			if len(said) != 1 || !strings.Contains(said[0], "use Load") || time.Since(start) != time.Hour {
				t.Errorf("%q in %v", said, time.Since(start))
			}
		})
	}
}

// Readers see one file or another, never a mixture, while it is replaced.
func TestConcurrentUse(t *testing.T) {
	text := func(n int) string {
		return fmt.Sprintf("error_handling: {async: {timeout_seconds: %d, max_retries: %d}}", n, n%9)
	}
	set, path := load(t, text(1), policy.Method("/a.B/C", func(p *policy.Policy) { p.Idempotent = true }))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				for _, method := range []string{"/a.B/C", "/a.B/D", "/x.Y/Z"} {
					p := set.For(method)
					if n := int(p.Timeout / time.Second); p.MaxAttempts != n%9+1 {
						t.Errorf("%v and %d", p.Timeout, p.MaxAttempts)
						return
					}
				}
			}
		})
	}
	wg.Go(func() { set.Watch(ctx, time.Millisecond, nil) })
	for n := range 50 {
		next := path + ".next"
		write(t, next, text(n+1))
		rename(t, next, path)
		if err := set.Reload(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
