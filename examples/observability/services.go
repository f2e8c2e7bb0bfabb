package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// assistant is that of examples/server, cut down to what goes wrong in it. A query is the name of what is to happen; any
// other is answered by the model.
type assistant struct {
	assistantv1.UnimplementedAssistantServer
	model assistantv1.ModelBackendClient
	held  chan struct{} // a handler has begun to hold its place

	mu      sync.Mutex
	release chan struct{} // closed when those that hold their places may go
	seen    map[string]bool
}

func newAssistant(model assistantv1.ModelBackendClient) *assistant {
	return &assistant{model: model, held: make(chan struct{}), release: make(chan struct{}), seen: map[string]bool{}}
}

func (a *assistant) Process(ctx context.Context, req *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	switch req.GetQuery() {
	case "panic":
		var words []string
		req.Query = words[len(words)-1]
	case "huge error":
		return nil, huge()
	case "stuck": // does not look at ctx
		<-a.released()
		return nil, ctx.Err()
	case "hold":
		a.held <- struct{}{}
		<-a.released()
	}
	answer, err := a.model.Complete(ctx, &assistantv1.CompleteRequest{Prompt: req.GetQuery()})
	if err != nil {
		return nil, err
	}
	return &assistantv1.ProcessResponse{Answer: answer.GetText()}, nil
}

// ClassifyIntent may be run twice, see policies.
func (a *assistant) ClassifyIntent(
	ctx context.Context, req *assistantv1.ClassifyIntentRequest,
) (*assistantv1.ClassifyIntentResponse, error) {
	switch {
	case req.GetQuery() == "blue ideas":
		return nil, status.New(codes.InvalidArgument, "INTENT_NOT_UNDERSTOOD", "no intent matches the query",
			status.Suggest("Try rephrasing your request more clearly."))
	case req.GetQuery() == "no room":
		return nil, status.New(codes.ResourceExhausted, "TOO_MANY_QUERIES", "there is no room", status.Outcome(status.NotApplied))
	case req.GetQuery() == "index moves" && a.first(interceptors.RequestID(ctx)):
		return nil, status.New(codes.Unavailable, "INDEX_MOVES", "the index moves", status.Outcome(status.NotApplied))
	}
	return &assistantv1.ClassifyIntentResponse{Intent: "weather", Confidence: 1}, nil
}

func (a *assistant) Generate(req *assistantv1.GenerateRequest, stream grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	if req.GetPrompt() == "driver's error" {
		return errors.New(`pq: password authentication failed for user "svc"`)
	}
	for i, word := range []string{"the", "sea", "at", "night"} {
		if err := stream.Send(&assistantv1.GenerateResponse{Text: word, Position: uint32(i)}); err != nil {
			return err
		}
	}
	return nil
}

// released is closed when handlers that hold on may return.
func (a *assistant) released() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.release
}

// free lets all go that hold on.
func (a *assistant) free() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.release)
	a.release = make(chan struct{})
}

// first reports whether an id was not seen before.
func (a *assistant) first(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.seen[id]
	a.seen[id] = true
	return !was
}

// huge is the kind of error that a check of many rows makes.
func huge() error {
	options := []status.Option{status.Suggest("Correct the rows and send them again.")}
	for i := range 500 {
		options = append(options, status.Violation(fmt.Sprintf("rows[%d].text", i), "REQUIRED", "the row has no text"))
	}
	return status.New(codes.InvalidArgument, "ROWS_INVALID", "500 rows are invalid", options...)
}

// model answers prompts, or does not.
type model struct {
	assistantv1.UnimplementedModelBackendServer
	mu   sync.Mutex
	busy map[string]bool // ids of calls that were told to come back
}

func (m *model) Complete(ctx context.Context, req *assistantv1.CompleteRequest) (*assistantv1.CompleteResponse, error) {
	switch req.GetPrompt() {
	case "model is busy":
		if m.first(interceptors.RequestID(ctx)) {
			return nil, status.New(codes.Unavailable, "MODEL_BUSY", "the model has no room", status.RetryAfter(30*time.Millisecond))
		}
	case "model is down":
		return nil, status.New(codes.Unavailable, "MODEL_DOWN", "the model does not run on gpu-7")
	case "model is slow":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &assistantv1.CompleteResponse{Text: "Light rain until noon."}, nil
}

func (m *model) first(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.busy[id]
	m.busy[id] = true
	return !was
}
