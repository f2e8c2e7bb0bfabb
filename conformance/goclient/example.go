package main

import (
	"errors"
	"fmt"
	"strings"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
)

// Tokens of the example's users: of ada, who may do all of this, of quinn, who has two calls a minute, and of nobody.
const ada, quinn, nobody = "token-of-ada", "token-of-quinn", "token-of-2019"

// examples are what clients go through at the example server, whose errors its catalogue declares.
var examples = []situation{
	{"example/answer", func(v *visit) error {
		reply, err := v.Process(v.call(ada), &assistantv1.ProcessRequest{Query: "Will it rain in Oslo tomorrow?"}, v.kept()...)
		if err == nil && !strings.Contains(reply.GetAnswer(), "Oslo") {
			err = fmt.Errorf("the answer is %q", reply.GetAnswer())
		}
		return err
	}},
	{"example/not-understood", func(v *visit) error {
		_, err := v.ClassifyIntent(v.call(ada), &assistantv1.ClassifyIntentRequest{Query: "blue ideas sleep furiously"}, v.kept()...)
		return v.ended(err, assistantv1.CodeIntentNotUnderstood,
			is("suggestion", (*status.Error).Suggestion, "Try rephrasing your request more clearly."), acts("fix_fields"))
	}},
	{"example/fields", func(v *visit) error {
		_, err := v.Process(v.call(ada), &assistantv1.ProcessRequest{RequestId: "42"}, v.kept()...)
		return v.ended(err, assistantv1.CodeFieldsInvalid, fixes("query", "request_id"))
	}},
	{"example/token-expired", func(v *visit) error {
		_, err := v.Process(v.call(nobody), &assistantv1.ProcessRequest{Query: "Hello"}, v.kept()...)
		return v.ended(err, assistantv1.CodeTokenExpired, acts("reauthenticate"))
	}},
	{"example/quota", func(v *visit) (err error) {
		for calls := 0; err == nil && calls < 3; calls++ {
			_, err = v.ClassifyIntent(v.call(quinn), &assistantv1.ClassifyIntentRequest{Query: "Where is my order?"}, v.kept()...)
		}
		return v.ended(err, assistantv1.CodeQuotaUsedUp, acts("wait_for_quota"), func(e *status.Error) error {
			if delay, ok := e.RetryDelay(); !ok || delay <= 0 {
				return errors.New("no delay")
			}
			return nil
		})
	}},
	{"example/breaks-off", func(v *visit) error {
		n, err := v.generate(v.call(ada), "the sea at night, told in Go demo:break")
		if n == 0 {
			return fmt.Errorf("no piece came before %v", err)
		}
		return v.ended(err, assistantv1.CodeTextBrokeOff, is("next position", func(e *status.Error) string { return e.Metadata()["nextPosition"] }, fmt.Sprint(n)))
	}},
	{"example/sound", func(v *visit) error {
		stream, err := v.Transcribe(v.call(ada))
		if err != nil {
			return err
		}
		_ = stream.Send(&assistantv1.TranscribeRequest{Chunk: &assistantv1.TranscribeRequest_Audio{Audio: []byte{1, 2, 3}}}) // CloseAndRecv says why
		_, err = stream.CloseAndRecv()
		return v.ended(err, assistantv1.CodeSoundNotSupported)
	}},
	{"example/chat-full", func(v *visit) error {
		stream, err := v.Chat(v.call(ada))
		for turn := 0; err == nil && turn < 4; turn++ {
			if err = stream.Send(&assistantv1.ChatRequest{Message: "Where is my order?"}); err == nil {
				_, err = stream.Recv()
			}
		}
		return v.ended(err, assistantv1.CodeChatFull)
	}},
	{"example/bug", func(v *visit) error {
		_, err := v.Process(v.call(ada), &assistantv1.ProcessRequest{Query: "Will it rain? demo:panic"}, v.kept()...)
		return v.ended(err, status.CodeUnexpected, acts("contact_support"), traceable)
	}},
	{"example/degraded", func(v *visit) error {
		reply, err := v.Process(v.call(ada), &assistantv1.ProcessRequest{Query: "Will it rain? demo:down"}, v.kept()...)
		if err != nil {
			return err
		}
		if reply.GetAnswer() == "" || interceptors.DegradedIn(v.trailer) == nil {
			return fmt.Errorf("the answer %q is not marked", reply.GetAnswer())
		}
		return nil
	}},
}
