package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// This file is for the demo: levers that people can pull by writing one of these words into a prompt. Nobody needs to
// copy it, and without the flag -levers it does nothing.
const (
	leverSlow    = "demo:slow"    // the model takes ten seconds
	leverBreak   = "demo:break"   // the model fails after six tokens, the first time a prompt is continued
	leverWeights = "demo:weights" // the model's files are gone, and the error says where they were
)

// faulty is a model that obeys the levers.
type faulty struct {
	assistantv1.ModelBackendServer
	broken sync.Map // prompts whose text has broken off
}

func (f *faulty) Complete(ctx context.Context, req *assistantv1.CompleteRequest) (*assistantv1.CompleteResponse, error) {
	switch prompt := req.GetPrompt(); {
	case strings.Contains(prompt, leverSlow):
		if err := wait(ctx, 10*time.Second); err != nil {
			return nil, err
		}
	case strings.Contains(prompt, leverWeights):
		// As many services answer today: a plain status of grpc-go's, with a text for whoever reads logs.
		return nil, grpcstatus.Error(codes.NotFound, "open /mnt/models/internal-7b.bin on gpu-7: no such file")
	}
	return f.ModelBackendServer.Complete(ctx, req)
}

func (f *faulty) CompleteStream(req *assistantv1.CompleteStreamRequest, stream grpc.ServerStreamingServer[assistantv1.CompleteStreamResponse]) error {
	if prompt, pulled := strings.CutSuffix(req.GetPrompt(), " "+leverBreak); pulled {
		if _, again := f.broken.LoadOrStore(prompt, true); !again {
			stream = &breaking{ServerStreamingServer: stream, left: 6}
		}
		req = &assistantv1.CompleteStreamRequest{Prompt: prompt}
	}
	return f.ModelBackendServer.CompleteStream(req, stream)
}

// breaking is a stream that fails after so many tokens.
type breaking struct {
	grpc.ServerStreamingServer[assistantv1.CompleteStreamResponse]
	left int
}

func (b *breaking) Send(token *assistantv1.CompleteStreamResponse) error {
	if b.left == 0 {
		return errors.New("cuda: out of memory on gpu-7")
	}
	b.left--
	return b.ServerStreamingServer.Send(token)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
