package proxies

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

const domain = "proxies.example.com"

// A play is what a handler does. It is run for the nth time, from 1 on: more than once only where something on the way
// has sent the call again.
type play func(ctx context.Context, x rpctest.Exchange, n int) error

// A stage is a server and the ways to it. What a call does there, the call says.
type stage struct {
	address string // of the server itself

	mu    sync.Mutex
	plays map[string]*production
	sent  map[string]interceptors.Failure // by request id
}

type production struct {
	play
	runs atomic.Int32
}

// open serves with recourse, with at most so many bytes of trailers for an error; 0 is the default.
func open(t testing.TB, trailerBytes int, more ...interceptors.ServerOption) *stage {
	s := &stage{plays: map[string]*production{}, sent: map[string]interceptors.Failure{}}
	s.address = rpctest.ServeTCP(t, s.handle, interceptors.ServerOptions(append(more,
		interceptors.Domain(domain), interceptors.TrailerBytes(trailerBytes), interceptors.OnFailure(s.note))...)...)
	return s
}

// openBare serves without recourse: nothing holds an error to a size.
func openBare(t testing.TB) *stage {
	s := &stage{plays: map[string]*production{}}
	s.address = rpctest.ServeTCP(t, s.handle)
	return s
}

func (s *stage) note(_ context.Context, f interceptors.Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[f.RequestID] = f
}

// sentAs is what the server knows of the failure of a call.
func (s *stage) sentAs(id string) interceptors.Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[id]
}

const playKey = "play"

func (s *stage) handle(ctx context.Context, x rpctest.Exchange) error {
	md, _ := metadata.FromIncomingContext(ctx)
	name := md.Get(playKey)
	if len(name) != 1 {
		return grpcstatus.Error(codes.InvalidArgument, "which play?")
	}
	s.mu.Lock()
	p := s.plays[name[0]]
	s.mu.Unlock()
	if p == nil {
		return grpcstatus.Error(codes.InvalidArgument, "an unknown play")
	}
	return p.play(ctx, x, int(p.runs.Add(1)))
}

// A call is what a client saw of a play, and how often the server has run it.
type call struct {
	rpctest.Result
	id   string
	runs int
}

// callTime is what a call of these tests has. A wait that a server asks for is longer, so that a client gives up at once.
const callTime = 10 * time.Second

func (s *stage) call(t testing.TB, conn *grpc.ClientConn, shape rpctest.Shape, p play) call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTime)
	defer cancel()
	return s.callWithin(ctx, conn, shape, p)
}

// As long as every other id, so that equal errors have equal sizes.
var lastID atomic.Int32

func (s *stage) callWithin(ctx context.Context, conn *grpc.ClientConn, shape rpctest.Shape, p play) call {
	id := fmt.Sprintf("proxied-call-%08d", lastID.Add(1))
	running := &production{play: p}
	s.mu.Lock()
	s.plays[id] = running
	s.mu.Unlock()
	ctx = metadata.AppendToOutgoingContext(ctx, playKey, id, "x-request-id", id)
	r := rpctest.Do(ctx, conn, shape, "first", "second")
	return call{r, id, int(running.runs.Load())}
}

// fails is a play that fails before its first message.
func fails(err error) play { return func(context.Context, rpctest.Exchange, int) error { return err } }

// failsLater is a play that fails after it has received a message and sent one. Of a unary call, that is not sent then.
func failsLater(err error) play {
	return func(_ context.Context, x rpctest.Exchange, _ int) error {
		m, err2 := x.Recv()
		if err2 == nil {
			err2 = x.Send(m)
		}
		if err2 != nil {
			return err2
		}
		return err
	}
}

// answers is a play that succeeds.
func answers(_ context.Context, x rpctest.Exchange, _ int) error {
	for {
		if _, err := x.Recv(); err == io.EOF {
			return x.Send("reply")
		} else if err != nil {
			return err
		}
	}
}

// A client is one of those that people have.
type client struct {
	name string
	opts func(testing.TB) []grpc.DialOption
}

// retryPolicy is what gRPC's own documents show: UNAVAILABLE is tried again.
const retryPolicy = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.01s",
	"maxBackoff": "0.01s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`

var (
	plain  = &client{"grpc-go", func(testing.TB) []grpc.DialOption { return nil }}
	native = &client{"grpc-go, retry policy", func(testing.TB) []grpc.DialOption {
		return []grpc.DialOption{grpc.WithDefaultServiceConfig(retryPolicy)}
	}}
	ours = &client{"recourse", func(t testing.TB) []grpc.DialOption {
		set, err := policy.New(policy.Defaults(func(p *policy.Policy) {
			p.Idempotent = true // or else nothing would be tried again, and nothing shown
			p.Backoff, p.MaxBackoff = 10*time.Millisecond, 10*time.Millisecond
			p.LogRecovery = false
		}))
		if err != nil {
			t.Fatal(err)
		}
		return interceptors.DialOptions(interceptors.Policies(set))
	}}
	clients = []*client{plain, native, ours}
)

// dial makes a connection of its own, with its own budgets.
func (c *client) dial(t testing.TB, address string) *grpc.ClientConn {
	t.Helper()
	opts := append(c.opts(t), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("passthrough:///"+address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}
