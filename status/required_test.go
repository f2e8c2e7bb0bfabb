package status_test

import (
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

func TestActionRequired(t *testing.T) {
	again := &recoursev1.RecoveryAction{Required: true, Action: &recoursev1.RecoveryAction_RetryAfter{RetryAfter: &recoursev1.RetryAfter{}}}
	maybe := &recoursev1.RecoveryAction{Action: &recoursev1.RecoveryAction_Refresh{Refresh: &recoursev1.Refresh{}}}
	must := &recoursev1.RecoveryAction{Required: true, Action: &recoursev1.RecoveryAction_Refresh{Refresh: &recoursev1.Refresh{}}}
	for _, row := range []struct {
		name    string
		actions []*recoursev1.RecoveryAction
		want    bool
	}{
		{"none", nil, false},
		{"to wait", []*recoursev1.RecoveryAction{again}, false},
		{"not required", []*recoursev1.RecoveryAction{maybe}, false},
		{"required", []*recoursev1.RecoveryAction{maybe, must}, true},
	} {
		e := status.New(codes.Unavailable, "DOWN", "down", status.Recover(row.actions...))
		if got := e.ActionRequired(); got != row.want {
			t.Errorf("%s: %t", row.name, got)
		}
		read, _ := status.From(e.GRPCStatus().Err())
		if got := read.ActionRequired(); got != row.want {
			t.Errorf("%s, received: %t", row.name, got)
		}
	}
	if (*status.Error)(nil).ActionRequired() {
		t.Error("nil")
	}
}
