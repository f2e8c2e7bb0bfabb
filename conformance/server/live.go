package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

const domain = "conformance.example.com"

// visitKey is the metadata under which a client says which of its situations a call belongs to: any text, used once.
// All attempts of one call have the same.
const visitKey = "x-visit"

// The errors of the service. A call says in its query, prompt, text or message which one it wants.
var (
	errWaits = status.New(codes.Unavailable, "MODEL_BUSY", "the model is busy", status.RetryAfter(delay), status.Suggest("Wait a moment."))
	errNever = status.New(codes.Unavailable, "MODEL_OVERLOADED", "the model is overloaded", status.Retry(status.Never, recoursev1.RetryAdvice_WHY_OVERLOADED))
	errLater = status.New(codes.Unavailable, "MODEL_AWAY", "the model is away", status.RetryAfter(time.Minute))
	errBusy  = status.New(codes.Unavailable, "MODEL_RESTARTS", "the model restarts")
	errField = status.New(codes.InvalidArgument, "FIELDS_INVALID", "1 field is invalid", status.Violation("query", "REQUIRED", "must not be empty"),
		status.Outcome(status.NotApplied),
		status.Recover(status.Action(status.ByCallerCode, "Correct the request", &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{{Field: "query", Reason: "REQUIRED"}}})))
	errBroke = status.New(codes.Unavailable, "TEXT_BROKE_OFF", "the text broke off", status.Meta("nextPosition", "3"), status.Suggest("Ask for the rest."))

	// A service says it as it found it: nothing of this may arrive.
	errDriver = errors.New("connect to postgres://svc:hunter2@10.0.0.7/history: password authentication failed")

	// More than any trailers take: it has to be cut to what they do.
	errLarge = status.New(codes.InvalidArgument, "ROWS_INVALID", "many rows are invalid", status.Suggest("Correct the rows and send them again."),
		status.Outcome(status.NotApplied), status.Attach(rows(1000)))

	degraded = &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE, ErrorCode: "MODEL_BUSY", Domain: domain, Suggestion: "This may be out of date.", Source: "last good answer"}
)

func rows(n int) *errdetails.BadRequest {
	b := new(errdetails.BadRequest)
	for i := range n {
		b.FieldViolations = append(b.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: "rows[" + strconv.Itoa(i) + "].text", Reason: "REQUIRED", Description: "the row has no text",
		})
	}
	return b
}

// delay is short: every language waits for it.
const delay = 300 * time.Millisecond

// visits is when the attempts of one call came.
type visits struct{ at []time.Time }

type service struct {
	assistantv1.UnimplementedAssistantServer
	mu   sync.Mutex
	seen map[string]*visits
}

// arrive counts an attempt and says which it is, from 1.
func (s *service) arrive(ctx context.Context) int {
	id := strings.Join(metadata.ValueFromIncomingContext(ctx, visitKey), "")
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.seen[id]
	if v == nil {
		v = &visits{}
		s.seen[id] = v
	}
	v.at = append(v.at, time.Now())
	return len(v.at)
}

// ClassifyIntent says what became of the calls with the visit that the query names: the intent is how many attempts came,
// the confidence how many milliseconds there were between the first two.
func (s *service) ClassifyIntent(_ context.Context, req *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.seen[req.GetQuery()]
	if v == nil {
		return &assistantv1.ClassifyIntentResponse{Intent: "0"}, nil
	}
	reply := &assistantv1.ClassifyIntentResponse{Intent: strconv.Itoa(len(v.at))}
	if len(v.at) > 1 {
		reply.Confidence = float64(v.at[1].Sub(v.at[0]).Milliseconds())
	}
	return reply, nil
}

// failure is what a call that wants something ends with; nil if it gets its answer.
func failure(wants string, attempt int) error {
	switch {
	case wants == "waits" && attempt == 1:
		return errWaits
	case wants == "never":
		return errNever
	case wants == "later":
		return errLater
	case wants == "busy" && attempt <= 2:
		return errBusy
	case wants == "fields":
		return errField
	case wants == "bug":
		return errDriver
	case wants == "largest":
		return errLarge
	}
	return nil
}

func (s *service) Process(ctx context.Context, req *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	attempt := s.arrive(ctx)
	if err := failure(req.GetQuery(), attempt); err != nil {
		return nil, err
	}
	if req.GetQuery() == "degraded" {
		if err := interceptors.SetDegraded(ctx, degraded); err != nil {
			return nil, err
		}
	}
	return &assistantv1.ProcessResponse{Answer: "attempt " + strconv.Itoa(attempt)}, nil
}

// Generate sends three pieces. A prompt "breaks-off" fails behind them, every other failure comes before the first.
func (s *service) Generate(req *assistantv1.GenerateRequest, stream grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	attempt := s.arrive(stream.Context())
	if err := failure(req.GetPrompt(), attempt); err != nil {
		return err
	}
	if req.GetPrompt() == "degraded" {
		if err := interceptors.SetDegraded(stream.Context(), degraded); err != nil {
			return err
		}
	}
	for position := range uint32(3) {
		if err := stream.Send(&assistantv1.GenerateResponse{Text: "piece ", Position: position}); err != nil {
			return err
		}
	}
	if req.GetPrompt() == "breaks-off" {
		return errBroke
	}
	return nil
}

// Transcribe fails as the first piece of text wants it, at once.
func (s *service) Transcribe(stream grpc.ClientStreamingServer[assistantv1.TranscribeRequest, assistantv1.TranscribeResponse]) error {
	attempt := s.arrive(stream.Context())
	for chunks := uint32(0); ; chunks++ {
		req, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&assistantv1.TranscribeResponse{Transcript: "attempt " + strconv.Itoa(attempt), Chunks: chunks})
		}
		if err != nil {
			return err
		}
		if err := failure(req.GetText(), attempt); err != nil {
			return err
		}
	}
}

// Chat answers every message, and fails as one of them wants it.
func (s *service) Chat(stream grpc.BidiStreamingServer[assistantv1.ChatRequest, assistantv1.ChatResponse]) error {
	attempt := s.arrive(stream.Context())
	for {
		req, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := failure(req.GetMessage(), attempt); err != nil {
			return err
		}
		if err := stream.Send(&assistantv1.ChatResponse{Message: req.GetMessage()}); err != nil {
			return err
		}
	}
}
