package status

import (
	"bytes"
	"cmp"
	"context"
	"reflect"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"
)

// received is what came over the wire, as it came.
type received struct {
	status *grpcstatus.Status
	// From outside of the details, known to a client's interceptors only.
	requestID string
	method    string
	// Set where the error is known to come from another process, so that a
	// server answers for it instead of sending it on.
	remote bool

	glanced sync.Once
	seen    glance
}

// Received makes an Error of what a call to another service returned, which must
// not be nil. A client's interceptors use it; others read errors with [From].
// The result keeps err as its cause. timedOut says that the caller's deadline
// passed without an answer: an error that says no more than that becomes
// [Timeout]. That, and an Error made in this process, as by a policy that refused
// the call, gains method and requestID and stays this process' own. An error
// without a status is one of a context, or UNKNOWN.
func Received(err error, method, requestID string, timedOut bool) *Error {
	requestID = clean(requestID, maxRequestID)
	st, ok := bareStatus(err)
	if ok && !(timedOut && st.Code() == codes.DeadlineExceeded) {
		return fromRemote(st, err, method, requestID)
	}
	err = Finite(err)
	found := search(err)
	own, remote, foreign := deciding(found.own), deciding(found.remote), deciding(found.foreign)
	if foreign != nil {
		st = foreign.received.status // read anew below: foreign may be shared, and is decoded already
	} else {
		st = grpcstatus.New(contextCode(err), textOf(err))
	}
	if own == nil && remote == nil && timedOut && st.Code() == codes.DeadlineExceeded {
		own = Timeout(err)
	}
	switch {
	case own != nil:
		own = own.copy()
		own.fields.address(method, requestID)
		return own
	case remote != nil:
		return remote
	case foreign != nil && foreign.amended: // by somebody below, who must not be undone
		e := foreign.With()
		e.received = &received{status: st, method: method, remote: true}
		e.fields.address(method, requestID)
		return e
	}
	return fromRemote(st, err, method, requestID)
}

func fromRemote(st *grpcstatus.Status, cause error, method, requestID string) *Error {
	e := fromStatus(st, cause)
	e.received.method, e.received.requestID, e.received.remote = method, requestID, true
	return e
}

// address fills in what only the call knows.
func (f *fields) address(method, requestID string) {
	f.operation = cmp.Or(f.operation, method)
	f.requestID = cmp.Or(f.requestID, requestID)
}

func contextCode(err error) codes.Code {
	switch {
	case is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case is(err, context.Canceled):
		return codes.Canceled
	}
	return codes.Unknown
}

func fromStatus(st *grpcstatus.Status, cause error) *Error {
	code := st.Code()
	if code > codes.Unauthenticated {
		code = codes.Unknown
	}
	if code == codes.OK { // an error all the same, for grpc-go too
		code = codes.Internal
		st = grpcstatus.New(code, st.Message())
	}
	e := &struct { // in one piece: every failing call of a client makes one
		Error
		from received
	}{from: received{status: st}}
	e.code, e.message, e.cause, e.received = code, clean(st.Message(), maxMessage), cause, &e.from
	return &e.Error
}

// decode reads what this package knows by name. The ErrorInfo comes first: it
// is what the ErrorDetail is checked against.
func (r *received) decode() fields {
	var f fields
	var room [8]rawDetail // enough for most
	details, beyond := r.details(room[:0])
	f.elided = beyond
	lead := slices.IndexFunc(details, func(d rawDetail) bool {
		return d.name == nameErrorInfo && new(errorInfo).parse(d.value)
	})
	if lead >= 0 {
		f.absorb(details[lead])
	}
	for i, d := range details {
		if i == lead {
			f.lead = len(f.others)
			continue
		}
		if d.name == nameErrorInfo {
			f.elided++
			continue
		}
		f.absorb(d)
	}
	if lead < 0 {
		f.lead = len(f.others)
	}
	f.readMirror()
	f.address(r.method, r.requestID)
	return f
}

// details returns what the status carries, within what a reader takes from a
// stranger, and how many lie beyond that.
func (r *received) details(out []rawDetail) (_ []rawDetail, beyond uint32) {
	size := 0
	for d := range scan(r.status) {
		if size += d.size(); size > maxReceived || len(out) == maxDetails {
			beyond++
			continue
		}
		out = append(out, d)
	}
	return out, beyond
}

// retryDelay finds what absorbRetryInfo does.
func (r *received) retryDelay() (time.Duration, bool) {
	n, size := 0, 0
	for d := range scan(r.status) {
		n++
		if size += d.size(); n > maxDetails || size > maxReceived {
			break
		}
		if d.name == nameRetryInfo {
			if delay, valid, _ := parseRetryInfo(d.value); valid {
				return delay, true
			}
		}
	}
	return 0, false
}

// glance is what the server said to programs about a repeat, read in place: most
// readers of an error want no more, and its texts are most of the work.
type glance struct {
	advice   retryAdvice
	outcome  recoursev1.Outcome
	required bool // an action may have to be done before
	usual    bool // else it takes decode to tell
}

// glance looks once: whoever decides on a repeat asks several times.
func (r *received) glance() *glance {
	r.glanced.Do(func() { r.seen = r.look() })
	return &r.seen
}

// look finds nothing where there is anything unusual about the error.
func (r *received) look() glance {
	var info errorInfo
	var detail errorDetail
	infos, details, n, size := 0, 0, 0, 0
	ok := true
	for d := range scan(r.status) {
		n++
		size += d.size()
		switch d.name {
		case nameErrorInfo:
			infos++
			ok = info.parse(d.value)
		case nameErrorDetail:
			details++
			ok = detail.parse(d.value)
		}
		if !ok || infos > 1 || details > 1 || n > maxDetails || size > maxReceived {
			return glance{}
		}
	}
	if info.mirrors || details > 0 && !sameIdentity(&info, &detail) || !detail.advice.known() || !knownOutcome(detail.outcome) {
		return glance{}
	}
	return glance{detail.advice, detail.outcome, detail.required, true}
}

// sameIdentity is false for some that are the same once they are clean.
func sameIdentity(info *errorInfo, detail *errorDetail) bool {
	return len(info.reason)+len(info.domain) == 0 || bytes.Equal(info.reason, detail.errorCode) && bytes.Equal(info.domain, detail.domain)
}

func knownOutcome(o recoursev1.Outcome) bool {
	_, known := recoursev1.Outcome_name[int32(o)]
	return known
}

// Keys under which outcome and verdict stand in the metadata where the
// ErrorDetail is left out.
const (
	keyOutcome = "recourseOutcome"
	keyVerdict = "recourseRetry"
)

func isMirror(key string) bool { return key == keyOutcome || key == keyVerdict }

func (f *fields) readMirror() {
	for _, p := range f.meta {
		switch p.key {
		case keyOutcome:
			if o, ok := recoursev1.Outcome_value["OUTCOME_"+p.value]; ok && f.outcome == 0 {
				f.outcome = recoursev1.Outcome(o)
			}
		case keyVerdict:
			if f.advice == nil && p.value != "" && p.value != "UNSPECIFIED" {
				v, known := recoursev1.RetryAdvice_Verdict_value["VERDICT_"+p.value]
				if !known { // a verdict invented later can only make a client more careful
					v = int32(Never)
				}
				f.advice = &recoursev1.RetryAdvice{Verdict: recoursev1.RetryAdvice_Verdict(v)}
			}
		}
	}
}

// scan yields the details of a status in place. Status.Proto copies all of them
// to show one; reading the fields by reflection copies nothing. Should grpc-go
// change its Status, Proto still works.
func scan(st *grpcstatus.Status) func(yield func(rawDetail) bool) {
	return func(yield func(rawDetail) bool) {
		if st == nil {
			return
		}
		yieldRaw := func(url string, value []byte) bool { return yield(newRaw(url, value)) }
		layout := statusLayout()
		if layout == nil {
			p := st.Proto()
			for _, d := range p.GetDetails() {
				if !yieldRaw(d.GetTypeUrl(), d.GetValue()) {
					return
				}
			}
			scanEncoded(p.ProtoReflect().GetUnknown(), yieldRaw)
			return
		}
		p := reflect.ValueOf(st).Elem().Field(layout.proto)
		if p.IsNil() {
			return
		}
		list := p.Elem().Field(layout.details)
		for i := range list.Len() {
			d := list.Index(i)
			if d.IsNil() {
				continue
			}
			a := d.Elem()
			if !yieldRaw(a.Field(layout.url).String(), a.Field(layout.value).Bytes()) {
				return
			}
		}
		scanEncoded(p.Elem().Field(layout.unknown).Bytes(), yieldRaw)
	}
}

// scanEncoded yields the details in an encoded google.rpc.Status, as in the part
// that Encode has handed to grpc-go as bytes only.
func scanEncoded(b []byte, yield func(url string, value []byte) bool) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			return
		}
		b = rest
		if f.num != statusDetails || f.typ != protowire.BytesType {
			continue
		}
		if url, value, ok := parsePair(f.bytes); ok && utf8.Valid(url) && !yield(string(url), value) {
			return
		}
	}
}

// layout is where a grpc status keeps its details, as field indexes.
type layout struct{ proto, details, unknown, url, value int }

var statusLayout = sync.OnceValue(func() *layout {
	var l layout
	status := reflect.TypeFor[grpcstatus.Status]()
	if status.Kind() != reflect.Struct {
		return nil
	}
	ok := false
	for i := range status.NumField() {
		if status.Field(i).Type == reflect.TypeFor[*spb.Status]() {
			l.proto, ok = i, true
		}
	}
	details, ok1 := reflect.TypeFor[spb.Status]().FieldByName("Details")
	unknown, ok4 := reflect.TypeFor[spb.Status]().FieldByName("unknownFields")
	url, ok2 := reflect.TypeFor[anypb.Any]().FieldByName("TypeUrl")
	value, ok3 := reflect.TypeFor[anypb.Any]().FieldByName("Value")
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 ||
		unknown.Type.Kind() != reflect.Slice || unknown.Type.Elem().Kind() != reflect.Uint8 ||
		details.Type != reflect.TypeFor[[]*anypb.Any]() || url.Type.Kind() != reflect.String || value.Type != reflect.TypeFor[[]byte]() {
		return nil
	}
	l.details, l.unknown, l.url, l.value = details.Index[0], unknown.Index[0], url.Index[0], value.Index[0]
	return &l
})
