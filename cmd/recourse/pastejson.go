package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

const (
	maxDetails = 256 // read of one error; package status reads fewer
	maxWrapped = 4   // how deep the error may be inside of other objects
	maxDepth   = 256 // of a detail's JSON
)

// fields are those of an object.
type fields map[string]json.RawMessage

// fromJSON reads google.rpc.Status as protobuf's JSON has it, which is also what grpcurl -format-error prints, the
// object that REST gateways answer with (AIP-193: {"error": {...}}), that of Connect, and a mark.
func fromJSON(text string) (pasted, bool) {
	object, ok := objectOf(firstValue(text))
	if !ok {
		return pasted{}, false
	}
	for range maxWrapped {
		inner, ok := objectOf(object["error"])
		if !ok {
			break
		}
		object = inner
	}
	st := &spb.Status{Code: int32(codeIn(object)), Message: text193(object["message"])}
	var details []json.RawMessage
	_ = json.Unmarshal(object["details"], &details) // no list, no details
	for _, raw := range details[:min(len(details), maxDetails)] {
		if d := detailOf(raw); d != nil {
			st.Details = append(st.Details, d)
		}
	}
	_, hasCode := object["code"]
	if _, has := object["status"]; has || hasCode {
		return pasted{status: st}, true
	}
	if len(st.GetDetails()) > 0 { // an error although it does not say of which kind
		st.Code = int32(codes.Unknown)
		return pasted{status: st}, true
	}
	return markOf(object)
}

// markOf reads a mark as protobuf's JSON has it.
func markOf(object fields) (pasted, bool) {
	written, err := json.Marshal(object)
	if err != nil {
		return pasted{}, false
	}
	m := new(recoursev1.Degraded)
	if (protojson.UnmarshalOptions{}).Unmarshal(written, m) != nil && (protojson.UnmarshalOptions{}).Unmarshal(pruned(written), m) != nil {
		return pasted{}, false
	}
	return pasted{mark: m}, plausible(m)
}

// firstValue is the JSON object or array that text begins with, nil if there is none. What follows does not matter.
func firstValue(text string) json.RawMessage {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil
	}
	var value json.RawMessage
	if json.NewDecoder(strings.NewReader(text)).Decode(&value) != nil {
		return nil
	}
	return value
}

// objectOf is an object, or the first of an array.
func objectOf(raw json.RawMessage) (fields, bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	var object fields
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, false
	}
	return object, true
}

func text193(raw json.RawMessage) string {
	var text string
	_ = json.Unmarshal(raw, &text) // anything else is no text
	return strings.ToValidUTF8(text, "\ufffd")
}

// codeIn is the code of an error: its name where there is one, since the number beside it may be that of HTTP.
func codeIn(object fields) codes.Code {
	for _, key := range []string{"status", "code"} {
		if c, ok := grpcCode(text193(object[key])); ok {
			return c
		}
	}
	var number int64
	switch err := json.Unmarshal(object["code"], &number); {
	case err != nil:
		return codes.Unknown
	case number >= 100:
		return ofHTTP(number)
	case number < 0 || number > int64(codes.Unauthenticated):
		return codes.Unknown
	}
	return codes.Code(number)
}

// ofHTTP is the code that a gateway has answered for, as google.rpc.Code maps them; of several the most common one.
func ofHTTP(number int64) codes.Code {
	switch number {
	case 200:
		return codes.OK
	case 400:
		return codes.InvalidArgument
	case 401:
		return codes.Unauthenticated
	case 403:
		return codes.PermissionDenied
	case 404:
		return codes.NotFound
	case 409:
		return codes.Aborted
	case 429:
		return codes.ResourceExhausted
	case 499:
		return codes.Canceled
	case 500:
		return codes.Internal
	case 501:
		return codes.Unimplemented
	case 502, 503:
		return codes.Unavailable
	case 504:
		return codes.DeadlineExceeded
	}
	return codes.Unknown
}

// detailOf reads a detail, nil if it has no type. Of a type that this program does not know its bytes are kept where
// there are any, and otherwise its JSON, for its size.
func detailOf(raw json.RawMessage) *anypb.Any {
	object, ok := objectOf(raw)
	if !ok {
		return nil
	}
	url := text193(object["@type"])
	if name := text193(object["type"]); url == "" && name != "" { // Connect: the bare name, and base64 in value
		return &anypb.Any{TypeUrl: "type.googleapis.com/" + name, Value: bytesOf(object["value"], raw)}
	}
	if url == "" {
		return nil
	}
	if !strings.Contains(url, "/") {
		url = "type.googleapis.com/" + url
	}
	if value, has := object["@value"]; has { // what grpcurl prints of a type that it does not know
		return &anypb.Any{TypeUrl: url, Value: bytesOf(value, raw)}
	}
	if _, err := protoregistry.GlobalTypes.FindMessageByURL(url); err != nil {
		return &anypb.Any{TypeUrl: url, Value: bytesOf(object["value"], raw)}
	}
	for _, written := range [][]byte{raw, pruned(raw)} {
		d := new(anypb.Any)
		if (protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(written, d) == nil {
			return d
		}
	}
	return &anypb.Any{TypeUrl: url, Value: bytesOf(object["value"], raw)}
}

// bytesOf reads base64, or takes what there is instead.
func bytesOf(value, instead json.RawMessage) []byte {
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text193(value), "="))
	if b, err := base64.RawStdEncoding.DecodeString(text); err == nil && text != "" {
		return b
	}
	return instead
}

// pruned takes everything of a type that is not known here out of a message's JSON, so that the rest can be read: an
// action of a service's own leaves its label.
func pruned(raw json.RawMessage) []byte {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	written, err := json.Marshal(prune(value, 0))
	if err != nil {
		return nil
	}
	return written
}

func prune(value any, depth int) any {
	if depth > maxDepth {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if isForeign(inner) {
				delete(v, key)
				continue
			}
			v[key] = prune(inner, depth+1)
		}
	case []any:
		for i, inner := range v {
			v[i] = prune(inner, depth+1)
		}
	}
	return value
}

// isForeign tells whether a value is a message of a type that is not known here.
func isForeign(value any) bool {
	object, _ := value.(map[string]any)
	url, _ := object["@type"].(string)
	if url == "" {
		return false
	}
	_, err := protoregistry.GlobalTypes.FindMessageByURL(url)
	return err != nil
}
