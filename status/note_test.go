package status_test

import (
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// A note is for this process; what was received goes on as it came.
func TestNote(t *testing.T) {
	note := &recoursev1.RetryAdvice{Verdict: status.SameRequest, Why: recoursev1.RetryAdvice_WHY_NOT_IDEMPOTENT, Attempts: 2}
	came := status.New(codes.Unavailable, "DOWN", "down", status.Meta("shelf", "C1"), status.Retry(status.SameRequest)).GRPCStatus()
	received, _ := status.From(came.Err())
	noted := received.Note(note)
	note.Attempts = 7 // it was copied
	if got := noted.RetryAdvice(); got.GetWhy() != recoursev1.RetryAdvice_WHY_NOT_IDEMPOTENT || got.GetAttempts() != 2 {
		t.Errorf("noted: %v", got)
	}
	if noted.GRPCStatus() != received.GRPCStatus() {
		t.Error("another status")
	}
	if !noted.Received() || noted.ErrorCode() != "DOWN" || noted.Metadata()["shelf"] != "C1" || noted.Verdict() != status.SameRequest {
		t.Errorf("%v is not what was received", noted)
	}
	if got := received.RetryAdvice(); got.GetWhy() != recoursev1.RetryAdvice_WHY_UNSPECIFIED {
		t.Errorf("the original has %v", got)
	}
	if got := received.Note(&recoursev1.RetryAdvice{Verdict: status.Never}).RetryAdvice(); got.GetVerdict() != status.SameRequest {
		t.Errorf("a note changes the verdict to %v", got)
	}
	amended := noted.With(status.Meta("more", "1"))
	if got := amended.RetryAdvice(); got.GetAttempts() != 2 || amended.Metadata()["more"] != "1" {
		t.Errorf("amended: %v, %v", got, amended.Metadata())
	}
	made := status.New(codes.Unavailable, "DOWN", "down").Note(note)
	if got := made.RetryAdvice(); got.GetAttempts() != 7 {
		t.Errorf("made here: %v", got)
	}
	if (*status.Error)(nil).Note(note) != nil {
		t.Error("nil")
	}
}
