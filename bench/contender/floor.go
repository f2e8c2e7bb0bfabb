package contender

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The least that the work takes: one interceptor a side, written by hand for nothing
// but this. A policy for each method, which can be exchanged while calls run; a
// deadline where there is none within it, on both sides; repeats with a bucket of
// tokens; panics answered. No verdicts, no details, no fallbacks.
var _ = add(Contender{
	Name: FloorName, About: "an interceptor a side written by hand: deadline, repeats with a token bucket, policy by method, panics", Kind: Floor,
	Bounds: true, BoundsStreams: true, Retries: true, HoldsBack: true,
	New: func() (Installed, error) {
		f := newFloor()
		return Installed{
			Server: []grpc.ServerOption{grpc.ChainUnaryInterceptor(f.unaryServer), grpc.ChainStreamInterceptor(f.streamServer)},
			Dial:   []grpc.DialOption{grpc.WithChainUnaryInterceptor(f.unaryClient), grpc.WithChainStreamInterceptor(f.streamClient)},
		}, nil
	},
})

type floor struct {
	policies atomic.Pointer[map[string]floorPolicy]
	tokens   atomic.Int64
}

type floorPolicy struct {
	timeout  time.Duration
	attempts int
}

const floorTokens = 20

func newFloor() *floor {
	f := new(floor)
	once, more := floorPolicy{Timeout, 1}, floorPolicy{Timeout, Attempts}
	f.policies.Store(&map[string]floorPolicy{
		assistantv1.Assistant_ClassifyIntent_FullMethodName: more,
		assistantv1.Assistant_Process_FullMethodName:        once,
		assistantv1.Assistant_Generate_FullMethodName:       once,
		assistantv1.Assistant_Transcribe_FullMethodName:     once,
		assistantv1.Assistant_Chat_FullMethodName:           once,
	})
	f.tokens.Store(floorTokens)
	return f
}

func (f *floor) policy(method string) floorPolicy { return (*f.policies.Load())[method] }

// beyond reports whether a call may run longer than its policy says.
func (p floorPolicy) beyond(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > p.timeout
}

func (f *floor) unaryClient(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	p := f.policy(method)
	if p.beyond(ctx) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	err := invoker(ctx, method, req, reply, cc, opts...)
	for n := 1; err != nil && n < p.attempts && status.Code(err) == codes.Unavailable && ctx.Err() == nil; n++ {
		if f.tokens.Add(-1) < 0 {
			f.tokens.Add(1)
			return err
		}
		err = invoker(ctx, method, req, reply, cc, opts...)
	}
	if err == nil && f.tokens.Load() < floorTokens {
		f.tokens.Add(1)
	}
	return err
}

func (f *floor) unaryServer(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (_ any, err error) {
	defer floorRecover(&err)
	if p := f.policy(info.FullMethod); p.beyond(ctx) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	return handler(ctx, req)
}

func (f *floor) streamClient(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	p := f.policy(method)
	if !p.beyond(ctx) {
		return streamer(ctx, desc, cc, method, opts...)
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	s, err := streamer(ctx, desc, cc, method, opts...)
	if err != nil {
		cancel()
		return nil, err
	}
	return &floorClientStream{s, cancel}, nil
}

// floorClientStream frees the timer when the stream has ended.
type floorClientStream struct {
	grpc.ClientStream
	cancel context.CancelFunc
}

func (s *floorClientStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		s.cancel()
	}
	return err
}

func (f *floor) streamServer(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer floorRecover(&err)
	p := f.policy(info.FullMethod)
	if !p.beyond(ss.Context()) {
		return handler(srv, ss)
	}
	ctx, cancel := context.WithTimeout(ss.Context(), p.timeout)
	defer cancel()
	return handler(srv, &floorServerStream{ss, ctx})
}

type floorServerStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *floorServerStream) Context() context.Context { return s.ctx }

func floorRecover(err *error) {
	if v := recover(); v != nil {
		_ = debug.Stack() // a log would have it
		*err = status.Error(codes.Internal, "internal error")
	}
}
