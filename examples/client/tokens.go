package main

import (
	"context"
	"errors"
	"sync"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
)

// tokens signs each attempt with the token of the moment. That is why it is a grpc credential: metadata in a context
// are the same for all attempts.
type tokens struct {
	mu      sync.Mutex
	token   string
	refresh string // what stands in for an identity provider here: the token that follows
}

// GetRequestMetadata is asked by gRPC before each attempt.
func (t *tokens) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + t.token}, nil
}

// RequireTransportSecurity would be true, if the example did not speak plain text.
func (t *tokens) RequireTransportSecurity() bool { return false }

var (
	errPerson    = errors.New("a person has to sign in")
	errNoRefresh = errors.New("there is no token to follow")
)

// renew does what a server asks for: it gets a fresh token. To sign in is for people.
func (t *tokens) renew(_ context.Context, action *recoursev1.Reauthenticate, _ *status.Error) error {
	switch action.GetKind() {
	case recoursev1.Reauthenticate_KIND_LOGIN, recoursev1.Reauthenticate_KIND_STEP_UP:
		return errPerson
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refresh == "" {
		return errNoRefresh
	}
	t.token, t.refresh = t.refresh, ""
	return nil
}
