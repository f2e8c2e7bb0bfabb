package interceptors

import (
	"io"

	"google.golang.org/grpc/metadata"
)

// peek receives the end of an attempt that is known to be over, for a RecvMsg to
// come, and reports whether another attempt may follow.
func (s *streamCall) peek(a *streamAttempt) bool {
	if s.concluded {
		return s.standIn == nil && s.outcome != nil && s.standsIn() // which has no use for what is sent
	}
	s.mu.Lock()
	replaced, may := s.now != a, s.mayRepeat()
	s.mu.Unlock()
	if replaced || !may {
		return replaced
	}
	if s.peeked == nil {
		reply := s.method.facts.newReply()
		if reply == nil {
			return false
		}
		s.peeked = &peeked{reply: reply, err: a.ClientStream.RecvMsg(reply)}
	}
	err := s.peeked.err
	if err == nil || err == io.EOF {
		return false
	}
	s.trailer = a.ClientStream.Trailer()
	s.inTrouble()
	f := s.calling.Judge(a.failure(err))
	f.TimedOut = a.late.Load() && !f.GivenUp
	return s.trouble.Hopeful(f) || len(s.client.handlers) > 0
}

// Header returns the headers of the attempt that has got as far. An application
// that has seen them is bound to that attempt.
func (s *streamCall) Header() (metadata.MD, error) {
	for {
		s.mu.Lock()
		a, turned, over := s.now, s.nextTurn(), s.over
		s.mu.Unlock()
		if a == nil {
			return nil, nil
		}
		md, err := a.ClientStream.Header()
		if err == nil && md != nil {
			if s.bind(a) || over || s.ctx.Err() != nil {
				return md, nil
			}
			continue
		}
		if over {
			return md, err
		}
		if s.receiving.tryTake() {
			again := !s.concluded && s.repeatEarly(a)
			s.receiving.drop()
			if !again {
				return md, err
			}
			continue
		}
		select {
		case <-s.receiving.wait():
		case <-turned: // by the receiver
		case <-s.ctx.Done():
			return md, err
		}
	}
}

// repeatEarly repeats an attempt that has failed before anything was received.
func (s *streamCall) repeatEarly(a *streamAttempt) bool {
	if !s.peek(a) {
		return false
	}
	if s.attemptNow() != a {
		return true
	}
	failed := s.peeked.err
	s.peeked, s.silent = nil, a.late.Load()
	return s.repeat(a.failure(failed), opening{s}) == nil
}

// bind commits the call to an attempt, unless that is about to be replaced.
func (s *streamCall) bind(a *streamAttempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.pending && s.now == a && s.ctx.Err() == nil {
		turned := s.nextTurn()
		s.mu.Unlock()
		select {
		case <-turned:
		case <-s.ctx.Done():
		}
		s.mu.Lock()
	}
	if s.now != a || s.pending {
		return false
	}
	s.bound()
	return true
}
