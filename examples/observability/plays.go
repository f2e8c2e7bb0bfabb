package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/recourse-dev/recourse/explain"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/proto"
)

// play is something that happens to users.
type play struct {
	title string
	run   func(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error)
	crowd bool // too many calls to show
	trail bool // it is followed from its user to its cause
}

var plays = []play{
	{title: "All is well", run: ask("Will it rain?")},
	{title: "A stream, read to its end", run: generate("the sea")},
	{title: "The model is busy, and a repeat helps", run: ask("model is busy")},
	{title: "The index moves, and the server runs its handler again", run: classify("index moves")},
	{title: "The model is down, and a fallback answers", run: ask("model is down")},
	{title: "Nobody understands the question: the caller's mistake", run: classify("blue ideas")},
	{title: "A handler returns a driver's error", run: generate("driver's error")},
	{title: "A handler panics", run: ask("panic"), trail: true},
	{title: "An error is too large, and gets trimmed", run: ask("huge error")},
	{title: "The model is slow, and time runs out", run: ask("model is slow")},
	{title: "All places are taken: refused", run: noPlace},
	{title: "A handler is stuck, and gets left behind", run: ask("stuck")},
	{title: "A client that has no earlier answer makes do with a guess", run: makeDo},
	{title: "A crowd meets an outage of the model: the budget for repeats ends them", run: outage, crowd: true},
	{title: "A crowd meets a server without room: its client holds calls back", run: noRoom, crowd: true},
}

// told is what the user of a failed call has, and the trace of it.
type told struct{ title, requestID, traceID string }

// playTime is the longest that anything may take.
const playTime = 5 * time.Second

// play goes through all of it once, and returns what was told of the one to follow.
func (h *house) play(ctx context.Context, out *screen) (trail told) {
	h.assistant.free() // whom the round before has left behind
	for _, p := range plays {
		if ctx.Err() != nil {
			return trail
		}
		if t := h.one(ctx, p, out); p.trail {
			trail = t
		}
	}
	return trail
}

func (h *house) one(ctx context.Context, p play, out *screen) told {
	fmt.Fprintf(out, "\n== %s\n", p.title)
	was := out.quiet(true)
	out.quiet(was || p.crowd)
	ctx, cancel := context.WithTimeout(ctx, playTime)
	defer cancel()
	ctx, span := h.tracer.Start(ctx, p.title) // of whatever the user does: one trace holds all that follows
	reply, mark, err := p.run(ctx, h)
	span.End()
	out.quiet(was)
	t := told{title: p.title, traceID: span.SpanContext().TraceID().String()}
	if e, ok := status.From(err); ok && err != nil {
		t.requestID = e.RequestID()
	}
	if err == nil {
		fmt.Fprintf(out, "   answer: %v\n", reply)
	}
	fmt.Fprint(out, explain.Error(err, explain.Style{}), explain.Degraded(mark, explain.Style{}))
	return t
}

func ask(query string) func(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error) {
	return func(ctx context.Context, h *house) (reply proto.Message, mark *recoursev1.Degraded, err error) {
		reply, err = h.user.Process(ctx, &assistantv1.ProcessRequest{Query: query}, interceptors.Degraded(&mark))
		return reply, mark, err
	}
}

func classify(query string) func(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error) {
	return func(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error) {
		reply, err := h.user.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: query})
		return reply, nil, err
	}
}

func generate(prompt string) func(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error) {
	return func(ctx context.Context, h *house) (last proto.Message, _ *recoursev1.Degraded, err error) {
		stream, err := h.user.Generate(ctx, &assistantv1.GenerateRequest{Prompt: prompt})
		for err == nil {
			var word *assistantv1.GenerateResponse
			if word, err = stream.Recv(); err == nil {
				last = word
			}
		}
		if err == io.EOF {
			err = nil
		}
		return last, nil, err
	}
}

// noPlace comes when others hold all places of the server.
func noPlace(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error) {
	var others sync.WaitGroup
	defer others.Wait()
	defer h.assistant.free()
	for range places {
		others.Go(func() { _, _ = h.user.Process(ctx, &assistantv1.ProcessRequest{Query: "hold"}) })
		select {
		case <-h.assistant.held:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	once := interceptors.Override(func(p *policy.Policy) { p.MaxAttempts = 1 })
	reply, err := h.user.Process(ctx, &assistantv1.ProcessRequest{Query: "Will it rain?"}, once)
	return reply, nil, err
}

// makeDo asks what nobody has asked before, while there is no room.
func makeDo(ctx context.Context, h *house) (proto.Message, *recoursev1.Degraded, error) {
	var mark *recoursev1.Degraded
	reply, err := h.careful.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: "no room"}, interceptors.Degraded(&mark))
	return reply, mark, err
}

// outage sends more calls than the budget has repeats for.
func outage(ctx context.Context, h *house) (reply proto.Message, mark *recoursev1.Degraded, err error) {
	for range 20 {
		if reply, mark, err = ask("model is down")(ctx, h); err != nil {
			break
		}
	}
	return reply, mark, err
}

// noRoom asks until the client refuses to, which it does by chance: after some fifty calls.
func noRoom(ctx context.Context, h *house) (reply proto.Message, mark *recoursev1.Degraded, err error) {
	for range 200 {
		_, err = h.crowd.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: "no room"})
		if e, ok := status.From(err); ok && e.ErrorCode() == "CLIENT_THROTTLED" {
			break
		}
	}
	return nil, nil, err
}
