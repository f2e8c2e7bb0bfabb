package fallback

import (
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

func TestMeantFor(t *testing.T) {
	service := map[codes.Code]bool{
		codes.Unknown: true, codes.DeadlineExceeded: true, codes.ResourceExhausted: true, codes.Aborted: true,
		codes.Internal: true, codes.Unavailable: true, codes.DataLoss: true,
	}
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		if got := MeantFor(nil, status.New(c, "", "")); got != service[c] {
			t.Errorf("%v: %v, want %v", c, got, service[c])
		}
	}
	e := status.New(codes.NotFound, "NO_BOOK", "")
	if !MeantFor([]string{"OTHER", "NO_BOOK"}, e) || MeantFor([]string{"OTHER"}, e) || !MeantFor([]string{"NOT_FOUND"}, status.New(codes.NotFound, "", "")) {
		t.Error("error codes do not decide")
	}
}

func TestMark(t *testing.T) {
	cause := status.New(codes.Unavailable, "DOWN", "text for developers", status.Domain("d.test"), status.Suggest("Wait."),
		status.Recover(status.Action(status.ByEndUser, "Wait", nil)))
	want := &recoursev1.Degraded{
		Kind: recoursev1.Degraded_KIND_STALE, Source: "cache", ErrorCode: "DOWN", Domain: "d.test", Suggestion: "Wait.",
		RecoveryActions: cause.RecoveryActions(),
	}
	if got := Mark(recoursev1.Degraded_KIND_STALE, "cache", cause); got.String() != want.String() {
		t.Errorf("%v, want %v", got, want)
	}
}
