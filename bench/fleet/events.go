package fleet

import "time"

// events is what is still to happen: a binary heap, the next one first, and of two
// at the same moment the one that was planned first.
type events struct {
	heap    []event
	planned uint64
	now     time.Duration
}

type event struct {
	at    time.Duration
	order uint64
	do    func()
}

func (e event) before(f event) bool {
	return e.at < f.at || e.at == f.at && e.order < f.order
}

// at plans something, now at the earliest.
func (q *events) at(t time.Duration, do func()) {
	q.planned++
	e := event{max(t, q.now), q.planned, do}
	i := len(q.heap)
	q.heap = append(q.heap, e)
	for i > 0 && e.before(q.heap[(i-1)/2]) {
		q.heap[i] = q.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	q.heap[i] = e
}

// run lets everything happen, and what follows from it.
func (q *events) run() {
	for len(q.heap) > 0 {
		e := q.next()
		q.now = e.at
		e.do()
	}
}

func (q *events) next() event {
	first, last := q.heap[0], q.heap[len(q.heap)-1]
	q.heap[len(q.heap)-1] = event{}
	q.heap = q.heap[:len(q.heap)-1]
	if len(q.heap) > 0 {
		q.sink(last)
	}
	return first
}

func (q *events) sink(e event) {
	i := 0
	for {
		child := 2*i + 1
		if child+1 < len(q.heap) && q.heap[child+1].before(q.heap[child]) {
			child++
		}
		if child >= len(q.heap) || e.before(q.heap[child]) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	q.heap[i] = e
}
