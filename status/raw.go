package status

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// rawDetail is a detail as it travels. The bytes are never changed.
type rawDetail struct {
	url   string
	value []byte
}

const typePrefix = "type.googleapis.com/"

// name returns the full name of the type, the part after the last slash.
func (r rawDetail) name() string { return r.url[strings.LastIndexByte(r.url, '/')+1:] }

func (r rawDetail) any() *anypb.Any { return &anypb.Any{TypeUrl: r.url, Value: r.value} }

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
	if a, isAny := m.(*anypb.Any); isAny {
		return cleanRaw(rawDetail{a.GetTypeUrl(), bytes.Clone(a.GetValue())})
	}
	if !isCleanMessage(m) {
		m = proto.Clone(m)
		cleanMessage(m)
	}
	value, err := marshal(m)
	if err != nil {
		return rawDetail{}, false
	}
	return rawDetail{typePrefix + string(m.ProtoReflect().Descriptor().FullName()), value}, true
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
	if !isClean(r.url) || len(r.url) > maxMessage || strings.LastIndexByte(r.url, '/') < 0 || r.name() == "" {
		return rawDetail{}, false
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByURL(r.url)
	if err != nil {
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
	return rawDetail{r.url, value}, true
}

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
	switch r.name() {
	case nameErrorInfo:
		decodeInto(f, r, f.absorbErrorInfo)
	case nameRetryInfo:
		decodeInto(f, r, f.absorbRetryInfo)
	case nameRequestInfo:
		decodeInto(f, r, f.absorbRequestInfo)
	case nameErrorDetail:
		decodeInto(f, r, f.absorbErrorDetail)
	default:
		f.merge(r)
	}
}

func decodeInto[M any, P interface {
	*M
	proto.Message
}](f *fields, r rawDetail, use func(P)) {
	m := P(new(M))
	if !unmarshal(r.value, m) {
		f.elided++
		return
	}
	use(m)
}

func (f *fields) absorbErrorInfo(m *errdetails.ErrorInfo) {
	if f.errorCode == "" {
		// As it was written: clients match it. New is where AIP-193 is enforced.
		f.errorCode = clean(m.GetReason(), maxErrorCode)
	}
	if f.domain == "" {
		f.domain = clean(m.GetDomain(), maxDomain)
	}
	for _, k := range slices.Sorted(maps.Keys(m.GetMetadata())) {
		v := m.GetMetadata()[k]
		if k == "" || len(k) > maxMetaKey || !isClean(k) || isMirror(k) && len(v) > maxMetaKey {
			f.elided++
			continue
		}
		if _, found := findMeta(f.meta, k); !found {
			f.setMeta(k, v)
		}
	}
}

func (f *fields) absorbRetryInfo(m *errdetails.RetryInfo) {
	d := m.GetRetryDelay()
	if f.hasDelay || d.CheckValid() != nil {
		return
	}
	f.delay, f.hasDelay = max(d.AsDuration(), 0), true
}

func (f *fields) absorbRequestInfo(m *errdetails.RequestInfo) {
	if f.requestID == "" {
		f.requestID = clean(m.GetRequestId(), maxRequestID)
	}
}

// absorbErrorDetail drops a detail that speaks of another error: a middle tier
// that replaced the ErrorInfo and left the detail behind.
func (f *fields) absorbErrorDetail(m *recoursev1.ErrorDetail) {
	code, domain := clean(m.GetErrorCode(), maxErrorCode), clean(m.GetDomain(), maxDomain)
	if f.errorCode == "" && f.domain == "" {
		f.errorCode, f.domain = code, domain
	}
	if code != f.errorCode || domain != f.domain {
		f.elided++
		return
	}
	if f.suggestion == "" {
		f.suggestion = clean(m.GetSuggestion(), maxSuggestion)
	}
	if len(f.actions) == 0 {
		for _, a := range m.GetRecoveryActions() {
			if a != nil {
				f.addAction(a)
			}
		}
	}
	if _, known := recoursev1.Outcome_name[int32(m.GetOutcome())]; known && f.outcome == 0 {
		f.outcome = m.GetOutcome()
	}
	if m.GetRetry() != nil && f.advice == nil {
		f.setAdvice(m.GetRetry())
	}
	if f.operation == "" {
		f.operation = clean(m.GetOperation(), maxOperation)
	}
	if len(f.causes) == 0 {
		for _, l := range m.GetCauses() {
			cleanCause(l)
		}
		f.addCauses(m.GetCauses()...)
	}
	if f.catalogVersion == "" {
		f.catalogVersion = clean(m.GetCatalogVersion(), maxVersion)
	}
	f.elided = saturatingAdd(f.elided, min(m.GetElided(), maxElided))
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
	for i := range f.others {
		if f.others[i].name() != r.name() {
			continue
		}
		switch r.name() {
		case nameBadRequest, namePrecond, nameQuota, nameHelp:
			both := make([]byte, 0, len(f.others[i].value)+len(r.value))
			f.others[i].value = append(append(both, f.others[i].value...), r.value...)
		default:
			f.elided++
		}
		return
	}
	f.others = append(f.others, r)
}

// received is what came over the wire, as it came.
type received struct {
	status *grpcstatus.Status
	// From outside of the details, known to a client's interceptors only.
	requestID string
	method    string
	// Set where the error is known to come from another process, so that a
	// server answers for it instead of sending it on.
	remote bool
}

// Received makes an Error of what a call to another service returned, which must
// not be nil. A client's interceptors use it; others read errors with [From].
// The result keeps err as its cause. An Error made in this process, as by a
// policy that refused the call, gains method and requestID and stays this
// process' own. An error without a status is one of a context, or UNKNOWN.
func Received(err error, method, requestID string) *Error {
	err = Finite(err)
	found := search(err)
	if e := deciding(found.own); e != nil {
		e = e.copy()
		e.fields.operation = cmp.Or(e.fields.operation, method)
		e.fields.requestID = cmp.Or(e.fields.requestID, clean(requestID, maxRequestID))
		return e
	}
	if e := deciding(found.remote); e != nil {
		return e
	}
	var st *grpcstatus.Status
	if e := deciding(found.foreign); e != nil {
		st = e.received.status
	} else {
		st = grpcstatus.New(contextCode(err), textOf(err))
	}
	e := fromStatus(st, err) // its own: that one may be shared, and is decoded already
	e.received.method = method
	e.received.requestID = clean(requestID, maxRequestID)
	e.received.remote = true
	return e
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
	return &Error{code: code, message: clean(st.Message(), maxMessage), cause: cause, received: &received{status: st}}
}

// decode reads what this package knows by name. The ErrorInfo comes first: it
// is what the ErrorDetail is checked against.
func (r *received) decode() fields {
	var f fields
	details, beyond := r.details()
	f.elided = beyond
	lead := -1
	for i, d := range details {
		if d.name() == nameErrorInfo {
			f.absorb(d)
			lead = i
			break
		}
	}
	for i, d := range details {
		if i == lead {
			f.lead = len(f.others)
			continue
		}
		if d.name() == nameErrorInfo {
			f.elided++
			continue
		}
		f.absorb(d)
	}
	if lead < 0 {
		f.lead = len(f.others)
	}
	f.readMirror()
	if f.requestID == "" {
		f.requestID = r.requestID
	}
	if f.operation == "" {
		f.operation = r.method
	}
	return f
}

// details returns what the status carries, within what a reader takes from a
// stranger, and how many lie beyond that.
func (r *received) details() (out []rawDetail, beyond uint32) {
	size := 0
	for d := range scan(r.status) {
		if size += len(d.url) + len(d.value); size > maxReceived || len(out) == maxDetails {
			beyond++
			continue
		}
		out = append(out, d)
	}
	return out, beyond
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
		layout := statusLayout()
		if layout == nil {
			p := st.Proto()
			for _, d := range p.GetDetails() {
				if !yield(rawDetail{d.GetTypeUrl(), d.GetValue()}) {
					return
				}
			}
			scanEncoded(p.ProtoReflect().GetUnknown(), yield)
			return
		}
		p := reflect.ValueOf(st).Elem().Field(layout.proto)
		if p.IsNil() {
			return
		}
		list := p.Elem().Field(layout.details)
		for i := range list.Len() {
			if list.Index(i).IsNil() {
				continue
			}
			a := list.Index(i).Elem()
			if !yield(rawDetail{a.Field(layout.url).String(), a.Field(layout.value).Bytes()}) {
				return
			}
		}
		scanEncoded(p.Elem().Field(layout.unknown).Bytes(), yield)
	}
}

// scanEncoded yields the details that Encode has handed to grpc-go as bytes only.
func scanEncoded(b []byte, yield func(rawDetail) bool) {
	for len(b) > 0 {
		num, typ, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(num, typ, b[tag:])
		if size < 0 {
			return
		}
		if num == statusDetails && typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(b[tag:])
			var a anypb.Any
			if proto.Unmarshal(value, &a) == nil && !yield(rawDetail{a.GetTypeUrl(), a.GetValue()}) {
				return
			}
		}
		b = b[tag+size:]
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

// addCauses adds clean links and takes ownership of them.
func (f *fields) addCauses(links ...*recoursev1.CauseLink) {
	for _, l := range links {
		if l != nil && !f.hasCause(l) {
			f.causes = append(f.causes, l)
		}
	}
	for len(f.causes) > maxCauses {
		f.dropCause()
	}
}

// cleanCause holds a link to its limits, in place.
func cleanCause(l *recoursev1.CauseLink) {
	if l == nil {
		return
	}
	l.Service = clean(l.GetService(), maxService)
	l.Domain = clean(l.GetDomain(), maxDomain)
	l.ErrorCode = cleanErrorCode(l.GetErrorCode())
	l.RequestId = clean(l.GetRequestId(), maxRequestID)
	if l.GetCode() < 0 || l.GetCode() > int32(codes.Unauthenticated) {
		l.Code = int32(codes.Unknown)
	}
}

// hasCause tells a loop: the same service failed the same request.
func (f *fields) hasCause(l *recoursev1.CauseLink) bool {
	for _, c := range f.causes {
		if l.GetRequestId() != "" && c.GetService() == l.GetService() && c.GetRequestId() == l.GetRequestId() {
			return true
		}
	}
	return false
}

// dropCause removes the middle one: the nearest hop and the root tell most.
func (f *fields) dropCause() {
	i := len(f.causes) / 2
	f.causes = append(f.causes[:i:i], f.causes[i+1:]...)
	f.elided++
}

// link describes an error that another process returned, from what this side
// knows itself and the identity it claimed.
func (e *Error) link() *recoursev1.CauseLink {
	f := e.view()
	l := &recoursev1.CauseLink{
		Service:   serviceOf(e.received.method),
		Domain:    f.domain,
		ErrorCode: e.ErrorCode(),
		Code:      int32(e.code),
		RequestId: f.requestID,
	}
	cleanCause(l)
	return l
}

func serviceOf(method string) string {
	method = strings.TrimPrefix(method, "/")
	if i := strings.LastIndexByte(method, '/'); i >= 0 {
		return method[:i]
	}
	return method
}
