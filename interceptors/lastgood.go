package interceptors

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/lru"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// What one LastGood keeps at most.
const (
	lastGoodEntries = 10_000
	lastGoodBytes   = 64 << 20
)

var errNoLastGood = errors.New("no answer is remembered that is recent enough")

// LastGood makes a substitute of the last answer that the same request got, if
// that is not older than maxAge, for methods with one request and one reply. It
// remembers up to 10,000 answers of together 64 MiB, those used last.
//
// Two requests are the same if key says so. It must tell apart whatever may lead
// to another answer, above all who asks. For an empty key nothing is remembered.
// Without key, on clients only, requests are the same if they are equal and sent
// with equal metadata (request ids, the field request_id and trace contexts aside): credentials that
// differ from call to call must be in the metadata then.
func LastGood[Req proto.Message](maxAge time.Duration, key func(ctx context.Context, req Req) string) *Substitute {
	if maxAge <= 0 {
		misuse("LastGood: the greatest age is %v: say how old an answer may be", maxAge)
	}
	m := &memory{maxAge: maxAge, known: lru.New[memoryKey, remembered](lastGoodEntries, lastGoodBytes)}
	m.key = func(ctx context.Context, req proto.Message) string {
		r, ok := req.(Req)
		if !ok || key == nil {
			return wholeRequest(ctx, req)
		}
		return key(ctx, r)
	}
	return newSubstitute(Substitute{
		kind: recoursev1.Degraded_KIND_STALE, source: "last good answer", request: nameOf[Req](),
		shape: oneReplyToOneRequest, unkeyed: key == nil, run: m.answer, learn: m.learn,
	})
}

// memory holds the answers of one LastGood.
type memory struct {
	maxAge time.Duration
	key    func(context.Context, proto.Message) string
	known  *lru.Cache[memoryKey, remembered]
}

// memoryKey has the connection too, on a client: two may lead to different servers.
type memoryKey struct {
	conn        any
	method, key string
}

type remembered struct {
	reply proto.Message
	at    time.Time
}

func (m *memory) learn(ctx context.Context, conn any, method string, req, reply proto.Message) {
	defer func() { _ = recover() }() // of the key function: an answer less to remember
	key := m.key(ctx, req)
	if key == "" {
		return
	}
	m.known.Put(memoryKey{conn, method, key}, remembered{proto.Clone(reply), time.Now()}, proto.Size(reply)+len(key))
}

func (m *memory) answer(ctx context.Context, c failedCall, mark *recoursev1.Degraded, send func(proto.Message) error) error {
	if c.req == nil {
		return errNoLastGood
	}
	k := memoryKey{c.conn, c.method, m.key(ctx, c.req)}
	r, ok := m.known.Get(k)
	if !ok || k.key == "" {
		return errNoLastGood
	}
	age := time.Since(r.at)
	if age > m.maxAge {
		m.known.Delete(k)
		return errNoLastGood
	}
	mark.Age = durationpb.New(age)
	return send(proto.Clone(r.reply))
}

// perCall is metadata that differs between two calls with the same answer.
var perCall = []string{
	requestIDKey, attemptsKey, "traceparent", "tracestate", "baggage", "grpc-trace-bin", "grpc-tags-bin",
	"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "uber-trace-id",
}

// wholeRequest is a digest of everything that is sent.
func wholeRequest(ctx context.Context, req proto.Message) string {
	h := sha256.New()
	if id := requestIDField(req.ProtoReflect().Descriptor()); id != nil { // a repeat has the same one, another call has not
		req = proto.Clone(req)
		req.ProtoReflect().Clear(id)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return ""
	}
	write := func(b []byte) { // no two sequences look alike
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		_, _ = h.Write(b)
	}
	write(b)
	md, _ := metadata.FromOutgoingContext(ctx)
	keys := make([]string, 0, len(md))
	for k := range md {
		if !slices.Contains(perCall, k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		write([]byte(k))
		for _, v := range md[k] {
			write([]byte(v))
		}
	}
	return string(h.Sum(nil))
}
