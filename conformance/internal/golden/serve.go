package golden

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Service is the service that [Handler] serves: each golden case is a method of it, which takes and returns a
// google.protobuf.Empty.
const Service = "recourse.conformance.Golden"

// Handler replays the cases, byte for byte: no gRPC library stands between a golden file and the connection. An error is
// Trailers-Only, an answer is an empty message. It has to be served as HTTP/2.
func Handler(cases []Case) http.Handler {
	mux := http.NewServeMux()
	for _, c := range cases {
		mux.HandleFunc("POST /"+Service+"/"+c.Name, c.replay)
	}
	return mux
}

func (c Case) replay(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h["Date"] = nil // net/http would set it, and some clients count it against their limit
	for key, value := range c.Call.Headers {
		h.Set(key, value)
	}
	prefix := ""
	if c.Call.Code == 0 {
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(make([]byte, 5)) // a message of no bytes, not compressed
		prefix = http.TrailerPrefix
	}
	h.Set(prefix+"Grpc-Status", strconv.FormatUint(uint64(c.Call.Code), 10))
	if c.Call.Message != "" {
		h.Set(prefix+"Grpc-Message", percentEncoded(c.Call.Message))
	}
	if len(c.Call.Status) > 0 {
		h.Set(prefix+"Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(c.Call.Status))
	}
	for key, value := range c.Call.Trailers {
		h.Set(prefix+key, value)
	}
}

// percentEncoded is the form of grpc-message.
func percentEncoded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '%' {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
