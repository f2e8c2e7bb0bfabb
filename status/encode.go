package status

import (
	"cmp"
	"slices"
	"sync"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
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
	last := e.again.Load()
	if last.serves(&r) {
		enc := last.encoded
		enc.Size += r.Reserved
		return enc
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	var d draft
	d.fill(e, &r)
	var block int
	s.buf, block = d.render(s.buf[:0], &r)
	enc := Encoded{
		Size:           block + r.Reserved,
		Fits:           block <= r.limit(),
		Status:         s.status(&d),
		Elided:         int(d.elided),
		RetryForbidden: forbids(e.code, d.advice.GetVerdict()),
		RetryDelay:     -1,
	}
	if d.hasDelay && !enc.RetryForbidden {
		enc.RetryDelay = d.delay
	}
	if !d.trimmed && e.lasts() {
		e.again.Store(last.next(&r, &enc))
	}
	return enc
}

// rendition is an encoding of an Error that serves for the next caller too, as of
// one that a package declares and returns again and again.
type rendition struct {
	of      Rendering
	encoded Encoded // without what is reserved
}

// firstTime stands for an encoding that was not kept: most errors are encoded once.
var firstTime = new(rendition)

func (last *rendition) next(r *Rendering, enc *Encoded) *rendition {
	if last == nil {
		return firstTime
	}
	n := &rendition{of: *r, encoded: *enc}
	n.of.PartnerDomains = slices.Clone(r.PartnerDomains)
	n.encoded.Size -= r.Reserved
	return n
}

// lasts reports whether e is encoded in the same way whatever the request.
func (e *Error) lasts() bool {
	return e.received == nil && e.cause == nil && !defaultsOf(e.code).blamesServer
}

func (last *rendition) serves(r *Rendering) bool {
	if last == nil || last == firstTime || last.encoded.Size > r.room() {
		return false
	}
	of := &last.of
	return of.Domain == r.Domain && of.Trust == r.Trust && of.TechnicalDetails == r.TechnicalDetails &&
		of.OmitErrorDetail == r.OmitErrorDetail && of.OmitGuidance == r.OmitGuidance && slices.Equal(of.PartnerDomains, r.PartnerDomains)
}

// proto encodes e and takes the encoding apart, for readers that want every detail.
func (e *Error) proto(r Rendering) *spb.Status {
	var d draft
	d.fill(e, &r)
	b, _ := d.render(make([]byte, 0, 1<<10), &r)
	p := &spb.Status{Code: int32(d.code), Message: d.message}
	if d.bare {
		return p
	}
	scanEncoded(b[d.detailsAt:], func(url string, value []byte) bool {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: url, Value: slices.Clip(value)}) // the caller may append to it
		return true
	})
	return p
}

// render encodes the draft within the budget, and returns the size of its trailer block too.
func (d *draft) render(b []byte, r *Rendering) (_ []byte, block int) {
	b = d.append(b)
	room := r.room()
	if block = d.block(b); block > room {
		cut := *d // which leaves d on the stack of those that need not come here
		b = cut.fit(b, room)
		*d = cut
		d.trimmed = true
		block = d.block(b)
	}
	if r.Reserved > 0 && block > r.limit() {
		d.bare = true // the code is worth more than its name
		if block = d.block(nil); block > r.limit() {
			d.message = ""
			block = d.block(nil)
		}
	}
	return b, block
}

// room is what the error should take.
func (r *Rendering) room() int {
	most := r.TrailerBytes
	if most <= 0 {
		most = DefaultTrailerBytes
	}
	return min(most, MaxTrailerBytes) - r.Reserved
}

// limit is what the error must not exceed, as far as anybody has said: without a
// word of the operator the default is caution, and the most that all peers accept
// is the limit.
func (r *Rendering) limit() int {
	if r.TrailerBytes > 0 {
		return r.room()
	}
	return MaxTrailerBytes - r.Reserved
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
	url := typePrefix + nameErrorInfo
	if d.lead > 0 {
		url = d.others[0].url()
	}
	s.first.TypeUrl, s.first.Value = url, s.buf[d.valueAt:d.restAt]
	s.detail[0] = &s.first
	s.proto.Code, s.proto.Message, s.proto.Details = int32(d.code), d.message, s.detail[:]
	s.proto.ProtoReflect().SetUnknown(s.buf[d.restAt:])
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
	trimmed     bool

	// Where in the encoding the details start, the value of the first of them, and the others.
	detailsAt, valueAt, restAt int
}

// fill makes an empty draft one of e: it copies what the caller may see and fills in what
// is missing.
func (d *draft) fill(e *Error, r *Rendering) {
	d.fields, d.code, d.message, d.omitDetail = *e.view(), e.code, e.message, r.OmitErrorDetail
	if e.asReceived() != nil {
		d.cleanOthers()
	}
	usual := defaultsOf(e.code)
	if d.errorCode == "" {
		d.errorCode = usual.name
	}
	if d.domain == "" {
		d.domain = clean(r.Domain, maxDomain)
	}
	if e.received != nil && d.declared == nil {
		bound := d.fields // which leaves d on the stack of those that need not come here
		d.message = bound.bind(d.message)
		d.fields = bound
	}
	d.confine(r.Trust)
	if r.RequestID != "" {
		d.requestID = clean(r.RequestID, maxRequestID)
	}
	if d.advice.GetVerdict() == Never {
		d.hasDelay = false // a reader of RetryInfo alone would come back
	}
	d.requestInfo = d.requestID != "" && defaultsOf(e.code).blamesServer
	if !r.OmitGuidance {
		suggestion, actions := guidance(e.code, d.advice.GetVerdict())
		d.suggestion = cmp.Or(d.suggestion, suggestion)
		if len(d.actions) == 0 {
			d.actions = actions
		}
	}
	d.redact(e, r)
	if mirrored := func(p pair) bool { return isMirror(p.key) }; slices.ContainsFunc(d.meta, mirrored) {
		d.meta = slices.DeleteFunc(slices.Clone(d.meta), mirrored) // what they say is in the fields
	}
	if d.omitDetail {
		d.mirror()
	}
	d.capLists()
}

// mirror says outcome and verdict once more where every language can read them,
// for callers that do not get the ErrorDetail.
func (d *draft) mirror() {
	d.meta = append(make([]pair, 0, len(d.meta)+2), d.meta...) // the Error shares the array
	for len(d.meta) > maxMeta-2 && d.trimMeta() {
	}
	d.setMeta(keyOutcome, d.outcome.String()[len("OUTCOME_"):])
	d.setMeta(keyVerdict, d.advice.GetVerdict().String()[len("VERDICT_"):])
}
