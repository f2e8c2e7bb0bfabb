package interceptors

import (
	"context"
	"fmt"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ActionBody is a recovery action that a client library may carry out by itself.
type ActionBody interface {
	*recoursev1.Reauthenticate | *recoursev1.CallMethod | *recoursev1.Refresh |
		*recoursev1.ReduceBatch | *recoursev1.WaitForQuota | *recoursev1.PollOperation
	proto.Message
}

// OnAction lets f carry out the recovery actions of one type that errors carry:
//
//	interceptors.OnAction(func(ctx context.Context, a *recoursev1.Reauthenticate, cause *status.Error) error {
//		return tokens.Refresh(ctx)
//	})
//
// If f returns nil, the request is sent once more, although not for a verdict of
// never. The call's context stays as it is, with the metadata in it: credentials that
// f renews have to travel as grpc.PerRPCCredentials. It is asked once for each call, within the call's deadline, and only where
// sending the request again can do no harm: whether a client may do at all what the
// action says, f decides, with no more authority than the call had. An error means
// that it did not. A server that says nothing but UNAUTHENTICATED asks for a
// Reauthenticate of no particular kind.
func OnAction[A ActionBody](f func(ctx context.Context, action A, cause *status.Error) error) DialOption {
	var a A
	name := a.ProtoReflect().Descriptor().FullName()
	return dialOption(func(c *client) {
		if c.handlers == nil {
			c.handlers = map[protoreflect.FullName]actionHandler{}
		}
		c.handlers[name] = func(ctx context.Context, action proto.Message, cause *status.Error) (err error) {
			defer recovered(&err)
			body, ok := action.(A)
			if !ok {
				return fmt.Errorf("the action is a %T", action)
			}
			return f(ctx, body, cause)
		}
	})
}

type actionHandler func(ctx context.Context, action proto.Message, cause *status.Error) error

// actions remembers what was carried out for a call.
type actions struct {
	done []protoreflect.FullName
}

// carryOut tries the actions of an error, best first, until one succeeds.
func (a *actions) carryOut(ctx context.Context, handlers map[protoreflect.FullName]actionHandler, e *status.Error) bool {
	if len(handlers) == 0 {
		return false
	}
	for _, action := range e.RecoveryActions() {
		body := bodyOf(action)
		if body == nil {
			if action.GetRequired() {
				return false // of a kind that this version does not know
			}
			continue
		}
		name := body.ProtoReflect().Descriptor().FullName()
		handler := handlers[name]
		if handler == nil || a.tried(name) {
			if action.GetRequired() {
				return false
			}
			continue
		}
		a.done = append(a.done, name)
		if handler(ctx, body, e) == nil {
			return true
		}
	}
	return false
}

func (a *actions) tried(name protoreflect.FullName) bool {
	for _, d := range a.done {
		if d == name {
			return true
		}
	}
	return false
}

// bodyOf returns the typed part of an action, nil if it has none.
func bodyOf(a *recoursev1.RecoveryAction) proto.Message {
	m := a.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("action"))
	if field == nil {
		return nil
	}
	return m.Get(field).Message().Interface()
}
