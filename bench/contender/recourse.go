package contender

import (
	"context"
	"os"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// Everything that a service would have on at once: policies for both sides, a limit
// (far above what is measured), an answer in reserve for each method on the server,
// where the README has it, hooks for failures, callers told apart and trusted by their
// metadata, another package's errors given a meaning, and a way to support.
//
// A client has no fallback of its own: one side is enough, and who wants the last good
// answer remembered pays for a copy of each. ReplaceRetryPolicy, Resume and
// OnAction do nothing here; HardStop costs a goroutine a call and is a choice of
// its own.
var _ = add(Contender{
	Name: RecourseName, About: "this library with everything on: policies, limit, fallbacks on the server, failure hooks, trust, callers, classifiers, support",
	Kind: Ours, Bounds: true, Retries: true, HoldsBack: true,
	New: func() (Installed, error) {
		set, err := policies()
		if err != nil {
			return Installed{}, err
		}
		notFound := status.Sentinel(os.ErrNotExist, codes.NotFound, "NOT_FOUND", "there is no such thing")
		return Installed{
			Server: interceptors.ServerOptions(
				interceptors.Policies(set), interceptors.Limit(100_000, 100_000), interceptors.OnFailure(ignore),
				interceptors.Domain("bench.example.com"), interceptors.Classifiers(notFound),
				interceptors.Trust(trust), interceptors.Caller(caller), interceptors.Support("support@example.com"),
				interceptors.Fallback(assistantv1.Assistant_ClassifyIntent_FullMethodName, interceptors.Canned(&assistantv1.ClassifyIntentResponse{Intent: "unknown"})),
				interceptors.Fallback(assistantv1.Assistant_Process_FullMethodName, interceptors.Canned(&assistantv1.ProcessResponse{Answer: "later"})),
				interceptors.Fallback(assistantv1.Assistant_Generate_FullMethodName, interceptors.Canned(&assistantv1.GenerateResponse{Text: "later"})),
			),
			Dial: interceptors.DialOptions(interceptors.Policies(set), interceptors.OnFailure(ignore)),
		}, nil
	},
})

func ignore(context.Context, interceptors.Failure) {}

func trust(ctx context.Context) status.Trust {
	if len(metadata.ValueFromIncomingContext(ctx, "x-internal")) > 0 {
		return status.Internal
	}
	return status.Public
}

func caller(ctx context.Context) string {
	for _, v := range metadata.ValueFromIncomingContext(ctx, "x-tenant") {
		return v
	}
	return ""
}
