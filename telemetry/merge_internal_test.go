package telemetry

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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
