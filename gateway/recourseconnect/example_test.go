package recourseconnect_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func ExampleInterceptor() {
	classify := func(context.Context, *connect.Request[assistantv1.ClassifyIntentRequest]) (*connect.Response[assistantv1.ClassifyIntentResponse], error) {
		return nil, assistantv1.IntentNotUnderstood{}.Err()
	}
	// As protoc-gen-connect-go writes it into NewAssistantHandler and NewAssistantClient.
	recourse := connect.WithInterceptors(recourseconnect.Interceptor(interceptors.Domain("assistant.example.com")))
	server := httptest.NewServer(connect.NewUnaryHandler(assistantv1.Assistant_ClassifyIntent_FullMethodName, classify, recourse))
	defer server.Close()
	client := connect.NewClient[assistantv1.ClassifyIntentRequest, assistantv1.ClassifyIntentResponse](
		http.DefaultClient, server.URL+assistantv1.Assistant_ClassifyIntent_FullMethodName, recourse)

	_, err := client.CallUnary(context.Background(), connect.NewRequest(&assistantv1.ClassifyIntentRequest{Query: "?"}))
	if e, ok := status.From(err); ok {
		fmt.Println(e.ErrorCode(), e.Suggestion(), connect.CodeOf(err))
	}
	// Output: INTENT_NOT_UNDERSTOOD Try rephrasing your request more clearly. invalid_argument
}

// A service of gRPC for pages of another origin.
func ExampleProxy() {
	conn, err := grpc.NewClient("127.0.0.1:50051",
		append(interceptors.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close() }()
	proxy := recourseconnect.Proxy{Conn: conn, Options: []connect.HandlerOption{
		connect.WithInterceptors(recourseconnect.Interceptor(interceptors.Domain("assistant.example.com"))),
	}}
	path, handler := proxy.Handler(assistantv1.File_assistant_v1_assistant_proto.Services().ByName("Assistant"))
	mux := http.NewServeMux()
	mux.Handle(path, handler) // and around it what answers CORS, see ExposedHeaders
	fmt.Println(path)
	// Output: /assistant.v1.Assistant/
}
