package gateway_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/recourse-dev/recourse/gateway"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

func ExampleConfig_Options() {
	errors := gateway.Config{Domain: "library.example.com", Docs: "https://docs.example.com/errors/"}
	mux := runtime.NewServeMux(errors.Options()...)
	// libraryv1.RegisterLibraryHandler(ctx, mux, conn), as grpc-gateway generates it, and:
	r := httptest.NewRequest("GET", "/v1/books/42", nil)
	r.Header.Set("Accept", "application/problem+json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 404 {"type":"about:blank","title":"Not Found","status":404,"detail":"Not Found","code":"NOT_FOUND","reason":"NOT_FOUND","domain":"library.example.com","suggestion":"Check the name or id and try again.","retry":{"verdict":"NEVER"}}
}

func ExampleConfig_WriteError() {
	errs := gateway.Config{Body: gateway.APIBody, OmitGuidance: true}
	show := func(err error) {
		w := httptest.NewRecorder()
		errs.WriteError(w, httptest.NewRequest("GET", "/", nil), err)
		fmt.Println(w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	show(status.New(codes.ResourceExhausted, "TOO_MANY_LOANS", "at most 3 loans a day", status.RetryAfter(90*time.Minute)))
	show(errors.New("pq: password authentication failed"))
	// Output:
	// 429 5400 {"error":{"code":429,"message":"at most 3 loans a day","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TOO_MANY_LOANS"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"5400s"},{"@type":"type.googleapis.com/recourse.v1.ErrorDetail","errorCode":"TOO_MANY_LOANS","retry":{"verdict":"VERDICT_SAME_REQUEST"}}]}}
	// 500  {"error":{"code":500,"message":"an unexpected error occurred","status":"INTERNAL","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ASYNC_UNEXPECTED_FAILED"},{"@type":"type.googleapis.com/recourse.v1.ErrorDetail","errorCode":"ASYNC_UNEXPECTED_FAILED","suggestion":"Please report this issue to support."}]}}
}
