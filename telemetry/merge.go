package telemetry

import (
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc/codes"
)

const (
	sameRequest = time.Minute // for which the repeats of one request are merged
	maxCounted  = 1000        // failures, beyond which the oldest is forgotten
)

// failureKey tells failures apart.
type failureKey struct {
	message   string // what has become of the call
	call      interceptors.Call
	code      codes.Code
	errorCode string
	hash      uint64 // of the cause's text
	request   string // its id, empty where different requests are merged
}

// counted is a failure that was written, and how often it was not since then.
type counted struct {
	failureKey
	id    uint64        // hash of the key
	since time.Duration // on the process' own clock
	times int

	// Of the last one that was not written.
	level         slog.Level
	domain, cause string
	requestID     string

	next *counted
}

// merger counts failures that are like one before. It holds so many of them at
// most, and those only for as long as its window: whatever is then forgotten is told
// by what forgets it. It is safe for concurrent use.
type merger struct {
	window   time.Duration
	requests bool // only failures of the same request are the same
	seed     maphash.Seed

	mu     sync.Mutex
	all    map[uint64]*counted // by id: their keys are long
	oldest *counted            // a queue: all have the same time to live
	newest *counted
	spare  *counted
}

// newMerger makes one, nil for a window below zero.
func newMerger(window time.Duration) *merger {
	m := &merger{window: window, requests: window == 0, seed: maphash.MakeSeed(), all: map[uint64]*counted{}}
	if window < 0 {
		return nil
	}
	if m.requests {
		m.window = sameRequest
	}
	return m
}

// add takes a failure, complete but for the hash of its cause and its time, and
// returns whether to write it, how many like it have not been written before it,
// and what was forgotten on the occasion without having been told.
func (m *merger) add(f counted, now time.Duration) (write bool, before int, untold []counted) {
	f.hash = maphash.String(m.seed, f.cause)
	if f.request = ""; m.requests {
		if f.request = f.requestID; f.request == "" {
			return true, 0, nil
		}
	}
	f.id = maphash.Comparable(m.seed, f.failureKey)
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.oldest != nil && now-m.oldest.since >= m.window {
		if m.oldest.failureKey == f.failureKey {
			before = m.oldest.times
			m.oldest.times = 0
		}
		untold = m.forget(untold)
	}
	if known := m.all[f.id]; known != nil {
		if known.failureKey != f.failureKey { // of the same hash, by chance
			return true, before, untold
		}
		known.times++
		known.level, known.domain, known.cause, known.requestID = f.level, f.domain, f.cause, f.requestID
		return false, 0, untold
	}
	if len(m.all) >= maxCounted {
		untold = m.forget(untold)
	}
	m.keep(f.failureKey, f.id, now)
	return true, before, untold
}

// flush forgets everything.
func (m *merger) flush() (untold []counted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.oldest != nil {
		untold = m.forget(untold)
	}
	return untold
}

func (m *merger) keep(key failureKey, id uint64, now time.Duration) {
	c := m.spare
	if c == nil {
		c = new(counted)
	}
	m.spare = nil
	c.failureKey, c.id, c.since = key, id, now
	m.all[id] = c
	if m.oldest == nil {
		m.oldest = c
	} else {
		m.newest.next = c
	}
	m.newest = c
}

// forget drops the oldest and appends it to what is to be told, if there is anything.
func (m *merger) forget(untold []counted) []counted {
	c := m.oldest
	m.oldest = c.next
	delete(m.all, c.id)
	if c.times > 0 {
		untold = append(untold, *c)
	}
	*c = counted{}
	m.spare = c
	return untold
}
