package errorpath

import (
	"github.com/recourse-dev/recourse/bench/harness"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// declaredCase is an error of a catalogue with a parameter, made and encoded: its static
// parts were encoded once. By hand the same bytes are four details, of which all that
// does not change is made before.
func declaredCase() harness.Case {
	return harness.Case{Name: Declared, Baseline: WithAll, Contenders: []harness.Contender{
		endless(WithAll, func() { sink.text = encodeGRPC(chatFullByHand()) }),
		endless(Status, func() { sink.text = encodeDeclared(chatFull()) }),
	}}
}

const turns = 3

func chatFull() error { return assistantv1.ChatFull{TurnsPerChat: turns}.Err() }

func encodeDeclared(err error) string {
	e, _ := status.From(err)
	return header(e.Encode(status.Rendering{}).Status)
}

// chatFullByHand is what a handler writes without a catalogue.
func chatFullByHand() error {
	st, err := grpcstatus.New(codes.FailedPrecondition, "a chat has at most 3 turns").WithDetails(
		&errdetails.ErrorInfo{Reason: "CHAT_FULL", Domain: assistantv1.AssistantErrorDomain, Metadata: map[string]string{"turnsPerChat": "3"}},
		chatFullHelp, chatFullDetail)
	return statusError(st, err)
}

var (
	chatFullHelp protoadapt.MessageV1 = &errdetails.Help{Links: []*errdetails.Help_Link{
		{Description: "The chat is full", Url: "https://docs.example.com/errors/CHAT_FULL"},
	}}
	chatFullDetail protoadapt.MessageV1 = errorDetail(chatFull(), status.Rendering{})
)
