package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

// FuzzNothingLeaks lets a handler fail in ways that a program of bytes composes,
// each with a canary where text may not pass, and searches everything that a
// public caller gets for it. The error behind a wrap may come from another
// service over a real connection.
func FuzzNothingLeaks(f *testing.F) {
	for _, seed := range [][]byte{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {0, 10}, {4, 11}, {5, 12}, {3, 13, 14}, {5, 10, 12, 13}, {7}, {8}, {9, 13, 11}, {4, 15}, {15, 0}} {
		f.Add(seed)
	}
	const canary = "canary-7f3a"
	leafErr := new(error)
	leaf := rpctest.Start(f, func(context.Context, rpctest.Exchange) error { return *leafErr }, nil, interceptors.DialOptions()...)
	program := new([]byte)
	front := rpctest.Start(f, func(ctx context.Context, _ rpctest.Exchange) error {
		return compose(ctx, *program, canary, leaf, leafErr)
	}, interceptors.ServerOptions(interceptors.OnFailure(nil), technicalDetails(f)), interceptors.DialOptions()...)
	shapes := rpctest.Shapes
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > 16 {
			return
		}
		*program = p
		r := rpctest.Do(t.Context(), front, shapes[len(p)%len(shapes)])
		if r.Err == nil {
			t.Fatal("an error became a success")
		}
		if all := everything(r); strings.Contains(all, canary) {
			t.Fatalf("leaked: %s", all)
		}
		if e := r.Err.(*status.Error); e.Suggestion() == "" || e.RequestID() == "" || e.Code() == codes.OK {
			t.Fatalf("not an answer: %v", e)
		}
	})
}

func compose(ctx context.Context, program []byte, canary string, leaf *grpc.ClientConn, leafErr *error) error {
	var err error = errors.New(canary)
	for _, op := range program {
		switch op % 16 {
		case 0:
			err = errors.New(canary)
		case 1:
			err = status.New(codes.NotFound, "NOT_THERE", "no such thing", status.Cause(errors.New(canary)))
		case 2:
			err = grpcstatus.Error(codes.Internal, canary)
		case 3:
			err = context.DeadlineExceeded
		case 4, 5: // another service's error, stock or ours
			*leafErr = grpcstatus.Error(codes.Code(1+len(program)%16), canary)
			if op%16 == 5 {
				st, dErr := grpcstatus.New(codes.FailedPrecondition, canary).WithDetails(
					&errdetails.ErrorInfo{Reason: "LEAF", Domain: canary, Metadata: map[string]string{"text": canary}},
					&errdetails.DebugInfo{Detail: canary}, &errdetails.LocalizedMessage{Locale: "en", Message: canary})
				if dErr != nil {
					return dErr
				}
				*leafErr = st.Err()
			}
			if e := rpctest.Do(ctx, leaf, rpctest.Shapes[0]).Err; e != nil {
				err = e
			}
		case 6:
			err = status.Operation("some operation", errors.New(canary))
		case 7:
			panic(canary)
		case 8:
			panic(fmt.Errorf("%s: %w", canary, err))
		case 9:
			err = status.New(codes.Unavailable, "DOWN", "down", status.Attach(&errdetails.DebugInfo{Detail: canary, StackEntries: []string{canary}}), status.Cause(err))
		case 10:
			err = fmt.Errorf("%s: %w", canary, err)
		case 11:
			err = errors.Join(errors.New(canary), err)
		case 12:
			err = errors.Join(err, grpcstatus.Error(codes.DataLoss, canary))
		case 13:
			err = fmt.Errorf("%s %w and %w", canary, err, context.Canceled)
		case 14:
			err = fmt.Errorf("%s: %v", canary, err)
		case 15:
			md := metadata.Pairs("grpc-status-details-bin", "not a status")
			if mdErr := grpc.SetTrailer(ctx, md); mdErr != nil {
				return mdErr
			}
		}
	}
	return err
}
