// Package web has what both gateways do between gRPC's metadata and HTTP.
package web

import (
	"net/http"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Names of metadata, which are those of the headers too.
const (
	RequestID    = "x-request-id"
	Pushback     = "grpc-retry-pushback-ms"
	Degraded     = "recourse-degraded"
	DegradedBin  = "recourse-degraded-bin"
	maxRequestID = 128
	maxText      = 256
)

// Line reports whether text may stand in a header as it is.
func Line(text string) bool { return printable(text, maxText, ' ') }

// ID returns the first of the values that may be the id of a request, empty if none may.
func ID(values ...string) string {
	for _, v := range values {
		if printable(v, maxRequestID, '!') {
			return v
		}
	}
	return ""
}

func printable(text string, most int, from byte) bool {
	if text == "" || len(text) > most {
		return false
	}
	for i := range len(text) {
		if text[i] < from || text[i] > '~' {
			return false
		}
	}
	return true
}

// Whole returns all of a status: one that package status has encoded shows one of its
// details, and has the others as bytes.
func Whole(st *grpcstatus.Status) *spb.Status {
	p := st.Proto()
	b, err := proto.Marshal(p)
	if err != nil {
		return p
	}
	whole := new(spb.Status)
	if proto.Unmarshal(b, whole) != nil {
		return p
	}
	return whole
}

// NoStore keeps an answer out of caches: an error may be gone the next time, and a cache
// keeps a 404.
func NoStore(h http.Header) { h.Set("Cache-Control", "no-store") }
