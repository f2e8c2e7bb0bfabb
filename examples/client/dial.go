package main

import (
	"context"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// lastGoodAge is how old an answer may be that stands in for one that cannot be had.
const lastGoodAge = 10 * time.Minute

// dial makes a connection that mends what can be mended without the person: calls are repeated as the policies say, a
// token that has expired is renewed, a text that breaks off is continued, and where nothing helps there may be an
// earlier answer.
func dial(addr, policyFile string, t *tokens) (*grpc.ClientConn, error) {
	policies, err := policy.Load(policyFile)
	if err != nil {
		return nil, err
	}
	options := interceptors.DialOptions(
		interceptors.Policies(policies),
		interceptors.OnAction(t.renew),
		interceptors.Resume(assistantv1.Assistant_Generate_FullMethodName, position, after),
		interceptors.Fallback(assistantv1.Assistant_Process_FullMethodName, interceptors.LastGood(lastGoodAge, question)))
	return grpc.NewClient(addr, append(options, plaintext, grpc.WithPerRPCCredentials(t))...)
}

// position is how far a text has come, and after asks for what follows.
func position(reply *assistantv1.GenerateResponse) uint32 { return reply.GetPosition() }

func after(req *assistantv1.GenerateRequest, last uint32) *assistantv1.GenerateRequest {
	req.StartPosition = last + 1
	return req
}

// question says which requests have the same answer: all but the request_id counts. Only one person uses a connection;
// otherwise it would have to say who asks, too.
func question(_ context.Context, req *assistantv1.ProcessRequest) string {
	return req.GetUserId() + "\n" + req.GetQuery()
}

// The example speaks plain text, on the loopback interface only.
var plaintext = grpc.WithTransportCredentials(insecure.NewCredentials())
