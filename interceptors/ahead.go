package interceptors

import (
	"io"

	"google.golang.org/grpc/metadata"
)

// peek receives the end of an attempt that is known to be over, for a RecvMsg to
// come, and reports whether another attempt may follow.
func (s *streamCall) peek(a *streamAttempt) bool {
	if s.concluded {
		return s.standIn == nil && s.outcome != nil && s.fallsBack() // which has no use for what is sent
	}
	if s.attemptNow() != a {
		return true // it was replaced meanwhile
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
	s.mu.Lock()
	may := s.mayRepeat()
	s.mu.Unlock()
	return may && (s.run.Hopeful(s.calling.Judge(err)) || len(s.client.handlers) > 0)
}

// Header returns the headers of the attempt that has got as far. An application
// that has seen them is bound to that attempt.
func (s *streamCall) Header() (metadata.MD, error) {
	for {
		a := s.attemptNow()
		if a == nil {
			return nil, nil
		}
		md, err := a.ClientStream.Header()
		if err == nil && md != nil {
			if s.bind(a) {
				return md, nil
			}
			continue
		}
		if s.receiving.tryTake() {
			again := !s.concluded && s.peek(a)
			if again && s.attemptNow() == a {
				failed := s.peeked.err
				s.peeked = nil
				again = s.repeat(failed, opening{s}) == nil
			}
			s.receiving.drop()
			if !again {
				return md, err
			}
			continue
		}
		if !s.replaced(a) { // the receiver knows
			return md, err
		}
	}
}

// bind commits the call to an attempt, unless it is about to be replaced.
func (s *streamCall) bind(a *streamAttempt) bool {
	s.mu.Lock()
	for s.pending && s.now == a {
		s.turned.Wait()
	}
	mine := s.now == a
	s.mu.Unlock()
	if mine {
		s.commit(false)
	}
	return mine
}

// replaced waits for another attempt, or for the end.
func (s *streamCall) replaced(a *streamAttempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.now == a && !s.over && (s.pending || s.repeating) {
		s.turned.Wait()
	}
	return s.now != a
}
