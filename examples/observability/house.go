package main

import (
	"context"
	"net"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// house is the assistant, the model behind it, and what a user has of them: connections.
type house struct {
	tracer    trace.Tracer
	assistant *assistant
	user      assistantv1.AssistantClient
	careful   assistantv1.AssistantClient // has fallbacks of its own
	crowd     assistantv1.AssistantClient // what its client holds back is no matter to the others
	closers   []func()
}

// places is how many calls the assistant runs at once.
const places = 4

// open starts it all. One Telemetry serves both sides of every service: they are one process here.
func open(e *exports) (h *house, err error) {
	h = &house{tracer: e.tracer.Tracer("users")}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	policies, err := policy.New(policy.Defaults(short), policy.Method(assistantv1.Assistant_ClassifyIntent_FullMethodName, twice))
	if err != nil {
		return nil, err
	}
	patience, err := policy.New(policy.Defaults(long))
	if err != nil {
		return nil, err
	}
	observe := interceptors.Observe(e.telemetry)
	services, users := interceptors.Policies(policies), interceptors.Policies(patience)

	modelServer := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain("model.example.com"), services, observe)...)
	assistantv1.RegisterModelBackendServer(modelServer, &model{busy: map[string]bool{}})
	target, err := h.serve(modelServer)
	if err != nil {
		return nil, err
	}
	conn, err := h.dial(target, services, observe)
	if err != nil {
		return nil, err
	}

	h.assistant = newAssistant(assistantv1.NewModelBackendClient(conn))
	apology := interceptors.Canned(&assistantv1.ProcessResponse{Answer: "I cannot answer that at the moment."})
	assistantServer := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain("assistant.example.com"), services, observe,
		interceptors.Limit(places, places),
		interceptors.Fallback(assistantv1.Assistant_Process_FullMethodName, apology.For("DEPENDENCY_UNAVAILABLE").From("apology")))...)
	assistantv1.RegisterAssistantServer(assistantServer, h.assistant)
	if target, err = h.serve(assistantServer); err != nil {
		return nil, err
	}
	if conn, err = h.dial(target, users, observe); err != nil {
		return nil, err
	}
	h.user = assistantv1.NewAssistantClient(conn)
	if conn, err = h.dial(target, users, observe); err != nil {
		return nil, err
	}
	h.crowd = assistantv1.NewAssistantClient(conn)
	conn, err = h.dial(target, users, observe, interceptors.Fallback(assistantv1.Assistant_ClassifyIntent_FullMethodName, lastGood(), guess))
	h.careful = assistantv1.NewAssistantClient(conn)
	return h, err
}

// lastGood answers as before, guess always.
func lastGood() *interceptors.Substitute {
	question := func(_ context.Context, req *assistantv1.ClassifyIntentRequest) string { return req.GetQuery() }
	return interceptors.LastGood(time.Minute, question).From("last good")
}

var guess = interceptors.Canned(&assistantv1.ClassifyIntentResponse{Intent: "none"}).From("guess")

// short has everything happen within a moment, which no service wants.
func short(p *policy.Policy) {
	p.Timeout, p.MaxTimeout = 300*time.Millisecond, 300*time.Millisecond
	p.Backoff, p.MaxBackoff = 10*time.Millisecond, 10*time.Millisecond
	p.HardStop = true
}

// twice has a server run a handler again that fails.
func twice(p *policy.Policy) { p.HandlerAttempts = 2 }

// long is how users wait: so that it is the service that answers, even where it is too late.
func long(p *policy.Policy) {
	short(p)
	p.Timeout = time.Second
}

// serve runs a server on a free port and returns its address.
func (h *house) serve(s *grpc.Server) (target string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(listener) // until it is stopped
	}()
	h.closers = append(h.closers, func() {
		s.Stop()
		<-done
	})
	return listener.Addr().String(), nil
}

func (h *house) dial(target string, options ...interceptors.DialOption) (*grpc.ClientConn, error) {
	plaintext := grpc.WithTransportCredentials(insecure.NewCredentials()) // loopback only
	conn, err := grpc.NewClient(target, append(interceptors.DialOptions(options...), plaintext)...)
	if err == nil {
		h.closers = append(h.closers, func() { _ = conn.Close() })
	}
	return conn, err
}

// close ends it all, the last one first.
func (h *house) close() {
	if h.assistant != nil {
		h.assistant.free()
	}
	for i := len(h.closers) - 1; i >= 0; i-- {
		h.closers[i]()
	}
}
