package lint

import (
	"fmt"
	"strings"
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// What lint lets through status sends, and no more: the limits are those of package status, which does not export them.
func TestLimitsAreThoseOfStatus(t *testing.T) {
	long := strings.Repeat("x", 1<<10)
	opts := []status.Option{status.Suggest(long)}
	for i := range 100 {
		opts = append(opts, status.Meta(fmt.Sprintf("key%d", i), "value"), status.Help("page", fmt.Sprintf("https://example.com/%d", i)),
			status.Recover(status.Action(status.ByEndUser, long, &recoursev1.OpenLink{Url: "https://example.com/" + fmt.Sprint(i)})))
	}
	e := status.New(codes.Internal, strings.Repeat("X", 1<<10), long, opts...)
	for _, limit := range []struct {
		name      string
		sent, own int
	}{
		{"message", len(e.Message()), maxText},
		{"suggestion", len(e.Suggestion()), maxText},
		{"error code", len(e.ErrorCode()), maxReason},
		{"parameters", len(e.Metadata()), maxParams},
		{"actions", len(e.RecoveryActions()), maxActions},
		{"label", len(e.RecoveryActions()[0].GetLabel()), maxLabel},
	} {
		if limit.sent != limit.own {
			t.Errorf("%s: status sends %d, lint allows %d", limit.name, limit.sent, limit.own)
		}
	}
}
