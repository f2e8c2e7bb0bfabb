package status

import (
	"encoding/json"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// ToProto returns err as a google.rpc.Status to be stored: in the error field of
// a long-running operation, in a list of partial results. It is what a public
// caller would see, within the same size, so that it can be returned by a call
// later. A retry delay is left out: it means nothing when it is read. The result
// is nil if err is nil.
func ToProto(err error) *spb.Status {
	e := Classify(err)
	if e == nil {
		return nil
	}
	if _, ok := e.RetryDelay(); ok {
		e = e.copy()
		e.fields.hasDelay = false
	}
	return e.proto(Rendering{})
}

// FromProto returns the error that a stored google.rpc.Status describes, an
// *[Error], or nil for nil and for code OK. It may be returned from a handler: it
// counts as this service's own.
func FromProto(p *spb.Status) error {
	if p.GetCode() == 0 {
		return nil
	}
	return fromStatus(grpcstatus.FromProto(p), nil).own()
}

// MarshalJSON renders the error as the JSON form of google.rpc.Status: one made
// here as a public caller would see it, one that was received as it was received,
// but clean and without what its declaration, where that is linked in, keeps from the
// public. It never fails: a detail of a type that this process does not know is
// shown as its type and its bytes in base64.
func (e *Error) MarshalJSON() ([]byte, error) {
	if e == nil {
		return []byte("null"), nil
	}
	type jsonStatus struct {
		Code    int32             `json:"code"`
		Message string            `json:"message"`
		Details []json.RawMessage `json:"details"`
	}
	p := e.proto(Rendering{})
	out := jsonStatus{Code: p.GetCode(), Message: p.GetMessage(), Details: []json.RawMessage{}}
	for _, d := range p.GetDetails() {
		out.Details = append(out.Details, newRaw(d.GetTypeUrl(), d.GetValue()).json())
	}
	return json.Marshal(out)
}

func (r rawDetail) json() json.RawMessage {
	if _, err := anypb.UnmarshalNew(r.any(), proto.UnmarshalOptions{}); err == nil {
		if b, err := protojson.Marshal(r.any()); err == nil {
			return b
		}
	}
	b, err := json.Marshal(struct {
		Type  string `json:"@type"`
		Value []byte `json:"value"`
	}{r.url(), r.value})
	if err != nil { // a string and bytes
		return json.RawMessage("{}")
	}
	return b
}
