package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/proto"
)

var plaintext = grpc.WithTransportCredentials(insecure.NewCredentials())

// seen is everything that a client got over the network in one call.
type seen struct {
	mu       sync.Mutex
	data     strings.Builder
	trailer  metadata.MD
	attempts int
}

type seenKey struct{}

// watch returns a context whose call is seen.
func watch(ctx context.Context) (context.Context, *seen) {
	s := &seen{}
	return context.WithValue(ctx, seenKey{}, s), s
}

// contains reports which of the texts the client got, in headers, messages, details or trailers.
func (s *seen) contains(texts []string) (found []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := strings.ToLower(s.data.String())
	for _, text := range texts {
		if strings.Contains(got, text) {
			found = append(found, text)
		}
	}
	return found
}

// trailerSize counts the trailers as HTTP/2 does.
func (s *seen) trailerSize() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, values := range s.trailer {
		for _, v := range values {
			size := len(v)
			if strings.HasSuffix(key, "-bin") {
				size = base64.RawStdEncoding.EncodedLen(size)
			}
			n += len(key) + size + 32
		}
	}
	return n
}

// made is how many attempts left the client, or tried to.
func (s *seen) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

func (s *seen) take(event stats.RPCStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *stats.Begin:
		s.attempts++
	case *stats.InHeader:
		fmt.Fprintln(&s.data, e.Header)
	case *stats.InPayload:
		if m, ok := e.Payload.(proto.Message); ok {
			b, _ := proto.Marshal(m) // it has just been decoded
			s.data.Write(b)
		}
	case *stats.InTrailer:
		s.trailer = e.Trailer
		for key, values := range e.Trailer {
			fmt.Fprintln(&s.data, key, strings.Join(values, " "))
		}
	}
}

// observer is a stats handler, since those see what interceptors do not.
type observer struct{ opened, closed atomic.Int32 }

func (*observer) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (*observer) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		s.take(event)
	}
}

func (*observer) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (o *observer) HandleConn(_ context.Context, event stats.ConnStats) {
	switch event.(type) {
	case *stats.ConnBegin:
		o.opened.Add(1)
	case *stats.ConnEnd:
		o.closed.Add(1)
	}
}

// link is a connection to a server, with all that came over it.
type link struct {
	*grpc.ClientConn
	observer *observer
}

func connect(addr string, opts ...grpc.DialOption) (link, error) {
	o := &observer{}
	conn, err := grpc.NewClient(addr, append(opts, plaintext, grpc.WithStatsHandler(o))...)
	return link{conn, o}, err
}

func (l link) assistant() assistantv1.AssistantClient {
	return assistantv1.NewAssistantClient(l.ClientConn)
}

// dial makes the connections that the situations use.
func (d *demo) dial() (err error) {
	if d.guided, err = connect(d.server.addr, interceptors.DialOptions()...); err != nil {
		return err
	}
	d.narrow, err = connect(d.server.addr, append(interceptors.DialOptions(), grpc.WithMaxHeaderListSize(8192))...)
	if err != nil {
		return err
	}
	d.plain, err = connect(d.server.addr)
	return err
}

func (d *demo) close() {
	for _, l := range []link{d.guided, d.narrow, d.plain} {
		if l.ClientConn != nil {
			_ = l.Close()
		}
	}
}

var errNothing = errors.New("the call succeeded")
