package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// visit is one situation.
type visit struct {
	ctx     context.Context
	id      string // empty for the example server, which counts nothing
	notes   []string
	header  metadata.MD
	trailer metadata.MD
	assistantv1.AssistantClient
}

type situation struct {
	name string
	run  func(v *visit) error
}

const patience = 10 * time.Second

// call is the context of a call.
func (v *visit) call(token string) context.Context {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	context.AfterFunc(v.ctx, cancel)
	if v.id != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-visit", v.id)
	}
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return ctx
}

func (v *visit) kept() []grpc.CallOption {
	return []grpc.CallOption{grpc.Header(&v.header), grpc.Trailer(&v.trailer)}
}

func (v *visit) process(query string) (string, error) {
	reply, err := v.Process(v.call(""), &assistantv1.ProcessRequest{Query: query}, v.kept()...)
	return reply.GetAnswer(), err
}

// generate returns how many pieces came.
func (v *visit) generate(ctx context.Context, prompt string) (pieces int, err error) {
	stream, err := v.Generate(ctx, &assistantv1.GenerateRequest{Prompt: prompt})
	if err != nil {
		return 0, err
	}
	for ; ; pieces++ {
		if _, err := stream.Recv(); err != nil {
			v.trailer = stream.Trailer()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return pieces, err
		}
	}
}

// attempts asks the server how often this call came, and how long after the first the second did.
func (v *visit) attempts() (int, time.Duration, error) {
	reply, err := v.ClassifyIntent(v.call(""), &assistantv1.ClassifyIntentRequest{Query: v.id})
	if err != nil {
		return 0, 0, err
	}
	n := 0
	_, err = fmt.Sscan(reply.GetIntent(), &n)
	return n, time.Duration(reply.GetConfidence()) * time.Millisecond, err
}

// came fails where the server counted another number of attempts, or the second came too early.
func (v *visit) came(want int, atLeast time.Duration) error {
	n, gap, err := v.attempts()
	if err != nil {
		return err
	}
	if n != want || gap < atLeast {
		return fmt.Errorf("%d attempts, the second after %v; want %d, and at least %v", n, gap, want, atLeast)
	}
	if atLeast > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%d attempts, %d ms between", n, gap.Milliseconds()))
	}
	return nil
}

// ended fails where err is another error than the one with this error code.
func (v *visit) ended(err error, errorCode string, checks ...func(*status.Error) error) error {
	e, ok := status.From(err)
	if !ok || e.ErrorCode() != errorCode {
		return fmt.Errorf("ended with %v, want %s", err, errorCode)
	}
	e = golden.WithTrailer(e, v.trailer)
	for _, check := range checks {
		if err := check(e); err != nil {
			return err
		}
	}
	return nil
}

// is makes a check of an expectation.
func is[T comparable](what string, get func(*status.Error) T, want T) func(*status.Error) error {
	return func(e *status.Error) error {
		if got := get(e); got != want {
			return fmt.Errorf("%s is %v, want %v", what, got, want)
		}
		return nil
	}
}

// fixes fails where the error does not ask to correct these fields.
func fixes(fields ...string) func(*status.Error) error {
	return func(e *status.Error) error {
		for _, a := range e.RecoveryActions() {
			if a.GetFixFields() == nil {
				continue
			}
			var got []string
			for _, f := range a.GetFixFields().GetFixes() {
				got = append(got, f.GetField())
			}
			if slices.Equal(got, fields) {
				return nil
			}
			return fmt.Errorf("asks to correct %v, want %v", got, fields)
		}
		return errors.New("does not ask to correct any field")
	}
}

func acts(kind string) func(*status.Error) error {
	return func(e *status.Error) error {
		for _, a := range e.RecoveryActions() {
			m := a.ProtoReflect()
			if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("action")); f != nil && string(f.Name()) == kind {
				return nil
			}
		}
		return fmt.Errorf("no action %s", kind)
	}
}

func traceable(e *status.Error) error {
	if e.RequestID() == "" {
		return errors.New("no request id")
	}
	return nil
}

// degraded fails where the answer has not the mark of the server in live.go.
func (v *visit) degraded() error {
	d := interceptors.DegradedIn(v.trailer)
	if d.GetKind() != recoursev1.Degraded_KIND_STALE || d.GetErrorCode() != "MODEL_BUSY" || d.GetSuggestion() == "" {
		return fmt.Errorf("the mark is %v", d)
	}
	return nil
}

var situations = []situation{
	{"retry/waits", func(v *visit) error {
		if _, err := v.process("waits"); err != nil {
			return err
		}
		return v.came(2, 300*time.Millisecond)
	}},
	{"retry/never", func(v *visit) error {
		_, err := v.process("never")
		return errors.Join(v.ended(err, "MODEL_OVERLOADED", is("verdict", (*status.Error).Verdict, status.Never),
			is("why", func(e *status.Error) recoursev1.RetryAdvice_Why { return e.RetryAdvice().GetWhy() }, recoursev1.RetryAdvice_WHY_OVERLOADED)), v.came(1, 0))
	}},
	{"retry/later", func(v *visit) error {
		_, err := v.process("later")
		return errors.Join(v.ended(err, "MODEL_AWAY", func(e *status.Error) error {
			if delay, _ := e.RetryDelay(); delay != time.Minute {
				return fmt.Errorf("the delay is %v", delay)
			}
			return nil
		}), v.came(1, 0))
	}},
	{"retry/busy", func(v *visit) error {
		if _, err := v.process("busy"); err != nil {
			return err
		}
		return v.came(3, 0)
	}},
	{"retry/fields", func(v *visit) error {
		_, err := v.process("fields")
		return errors.Join(v.ended(err, "FIELDS_INVALID", fixes("query")), v.came(1, 0))
	}},
	{"retry/stream-waits", func(v *visit) error {
		if n, err := v.generate(v.call(""), "waits"); n != 3 || err != nil {
			return fmt.Errorf("%d pieces, then %v", n, err)
		}
		return v.came(2, 300*time.Millisecond)
	}},
	{"retry/stream-never", func(v *visit) error {
		_, err := v.generate(v.call(""), "never")
		return errors.Join(v.ended(err, "MODEL_OVERLOADED"), v.came(1, 0))
	}},
	{"error/no-headers", func(v *visit) error {
		_, err := v.process("never")
		if own := slices.DeleteFunc(keys(v.header), func(k string) bool { return k == "content-type" }); len(own) > 0 {
			return fmt.Errorf("headers %v", own)
		}
		return v.ended(err, "MODEL_OVERLOADED")
	}},
	{"error/largest", func(v *visit) error {
		_, err := v.process("largest")
		return v.ended(err, "ROWS_INVALID", is("suggestion", (*status.Error).Suggestion, "Correct the rows and send them again."),
			is("outcome", (*status.Error).Outcome, status.NotApplied))
	}},
	{"error/bug", func(v *visit) error {
		_, err := v.process("bug")
		if strings.Contains(fmt.Sprint(err, v.trailer, v.header), "hunter2") {
			return errors.New("the password arrived")
		}
		return v.ended(err, "ASYNC_UNEXPECTED_FAILED", traceable)
	}},
	{"error/stream-breaks-off", func(v *visit) error {
		n, err := v.generate(v.call(""), "breaks-off")
		if n != 3 {
			return fmt.Errorf("%d pieces", n)
		}
		return errors.Join(v.ended(err, "TEXT_BROKE_OFF", is("next position", func(e *status.Error) string { return e.Metadata()["nextPosition"] }, "3")), v.came(1, 0))
	}},
	{"error/client-stream", func(v *visit) error {
		stream, err := v.Transcribe(v.call(""))
		if err != nil {
			return err
		}
		for _, text := range []string{"hello", "fields"} {
			if stream.Send(&assistantv1.TranscribeRequest{Chunk: &assistantv1.TranscribeRequest_Text{Text: text}}) != nil {
				break // CloseAndRecv says why
			}
		}
		_, err = stream.CloseAndRecv()
		return v.ended(err, "FIELDS_INVALID", fixes("query"))
	}},
	{"error/bidi", func(v *visit) error {
		stream, err := v.Chat(v.call(""))
		if err != nil {
			return err
		}
		for _, message := range []string{"hello", "fields"} {
			if err := stream.Send(&assistantv1.ChatRequest{Message: message}); err != nil {
				return err
			}
			if _, err = stream.Recv(); err != nil && message == "hello" {
				return err
			}
		}
		return v.ended(err, "FIELDS_INVALID", fixes("query"))
	}},
	{"answer/degraded", func(v *visit) error {
		if _, err := v.process("degraded"); err != nil {
			return err
		}
		return v.degraded()
	}},
	{"answer/stream-degraded", func(v *visit) error {
		if n, err := v.generate(v.call(""), "degraded"); n != 3 || err != nil {
			return fmt.Errorf("%d pieces, then %v", n, err)
		}
		return v.degraded()
	}},
	{"answer/real", func(v *visit) error {
		_, err := v.process("hello")
		if mark := interceptors.DegradedIn(v.trailer); err == nil && mark != nil {
			err = fmt.Errorf("marked: %v", mark)
		}
		return err
	}},
}

func keys(md metadata.MD) (all []string) {
	for k := range md {
		all = append(all, k)
	}
	return all
}
