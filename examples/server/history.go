package main

import (
	"errors"
	"sync"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
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
var historyErrors = status.Sentinel(errReused, codes.AlreadyExists, "REQUEST_ID_REUSED", "this request_id was used for another query",
	status.Suggest("Make a new request_id for every query."),
	status.Outcome(status.NotApplied),
	status.Recover(status.Action(status.ByCallerCode, "Send the query with a request_id of its own", fix("request_id", "REUSED"))),
	status.Retry(status.AfterAction))

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
