package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// situation is something that happens to callers.
type situation struct {
	title string
	did   string // what the caller does, in half a line
	run   func(ctx context.Context, st *stage)
	so    string // what is to be seen, said if it was
}

// Suggestions that the library makes where a server has none.
const (
	later  = "Try again in a few moments or check system status."
	report = "Please report this issue to support."
)

var situations = []situation{
	{"All is well", `client process "Will it rain in Oslo tomorrow?"`, succeed,
		"answered over two hops, by the model behind the assistant"},
	{"Nobody understands the question", `client classify "blue ideas sleep furiously"`, notUnderstood,
		"a suggestion for the person, in German too, typed actions for the program"},
	{"Two fields are wrong", `Process with an empty query and the request_id "42"`, invalid,
		"both are named at once"},
	{"The token has expired", `client -token token-of-2019 process "Hello"`, unauthenticated,
		"an interceptor's own error, guided like a handler's"},
	{"The quota is used up", "three calls on a plan that has two a minute", quotaUsedUp,
		"says when there is room again, and that nothing was changed"},
	{"A request id is used twice", "Process with the request_id of another query", reused,
		"errReused of the history, an error without gRPC, became ALREADY_EXISTS"},
	{"A text breaks off", `client generate "the sea at night", and the model fails after six tokens`, brokenOff,
		"one request id on both hops; the error says where to go on"},
	{"A recording cannot be read", "Transcribe: two pieces of text, then one of sound", transcribe,
		"the client stream ended with the server's reason"},
	{"A chat gets too long", "Chat: four turns where three are allowed", chat,
		"the turns before stay answered; starting over is what helps"},
	{"A handler panics", `client process "Will it rain? demo:panic"`, panics,
		"the person reads a request id, the operator finds the panic under it"},
	{"A handler returns a driver's error", `client process "Will it rain? demo:database"`, database,
		"the password stayed at home"},
	{"The service behind returns an error", `client process "Will it rain? demo:weights", and the model says NOT_FOUND`, dependency,
		"not the caller's NOT_FOUND: the model's text is for the assistant's log"},
	{"An error has 64 KiB of details", `client process "Will it rain? demo:huge", taking 8 KiB of headers`, huge,
		"trimmed to 4 KiB: the code arrived and the connection lived on"},
	{"The caller has no time", `client -timeout 300ms process "Will it rain? demo:slow"`, deadline,
		"a request id to quote, although no answer came"},
	{"The service behind takes too long",
		fmt.Sprintf(`client process "Will it rain? demo:slow"; the policies give the model %v`, patience), slow,
		"answered in time, without a word about the model"},
	{"A client without recourse", "the situations 3 and 5 again, with plain grpc-go and status.Details()", plainClient,
		"the standard details of google.rpc are all there"},
	{"A program compares errors", `errors.Is(err, errNotUnderstood), over the network`, equal,
		"same name and domain: equal; anything else: not"},
	{"A server without recourse", "our client, and a plain grpc-go server that says PERMISSION_DENIED", plainServer,
		"guidance from the code alone"},
	{"The shortest client there is", `client ask "blue ideas sleep furiously"`, ask,
		"the client of the README, 14 lines"},
	{"The service behind is down", `the model's process is stopped, client generate "the sea at night"`, down,
		"UNAVAILABLE, how often it was tried, and the one thing that helps"},
}

func succeed(ctx context.Context, st *stage) {
	out, code := st.shell(ctx, "process", "Will it rain in Oslo tomorrow?")
	st.screen(out)
	st.check(code == 0, "exit code is %d, should be 0", code)
	st.check(strings.Contains(out, "Oslo"), "the answer does not speak of Oslo")
}

// shell runs the client as a person would, and returns all that it wrote.
func (st *stage) shell(ctx context.Context, args ...string) (out string, code int) {
	args = append([]string{"-addr", st.server.addr, "-token", ada, "-policy", st.policy()}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(st.dir, "client"), args...)
	cmd.WaitDelay = stopTime
	b, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(b), exit.ExitCode()
	}
	st.check(err == nil, "the client did not run: %v", err)
	return string(b), 0
}

func notUnderstood(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	_, err := st.guided.assistant().ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: "blue ideas sleep furiously"})
	st.error(err)
	st.compare(err, got, want{codes.InvalidArgument, "INTENT_NOT_UNDERSTOOD", "Try rephrasing your request more clearly.",
		status.AfterAction, []string{"fix_fields", "label"}, nil, false})

	_, err = st.guided.assistant().ClassifyIntent(metadata.AppendToOutgoingContext(ctx, "accept-language", "de-AT"),
		&assistantv1.ClassifyIntentRequest{Query: "blue ideas sleep furiously"})
	text, _ := status.Detail[*errdetails.LocalizedMessage](err)
	e, _ := status.From(err)
	st.screen("\n" + text.GetMessage() + "\n" + e.Suggestion())
	st.check(text.GetLocale() == "de" && text.GetMessage() == "die Frage passt zu keinem Anliegen gut genug", "in German it says %q", text)
	st.check(e.Suggestion() == "Sag es anders und genauer.", "in German it suggests %q", e.Suggestion())
}

func invalid(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	_, err := st.guided.assistant().Process(ctx, &assistantv1.ProcessRequest{RequestId: "42"})
	st.error(err)
	st.compare(err, got, want{codes.InvalidArgument, "FIELDS_INVALID", "Correct the fields and send the request again.",
		status.AfterAction, []string{"fix_fields"}, []string{"query", "request_id"}, false})
}

func unauthenticated(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, "token-of-2019"))
	_, err := st.guided.assistant().Process(ctx, &assistantv1.ProcessRequest{Query: "Hello"})
	st.error(err)
	st.compare(err, got, want{codes.Unauthenticated, "TOKEN_EXPIRED", "Sign in again.",
		status.AfterAction, []string{"reauthenticate", "reauthenticate"}, nil, false})
}

func quotaUsedUp(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, quinn))
	var err error
	for i := range 3 {
		_, err = st.guided.assistant().ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: "Where is my order?"})
		st.check(err == nil || i == 2, "call %d failed: %v", i+1, err)
	}
	st.error(err)
	st.compare(err, got, want{codes.ResourceExhausted, "QUOTA_USED_UP", "Wait a minute, or choose a plan with more calls.",
		status.SameRequest, []string{"wait_for_quota", "open_link"}, nil, false})
	e, _ := status.From(err)
	delay, ok := e.RetryDelay()
	st.check(ok && delay > 0 && delay <= time.Minute, "the delay is %v, should be up to a minute", delay)
	quota, ok := status.Detail[*errdetails.QuotaFailure](err)
	st.check(ok && len(quota.GetViolations()) == 1, "QuotaFailure is %v, should have one violation", quota)
	st.check(e.Outcome() == status.NotApplied, "outcome is %v", e.Outcome())
}

func reused(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	const id = "7f9c24e8-3b12-4fef-91e0-56a2f1b3c7d4"
	_, err := st.guided.assistant().Process(ctx, &assistantv1.ProcessRequest{Query: "Where is my order?", UserId: "ada", RequestId: id})
	st.check(err == nil, "the first query failed: %v", err)
	_, err = st.guided.assistant().Process(ctx, &assistantv1.ProcessRequest{Query: "Will it rain?", UserId: "ada", RequestId: id})
	st.error(err)
	st.compare(err, got, want{codes.AlreadyExists, "REQUEST_ID_REUSED", "Make a new request_id for every query.",
		status.AfterAction, []string{"fix_fields"}, nil, false})
}

func brokenOff(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	const prompt = "the sea at night demo:break"
	text, err := st.generate(ctx, prompt, 0)
	st.screen(text)
	st.error(err)
	st.compare(err, got, want{codes.Unavailable, "TEXT_BROKE_OFF", "Ask for the rest of the text.",
		status.SameRequest, []string{"fix_fields"}, nil, false})
	st.log(ctx, "model", st.backend, err, "gpu-7")
	st.check(len(strings.Fields(text)) == 6, "%d tokens arrived before the error, should be 6", len(strings.Fields(text)))

	e, _ := status.From(err)
	next := uint64(0)
	for _, a := range e.RecoveryActions() {
		for _, fix := range a.GetFixFields().GetFixes() {
			next, _ = strconv.ParseUint(fix.GetSuggestedValue(), 10, 32)
		}
	}
	rest, err := st.generate(ctx, prompt, uint32(next))
	st.check(err == nil, "the rest failed: %v", err)
	fmt.Printf("    %s\n", st.paint(dim, fmt.Sprintf("again with start_position %d", next)))
	st.screen(strings.TrimSpace(rest))
	st.check(next == 6 && strings.HasSuffix(rest, "."), "the rest is %q from %d", rest, next)
}

// generate returns as much of a text as arrived.
func (st *stage) generate(ctx context.Context, prompt string, from uint32) (text string, err error) {
	return generate(ctx, st.guided, prompt, from)
}

func generate(ctx context.Context, l link, prompt string, from uint32) (text string, err error) {
	stream, err := l.assistant().Generate(ctx, &assistantv1.GenerateRequest{Prompt: prompt, StartPosition: from})
	for err == nil {
		var chunk *assistantv1.GenerateResponse
		if chunk, err = stream.Recv(); err == nil {
			text += chunk.GetText()
		}
	}
	if err == io.EOF {
		err = nil
	}
	return text, err
}

func transcribe(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	stream, err := st.guided.assistant().Transcribe(ctx)
	if err == nil {
		for _, chunk := range []*assistantv1.TranscribeRequest{
			{Chunk: &assistantv1.TranscribeRequest_Text{Text: "where is"}},
			{Chunk: &assistantv1.TranscribeRequest_Text{Text: "my order"}},
			{Chunk: &assistantv1.TranscribeRequest_Audio{Audio: []byte("RIFF")}},
		} {
			_ = stream.Send(chunk) // CloseAndRecv has the reason
		}
		_, err = stream.CloseAndRecv()
	}
	st.error(err)
	st.compare(err, got, want{codes.Unimplemented, "SOUND_NOT_SUPPORTED", "Recognise the words on your side and send them as text.",
		status.AfterAction, []string{"fix_fields"}, nil, false})
}

func chat(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	stream, err := st.guided.assistant().Chat(ctx)
	answers := 0
	for _, turn := range []string{"Hello!", "Will it rain in Rome?", "And snow in Rome?", "Where is my order?"} {
		if err != nil {
			break
		}
		st.screen("> " + turn)
		_ = stream.Send(&assistantv1.ChatRequest{Message: turn}) // Recv has the reason
		var reply *assistantv1.ChatResponse
		if reply, err = stream.Recv(); err == nil {
			st.screen(reply.GetMessage())
			answers++
		}
	}
	st.error(err)
	st.check(answers == 3, "%d turns were answered, should be 3", answers)
	st.compare(err, got, want{codes.FailedPrecondition, "CHAT_FULL", "Start a new chat.",
		status.AtHigherLevel, []string{"restart_transaction"}, nil, false})
}

// process asks one question and shows the error.
func (st *stage) process(ctx context.Context, l link, query string) (*seen, error) {
	ctx, got := watch(as(ctx, ada))
	reply, err := l.assistant().Process(ctx, &assistantv1.ProcessRequest{Query: query})
	if err == nil {
		st.screen(reply.GetAnswer())
		return got, errNothing
	}
	st.error(err)
	return got, err
}

// unexpected is what a caller sees of a failure that is none of its business.
var unexpected = want{codes.Internal, status.CodeUnexpected, report, status.Never, []string{"contact_support"}, nil, false}

func panics(ctx context.Context, st *stage) {
	got, err := st.process(ctx, st.guided, "Will it rain? demo:panic")
	st.compare(err, got, unexpected)
	st.log(ctx, "server", st.server, err, "index out of range")
}

func database(ctx context.Context, st *stage) {
	got, err := st.process(ctx, st.guided, "Will it rain? demo:database")
	st.compare(err, got, unexpected)
	st.log(ctx, "server", st.server, err, "hunter2")
}

func dependency(ctx context.Context, st *stage) {
	got, err := st.process(ctx, st.guided, "Will it rain? demo:weights")
	st.compare(err, got, want{codes.Internal, status.CodeDependencyFailed, report, status.Never, []string{"contact_support"}, nil, false})
	st.log(ctx, "server", st.server, err, "/mnt/models")
}

func huge(ctx context.Context, st *stage) {
	got, err := st.process(ctx, st.narrow, "Will it rain? demo:huge")
	e, _ := status.From(err)
	bad, _ := status.Detail[*errdetails.BadRequest](err)
	var fields []string // the first ones, however many there was room for
	for i := range bad.GetFieldViolations() {
		fields = append(fields, fmt.Sprintf("rows[%d].text", i))
	}
	st.compare(err, got, want{codes.InvalidArgument, "ROWS_INVALID", "Correct the rows and send them again.",
		status.AfterAction, []string{"fix_fields"}, fields, false})
	st.check(len(fields) > 0, "no field is left")
	st.check(e.Elided() > 1000, "%d details were left out, should be more than a thousand", e.Elided())

	_, err = st.narrow.assistant().Process(as(ctx, ada), &assistantv1.ProcessRequest{Query: "Will it rain?"})
	st.check(err == nil, "the next call failed: %v", err)
	o := st.narrow.observer
	st.check(o.opened.Load() == 1 && o.closed.Load() == 0, "%d connections were opened and %d closed, should be 1 and 0", o.opened.Load(), o.closed.Load())
}

func deadline(ctx context.Context, st *stage) {
	const id = "demo-deadline"
	short, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(as(ctx, ada), "x-request-id", id), 300*time.Millisecond)
	defer cancel()
	short, got := watch(short)
	_, err := st.guided.assistant().Process(short, &assistantv1.ProcessRequest{Query: "Will it rain? demo:slow"})
	e, ok := status.From(err)
	if !ok {
		st.differ("got %v, want an error with a status", err)
		return
	}
	st.error(e)
	st.compare(e, got, want{codes.DeadlineExceeded, tooSlow(e), later, status.Never, nil, nil, false})
	st.check(e.RequestID() == id, "request id is %q", e.RequestID())

	ctx, cancel = context.WithTimeout(ctx, logTime)
	defer cancel()
	r, ok := st.server.logged(ctx, failed, id)
	if !ok { // it saw the caller leave a moment before its own time was up: nobody's fault, and not logged
		return
	}
	st.show("server", r)
	names := []string{status.CodeTimeout, status.CodeDependencyTimeout}
	st.check(slices.Contains(names, r.ErrorCode), "the server logged %q", r.ErrorCode)
}

// tooSlow is the error code of a call that waited for the model in vain. The assistant and the model have the same
// deadline; whoever notices first decides between two names for it.
func tooSlow(e *status.Error) string {
	if e.ErrorCode() == status.CodeDependencyTimeout {
		return status.CodeDependencyTimeout
	}
	return status.CodeTimeout
}

func slow(ctx context.Context, st *stage) {
	got, err := st.process(ctx, st.guided, "Will it rain? demo:slow")
	e, _ := status.From(err)
	st.compare(err, got, want{codes.DeadlineExceeded, tooSlow(e), later, status.Never, nil, nil, false})
	st.check(e.Outcome() == status.Indeterminate, "outcome is %v", e.Outcome())
}

func equal(ctx context.Context, st *stage) {
	ctx, got := watch(as(ctx, ada))
	_, err := st.guided.assistant().Process(ctx, &assistantv1.ProcessRequest{Query: "blue ideas sleep furiously"})
	err = fmt.Errorf("answer the first question: %w", err)
	elsewhere := status.New(codes.InvalidArgument, "INTENT_NOT_UNDERSTOOD", "", status.Domain("chat.example.com"))
	same, foreign, different := errors.Is(err, assistantv1.ErrIntentNotUnderstood), errors.Is(err, elsewhere), errors.Is(err, assistantv1.ErrFieldsInvalid)
	st.screen(fmt.Sprintf("INTENT_NOT_UNDERSTOOD@assistant.example.com  %t\n", same))
	st.screen(fmt.Sprintf("INTENT_NOT_UNDERSTOOD@chat.example.com       %t\n", foreign))
	st.screen(fmt.Sprintf("FIELDS_INVALID@assistant.example.com         %t\n", different))
	st.check(same && !foreign && !different, "should be true, false, false")
	st.discreet(err, got)
}

func ask(ctx context.Context, st *stage) {
	out, code := st.shell(ctx, "ask", "blue ideas sleep furiously")
	st.screen(out)
	st.check(code == 1, "exit code is %d, should be 1", code)
	st.check(strings.Contains(out, "weather"), "it says %q", out)
}

func down(ctx context.Context, st *stage) {
	st.backend.stop()
	ctx, got := watch(as(ctx, ada))
	_, err := st.generate(ctx, "the sea at night", 0)
	st.error(err)
	st.compare(err, got, want{codes.Unavailable, status.CodeDependencyUnavailable, later, status.SameRequest, []string{"retry_after"}, nil, false})
}
