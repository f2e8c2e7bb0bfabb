package telemetry

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// However many different failures there are, it holds so many, and none is lost:
// each is written or counted.
func TestTheMergerIsBounded(t *testing.T) {
	m := newMerger(time.Minute)
	var mu sync.Mutex
	written, later, added := 0, 0, 0
	tell := func(write bool, before int, untold []counted) {
		mu.Lock()
		defer mu.Unlock()
		added++
		if write {
			written++
		}
		later += before
		for _, u := range untold {
			later += u.times
		}
	}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range 20000 {
				f := counted{cause: fmt.Sprint("cause ", rand.IntN(3*maxCounted)), failureKey: failureKey{code: codes.Internal}}
				tell(m.add(f, time.Duration(i)*5*time.Millisecond))
				if n := m.size(); n > maxCounted {
					t.Errorf("%d are held", n)
					return
				}
			}
		})
	}
	workers.Wait()
	for _, u := range m.flush() {
		later += u.times
	}
	if written+later != added || later == 0 {
		t.Errorf("%d written and %d counted of %d", written, later, added)
	}
	if m.size() != 0 || m.oldest != nil {
		t.Error("something is left")
	}
}

func (m *merger) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.all)
}

// Failures that share a hash by chance are not taken for one another.
func TestFailuresOfTheSameHash(t *testing.T) {
	m := newMerger(time.Minute)
	f := counted{failureKey: failureKey{code: codes.Internal, errorCode: "FIRST"}}
	m.add(f, 0)
	for _, known := range m.all {
		known.errorCode = "OTHER"
	}
	for range 2 {
		if write, before, _ := m.add(f, 1); !write || before != 0 {
			t.Errorf("written %v, after %d", write, before)
		}
	}
	if untold := m.flush(); len(untold) != 0 || len(m.all) != 0 {
		t.Errorf("%v untold, %d kept", untold, len(m.all))
	}
}

// What was counted is not told at a level that is off by then.
func TestWhatWasCountedAtALevelThatIsOff(t *testing.T) {
	var level slog.LevelVar
	var out bytes.Buffer
	l := newFailureLog(&Config{Logger: Slog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: &level}))), Merge: time.Hour})
	f := &interceptors.Failure{Err: status.New(codes.Internal, "SOME_CODE", "")}
	for range 2 {
		l.end(t.Context(), &interceptors.Observation{}, new(call), f)
	}
	level.Set(slog.LevelError + 1)
	l.flush()
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("%d records:\n%s", n, &out)
	}
}
