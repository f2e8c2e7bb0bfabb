package main

import (
	"fmt"
	"sync"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// quota counts the calls of each user, minute by minute.
type quota struct {
	mu      sync.Mutex
	windows map[string]window // by user
}

type window struct {
	start time.Time
	calls int
}

// spend counts a call, or says when there is room for it again.
func (q *quota) spend(who user, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.windows[who.name]
	if now.Sub(w.start) >= time.Minute {
		w = window{start: now}
	}
	if w.calls >= who.perMinute {
		return quotaUsedUp(who, w.start.Add(time.Minute), now)
	}
	w.calls++
	if q.windows == nil {
		q.windows = map[string]window{}
	}
	q.windows[who.name] = w
	return nil
}

const quotaID = "calls-per-minute"

func quotaUsedUp(who user, renewal, now time.Time) error {
	wait := (renewal.Sub(now) + time.Second - 1).Truncate(time.Second) // whole seconds, and never too early
	return assistantv1.QuotaUsedUp{CallsPerMinute: int64(who.perMinute)}.Err(
		status.RetryAfter(wait),
		status.Attach(&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{
			Subject: "user:" + who.name, QuotaId: quotaID,
			Description: fmt.Sprintf("the %s plan has %d calls a minute", who.plan, who.perMinute),
		}}}),
		status.Recover(
			status.Action(status.ByCallerCode, "Wait until there are calls again", &recoursev1.WaitForQuota{QuotaId: quotaID, ResetsAt: timestamppb.New(renewal)}),
			status.Action(status.ByEndUser, "Choose another plan", &recoursev1.OpenLink{Url: "https://assistant.example.com/plans"})))
}
