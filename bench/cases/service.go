package cases

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Messages is how many a stream has, each way where both sides send.
const Messages = 100

// Requests are made once: an application's own work is not what is compared.
var (
	classify = &assistantv1.ClassifyIntentRequest{Query: "what is the weather like"}
	process  = &assistantv1.ProcessRequest{Query: "what is the weather like"}
	generate = &assistantv1.GenerateRequest{Prompt: "a poem"}
	turn     = &assistantv1.ChatRequest{Message: "and then"}
)

// steady answers at once.
type steady struct {
	assistantv1.UnimplementedAssistantServer
}

func (steady) ClassifyIntent(context.Context, *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	return &assistantv1.ClassifyIntentResponse{Intent: "weather", Confidence: 0.9}, nil
}

func (steady) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	return &assistantv1.ProcessResponse{Answer: "it is raining"}, nil
}

func (steady) Generate(_ *assistantv1.GenerateRequest, out grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	piece := &assistantv1.GenerateResponse{Text: "a line of a poem"}
	for range Messages {
		if err := out.Send(piece); err != nil {
			return err
		}
	}
	return nil
}

func (steady) Chat(s grpc.BidiStreamingServer[assistantv1.ChatRequest, assistantv1.ChatResponse]) error {
	reply := &assistantv1.ChatResponse{Message: "yes"}
	for {
		if _, err := s.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := s.Send(reply); err != nil {
			return err
		}
	}
}

// flaky fails every other time: each call once, where they come one by one.
type flaky struct {
	steady
	calls atomic.Int64
}

var errFlaky = status.Error(codes.Unavailable, "not now")

func (f *flaky) ClassifyIntent(ctx context.Context, req *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	if f.calls.Add(1)%2 == 1 {
		return nil, errFlaky
	}
	return f.steady.ClassifyIntent(ctx, req)
}

// idle sends one message and then nothing.
type idle struct{ steady }

func (idle) Generate(_ *assistantv1.GenerateRequest, out grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	if err := out.Send(&assistantv1.GenerateResponse{Text: "a line of a poem"}); err != nil {
		return err
	}
	<-out.Context().Done()
	return out.Context().Err()
}
