package cases

import (
	"context"
	"errors"
	"time"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// Success and Failure are the work of profiles: a unary call that is answered, and one
// that fails for good with a few details, of which the caller reads one.
func Success() harness.Case {
	return overNetwork{name: "success", network: rig.Memory, do: unary, service: func() assistantv1.AssistantServer { return steady{} }}.make()
}

// Failure is described with Success.
func Failure() harness.Case {
	return overNetwork{
		name: "failure", network: rig.Memory, do: failing, service: func() assistantv1.AssistantServer { return broken{} },
		without: func(c contender.Contender) bool { return c.Name == contender.RecourseName }, // its fallback would answer
	}.make()
}

type broken struct{ steady }

func (broken) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	return nil, status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy", status.Meta("model", "m1"),
		status.RetryAfter(2*time.Second), status.Suggest("Try again in a few moments."))
}

var errAnswered = errors.New("a call that should fail was answered")

func failing(ctx context.Context, r *rig.Rig) error {
	_, err := r.Process(ctx, process)
	if err == nil {
		return errAnswered
	}
	if e, ok := status.From(err); ok {
		_, _ = e.RetryDelay()
	}
	return nil
}
