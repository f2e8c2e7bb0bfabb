package gateway

import (
	"context"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	grpcstatus "google.golang.org/grpc/status"
)

// grpc-gateway asks for a status where a stream fails, and writes it with a marshaler that
// refuses details it does not know: then it writes nothing, and the stream looks whole. So
// it gets a status that can always be written, and a writer around its own puts the error
// in that one's place.

// watch gives every request a writer that knows what was written.
func watch(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		s := &exchange{ResponseWriter: w}
		s.request = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, s))
		next(s, s.request, params)
	}
}

type exchangeKey struct{}

type exchange struct {
	http.ResponseWriter
	request *http.Request
	began   bool    // something was written
	failed  *answer // to be written next, in place of what comes
	passed  bool    // the answer was written, and what comes is the mux's
}

// streamError has the error written, and returns what the mux has to see.
func (c Config) streamError(ctx context.Context, err error) *grpcstatus.Status {
	s, _ := ctx.Value(exchangeKey{}).(*exchange)
	if s == nil { // a handler that was not made for this mux
		a := c.answer(ctx, nil, err)
		return grpcstatus.New(a.err.Code(), a.err.Message())
	}
	a := c.answer(ctx, s.request, err)
	s.failed = &a
	return grpcstatus.New(a.err.Code(), a.err.Message())
}

func (s *exchange) WriteHeader(httpStatus int) {
	a := s.failed
	if a == nil || s.began {
		s.began = s.began || httpStatus >= 200
		s.ResponseWriter.WriteHeader(httpStatus)
		return
	}
	s.failed, s.began, s.passed = nil, true, true
	s.Header().Del("Transfer-Encoding")
	a.head(s.Header())
	s.ResponseWriter.WriteHeader(a.http)
	_, _ = s.ResponseWriter.Write(a.body()) // fails if the caller is gone
}

func (s *exchange) Write(b []byte) (int, error) {
	s.began = true
	switch a := s.failed; {
	case s.passed:
		return len(b), nil
	case a != nil:
		s.failed = nil
		if _, err := s.ResponseWriter.Write(a.chunk()); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (s *exchange) Unwrap() http.ResponseWriter { return s.ResponseWriter }
