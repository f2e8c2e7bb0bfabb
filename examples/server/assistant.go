package main

import (
	"context"
	"io"
	"strings"

	"github.com/recourse-dev/recourse/catalog/locale"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
)

type assistant struct {
	assistantv1.UnimplementedAssistantServer
	model   assistantv1.ModelBackendClient
	history history
}

// [readme:server]
func serverOptions(policies *policy.Set, texts *locale.Texts, atOnce int) []grpc.ServerOption {
	return interceptors.ServerOptions(
		interceptors.Domain("assistant.example.com"), interceptors.Classifiers(historyErrors), interceptors.Trust(trust),
		interceptors.Policies(policies), interceptors.Fallback(assistantv1.Assistant_Process_FullMethodName, apology),
		interceptors.Limit(atOnce, atOnce), interceptors.Caller(caller), interceptors.Support("support@example.com"),
		interceptors.Translations(texts))
}

func (a *assistant) ClassifyIntent(_ context.Context, req *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	if reading := classify(req.GetQuery()); reading.GetConfidence() >= enough {
		return reading, nil
	}
	return nil, assistantv1.IntentNotUnderstood{}.Err()
}

// [/readme:server]

// apology answers in place of Process while the model is away: what the person wants is known even then. Other failures
// stay failures.
var apology = interceptors.Answer(apologise).For(status.CodeDependencyUnavailable).From("apology")

func apologise(
	_ context.Context, req *assistantv1.ProcessRequest, _ *status.Error,
) (*assistantv1.ProcessResponse, error) {
	intent := classify(req.GetQuery()).GetIntent()
	answer := "I cannot answer that at the moment, but this page can: https://assistant.example.com/" + intent
	return &assistantv1.ProcessResponse{Intent: intent, Answer: answer}, nil
}

// Process answers a query. Errors of the model and of the history are simply returned: recourse gives them a meaning
// for the caller and keeps their texts in the log.
func (a *assistant) Process(ctx context.Context, req *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	reading, err := a.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: req.GetQuery()})
	if err != nil {
		return nil, err
	}
	answer, err := a.model.Complete(ctx, &assistantv1.CompleteRequest{Prompt: reading.GetIntent() + ": " + req.GetQuery()})
	if err != nil {
		return nil, err
	}
	if err := a.history.add(req.GetUserId(), entry{req.GetRequestId(), req.GetQuery(), answer.GetText()}); err != nil {
		return nil, err
	}
	return &assistantv1.ProcessResponse{Intent: reading.GetIntent(), Answer: answer.GetText()}, nil
}

// Generate sends the model's tokens on as they come.
func (a *assistant) Generate(req *assistantv1.GenerateRequest, stream grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	tokens, err := a.model.CompleteStream(stream.Context(), &assistantv1.CompleteStreamRequest{Prompt: req.GetPrompt()})
	if err != nil {
		return err
	}
	for position := uint32(0); ; position++ {
		token, err := tokens.Recv()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && position > req.GetStartPosition() && stream.Context().Err() == nil:
			return brokenOff(position, err)
		case err != nil:
			return err
		case position < req.GetStartPosition():
			continue
		}
		if err := stream.Send(&assistantv1.GenerateResponse{Text: token.GetToken(), Position: position}); err != nil {
			return err
		}
	}
}

// brokenOff tells the caller how to get the rest of a text. A client with interceptors.Resume gets it by itself.
func brokenOff(next uint32, cause error) error {
	return assistantv1.TextBrokeOff{NextPosition: int64(next)}.Err(status.Cause(cause))
}

// Transcribe joins the pieces of a recording. There is no speech recogniser in this example, and it says so.
func (a *assistant) Transcribe(stream grpc.ClientStreamingServer[assistantv1.TranscribeRequest, assistantv1.TranscribeResponse]) error {
	var words []string
	for chunk := uint32(1); ; chunk++ {
		req, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&assistantv1.TranscribeResponse{Transcript: strings.Join(words, " "), Chunks: chunk - 1})
		}
		if err != nil {
			return err
		}
		if len(req.GetAudio()) > 0 {
			return assistantv1.SoundNotSupported{Chunk: int64(chunk)}.Err()
		}
		words = append(words, req.GetText())
	}
}

// turnsPerChat is small, so that one sees what happens at the end.
const turnsPerChat = 3

// Chat answers turn by turn and notices when a topic comes back.
func (a *assistant) Chat(stream grpc.BidiStreamingServer[assistantv1.ChatRequest, assistantv1.ChatResponse]) error {
	spoken := map[string]bool{}
	for turn := 1; ; turn++ {
		req, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if turn > turnsPerChat {
			return assistantv1.ChatFull{TurnsPerChat: turnsPerChat}.Err()
		}
		answer, err := a.turn(stream.Context(), req.GetMessage(), spoken)
		if err != nil {
			return err
		}
		if err := stream.Send(&assistantv1.ChatResponse{Message: answer}); err != nil {
			return err
		}
	}
}

func (a *assistant) turn(ctx context.Context, message string, spoken map[string]bool) (string, error) {
	reading := classify(message)
	if reading.GetConfidence() < enough {
		return "I did not understand that. Ask about the weather, an order, a refund or a flight.", nil
	}
	reply, err := a.model.Complete(ctx, &assistantv1.CompleteRequest{Prompt: reading.GetIntent() + ": " + message})
	if err != nil {
		return "", err
	}
	again := spoken[reading.GetIntent()]
	spoken[reading.GetIntent()] = true
	if again {
		return "Once more: " + reply.GetText(), nil
	}
	return reply.GetText(), nil
}
