package fleet

import (
	"context"
	"slices"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/limit"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// Server is a way to meet more calls than there are workers.
type Server uint8

const (
	// Naive works on all calls, first come, first served, whether or not anybody
	// still waits for the answer.
	Naive Server = iota
	// Aware does the same, but leaves out a call that cannot be done in time any more
	// when its turn comes.
	Aware
	// Limited has the limiter of this library.
	Limited
)

func (v Server) String() string { return [...]string{"naive", "deadline-aware", "ours"}[v] }

// Servers are all of them.
var Servers = []Server{Naive, Aware, Limited}

// server takes attempts, and answers each of them with done.
type server interface{ arrive(a *attempt) }

func (v Server) start(s *simulation) server {
	if v == Limited {
		return &limited{sim: s, limiter: limit.New(limit.Config{Limit: s.Workers})}
	}
	return &fifo{sim: s, aware: v == Aware}
}

// What a client reads, as it reads it.
var (
	full    = status.Received(grpcstatus.Error(codes.Unavailable, "the queue is full"), "", "", false)
	timeout = status.Received(grpcstatus.FromContextError(context.DeadlineExceeded).Err(), "", "", true)
)

// worksFor is how long a call takes: anything from half to one and a half of what
// it takes on average.
func (s *simulation) worksFor() time.Duration {
	return time.Duration((0.5 + s.random.Float64()) * float64(s.Work))
}

type fifo struct {
	sim     *simulation
	aware   bool
	running int
	queue   []*attempt
}

func (f *fifo) arrive(a *attempt) {
	switch {
	case f.running < f.sim.Workers:
		f.work(a)
	case len(f.queue) < f.sim.Queue:
		f.queue = append(f.queue, a)
	default:
		a.done(full)
	}
}

func (f *fifo) work(a *attempt) {
	f.running++
	f.sim.at(f.sim.now+f.sim.worksFor(), func() {
		f.running--
		a.done(nil)
		f.next()
	})
}

func (f *fifo) next() {
	for len(f.queue) > 0 && f.running < f.sim.Workers {
		a := f.queue[0]
		f.queue = f.queue[1:]
		if !f.aware || f.sim.now+f.sim.Work <= a.deadline {
			f.work(a)
		}
	}
}

// limited does around a handler what the interceptors do.
type limited struct {
	sim     *simulation
	limiter *limit.Limiter
	typical limit.Estimate
	queue   []waiting
}

type waiting struct {
	*limit.Waiter
	attempt *attempt
}

func (l *limited) arrive(a *attempt) {
	w, err := l.limiter.Arrive(l.sim.clock(), epoch.Add(a.deadline), l.typical.Typical())
	if w == nil {
		l.admitted(a, err)
		return
	}
	queued := waiting{w, a}
	l.queue = append(l.queue, queued)
	l.sim.at(w.Until().Sub(epoch), func() {
		if i := slices.Index(l.queue, queued); i >= 0 {
			l.queue = slices.Delete(l.queue, i, i+1)
			l.settle(queued)
		}
	})
}

func (l *limited) settle(w waiting) {
	l.admitted(w.attempt, l.limiter.Settle(w.Waiter, l.sim.clock(), nil))
}

func (l *limited) admitted(a *attempt, err error) {
	if err != nil {
		a.done(overloaded(err.(limit.Refusal).RetryAfter))
		return
	}
	began := l.sim.now
	l.sim.at(began+l.sim.worksFor(), func() {
		l.typical.Observe(l.sim.now - began)
		l.limiter.Leave(l.sim.clock())
		a.done(nil)
		l.told()
	})
}

// told goes on with the calls that have left the queue for a worker, or as too late.
func (l *limited) told() {
	var left []waiting
	l.queue = slices.DeleteFunc(l.queue, func(w waiting) bool {
		told := w.Told()
		if told {
			left = append(left, w)
		}
		return told
	})
	for _, w := range left {
		l.settle(w)
	}
}

// overloaded is how a server of this library refuses a call.
func overloaded(later time.Duration) *status.Error {
	return status.New(codes.Unavailable, "SERVER_OVERLOADED", "the service has more calls than it can serve",
		status.Outcome(status.NotApplied), status.RetryAfter(later),
		status.Retry(status.SameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED))
}
