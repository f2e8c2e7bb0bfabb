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

// declaredCases are an error of a catalogue with a parameter, whose static parts were
// encoded once: made and encoded into a status, and on to the text of a trailer, which is
// grpc-go's part. By hand the same bytes are three details, of which all that does not
// change is made before.
func declaredCases() []harness.Case {
	return []harness.Case{
		{Name: DeclaredStatus, Baseline: WithAll, Contenders: []harness.Contender{
			endless(WithAll, func() { sink.err = chatFullByHand() }),
			endless(Status, func() { sink.status = encodedStatus(chatFull()) }),
		}},
		{Name: Declared, Baseline: WithAll, Contenders: []harness.Contender{
			endless(WithAll, func() { sink.text = encodeGRPC(chatFullByHand()) }),
			endless(Status, func() { sink.text = encodeDeclared(chatFull()) }),
		}},
	}
}

const turns = 3

func chatFull() error { return assistantv1.ChatFull{TurnsPerChat: turns}.Err() }

func encodeDeclared(err error) string { return header(encodedStatus(err)) }

// encodedStatus is what a server's interceptor hands to grpc-go.
func encodedStatus(err error) *grpcstatus.Status {
	e, _ := status.From(err)
	return e.Encode(status.Rendering{}).Status
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
