package main

import (
	"context"
	"io"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// router passes everything on to another backend. That nothing is repeated too often on the way is not its business:
// the interceptors on both sides of it see to that.
type router struct {
	assistantv1.UnimplementedModelBackendServer
	conn *grpc.ClientConn
	next assistantv1.ModelBackendClient
}

func newRouter(next string, policies *policy.Set) (*router, error) {
	// The example speaks plain text, on the loopback interface only.
	plaintext := grpc.WithTransportCredentials(insecure.NewCredentials())
	conn, err := grpc.NewClient(next, append(interceptors.DialOptions(interceptors.Policies(policies)), plaintext)...)
	if err != nil {
		return nil, err
	}
	return &router{conn: conn, next: assistantv1.NewModelBackendClient(conn)}, nil
}

func (r *router) close() { _ = r.conn.Close() }

func (r *router) Complete(
	ctx context.Context, req *assistantv1.CompleteRequest,
) (*assistantv1.CompleteResponse, error) {
	return r.next.Complete(ctx, req)
}

func (r *router) CompleteStream(
	req *assistantv1.CompleteStreamRequest, stream grpc.ServerStreamingServer[assistantv1.CompleteStreamResponse],
) error {
	tokens, err := r.next.CompleteStream(stream.Context(), req)
	if err != nil {
		return err
	}
	for {
		token, err := tokens.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(token); err != nil {
			return err
		}
	}
}
