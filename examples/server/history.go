package main

import (
	"errors"
	"sync"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
)

// history remembers what people asked, a hundred entries each. It knows nothing of gRPC.
type history struct {
	mu      sync.Mutex
	entries map[string][]entry // by user
}

type entry struct{ requestID, query, answer string }

const entriesPerUser = 100

// errReused says that a request id stands for another query already.
var errReused = errors.New("history: request id reused")

// historyErrors says what the history's error means to a caller.
func historyErrors(err error) *status.Error {
	if !errors.Is(err, errReused) {
		return nil
	}
	e, _ := status.From(assistantv1.RequestIDReused{}.Err(status.Cause(err)))
	return e
}

// add enters a query and its answer, once for each request id. Without a user there is no history.
func (h *history) add(user string, e entry) error {
	if user == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	entries := h.entries[user]
	for _, was := range entries {
		switch {
		case e.requestID == "" || was.requestID != e.requestID:
		case was.query != e.query:
			return errReused
		default:
			return nil
		}
	}
	if len(entries) == entriesPerUser {
		entries = entries[1:]
	}
	if h.entries == nil {
		h.entries = map[string][]entry{}
	}
	h.entries[user] = append(entries, e)
	return nil
}
