package interceptors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/locale"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
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
		{"a deadline, of grpc-go", grpcstatus.FromContextError(context.DeadlineExceeded).Err(), false},
		{"a method that nobody wrote", grpcstatus.Error(codes.Unimplemented, "method ClassifyIntent not implemented"), false},
		{"cancelled, with a name", status.New(codes.Canceled, "ORDER_WITHDRAWN", "withdrawn", domain), true},
		{"named like the library's", status.New(codes.NotFound, "DEPENDENCY_OF_MINE", "no", domain), true},
		{"a dependency", status.New(codes.Unavailable, status.CodeDependencyUnavailable, "no", domain), false},
		{"a client that holds calls back", status.New(codes.Unavailable, "CLIENT_THROTTLED", "the service is overloaded"), false},
		{"a client that takes no degraded answer", status.New(codes.Unavailable, "DEGRADED_ANSWER", "the service has only a degraded answer"), false},
		{"operations that do not end", status.New(codes.Unavailable, "OPERATIONS_STUCK", "too many operations of this kind do not end"), false},
		{"an operation", status.Operation("sorting", errors.New("x")), false},
		{"an operation with a long name", status.Operation(strings.Repeat("sorting the letters ", 9), errors.New("x")), false},
		{"an operation, in a domain", status.Operation("sorting", errors.New("x"), domain), false},
		{"named like an operation", status.New(codes.Internal, "ASYNC_SORTING_FAILED", "no", domain), true},
		{"named like an operation, with a code of its own", status.New(codes.NotFound, "ASYNC_ANYTHING", "no", domain), true},
		{"a timeout of the library", status.Timeout(errors.New("x")), false},
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

func TestTranslations(t *testing.T) {
	texts, err := locale.Load(catalog.Linked(), fstest.MapFS{"de.json": {Data: []byte(`{"locale": "de", "errors": {
		"assistant.example.com/INTENT_NOT_UNDERSTOOD": {"message": "nicht verstanden", "suggestion": "Sag es anders."}}}`)}}, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	own := assistantv1.IntentNotUnderstood{}.Err(status.Attach(&errdetails.LocalizedMessage{Locale: "fr", Message: "pas compris"}))
	tests := []struct {
		name, accepted           string
		err                      error
		locale, text, suggestion string
	}{
		{"in the caller's language", "de-AT, en;q=0.5", assistantv1.IntentNotUnderstood{}.Err(), "de", "nicht verstanden", "Sag es anders."},
		{"without a domain", "de", status.New(codes.InvalidArgument, "INTENT_NOT_UNDERSTOOD", "no"), "de", "nicht verstanden", "Sag es anders."},
		{"in no language", "", assistantv1.IntentNotUnderstood{}.Err(), "", "", "Try rephrasing your request more clearly."},
		{"in another", "ja", assistantv1.IntentNotUnderstood{}.Err(), "", "", "Try rephrasing your request more clearly."},
		{"another error", "de", assistantv1.TokenMissing{}.Err(), "", "", "Sign in, then try again."},
		{"with a text of its own", "de", own, "fr", "pas compris", "Try rephrasing your request more clearly."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return test.err },
				interceptors.ServerOptions(interceptors.Domain("assistant.example.com"), interceptors.Translations(texts), interceptors.OnFailure(nil)),
				interceptors.DialOptions()...)
			for _, shape := range rpctest.Shapes {
				ctx := t.Context()
				if test.accepted != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "accept-language", test.accepted)
				}
				r := rpctest.Do(ctx, conn, shape)
				e, _ := status.From(r.Err)
				text, _ := status.Detail[*errdetails.LocalizedMessage](r.Err)
				if text.GetLocale() != test.locale || text.GetMessage() != test.text || e.Suggestion() != test.suggestion {
					t.Errorf("%s: %v, %q", shape.Name, text, e.Suggestion())
				}
			}
		})
	}
	// With no text on the wire a client renders it by itself.
	e, _ := status.From(assistantv1.IntentNotUnderstood{}.Err())
	if text, ok := texts.Render(e.GRPCStatus().Err(), "de"); !ok || text.Message != "nicht verstanden" {
		t.Errorf("%v, %t", text, ok)
	}
}
