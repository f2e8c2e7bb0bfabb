package golden

import (
	"encoding/json"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Of says what package status reads of an error, and package interceptors of an answer; one of the two is nil.
func Of(e *status.Error, degraded *recoursev1.Degraded) (Report, error) {
	if e == nil {
		r := Report{Code: code.Code_OK.String()}
		if degraded == nil {
			return r, nil
		}
		d := &Degraded{
			Kind: word(degraded.GetKind()), ErrorCode: degraded.GetErrorCode(), Domain: degraded.GetDomain(),
			Suggestion: degraded.GetSuggestion(), Source: degraded.GetSource(),
		}
		if degraded.GetAge() != nil {
			ms := degraded.GetAge().AsDuration().Milliseconds()
			d.AgeMs = &ms
		}
		var err error
		d.Actions, err = actions(degraded.GetRecoveryActions())
		r.Degraded = d
		return r, err
	}
	r := Report{
		Code: code.Code(e.Code()).String(), ErrorCode: e.ErrorCode(), Domain: e.Domain(), Message: e.Message(), Metadata: e.Metadata(),
		Suggestion: e.Suggestion(), ActionRequired: e.ActionRequired(), Verdict: word(e.Verdict()), Why: word(e.RetryAdvice().GetWhy()),
		Attempts: e.RetryAdvice().GetAttempts(), Outcome: word(e.Outcome()), RequestID: e.RequestID(), Operation: e.Operation(),
	}
	if delay, ok := e.RetryDelay(); ok {
		ms := delay.Milliseconds()
		r.RetryDelayMs = &ms
	}
	var err error
	r.Actions, err = actions(e.RecoveryActions())
	return r, err
}

func actions(list []*recoursev1.RecoveryAction) ([]Action, error) {
	var out []Action
	for _, a := range list {
		x := Action{Actor: word(a.GetActor()), Label: a.GetLabel(), ThenRetry: a.GetThenRetry(), Required: a.GetRequired()}
		m := a.ProtoReflect()
		if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("action")); field != nil {
			x.Type = string(field.Name())
			body, err := bodyOf(m.Get(field).Message(), a.GetCustom().GetTypeUrl())
			if err != nil {
				return nil, err
			}
			x.Body = body
		}
		out = append(out, x)
	}
	return out, nil
}

// bodyOf is the typed part of an action: nothing where it says nothing.
func bodyOf(m protoreflect.Message, custom string) (json.RawMessage, error) {
	var body any
	if custom != "" {
		body = map[string]string{"type": custom[strings.LastIndexByte(custom, '/')+1:]}
	} else {
		b, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m.Interface())
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &body); err != nil { // and back: protojson puts in spaces by chance
			return nil, err
		}
	}
	b, err := json.Marshal(body)
	if string(b) == "{}" {
		return nil, err
	}
	return b, err
}

// word is the name of an enum's value without its prefix, and empty for one that this reader does not know.
func word(v protoreflect.Enum) string {
	if v.Descriptor().Values().ByNumber(v.Number()) == nil {
		return ""
	}
	return catalog.Word(v)
}
