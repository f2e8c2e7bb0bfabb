package interceptors

import (
	"context"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A stream that goes on for long, as one that watches something, begins with a large
// reply. When the application has let go of it, so has the stream.
func TestAStreamLetsGoOfItsFirstReply(t *testing.T) {
	handler := func(ctx context.Context, x rpctest.Exchange) error {
		_, _ = x.Recv()
		_ = x.Send(string(make([]byte, 1<<20)))
		_ = x.Send("small")
		<-ctx.Done()
		return nil
	}
	set, _ := policy.New()
	conn := rpctest.Start(t, handler, nil, DialOptions(Policies(set))...)
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, rpctest.Shapes[1].Method())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SendMsg(wrapperspb.String("q"))
	_ = s.CloseSend()
	first := func() weak.Pointer[wrapperspb.StringValue] {
		m := new(wrapperspb.StringValue)
		if err := s.RecvMsg(m); err != nil {
			t.Fatal(err)
		}
		return weak.Make(m)
	}()
	for range 1 {
		if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if first.Value() != nil {
		t.Errorf("a reply of %d bytes is kept", len(first.Value().GetValue()))
	}
	runtime.KeepAlive(s)
}
