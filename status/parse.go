package status

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The details that this package knows by name are read as they are written, field
// by field: a client looks at every error that it receives, and at little of it.
// What is no message is refused; a field of an unexpected wire type is passed over,
// and of one that stands there twice the last counts, as for every decoder.

// text copies a string that a decoder would take, or mend would make of it.
func text(b []byte) string {
	if s := string(b); utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(string(b), string(utf8.RuneError))
}

type errorInfo struct {
	reason, domain []byte
	entries        int  // of the metadata
	mirrors        bool // outcome and verdict are among them
}

func (m *errorInfo) parse(b []byte) bool {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return false
		}
		b = rest
		if f.typ != protowire.BytesType {
			continue
		}
		switch f.num {
		case infoReason:
			m.reason = f.bytes
		case infoDomain:
			m.domain = f.bytes
		case infoMetadata:
			key, _, ok := parsePair(f.bytes)
			if !ok {
				return false
			}
			m.entries++
			m.mirrors = m.mirrors || isMirror(string(key))
		}
	}
	return true
}

// parsePair reads an entry of a map, or an Any: both have two fields of bytes.
func parsePair(b []byte) (key, value []byte, ok bool) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return nil, nil, false
		}
		b = rest
		if f.typ != protowire.BytesType {
			continue
		}
		switch f.num {
		case mapKey: // which is anyURL
			key = f.bytes
		case mapValue: // which is anyValue
			value = f.bytes
		}
	}
	return key, value, true
}

// metadataIn returns the entries of an ErrorInfo that its parse has counted,
// sorted and unique.
func metadataIn(b []byte, entries int) []pair {
	if entries == 0 {
		return nil
	}
	meta := make([]pair, 0, entries)
	for len(b) > 0 {
		f, rest, _ := nextField(b)
		b = rest
		if f.num == infoMetadata && f.typ == protowire.BytesType {
			key, value, _ := parsePair(f.bytes)
			meta = append(meta, pair{text(key), text(value)})
		}
	}
	slices.SortStableFunc(meta, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	unique := meta[:0]
	for i, p := range meta {
		if i+1 == len(meta) || meta[i+1].key != p.key {
			unique = append(unique, p)
		}
	}
	return unique
}

// parseRetryInfo reports whether there is a valid delay, and whether b is a
// message.
func parseRetryInfo(b []byte) (delay time.Duration, valid, ok bool) {
	var seconds int64
	var nanos int32
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return 0, false, false
		}
		b = rest
		if f.num != retryDelay || f.typ != protowire.BytesType {
			continue
		}
		valid = true
		for d := f.bytes; len(d) > 0; {
			f, rest, ok := nextField(d)
			if !ok {
				return 0, false, false
			}
			d = rest
			if f.typ != protowire.VarintType {
				continue
			}
			switch f.num {
			case durationSeconds:
				seconds = int64(f.varint)
			case durationNanos:
				nanos = int32(f.varint)
			}
		}
	}
	const most, second = 315_576_000_000, int32(time.Second) // of a google.protobuf.Duration
	if seconds < -most || seconds > most || nanos <= -second || nanos >= second || seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
		valid = false
	}
	if !valid {
		return 0, false, true
	}
	d := durationpb.Duration{Seconds: seconds, Nanos: nanos}
	return max(d.AsDuration(), 0), true, true
}

// parseText reads a message for its one field that matters.
func parseText(b []byte, field protowire.Number) (value []byte, ok bool) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return nil, false
		}
		b = rest
		if f.num == field && f.typ == protowire.BytesType {
			value = f.bytes
		}
	}
	return value, true
}

// errorDetail is a recourse.v1.ErrorDetail without its lists.
type errorDetail struct {
	errorCode, domain, suggestion, operation, catalogVersion []byte

	outcome  recoursev1.Outcome
	elided   uint32
	advice   retryAdvice
	required bool // an action says so, though it may be to wait
}

type retryAdvice struct {
	stated      bool
	verdict     recoursev1.RetryAdvice_Verdict
	why         recoursev1.RetryAdvice_Why
	attempts    uint32
	exhaustedBy []byte
}

func (m *errorDetail) parse(b []byte) bool {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return false
		}
		b = rest
		switch f.typ {
		case protowire.VarintType:
			switch f.num {
			case detailOutcome:
				m.outcome = recoursev1.Outcome(f.varint)
			case detailElided:
				m.elided = uint32(f.varint)
			}
		case protowire.BytesType:
			switch f.num {
			case detailErrorCode:
				m.errorCode = f.bytes
			case detailDomain:
				m.domain = f.bytes
			case detailSuggestion:
				m.suggestion = f.bytes
			case detailOperation:
				m.operation = f.bytes
			case detailCatalogVersion:
				m.catalogVersion = f.bytes
			case detailActions:
				m.required = m.required || isRequired(f.bytes)
			case detailRetry:
				if !m.advice.parse(f.bytes) {
					return false
				}
			}
		}
	}
	return true
}

// isRequired reads that of an encoded action; one that is broken is left out.
func isRequired(b []byte) (required bool) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return false
		}
		b = rest
		if f.num == actionRequired && f.typ == protowire.VarintType {
			required = f.varint != 0
		}
	}
	return required
}

func (a *retryAdvice) parse(b []byte) bool {
	a.stated = true
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return false
		}
		b = rest
		switch {
		case f.typ == protowire.VarintType && f.num == adviceVerdict:
			a.verdict = recoursev1.RetryAdvice_Verdict(f.varint)
		case f.typ == protowire.VarintType && f.num == adviceWhy:
			a.why = recoursev1.RetryAdvice_Why(f.varint)
		case f.typ == protowire.VarintType && f.num == adviceAttempts:
			a.attempts = uint32(f.varint)
		case f.typ == protowire.BytesType && f.num == adviceExhaustedBy:
			a.exhaustedBy = f.bytes
		}
	}
	return true
}

// known reports whether this version understands all of it.
func (a *retryAdvice) known() bool {
	_, verdict := recoursev1.RetryAdvice_Verdict_name[int32(a.verdict)]
	_, why := recoursev1.RetryAdvice_Why_name[int32(a.why)]
	return verdict && why
}

// message returns nil where there is no advice.
func (a *retryAdvice) message() *recoursev1.RetryAdvice {
	if !a.stated {
		return nil
	}
	m := &recoursev1.RetryAdvice{Verdict: a.verdict, Why: a.why, Attempts: a.attempts, ExhaustedBy: text(a.exhaustedBy)}
	tidyAdvice(m)
	return m
}

// onlyHTTPS reports whether every link of an encoded Help is one that a person may
// follow; no where it cannot tell.
func onlyHTTPS(b []byte) bool {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return false
		}
		b = rest
		if f.num != helpLinks || f.typ != protowire.BytesType {
			continue
		}
		if url, ok := parseText(f.bytes, linkURL); !ok || !isHTTPS(string(url)) {
			return false
		}
	}
	return true
}
