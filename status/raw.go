package status

import (
	"bytes"
	"slices"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// rawDetail is a detail as it travels. The bytes are never changed.
type rawDetail struct {
	prefix, name string // of the type: its URL to the last slash, and its full name
	value        []byte
}

const typePrefix = "type.googleapis.com/"

func newRaw(url string, value []byte) rawDetail {
	slash := strings.LastIndexByte(url, '/') + 1
	return rawDetail{url[:slash], url[slash:], value}
}

func (r rawDetail) url() string { return r.prefix + r.name }

func (r rawDetail) size() int { return len(r.prefix) + len(r.name) + len(r.value) }

func (r rawDetail) any() *anypb.Any { return &anypb.Any{TypeUrl: r.url(), Value: r.value} }

// Full names of the details that this package treats in a way of their own.
const (
	nameErrorInfo   = "google.rpc.ErrorInfo"
	nameRetryInfo   = "google.rpc.RetryInfo"
	nameRequestInfo = "google.rpc.RequestInfo"
	nameDebugInfo   = "google.rpc.DebugInfo"
	nameHelp        = "google.rpc.Help"
	nameBadRequest  = "google.rpc.BadRequest"
	namePrecond     = "google.rpc.PreconditionFailure"
	nameQuota       = "google.rpc.QuotaFailure"
	nameResource    = "google.rpc.ResourceInfo"
	nameLocalized   = "google.rpc.LocalizedMessage"
	nameErrorDetail = "recourse.v1.ErrorDetail"
)

// encodeDetail copies m into bytes with clean texts. It reports false for what
// cannot be encoded, whatever m is.
func encodeDetail(m proto.Message) (raw rawDetail, ok bool) {
	defer func() {
		if recover() != nil { // a message type with methods of its own
			raw, ok = rawDetail{}, false
		}
	}()
	if m == nil || !m.ProtoReflect().IsValid() {
		return rawDetail{}, false
	}
	switch m := m.(type) {
	case *anypb.Any:
		return cleanRaw(newRaw(m.GetTypeUrl(), bytes.Clone(m.GetValue())))
	case *errdetails.LocalizedMessage:
		return encodeLocalized(m), true
	}
	md := m.ProtoReflect().Descriptor()
	value, err := marshal(m)
	if err != nil || !isCleanEncoding(value, md, maxNesting) {
		m = proto.Clone(m)
		cleanMessage(m)
		value, err = marshal(m)
	}
	return rawDetail{typePrefix, string(md.FullName()), value}, err == nil
}

// encodeLocalized writes what marshal would, in a third of the time: of the usual details it
// is the one that no option makes.
func encodeLocalized(m *errdetails.LocalizedMessage) rawDetail {
	unknown := m.ProtoReflect().GetUnknown()
	b := make([]byte, 0, len(m.GetLocale())+len(m.GetMessage())+len(unknown)+lengths)
	b = appendString(b, localizedLocale, clean(m.GetLocale(), 0))
	b = appendString(b, localizedMessage, clean(m.GetMessage(), 0))
	return rawDetail{typePrefix, nameLocalized, append(b, unknown...)}
}

// marshal is deterministic: details that repeat byte for byte are nearly free on
// a connection (HPACK).
func marshal(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(m)
}

// cleanRaw cleans the texts in a detail that was made elsewhere. The bytes of a
// type that this process does not know are kept as they are; those that do not
// decode as the type they claim are refused.
func cleanRaw(r rawDetail) (rawDetail, bool) {
	if r.prefix == "" || r.name == "" || len(r.prefix)+len(r.name) > maxMessage || !isClean(r.url()) {
		return rawDetail{}, false
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByURL(r.url())
	if err != nil {
		return r, true
	}
	if isCleanEncoding(r.value, mt.Descriptor(), maxNesting) {
		return r, true
	}
	m := mt.New().Interface()
	if !unmarshal(r.value, m) {
		return rawDetail{}, false
	}
	if !cleanMessage(m) && proto.Unmarshal(r.value, mt.New().Interface()) == nil {
		return r, true
	}
	value, err := marshal(m)
	if err != nil {
		return rawDetail{}, false
	}
	return rawDetail{r.prefix, r.name, value}, true
}

func isHTTPS(url string) bool { return strings.HasPrefix(url, "https://") }

// cleanOthers prepares details that came over the wire for being sent again.
func (f *fields) cleanOthers() {
	kept, lead := f.others[:0:0], 0
	for i, r := range f.others {
		c, ok := cleanRaw(r)
		if !ok {
			f.elided++
			continue
		}
		kept = append(kept, c)
		if i < f.lead {
			lead++
		}
	}
	f.others, f.lead = kept, lead
}

// absorb takes in one detail: what an Error knows by name goes into its fields,
// everything else is kept in order. What the error says already stays.
func (f *fields) absorb(r rawDetail) {
	switch r.name {
	case nameErrorInfo:
		f.absorbErrorInfo(r.value)
	case nameRetryInfo:
		f.absorbRetryInfo(r.value)
	case nameRequestInfo:
		f.absorbRequestInfo(r.value)
	case nameErrorDetail:
		f.absorbErrorDetail(r.value)
	case nameHelp:
		f.absorbHelp(r)
	default:
		f.merge(r)
	}
}

func (f *fields) absorbErrorInfo(b []byte) {
	var m errorInfo
	if !m.parse(b) {
		f.elided++
		return
	}
	if f.errorCode == "" {
		// As it was written: clients match it. New is where AIP-193 is enforced.
		f.errorCode = clean(text(m.reason), maxErrorCode)
	}
	if f.domain == "" {
		f.domain = clean(text(m.domain), maxDomain)
	}
	meta := metadataIn(b, m.entries)
	if len(f.meta) == 0 {
		f.meta = meta[:0] // sorted already: what is kept moves up
	}
	for _, p := range meta {
		if p.key == "" || len(p.key) > maxMetaKey || !isClean(p.key) || isMirror(p.key) && len(p.value) > maxMetaKey {
			f.elided++
			continue
		}
		if _, found := findMeta(f.meta, p.key); !found {
			f.setMeta(p.key, p.value)
		}
	}
}

func (f *fields) absorbRetryInfo(b []byte) {
	delay, valid, ok := parseRetryInfo(b)
	if !ok {
		f.elided++
	}
	if valid && !f.hasDelay {
		f.delay, f.hasDelay = delay, true
	}
}

func (f *fields) absorbRequestInfo(b []byte) {
	id, ok := parseText(b, requestID)
	if !ok {
		f.elided++
		return
	}
	if f.requestID == "" {
		f.requestID = clean(text(id), maxRequestID)
	}
}

// absorbHelp leaves out links that a person should not follow, whoever made them.
func (f *fields) absorbHelp(r rawDetail) {
	if onlyHTTPS(r.value) {
		f.merge(r)
		return
	}
	m := new(errdetails.Help)
	if !unmarshal(r.value, m) {
		f.elided++
		return
	}
	all := len(m.GetLinks())
	m.Links = slices.DeleteFunc(m.GetLinks(), func(l *errdetails.Help_Link) bool { return !isHTTPS(l.GetUrl()) })
	f.elided = saturatingAdd(f.elided, uint32(all-len(m.GetLinks())))
	if value, err := marshal(m); err == nil && len(m.GetLinks()) > 0 {
		r.value = value
		f.merge(r)
	}
}

// absorbErrorDetail drops a detail that speaks of another error: a middle tier
// that replaced the ErrorInfo and left the detail behind. An action or a cause that
// does not decode is left out alone.
func (f *fields) absorbErrorDetail(b []byte) {
	var m errorDetail
	if !m.parse(b) || !f.identify(m.errorCode, m.domain) {
		f.elided++
		return
	}
	if f.suggestion == "" {
		f.suggestion = clean(text(m.suggestion), maxSuggestion)
	}
	if len(f.actions) == 0 {
		eachMessage(b, detailActions, &f.elided, f.addAction)
	}
	if knownOutcome(m.outcome) && f.outcome == 0 {
		f.outcome = m.outcome
	}
	if f.advice == nil {
		f.advice = m.advice.message()
	}
	if f.operation == "" {
		f.operation = clean(text(m.operation), maxOperation)
	}
	if len(f.causes) == 0 {
		eachMessage(b, detailCauses, &f.elided, func(l *recoursev1.CauseLink) {
			cleanCause(l)
			f.addCauses(l)
		})
	}
	if f.catalogVersion == "" {
		f.catalogVersion = clean(text(m.catalogVersion), maxVersion)
	}
	f.elided = saturatingAdd(f.elided, min(m.elided, maxElided))
}

// identify reports whether the identity in an ErrorDetail is that of the error,
// which takes it over where it has none.
func (f *fields) identify(errorCode, domain []byte) bool {
	if f.errorCode != "" && string(errorCode) == f.errorCode && string(domain) == f.domain {
		return true
	}
	code, name := clean(text(errorCode), maxErrorCode), clean(text(domain), maxDomain)
	if f.errorCode == "" && f.domain == "" {
		f.errorCode, f.domain = code, name
	}
	return code == f.errorCode && name == f.domain
}

// eachMessage decodes every message that stands in the field of an encoded one, and
// counts those that it cannot.
func eachMessage[M any, P interface {
	*M
	proto.Message
}](b []byte, field protowire.Number, elided *uint32, use func(P)) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return
		}
		b = rest
		if f.num != field || f.typ != protowire.BytesType {
			continue
		}
		m := P(new(M))
		if !unmarshal(f.bytes, m) {
			*elided++
			continue
		}
		use(m)
	}
}

func saturatingAdd(a, b uint32) uint32 {
	if sum := a + b; sum >= a {
		return sum
	}
	return ^uint32(0)
}

// merge keeps at most one detail of a type. Encoded messages of one type merge
// by standing one behind the other, which appends their repeated fields.
func (f *fields) merge(r rawDetail) {
	i := slices.IndexFunc(f.others, func(o rawDetail) bool { return o.name == r.name })
	if i < 0 {
		if f.others == nil {
			f.others = make([]rawDetail, 0, 2)
		}
		f.others = append(f.others, r)
		return
	}
	switch r.name {
	case nameBadRequest, namePrecond, nameQuota, nameHelp:
		f.others[i].value = slices.Concat(f.others[i].value, r.value)
	default:
		f.elided++
	}
}
