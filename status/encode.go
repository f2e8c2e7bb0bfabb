package status

import (
	"slices"
	"sync"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Bounds of the trailer block of an error, counted as HTTP/2 counts a header
// list: the length of every name and value plus 32.
const (
	// DefaultTrailerBytes passes through a stock nginx, whose buffer is 4 KiB.
	DefaultTrailerBytes = 4096
	// MaxTrailerBytes is what gRPC's C-core, Java and grpc-go's announced default
	// accept. Above its peer's limit an error loses its code.
	MaxTrailerBytes = 8192
)

// Rendering says for whom an error is encoded, and fills in what only the server
// knows. The zero value is right for the most distrusted caller.
type Rendering struct {
	// Domain is used where the error names none.
	Domain string
	// RequestID replaces the error's own. It travels as google.rpc.RequestInfo
	// where the server is at fault; elsewhere the server sends it as a trailer,
	// so that equal errors stay equal bytes.
	RequestID string
	// Trust decides what the caller may see.
	Trust Trust
	// PartnerDomains are the domains whose causes a Partner may see.
	PartnerDomains []string
	// TechnicalDetails lets Internal callers see the text of the cause and the
	// stack of a panic, as google.rpc.DebugInfo.
	TechnicalDetails bool
	// OmitErrorDetail leaves recourse.v1.ErrorDetail out, for callers behind a
	// gateway that cannot resolve it. Outcome and verdict then travel as
	// metadata of the ErrorInfo.
	OmitErrorDetail bool
	// OmitGuidance sends no suggestion and no actions but the error's own.
	OmitGuidance bool
	// TrailerBytes is the most that the trailer block may take; 0 means
	// DefaultTrailerBytes, more than MaxTrailerBytes means MaxTrailerBytes.
	TrailerBytes int
	// Reserved is how many bytes of it other trailers take.
	Reserved int
}

// Encoded is an error ready for the wire.
type Encoded struct {
	// Status is what to hand to grpc-go. Every detail is in its encoding, but its
	// Details method shows the first alone, the ErrorInfo as a rule: building all
	// of them a second time, for a transport that only wants bytes, would be most
	// of the cost of an error.
	Status *grpcstatus.Status
	// Size is the trailer block in bytes, Reserved included. Fits is false where
	// that is more than may be: because the error's identity alone is, or because
	// Reserved leaves no room for the code.
	Size int
	Fits bool
	// Elided is how many things were left out.
	Elided int
	// RetryForbidden says that the server's verdict rules the same request out,
	// with a code that clients commonly repeat; RetryDelay, if not negative,
	// says how long to wait. Both are for clients that retry without reading
	// details (gRFC A6).
	RetryForbidden bool
	RetryDelay     time.Duration
}

// Encode renders e for one caller: what the caller may not see is removed, what
// every error must have is added, all text is clean, and the result fits the
// budget. Leaving things out follows a fixed order that never touches the code,
// the identity, the retry delay, the verdict and the outcome; only where Reserved
// leaves no room for these, the code and a short message go alone. A nil e encodes
// as success.
func (e *Error) Encode(r Rendering) Encoded {
	if e == nil {
		return Encoded{RetryDelay: -1}
	}
	r.Reserved = max(r.Reserved, 0)
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	d := e.draft(&r)
	s.buf = d.render(s.buf[:0], &r)
	enc := Encoded{
		Size:           d.block(s.buf) + r.Reserved, // before status gives a large buffer away
		Fits:           d.block(s.buf) <= r.room(),
		Status:         s.status(&d),
		Elided:         int(d.elided),
		RetryForbidden: forbids(e.code, d.advice.GetVerdict()),
		RetryDelay:     -1,
	}
	if d.hasDelay && !enc.RetryForbidden {
		enc.RetryDelay = d.delay
	}
	return enc
}

// proto encodes e and decodes it again, for readers that want every detail.
func (e *Error) proto(r Rendering) *spb.Status {
	d := e.draft(&r)
	p := new(spb.Status)
	if b := d.render(nil, &r); d.bare || proto.Unmarshal(b, p) != nil {
		return &spb.Status{Code: int32(d.code), Message: d.message}
	}
	return p
}

// render encodes the draft within the budget.
func (d *draft) render(b []byte, r *Rendering) []byte {
	room := r.room()
	b = d.append(b)
	if d.block(b) > room {
		b = d.fit(b, room)
	}
	d.bare = r.Reserved > 0 && d.block(b) > room // the code is worth more than its name
	return b
}

// room is what is left for the error.
func (r *Rendering) room() int {
	most := r.TrailerBytes
	if most <= 0 {
		most = DefaultTrailerBytes
	}
	return min(most, MaxTrailerBytes) - r.Reserved
}

// scratch is what an encoding needs until grpc-go has copied it.
type scratch struct {
	buf    []byte
	proto  spb.Status
	first  anypb.Any
	detail [1]*anypb.Any
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// status makes grpc-go's type of the encoded draft: the first detail as a field,
// so that grpc-go knows there are details, the others as bytes that it appends
// unseen.
func (s *scratch) status(d *draft) *grpcstatus.Status {
	defer func() {
		s.proto.ProtoReflect().SetUnknown(nil)
		if cap(s.buf) > MaxTrailerBytes {
			s.buf = nil
		}
	}()
	if d.bare {
		return grpcstatus.New(d.code, d.message)
	}
	_, _, n := protowire.ConsumeTag(s.buf[d.detailsAt:])
	first, size := protowire.ConsumeBytes(s.buf[d.detailsAt+n:])
	_, _, tag := protowire.ConsumeTag(first)
	url, m := protowire.ConsumeString(first[tag:])
	value := first[tag+m:]
	if len(value) > 0 {
		_, _, tag = protowire.ConsumeTag(value)
		value, _ = protowire.ConsumeBytes(value[tag:])
	}

	s.first.TypeUrl, s.first.Value = url, value
	s.detail[0] = &s.first
	s.proto.Code, s.proto.Message, s.proto.Details = int32(d.code), d.message, s.detail[:]
	s.proto.ProtoReflect().SetUnknown(s.buf[d.detailsAt+n+size:])
	return grpcstatus.FromProto(&s.proto)
}

// forbids reports whether clients that only know codes have to be told not to
// repeat the request. On the faults of a caller, which no retry policy lists,
// saying so would only drain the client's retry throttle (gRFC A6).
func forbids(c codes.Code, v recoursev1.RetryAdvice_Verdict) bool {
	return v != recoursev1.RetryAdvice_VERDICT_UNSPECIFIED && v != SameRequest && defaultsOf(c).retried
}

// draft is an error on its way out. Unlike Error it may be changed.
type draft struct {
	fields
	code        codes.Code
	message     string
	requestInfo bool
	omitDetail  bool
	bare        bool // no details at all
	detailsAt   int  // where the details start in the encoding
}

// draft copies what the caller may see and fills in what is missing.
func (e *Error) draft(r *Rendering) draft {
	d := draft{fields: *e.view(), code: e.code, message: e.message, omitDetail: r.OmitErrorDetail}
	if e.received != nil {
		d.cleanOthers()
	}
	usual := defaultsOf(e.code)
	if d.errorCode == "" {
		d.errorCode = usual.name
	}
	if d.domain == "" {
		d.domain = clean(r.Domain, maxDomain)
	}
	if r.RequestID != "" {
		d.requestID = clean(r.RequestID, maxRequestID)
	}
	if d.advice.GetVerdict() == Never {
		d.hasDelay = false // a reader of RetryInfo alone would come back
	}
	d.requestInfo = d.requestID != "" && defaultsOf(e.code).blamesServer
	if !r.OmitGuidance {
		if d.suggestion == "" {
			d.suggestion = usual.suggestion
		}
		// "Try again" is no advice where the verdict is never.
		if len(d.actions) == 0 && (d.advice.GetVerdict() != Never || usual.verdict != SameRequest) {
			d.actions = usual.actions
		}
	}
	if defaultsOf(e.code).blamesServer {
		d.referSupport()
	}
	d.redact(e, r)
	if d.omitDetail {
		d.mirror()
	}
	d.capLists()
	return d
}

// referSupport puts the request id where support will ask for it.
func (d *draft) referSupport() {
	for i, a := range d.actions {
		if c := a.GetContactSupport(); c != nil && c.GetReference() == "" && d.requestID != "" {
			a = proto.CloneOf(a)
			a.GetContactSupport().Reference = d.requestID
			d.actions = append(append(d.actions[:i:i], a), d.actions[i+1:]...)
		}
	}
}

// mirror says outcome and verdict once more where every language can read them,
// for callers that do not get the ErrorDetail.
func (d *draft) mirror() {
	d.meta = slices.Clone(d.meta) // the Error shares the array
	for len(d.meta) > maxMeta-2 && d.trimMeta() {
	}
	d.setMeta(keyOutcome, d.outcome.String()[len("OUTCOME_"):])
	d.setMeta(keyVerdict, d.advice.GetVerdict().String()[len("VERDICT_"):])
}

// Field numbers of the messages that are encoded by hand. These five are most
// of what an error costs; building them as messages would triple it.
const (
	statusCode, statusMessage, statusDetails protowire.Number = 1, 2, 3

	anyURL, anyValue protowire.Number = 1, 2

	infoReason, infoDomain, infoMetadata protowire.Number = 1, 2, 3

	mapKey, mapValue protowire.Number = 1, 2

	retryDelay, requestID protowire.Number = 1, 1

	durationSeconds, durationNanos protowire.Number = 1, 2

	detailErrorCode, detailDomain, detailSuggestion, detailActions protowire.Number = 1, 2, 3, 4
	detailOutcome, detailRetry, detailOperation, detailCauses      protowire.Number = 5, 6, 7, 8
	detailElided, detailCatalogVersion                             protowire.Number = 9, 10
)

// append encodes the draft as a google.rpc.Status: details that an error made
// elsewhere put first, ErrorInfo, RetryInfo, RequestInfo, every other detail in
// order, ErrorDetail last.
func (d *draft) append(b []byte) []byte {
	b = appendVarint(b, statusCode, uint64(d.code))
	b = appendString(b, statusMessage, d.message)
	d.detailsAt = len(b)
	for _, r := range d.others[:d.lead] {
		b = appendRaw(b, r)
	}
	b = d.appendErrorInfo(b)
	if d.hasDelay {
		b = d.appendRetryInfo(b)
	}
	if d.requestInfo {
		b, at := openDetail(b, typePrefix+nameRequestInfo)
		b = appendString(b, requestID, d.requestID)
		return d.appendRest(at.close(b))
	}
	return d.appendRest(b)
}

func (d *draft) appendRest(b []byte) []byte {
	for _, r := range d.others[d.lead:] {
		b = appendRaw(b, r)
	}
	if d.omitDetail {
		return b
	}
	return d.appendErrorDetail(b)
}

func (d *draft) appendErrorInfo(b []byte) []byte {
	b, at := openDetail(b, typePrefix+nameErrorInfo)
	b = appendString(b, infoReason, d.errorCode)
	b = appendString(b, infoDomain, d.domain)
	for _, p := range d.meta {
		var entry span
		b, entry = open(b, infoMetadata)
		b = appendString(b, mapKey, p.key)
		b = appendString(b, mapValue, p.value)
		b = entry.close(b)
	}
	return at.close(b)
}

func (d *draft) appendRetryInfo(b []byte) []byte {
	b, at := openDetail(b, typePrefix+nameRetryInfo)
	b, duration := open(b, retryDelay)
	delay := d.delay.Round(time.Millisecond) // equal bytes are nearly free (HPACK)
	b = appendVarint(b, durationSeconds, uint64(delay/time.Second))
	b = appendVarint(b, durationNanos, uint64(delay%time.Second))
	return at.close(duration.close(b))
}

func (d *draft) appendErrorDetail(b []byte) []byte {
	b, at := openDetail(b, typePrefix+nameErrorDetail)
	b = appendString(b, detailErrorCode, d.errorCode)
	b = appendString(b, detailDomain, d.domain)
	b = appendString(b, detailSuggestion, d.suggestion)
	for _, a := range d.actions {
		b = appendMessage(b, detailActions, a)
	}
	b = appendVarint(b, detailOutcome, uint64(d.outcome))
	if d.advice != nil {
		b = appendMessage(b, detailRetry, d.advice)
	}
	b = appendString(b, detailOperation, d.operation)
	for _, c := range d.causes {
		b = appendMessage(b, detailCauses, c)
	}
	b = appendVarint(b, detailElided, uint64(d.elided))
	b = appendString(b, detailCatalogVersion, d.catalogVersion)
	return at.close(b)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendMessage(b []byte, field protowire.Number, m proto.Message) []byte {
	b, at := open(b, field)
	// A message cleaned by cleanMessage cannot fail to encode; if it does, an
	// empty one stands in its place.
	if out, err := (proto.MarshalOptions{Deterministic: true}).MarshalAppend(b, m); err == nil {
		b = out
	}
	return at.close(b)
}

func appendRaw(b []byte, r rawDetail) []byte {
	b, at := open(b, statusDetails)
	b = appendString(b, anyURL, r.url)
	if len(r.value) > 0 {
		b = protowire.AppendBytes(protowire.AppendTag(b, anyValue, protowire.BytesType), r.value)
	}
	return at.close(b)
}

// span is a length-delimited field whose length is not known yet: where its
// content starts, and the span around it, if any.
type span struct{ start, outer int }

func open(b []byte, field protowire.Number) ([]byte, span) {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return b, span{start: len(b), outer: -1}
}

// openDetail opens a google.protobuf.Any in the status, and its value.
func openDetail(b []byte, url string) ([]byte, span) {
	b, outer := open(b, statusDetails)
	b = appendString(b, anyURL, url)
	b, value := open(b, anyValue)
	value.outer = outer.start
	return b, value
}

// close moves the content to make room for its length.
func (s span) close(b []byte) []byte {
	n := len(b) - s.start
	var room [10]byte
	length := protowire.AppendVarint(room[:0], uint64(n))
	b = append(b, length...)
	copy(b[s.start+len(length):], b[s.start:s.start+n])
	copy(b[s.start:], length)
	if s.outer >= 0 {
		return span{start: s.outer, outer: -1}.close(b)
	}
	return b
}

// block is the size of the trailer block of a reply that consists of the error
// alone, as the peer counts it: grpc-go's http2_server.go writes these fields,
// and each costs its name, its value and 32 bytes (RFC 9113, section 6.5.2).
func (d *draft) block(details []byte) int {
	const perField = 32
	n := len(":status") + len("200") + perField
	n += len("content-type") + len("application/grpc") + perField
	n += len("grpc-status") + 1 + perField
	if d.code > 9 {
		n++
	}
	n += len("grpc-message") + percentEncoded(d.message) + perField
	if !d.bare {
		n += len("grpc-status-details-bin") + (len(details)*4+2)/3 + perField
	}
	return n
}

// percentEncoded is the length of a message as the header grpc-message.
func percentEncoded(s string) int {
	n := len(s)
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '%' {
			n += 2
		}
	}
	return n
}
