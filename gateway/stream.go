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
	if s.failed != nil && !s.began {
		s.Header().Del("Transfer-Encoding")
		s.failed.head(s.Header())
		httpStatus = s.failed.http
	}
	if httpStatus >= 200 {
		s.began = s.began || s.failed == nil
	}
	s.ResponseWriter.WriteHeader(httpStatus)
}

func (s *exchange) Write(b []byte) (int, error) {
	if a := s.failed; a != nil {
		body := a.chunk()
		if !s.began {
			body = a.body()
		}
		s.failed, s.began = nil, true
		if _, err := s.ResponseWriter.Write(body); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	s.began = true
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (s *exchange) Unwrap() http.ResponseWriter { return s.ResponseWriter }
