package contender_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// observed is what the server has seen.
type observed struct {
	assistantv1.UnimplementedAssistantServer
	failures int // of the next calls of ClassifyIntent
	calls    int
	deadline bool
}

func (o *observed) see(ctx context.Context) {
	o.calls++
	_, o.deadline = ctx.Deadline()
}

func (o *observed) ClassifyIntent(ctx context.Context, _ *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	if o.see(ctx); o.calls <= o.failures {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &assistantv1.ClassifyIntentResponse{Intent: "weather"}, nil
}

func (o *observed) Generate(_ *assistantv1.GenerateRequest, s grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	o.see(s.Context())
	return s.Send(&assistantv1.GenerateResponse{Text: "text"})
}

func (o *observed) Transcribe(s grpc.ClientStreamingServer[assistantv1.TranscribeRequest, assistantv1.TranscribeResponse]) error {
	o.see(s.Context())
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return s.SendAndClose(&assistantv1.TranscribeResponse{Chunks: 1})
		} else if err != nil {
			return err
		}
	}
}

func (o *observed) Chat(s grpc.BidiStreamingServer[assistantv1.ChatRequest, assistantv1.ChatResponse]) error {
	o.see(s.Context())
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.Send(&assistantv1.ChatResponse{Message: "yes"}); err != nil {
			return err
		}
	}
}

type client = assistantv1.AssistantClient

// shapes are one call each.
var shapes = []struct {
	name   string
	stream bool
	call   func(context.Context, client) error
}{
	{"unary", false, func(ctx context.Context, c client) error {
		_, err := c.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: "hello"})
		return err
	}},
	{"server stream", true, func(ctx context.Context, c client) error {
		s, err := c.Generate(ctx, &assistantv1.GenerateRequest{Prompt: "hello"})
		if err != nil {
			return err
		}
		if _, err := s.Recv(); err != nil {
			return err
		}
		return ended(s.Recv())
	}},
	{"client stream", true, func(ctx context.Context, c client) error {
		s, err := c.Transcribe(ctx)
		if err != nil {
			return err
		}
		if err := s.Send(&assistantv1.TranscribeRequest{}); err != nil {
			return err
		}
		_, err = s.CloseAndRecv()
		return err
	}},
	{"bidi", true, func(ctx context.Context, c client) error {
		s, err := c.Chat(ctx)
		if err != nil {
			return err
		}
		if err := s.Send(&assistantv1.ChatRequest{}); err != nil {
			return err
		}
		if _, err := s.Recv(); err != nil {
			return err
		}
		if err := s.CloseSend(); err != nil {
			return err
		}
		return ended(s.Recv())
	}},
}

func ended[M any](_ M, err error) error {
	switch {
	case err == nil:
		return errors.New("the stream has not ended")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

// Every contender is what it says: no more, or it would be measured at work that
// others do not do; no less, or it would be measured without it.
func TestContendersDoWhatTheyClaim(t *testing.T) {
	for _, c := range contender.All() {
		t.Run(c.Name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			for _, shape := range shapes {
				for _, network := range []rig.Network{rig.Memory, rig.Loopback} {
					server := new(observed)
					if err := server.serve(t, network, c, shape.call); err != nil {
						t.Errorf("%s over %s: %v", shape.name, network, err)
					}
					want := c.Bounds
					if shape.stream {
						want = c.BoundsStreams
					}
					if server.deadline != want {
						t.Errorf("%s over %s: the server sees a deadline: %v, want %v", shape.name, network, server.deadline, want)
					}
				}
			}
			server := &observed{failures: 1}
			err := server.serve(t, rig.Memory, c, shapes[0].call)
			if repeated := server.calls == 2 && err == nil; repeated != c.Retries {
				t.Errorf("%d calls of one that fails once, and %v: it should be repeated: %v", server.calls, err, c.Retries)
			}
			server = &observed{failures: 100}
			_ = server.serve(t, rig.Memory, c, shapes[0].call)
			if c.Retries && server.calls != contender.Attempts {
				t.Errorf("%d attempts, want %d", server.calls, contender.Attempts)
			}
			waitForGoroutines(t, before)
		})
	}
}

// serve makes one call to the server.
func (o *observed) serve(t *testing.T, network rig.Network, c contender.Contender, call func(context.Context, client) error) error {
	t.Helper()
	in, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	if o.failures > 0 {
		in.Server = nil // a fallback there would answer
	}
	r, err := rig.Open(network, o, in)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	ctx := t.Context()
	if c.CallerDeadline {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
	}
	return call(ctx, r)
}

// waitForGoroutines gives those that are ending a moment.
func waitForGoroutines(t *testing.T, most int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > most; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines were left behind:\n%s", runtime.NumGoroutine()-most, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// Names are what rows and notes refer to.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range contender.All() {
		if seen[c.Name] || c.Name == "" || c.About == "" {
			t.Errorf("%q, %q", c.Name, c.About)
		}
		seen[c.Name] = true
	}
	for _, name := range []string{
		contender.BareName, contender.DeadlineName, contender.RecourseName, contender.CoreName, contender.FloorName, contender.GomwName,
		contender.GomwNoLogName, contender.FailsafeName, contender.OtelSDKName, contender.GRPCRetryName, contender.GRPCTimedRetry,
		contender.LogOffName, contender.OtelName, contender.OtelUnsampledName, contender.OtelNoopName, contender.ObservedName,
		contender.PassingName, contender.OtelgrpcNoopName, contender.OtelgrpcUnsampledName,
	} {
		if !seen[name] {
			t.Errorf("there is no contender %q", name)
		}
	}
}
