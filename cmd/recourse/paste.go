package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// maxPasted is the most that is read of what somebody has pasted: far more than a header or a log line can hold.
const maxPasted = 1 << 20

// pasted is what somebody has got from somewhere, once it is understood: one of its fields.
type pasted struct {
	status *spb.Status
	mark   *recoursev1.Degraded
	name   string // of an error
}

// errNotUnderstood is of everything that is nothing of what [understand] knows.
var errNotUnderstood = errors.New("this is nothing that explain knows: an error code, the base64 of grpc-status-details-bin " +
	"or recourse-degraded-bin, or an error as JSON")

// Names of headers that say something of an error.
const (
	headerStatus    = "grpc-status"
	headerMessage   = "grpc-message"
	headerDetails   = "grpc-status-details-bin"
	headerDegraded  = "recourse-degraded-bin"
	headerRequestID = "x-request-id"
)

var (
	nameForm   = regexp.MustCompile(`^(?:[A-Za-z0-9.-]{1,253}/)?[A-Z][A-Z0-9_]{1,62}$|^[A-Z][A-Z0-9_]{1,62}@[A-Za-z0-9.-]{1,253}$`)
	headerForm = regexp.MustCompile(`(?im)^[\s<>*|]*"?` +
		`(grpc-status|grpc-message|grpc-status-details-bin|recourse-degraded-bin|x-request-id)"?[ \t]*[:=][ \t]*(.*)$`)
	grpcurlFor = regexp.MustCompile(`(?m)^\s*Code: (\w+)\s*$`)
	messageFor = regexp.MustCompile(`(?m)^\s*Message: (.*)$`)
	detailsFor = regexp.MustCompile(`(?m)^\s*\d+\)\s*\{`)
	errorForm  = regexp.MustCompile(`rpc error: code = (\w+) desc = (.*)`)
)

// understand reads text in any of the forms in which an error reaches somebody: a name, headers, base64, JSON, what
// grpcurl and grpc-go print. What is wrong inside of a form that it recognises costs a part, never the whole.
func understand(text []byte) (pasted, error) {
	if len(text) > maxPasted {
		return pasted{}, errors.New("this is more than a MiB, and no error is that large")
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return pasted{}, errors.New("there is nothing to explain: the input is empty")
	}
	if !utf8.Valid(trimmed) {
		if p, ok := fromBytes(text, ""); ok {
			return p, nil
		}
	}
	line := strings.Trim(string(trimmed), "'\"` ")
	if c, ok := grpcCode(line); ok {
		return pasted{name: status.New(c, "", "").ErrorCode()}, nil
	}
	for _, read := range []func(string) (pasted, bool){fromJSON, fromHeaders, fromGrpcurl, fromErrorText} {
		if p, ok := read(line); ok {
			return p, nil
		}
	}
	if nameForm.MatchString(line) { // which may be base64 too
		return pasted{name: line}, nil
	}
	if p, ok := fromBase64(line, ""); ok {
		return p, nil
	}
	return pasted{}, errNotUnderstood
}

// grpcCode reads the name of a gRPC code in any spelling, or its number.
func grpcCode(text string) (codes.Code, bool) {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && n > 0 && n <= uint64(codes.Unauthenticated) {
		return codes.Code(n), true
	}
	plain := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "_", "")) }
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		if plain(text) == plain(c.String()) || plain(text) == plain(status.New(c, "", "").ErrorCode()) {
			return c, true
		}
	}
	return codes.OK, false
}

// fromHeaders reads trailers as curl and grpcurl -v show them. Of an error the details say everything; without them
// there are code and message.
func fromHeaders(text string) (pasted, bool) {
	headers := map[string]string{}
	for _, m := range headerForm.FindAllStringSubmatch(text, 64) {
		headers[strings.ToLower(m[1])] = strings.Trim(m[2], "\r\"', ")
	}
	if details := headers[headerDetails]; details != "" {
		if p, ok := fromBase64(details, headerDetails); ok {
			if n, err := strconv.ParseInt(headers[headerStatus], 10, 32); err == nil && p.status.GetCode() == 0 {
				p.status.Code = int32(n)
			}
			return identified(p, headers[headerRequestID]), true
		}
	}
	if mark := headers[headerDegraded]; mark != "" {
		if p, ok := fromBase64(mark, headerDegraded); ok {
			return p, true
		}
	}
	if n, err := strconv.ParseInt(headers[headerStatus], 10, 32); err == nil {
		message := headers[headerMessage]
		if plain, err := url.PathUnescape(message); err == nil { // close enough to gRPC's own rule
			message = plain
		}
		return identified(pasted{status: &spb.Status{Code: int32(n), Message: strings.ToValidUTF8(message, "\ufffd")}}, headers[headerRequestID]), true
	}
	return pasted{}, false
}

// identified adds the request id of a header to an error that has none.
func identified(p pasted, id string) pasted {
	if id == "" || p.status == nil {
		return p
	}
	for _, d := range p.status.GetDetails() {
		if d.MessageIs((*errdetails.RequestInfo)(nil)) {
			return p
		}
	}
	if d, err := anypb.New(&errdetails.RequestInfo{RequestId: strings.ToValidUTF8(id, "\ufffd")}); err == nil {
		p.status.Details = append(p.status.Details, d)
	}
	return p
}

// fromGrpcurl reads the error that grpcurl prints for people.
func fromGrpcurl(text string) (pasted, bool) {
	code := grpcurlFor.FindStringSubmatch(text)
	if code == nil {
		return pasted{}, false
	}
	c, ok := grpcCode(code[1])
	if !ok {
		c = codes.Unknown
	}
	st := &spb.Status{Code: int32(c)}
	if m := messageFor.FindStringSubmatch(text); m != nil {
		st.Message = strings.TrimSpace(strings.ToValidUTF8(m[1], "\ufffd"))
	}
	for _, at := range detailsFor.FindAllStringIndex(text, maxDetails) {
		if d := detailOf(firstValue(text[at[1]-1:])); d != nil {
			st.Details = append(st.Details, d)
		}
	}
	return pasted{status: st}, true
}

// fromErrorText reads what a log has of an error of grpc-go.
func fromErrorText(text string) (pasted, bool) {
	m := errorForm.FindStringSubmatch(text)
	if m == nil {
		return pasted{}, false
	}
	c, ok := grpcCode(m[1])
	if !ok {
		c = codes.Unknown
	}
	return pasted{status: &spb.Status{Code: int32(c), Message: strings.ToValidUTF8(m[2], "\ufffd")}}, true
}

// fromBase64 reads the value of a header, of any kind if the header is not named: as gRPC and as people write base64,
// with either alphabet, with or without padding, broken into lines.
func fromBase64(text, header string) (pasted, bool) {
	first, _, _ := strings.Cut(text, ",") // several values of one header
	plain := strings.NewReplacer("-", "+", "_", "/", " ", "", "\n", "", "\r", "", "\t", "", "\\n", "").Replace(first)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(plain, "="))
	if err != nil {
		return pasted{}, false
	}
	return fromBytes(b, header)
}

// fromBytes reads an encoded status or mark.
func fromBytes(b []byte, header string) (pasted, bool) {
	st, mark := new(spb.Status), new(recoursev1.Degraded)
	isStatus := header != headerDegraded && proto.Unmarshal(b, st) == nil
	isMark := header != headerDetails && proto.Unmarshal(b, mark) == nil
	switch {
	case header != "":
	case len(b) == 0:
		return pasted{}, false
	default: // both have a number first and a text second: what fits one of them without a rest is that
		isStatus = isStatus && len(st.ProtoReflect().GetUnknown()) == 0 && st.GetCode() > 0 && anysHaveTypes(st)
		isMark = isMark && len(mark.ProtoReflect().GetUnknown()) == 0 && plausible(mark) && (!isStatus || nameForm.MatchString(mark.GetErrorCode()))
	}
	switch {
	case isMark:
		return pasted{mark: mark}, true
	case isStatus:
		return pasted{status: st}, true
	}
	return pasted{}, false
}

// plausible tells a mark from bytes that happen to decode as one.
func plausible(m *recoursev1.Degraded) bool {
	_, known := recoursev1.Degraded_Kind_name[int32(m.GetKind())]
	return known && (m.GetKind() != 0 || m.GetErrorCode() != "") && (m.GetErrorCode() == "" || nameForm.MatchString(m.GetErrorCode()))
}

func anysHaveTypes(st *spb.Status) bool {
	for _, d := range st.GetDetails() {
		if d.GetTypeUrl() == "" {
			return false
		}
	}
	return true
}
