package status

import (
	"slices"
	"sync"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Field numbers of the messages that are encoded by hand. These are most
// of what an error costs; building them as messages would triple it.
const (
	statusCode, statusMessage, statusDetails protowire.Number = 1, 2, 3

	anyURL, anyValue protowire.Number = 1, 2

	infoReason, infoDomain, infoMetadata protowire.Number = 1, 2, 3

	mapKey, mapValue protowire.Number = 1, 2

	actionActor, actionLabel, actionThenRetry, actionRequired protowire.Number = 1, 2, 3, 4
	actionContactSupport                                      protowire.Number = 113

	supportChannel, supportReference protowire.Number = 1, 2

	adviceVerdict, adviceWhy, adviceAttempts, adviceExhaustedBy protowire.Number = 1, 2, 3, 4

	retryDelay, requestID protowire.Number = 1, 1

	badRequestViolations                                  protowire.Number = 1
	violationField, violationDescription, violationReason protowire.Number = 1, 2, 3

	localizedLocale, localizedMessage protowire.Number = 1, 2

	helpLinks                protowire.Number = 1
	linkDescription, linkURL protowire.Number = 1, 2

	lengths = 16 // what the tags and lengths of a few fields take, in bytes

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
	for i, r := range d.others[:d.lead] {
		b = appendRaw(b, r)
		if i == 0 {
			d.valueAt, d.restAt = len(b)-len(r.value), len(b)
		}
	}
	b, size := d.appendErrorInfo(b)
	if d.lead == 0 {
		d.valueAt, d.restAt = len(b)-size, len(b)
	}
	if d.hasDelay {
		b = d.appendRetryInfo(b)
	}
	if d.requestInfo {
		b, at := openDetail(b, headRequestInfo)
		b = appendString(b, requestID, d.requestID)
		return d.appendRest(at.close(b))
	}
	return d.appendRest(b)
}

func (d *draft) encodeRest(b []byte) []byte {
	for _, r := range d.others[d.lead:] {
		b = appendRaw(b, r)
	}
	if d.omitDetail {
		return b
	}
	return d.appendErrorDetail(b)
}

// appendErrorInfo returns the size of the ErrorInfo too, without what is around it.
func (d *draft) appendErrorInfo(b []byte) (_ []byte, size int) {
	b, at := openDetail(b, headErrorInfo)
	b = appendString(b, infoReason, d.errorCode)
	b = appendString(b, infoDomain, d.domain)
	for _, p := range d.meta {
		var entry span
		b, entry = open(b, infoMetadata)
		b = appendString(b, mapKey, p.key)
		b = appendString(b, mapValue, p.value)
		b = entry.close(b)
	}
	size = len(b) - at.start
	return at.close(b), size
}

func (d *draft) appendRetryInfo(b []byte) []byte {
	b, at := openDetail(b, headRetryInfo)
	b, duration := open(b, retryDelay)
	delay := d.delay.Round(time.Millisecond) // equal bytes are nearly free (HPACK)
	b = appendVarint(b, durationSeconds, uint64(delay/time.Second))
	b = appendVarint(b, durationNanos, uint64(delay%time.Second))
	return at.close(duration.close(b))
}

func (d *draft) appendErrorDetail(b []byte) []byte {
	b, at := openDetail(b, headErrorDetail)
	b = appendString(b, detailErrorCode, d.errorCode)
	b = appendString(b, detailDomain, d.domain)
	b = appendString(b, detailSuggestion, d.suggestion)
	for _, a := range d.actions {
		if d.quotesRequest(a) {
			b = appendSupport(b, a, d.requestID)
		} else {
			b = d.appendAction(b, a)
		}
	}
	b = appendVarint(b, detailOutcome, uint64(d.outcome))
	if d.advice != nil {
		b = appendAdvice(b, d.advice)
	}
	b = appendString(b, detailOperation, d.operation)
	for _, c := range d.causes {
		b = appendMessage(b, detailCauses, c)
	}
	b = appendVarint(b, detailElided, uint64(d.elided))
	b = appendString(b, detailCatalogVersion, d.catalogVersion)
	return at.close(b)
}

// quotesRequest reports whether support will ask for the id of the request.
func (d *draft) quotesRequest(a *recoursev1.RecoveryAction) bool {
	c := a.GetContactSupport()
	return c != nil && c.GetReference() == "" && d.requestID != "" && defaultsOf(d.code).blamesServer
}

// appendAction takes those that go with a code, or a declared error, as they were
// encoded once.
func (d *draft) appendAction(b []byte, a *recoursev1.RecoveryAction) []byte {
	if of := d.declared; of != nil {
		if encoded := of.actions.find(a); encoded != nil {
			return append(b, encoded...)
		}
	}
	if encoded := usualActions().find(a); encoded != nil {
		return append(b, encoded...)
	}
	return appendMessage(b, detailActions, a)
}

// appendSupport encodes an action that sends somebody to support, with what
// support will ask for.
func appendSupport(b []byte, a *recoursev1.RecoveryAction, reference string) []byte {
	b, action := open(b, detailActions)
	b = appendVarint(b, actionActor, uint64(a.GetActor()))
	b = appendString(b, actionLabel, a.GetLabel())
	b = appendVarint(b, actionThenRetry, protowire.EncodeBool(a.GetThenRetry()))
	b = appendVarint(b, actionRequired, protowire.EncodeBool(a.GetRequired()))
	b, body := open(b, actionContactSupport)
	b = appendString(b, supportChannel, a.GetContactSupport().GetChannel())
	b = appendString(b, supportReference, reference)
	b = body.close(append(b, a.GetContactSupport().ProtoReflect().GetUnknown()...))
	return action.close(append(b, a.ProtoReflect().GetUnknown()...)) // of a later version, passed on
}

// encodedActions are actions, and the field of an ErrorDetail that each of them is. There
// are so few that to look at all is faster than a map.
type encodedActions struct {
	actions []*recoursev1.RecoveryAction
	encoded [][]byte
}

func encodeActions(actions []*recoursev1.RecoveryAction) encodedActions {
	all := encodedActions{actions: actions}
	for _, a := range actions {
		all.encoded = append(all.encoded, appendMessage(nil, detailActions, a))
	}
	return all
}

func (e encodedActions) find(a *recoursev1.RecoveryAction) []byte {
	if i := slices.Index(e.actions, a); i >= 0 {
		return e.encoded[i]
	}
	return nil
}

var usualActions = sync.OnceValue(func() encodedActions {
	var usual []*recoursev1.RecoveryAction
	for _, d := range byCode {
		usual = append(usual, d.actions...)
	}
	return encodeActions(usual)
})

// appendAdvice leaves nothing out: setAdvice has removed what this version does
// not know.
func appendAdvice(b []byte, a *recoursev1.RetryAdvice) []byte {
	b, at := open(b, detailRetry)
	b = appendVarint(b, adviceVerdict, uint64(a.GetVerdict()))
	b = appendVarint(b, adviceWhy, uint64(a.GetWhy()))
	b = appendVarint(b, adviceAttempts, uint64(a.GetAttempts()))
	b = appendString(b, adviceExhaustedBy, a.GetExhaustedBy())
	return at.close(b)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	switch {
	case v == 0:
		return b
	case isShort(field, v):
		return append(b, byte(field)<<3|byte(protowire.VarintType), byte(v))
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return append(appendLength(b, field, len(s)), s...)
}

// appendLength begins a length-delimited field.
func appendLength(b []byte, field protowire.Number, n int) []byte {
	if isShort(field, uint64(n)) {
		return append(b, byte(field)<<3|byte(protowire.BytesType), byte(n))
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n))
}

// isShort reports whether a tag is one byte, and what stands behind it another, as nearly
// all of an error are.
func isShort(field protowire.Number, v uint64) bool { return field < 1<<4 && v < 1<<7 }

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
	url := len(r.prefix) + len(r.name)
	size := tagSize + protowire.SizeBytes(url)
	if len(r.value) > 0 {
		size += tagSize + protowire.SizeBytes(len(r.value))
	}
	b = appendLength(appendLength(b, statusDetails, size), anyURL, url)
	b = append(append(b, r.prefix...), r.name...)
	if len(r.value) > 0 {
		b = append(appendLength(b, anyValue, len(r.value)), r.value...)
	}
	return b
}

const tagSize = 1 // of the fields of a google.protobuf.Any

// span is a length-delimited field whose length is not known yet: where its
// content starts, behind one byte for the length, and the span around it, if any.
type span struct{ start, outer int }

func open(b []byte, field protowire.Number) ([]byte, span) {
	b = appendLength(b, field, 0)
	return b, span{start: len(b), outer: -1}
}

// head is what stands before the value of a detail: a google.protobuf.Any in the status,
// with its type, and both lengths unknown.
type head struct {
	bytes string
	outer int
}

func headOf(name string) head {
	b, outer := open(nil, statusDetails)
	b, _ = open(appendString(b, anyURL, typePrefix+name), anyValue)
	return head{string(b), len(b) - outer.start}
}

var (
	headErrorInfo   = headOf(nameErrorInfo)
	headRetryInfo   = headOf(nameRetryInfo)
	headRequestInfo = headOf(nameRequestInfo)
	headErrorDetail = headOf(nameErrorDetail)
)

func openDetail(b []byte, h head) ([]byte, span) {
	b = append(b, h.bytes...)
	return b, span{start: len(b), outer: len(b) - h.outer}
}

// close writes the length, and moves the content where that takes more than a byte.
func (s span) close(b []byte) []byte {
	n := len(b) - s.start
	if n < 1<<7 {
		b[s.start-1] = byte(n)
	} else {
		more := protowire.SizeVarint(uint64(n)) - 1
		b = append(b, make([]byte, more)...)
		copy(b[s.start+more:], b[s.start:s.start+n])
		protowire.AppendVarint(b[:s.start-1], uint64(n))
	}
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
