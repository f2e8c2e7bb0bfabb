package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// This file has the two ends that know nothing of recourse.

func plainClient(ctx context.Context, st *stage) {
	assistant := st.plain.assistant()
	_, invalid := assistant.Process(as(ctx, ada), &assistantv1.ProcessRequest{RequestId: "42"})
	_, quota := assistant.Process(as(ctx, quinn), &assistantv1.ProcessRequest{Query: "Hello"})
	read := describe(invalid) + describe(quota)
	st.screen(read)
	for _, text := range []string{
		"ErrorInfo   FIELDS_INVALID@assistant.example.com", "BadRequest  query:", "BadRequest  request_id:",
		"ErrorInfo   QUOTA_USED_UP@assistant.example.com", "RetryInfo   wait ",
	} {
		st.check(strings.Contains(read, text), "%q is missing", text)
	}
}

// describe is how programs read errors today.
func describe(err error) string {
	var b strings.Builder
	st := grpcstatus.Convert(err)
	fmt.Fprintln(&b, st.Code(), st.Message())
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Fprintf(&b, "  ErrorInfo   %s@%s\n", d.GetReason(), d.GetDomain())
		case *errdetails.RetryInfo:
			fmt.Fprintf(&b, "  RetryInfo   wait %v\n", d.GetRetryDelay().AsDuration())
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				fmt.Fprintf(&b, "  BadRequest  %s: %s\n", v.GetField(), v.GetDescription())
			}
		}
	}
	return b.String()
}

// plainAssistant answers as most servers do.
type plainAssistant struct {
	assistantv1.UnimplementedAssistantServer
}

func (plainAssistant) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	//lint:ignore CODE_UNDECLARED this is what the demo shows
	return nil, grpcstatus.Error(codes.PermissionDenied, "caller lacks assistant.process")
}

func plainServer(ctx context.Context, st *stage) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		st.differ("no address for a server: %v", err)
		return
	}
	server := grpc.NewServer()
	assistantv1.RegisterAssistantServer(server, plainAssistant{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		<-served
	}()
	l, err := connect(listener.Addr().String(), interceptors.DialOptions()...)
	if err != nil {
		st.differ("no connection: %v", err)
		return
	}
	defer func() { _ = l.Close() }()
	got, err := st.process(ctx, l, "Hello")
	st.compare(err, got, want{codes.PermissionDenied, "PERMISSION_DENIED", "Ask an administrator for access.",
		status.AfterAction, []string{"request_access"}, nil, true})
}
