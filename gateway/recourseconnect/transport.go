package recourseconnect

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/grpc/metadata"
)

// transport is what gRPC's interceptors know of a call's way out.
type transport struct {
	method          string
	mu              sync.Mutex
	header, trailer metadata.MD
	sent            bool
}

func (t *transport) Method() string { return t.method }

func (t *transport) SetHeader(md metadata.MD) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent {
		return errSent
	}
	t.header = metadata.Join(t.header, md)
	return nil
}

var errSent = errors.New("the headers were sent already")

// SendHeader is as far as it goes: Connect sends headers with the first message.
func (t *transport) SendHeader(md metadata.MD) error { return t.SetHeader(md) }

func (t *transport) SetTrailer(md metadata.MD) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trailer = metadata.Join(t.trailer, md)
	return nil
}

// Header returns what was set.
func (t *transport) Header() (metadata.MD, error) {
	header, _ := t.metadata()
	return header, nil
}

// Trailer returns what was set.
func (t *transport) Trailer() metadata.MD {
	_, trailer := t.metadata()
	return trailer
}

func (t *transport) metadata() (header, trailer metadata.MD) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header, t.trailer
}

// send returns the headers, and whether it is the first to do so.
func (t *transport) send() (header metadata.MD, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first = !t.sent
	t.sent = true
	return t.header, first
}

const binary = "-bin"

// add adds metadata to headers.
func add(h http.Header, md metadata.MD) {
	for k, values := range md {
		for _, v := range values {
			if strings.HasSuffix(k, binary) {
				v = connect.EncodeBinaryHeader([]byte(v))
			}
			h.Add(k, v)
		}
	}
}

// withMetadata gives the headers of a request to whoever looks for incoming metadata.
func withMetadata(ctx context.Context, h http.Header) context.Context {
	return metadata.NewIncomingContext(ctx, fromHeader(h))
}

// fromHeader makes metadata of headers, but for those of the protocol.
func fromHeader(h http.Header) metadata.MD {
	md := make(metadata.MD, len(h))
	for name, values := range h {
		k := strings.ToLower(name)
		if ofProtocol(k) {
			continue
		}
		if !strings.HasSuffix(k, binary) {
			md[k] = values
			continue
		}
		for _, v := range values {
			for part := range strings.SplitSeq(v, ",") {
				if b, err := connect.DecodeBinaryHeader(strings.TrimSpace(part)); err == nil {
					md[k] = append(md[k], string(b))
				}
			}
		}
	}
	return md
}

func ofProtocol(key string) bool {
	switch key {
	case "connection", "content-length", "content-encoding", "te", "transfer-encoding", "upgrade", "keep-alive", "trailer":
		return true
	case "grpc-previous-rpc-attempts":
		return false
	}
	return strings.HasPrefix(key, "grpc-") || strings.HasPrefix(key, "connect-") || strings.HasPrefix(key, "trailer-")
}
