package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// This file is for the demo: levers that people can pull by writing one of these words into a query. Nobody needs to
// copy it, and without the flag -levers it does nothing. The model backend has levers of its own.
const (
	leverPanic    = "demo:panic"    // the handler has a bug
	leverDatabase = "demo:database" // the database refuses, in an error that holds its password
	leverHuge     = "demo:huge"     // the error has 64 KiB of details
	leverStuck    = "demo:stuck"    // the handler takes two seconds, and nothing stops it
)

// faulty is an assistant that obeys the levers.
type faulty struct{ assistantv1.AssistantServer }

func (f faulty) Process(ctx context.Context, req *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	switch query := req.GetQuery(); {
	case strings.Contains(query, leverPanic):
		words := strings.Fields(query)
		req.Query = words[len(words)] // off by one
	case strings.Contains(query, leverDatabase):
		return nil, fmt.Errorf("save history: %w", errDatabase)
	case strings.Contains(query, leverHuge):
		return nil, huge()
	case strings.Contains(query, leverStuck):
		time.Sleep(2 * time.Second) // not looking at ctx
		slog.InfoContext(ctx, "handler returned", "request_id", interceptors.RequestID(ctx))
	}
	return f.AssistantServer.Process(ctx, req)
}

// databaseError is what a driver says when it cannot sign in.
type databaseError string

func (e databaseError) Error() string { return string(e) }

const errDatabase = databaseError(`connect to postgres://svc:hunter2@10.0.0.7/history: password authentication failed`)

// huge is the kind of error that a check of many rows makes.
func huge() error {
	rows := &errdetails.BadRequest{}
	for i := 0; proto.Size(rows) < 64<<10; i++ {
		rows.FieldViolations = append(rows.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: fmt.Sprintf("rows[%d].text", i), Reason: "REQUIRED", Description: "the row has no text",
		})
	}
	n := len(rows.GetFieldViolations())
	return status.New(codes.InvalidArgument, "ROWS_INVALID", fmt.Sprintf("%d rows are invalid", n),
		status.Suggest("Correct the rows and send them again."),
		status.Meta("invalidRows", fmt.Sprint(n)),
		status.Attach(rows))
}
