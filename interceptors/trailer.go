package interceptors

import (
	"context"
	"encoding/base64"
	"math"
	mathrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

// pushbackKey tells clients that retry without reading details how long to wait,
// or with -1 not to (gRFC A6).
const pushbackKey = "grpc-retry-pushback-ms"

// setTrailer sets trailers only: one header on an error, and no client of stock
// gRPC repeats the call. What the handler has set stays: with two values of
// pushback a client stops retrying.
func setTrailer(stream grpc.ServerTransportStream, existing metadata.MD, id string, enc status.Encoded, left time.Duration) {
	if stream == nil || !enc.Fits {
		return // the code must arrive, whatever else the handler wants to say
	}
	md := make(metadata.MD, 2)
	values := []string{id, pushback(enc, left)} // in one piece: every error has them
	if usableID(existing[requestIDKey]) == "" {
		md[requestIDKey] = values[:1:1]
	}
	if values[1] != "" && len(existing[pushbackKey]) == 0 {
		md[pushbackKey] = values[1:]
	}
	// It fails only once the call is over, when nobody waits for an answer.
	_ = stream.SetTrailer(md)
}

// pushback spreads the delay by up to a quarter: stock clients wait exactly as
// long as they are told, and would come back together (gRFC A6). They would wait
// longer than their caller does, too, and then say DEADLINE_EXCEEDED instead of what
// went wrong: where the caller has no more than the delay left, it is not to repeat
// the call.
func pushback(enc status.Encoded, left time.Duration) string {
	d := min(enc.RetryDelay, math.MaxInt32*time.Millisecond)
	if enc.RetryForbidden || d >= left {
		return "-1"
	}
	if d < 0 {
		return ""
	}
	if spread := int64(min(d/4, left-d)); spread > 0 {
		d += time.Duration(mathrand.Int64N(spread))
	}
	return strconv.FormatInt(min(int64((d+time.Millisecond-1)/time.Millisecond), math.MaxInt32), 10)
}

// timeLeft is how long the caller still waits.
func timeLeft(outer context.Context) time.Duration {
	deadline, ok := outer.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return max(time.Until(deadline), 0)
}

// trailerOf returns the trailers that the handler has set. Wrapping the stream to
// see them would break grpc.SetSendCompressor, which insists on grpc-go's type.
func trailerOf(stream grpc.ServerTransportStream) metadata.MD {
	if t, ok := stream.(interface{ Trailer() metadata.MD }); ok {
		return t.Trailer()
	}
	return nil
}

// subtypeSize is what the content type takes beyond "application/grpc".
func subtypeSize(stream grpc.ServerTransportStream) int {
	if s, ok := stream.(interface{ ContentSubtype() string }); ok && s.ContentSubtype() != "" {
		return len("+") + len(s.ContentSubtype())
	}
	return 0
}

// detailsKey is written by grpc-go, which deletes what a handler has set there,
// as one does that passes on the trailers of a dependency.
const detailsKey = "grpc-status-details-bin"

// overwriting gives a status without details one, so that grpc-go does delete what
// the handler has set: it is not this service's to send, and would not fit the
// status.
func overwriting(existing metadata.MD, st *grpcstatus.Status) *grpcstatus.Status {
	if len(existing[detailsKey]) == 0 || len(st.Details()) > 0 {
		return st
	}
	if with, err := st.WithDetails(&errdetails.ErrorInfo{}); err == nil {
		return with
	}
	return st
}

func sizeOf(md metadata.MD) int {
	n := 0
	for k, values := range md {
		if k == detailsKey {
			continue
		}
		for _, v := range values {
			n += fieldSize(k, v)
		}
	}
	return n
}

// fieldSize is what HTTP/2 counts for a header field (RFC 9113, section 6.5.2).
func fieldSize(key, value string) int {
	n := len(value)
	if len(key) > 4 && key[len(key)-4:] == "-bin" {
		n = base64.RawStdEncoding.EncodedLen(n)
	}
	return len(key) + n + 32
}
