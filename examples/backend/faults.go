package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
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
	leverBusy    = "demo:busy"    // the model has no room for a quarter of a second, the first time in a call
	leverFull    = "demo:full"    // the model has no room for ten seconds
	leverDown    = "demo:down"    // the model is out of order
)

// faulty is a model that obeys the levers.
type faulty struct {
	assistantv1.ModelBackendServer
	broken sync.Map // prompts whose text has broken off
	busy   sync.Map // request ids of calls that were told to come back
}

func (f *faulty) Complete(ctx context.Context, req *assistantv1.CompleteRequest) (*assistantv1.CompleteResponse, error) {
	if err := f.pulled(ctx, req.GetPrompt()); err != nil {
		return nil, err
	}
	return f.ModelBackendServer.Complete(ctx, req)
}

// pulled does what the levers in a prompt say.
func (f *faulty) pulled(ctx context.Context, prompt string) error {
	switch {
	case strings.Contains(prompt, leverSlow):
		return wait(ctx, 10*time.Second)
	case strings.Contains(prompt, leverWeights):
		//lint:ignore CODE_UNDECLARED as many services answer today: with a text for whoever reads logs
		return grpcstatus.Error(codes.NotFound, "open /mnt/models/internal-7b.bin on gpu-7: no such file")
	case strings.Contains(prompt, leverBusy):
		if _, again := f.busy.LoadOrStore(interceptors.RequestID(ctx), true); !again {
			return busy(250 * time.Millisecond)
		}
	case strings.Contains(prompt, leverFull):
		return busy(10 * time.Second)
	case strings.Contains(prompt, leverDown):
		return status.New(codes.Unavailable, "MODEL_DOWN", "the model does not run on gpu-7")
	}
	return nil
}

func busy(wait time.Duration) error {
	return status.New(codes.Unavailable, "MODEL_BUSY", "the model has no room", status.RetryAfter(wait))
}

func (f *faulty) CompleteStream(req *assistantv1.CompleteStreamRequest, stream grpc.ServerStreamingServer[assistantv1.CompleteStreamResponse]) error {
	if err := f.pulled(stream.Context(), req.GetPrompt()); err != nil {
		return err
	}
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
