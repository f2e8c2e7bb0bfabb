package proxies

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The example server, as it is, says 64 KiB about rows that are invalid, and its clients get what fits.
func TestTheExampleBehindProxies(t *testing.T) {
	address := startExample(t)
	ctx, cancel := context.WithTimeout(t.Context(), callTime)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer token-of-ada", "x-request-id", "the-same-for-all")
	ask := func(c *client, address string) (metadata.MD, error) {
		var trailer metadata.MD
		_, err := assistantv1.NewAssistantClient(c.dial(t, address)).Process(ctx,
			&assistantv1.ProcessRequest{Query: "demo:huge", UserId: "ada"}, grpc.Trailer(&trailer))
		return trailer, err
	}
	_, want := ask(plain, address)
	if e, ok := status.From(want); !ok || e.ErrorCode() != "ROWS_INVALID" || e.Elided() == 0 {
		t.Fatalf("the example says %v", want)
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			through := p.start(t, address)
			for _, c := range clients {
				trailer, got := ask(c, through)
				if !proto.Equal(grpcstatus.Convert(got).Proto(), grpcstatus.Convert(want).Proto()) {
					t.Errorf("%s: %v, want %v", c.name, got, want)
				}
				e, _ := status.From(got)
				if rows, ok := status.Detail[*errdetails.BadRequest](got); !ok || len(rows.GetFieldViolations()) == 0 || e.Code() != codes.InvalidArgument ||
					e.Suggestion() == "" || strings.Join(trailer["x-request-id"], "") != "the-same-for-all" {
					t.Errorf("%s: %v with %v and the trailers %v", c.name, got, rows, trailer)
				}
			}
		})
	}
}

// startExample builds the example server, and runs it until the test ends.
func startExample(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "server")
	build := exec.Command("go", "build", "-o", program, "./examples/server")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return listen(t, func(address string) (*process, error) {
		return launch(t, root, program, "-levers", "-listen", address)
	})
}
