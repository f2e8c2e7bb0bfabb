package interceptors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// classifier fails in the way that it is told.
type classifier struct {
	assistantv1.UnimplementedAssistantServer
	err error
}

func (c classifier) ClassifyIntent(context.Context, *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	return nil, c.err
}

func (c classifier) Generate(*assistantv1.GenerateRequest, grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	return c.err
}

func TestUndeclared(t *testing.T) {
	domain := status.Domain("assistant.example.com")
	tests := []struct {
		name       string
		err        error
		undeclared bool
	}{
		{"declared by the method", assistantv1.IntentNotUnderstood{}.Err(), false},
		{"declared by the service", assistantv1.TokenMissing{}.Err(), false},
		{"declared, made by hand", status.New(codes.InvalidArgument, "FIELDS_INVALID", "no", domain), false},
		{"declared, in the server's domain", status.New(codes.InvalidArgument, "FIELDS_INVALID", "no"), false},
		{"of another method", assistantv1.ChatFull{TurnsPerChat: 3}.Err(), true},
		{"of another domain", status.New(codes.InvalidArgument, "FIELDS_INVALID", "no", status.Domain("other.example.com")), true},
		{"of grpc-go", grpcstatus.Error(codes.NotFound, "no such intent"), true},
		{"of another package", errors.New("disk full"), false}, // INTERNAL as it is
		{"a deadline", context.DeadlineExceeded, false},
	}
	for _, test := range tests {
		for _, mode := range []interceptors.UndeclaredMode{interceptors.SendUndeclared, interceptors.LogUndeclared, interceptors.RefuseUndeclared} {
			t.Run(test.name, func(t *testing.T) {
				var logged bytes.Buffer
				before := slog.Default()
				slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
				defer slog.SetDefault(before)
				var failure interceptors.Failure
				lis := rpctest.Listen(t, func(s *grpc.Server) { assistantv1.RegisterAssistantServer(s, classifier{err: test.err}) },
					interceptors.ServerOptions(interceptors.Undeclared(mode), interceptors.Domain("assistant.example.com"),
						interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { failure = f }))...)
				client := assistantv1.NewAssistantClient(rpctest.Dial(t, lis, interceptors.DialOptions()...))
				_, err := client.ClassifyIntent(t.Context(), &assistantv1.ClassifyIntentRequest{})
				got, _ := status.From(err)
				want := status.Classify(test.err)
				if refused := mode == interceptors.RefuseUndeclared && test.undeclared; refused {
					if got.Code() != codes.Internal || got.ErrorCode() != status.CodeUnexpected || strings.Contains(got.Message(), want.Message()) {
						t.Errorf("mode %d: %v", mode, got)
					}
					if !strings.Contains(failure.Err.Unwrap().Error(), want.Message()) || failure.Cause != test.err && !errors.Is(failure.Cause, test.err) {
						t.Errorf("the error itself is lost: %v, %v", failure.Err.Unwrap(), failure.Cause)
					}
				} else if got.Code() != want.Code() || got.ErrorCode() != want.ErrorCode() {
					t.Errorf("mode %d: %v, want %v", mode, got, want)
				}
				if f := mode != interceptors.SendUndeclared && test.undeclared; failure.Undeclared != f {
					t.Errorf("mode %d: said to be undeclared: %t", mode, failure.Undeclared)
				}
				if warned := strings.Contains(logged.String(), "has not declared"); warned != (mode == interceptors.LogUndeclared && test.undeclared) {
					t.Errorf("mode %d: the log says %q", mode, logged.String())
				}
			})
		}
	}
}

// A stream is held to the same, and a method that declares nothing to nothing.
func TestUndeclaredStreams(t *testing.T) {
	refuse := interceptors.ServerOptions(interceptors.Undeclared(interceptors.RefuseUndeclared), interceptors.OnFailure(nil))
	lis := rpctest.Listen(t, func(s *grpc.Server) {
		assistantv1.RegisterAssistantServer(s, classifier{err: assistantv1.ChatFull{}.Err()})
	}, refuse...)
	stream, err := assistantv1.NewAssistantClient(rpctest.Dial(t, lis)).Generate(t.Context(), &assistantv1.GenerateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = stream.Recv(); grpcstatus.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
	conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return assistantv1.ChatFull{}.Err() }, refuse)
	for _, shape := range rpctest.Shapes {
		if r := rpctest.Do(t.Context(), conn, shape); grpcstatus.Code(r.Err) != codes.FailedPrecondition {
			t.Errorf("%s: %v", shape.Name, r.Err)
		}
	}
}
