package main

import (
	"context"
	"hash/fnv"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// model continues prompts of the form "topic: the person's words". The same facts always get the same text.
type model struct {
	assistantv1.UnimplementedModelBackendServer
}

func (model) Complete(_ context.Context, req *assistantv1.CompleteRequest) (*assistantv1.CompleteResponse, error) {
	tokens, err := complete(req.GetPrompt())
	if err != nil {
		return nil, err
	}
	return &assistantv1.CompleteResponse{Text: strings.Join(tokens, "")}, nil
}

func (model) CompleteStream(req *assistantv1.CompleteStreamRequest, stream grpc.ServerStreamingServer[assistantv1.CompleteStreamResponse]) error {
	tokens, err := complete(req.GetPrompt())
	if err != nil {
		return err
	}
	for _, token := range tokens {
		if err := stream.Send(&assistantv1.CompleteStreamResponse{Token: token}); err != nil {
			return err
		}
	}
	return nil
}

// texts are what the model knows, by topic. Words in braces come from the prompt.
var texts = map[string][]string{
	"weather": {
		"Light rain in {place} until noon, then dry with some sun. Take an umbrella if you leave early.",
		"Dry and mild in {place}, 17 degrees in the afternoon. A jacket will do for the evening.",
		"Cold and clear in {place}, with frost at night. The roads may be slippery before nine.",
	},
	"order_status": {
		"Order {number} has left the warehouse and should be with you in two days.",
		"Order {number} is being packed. You will get a message once it is on its way.",
	},
	"refund": {
		"I have started the refund for order {number}. The money is back in three to five days.",
		"Order {number} can be returned for 30 days. Send it back and the refund follows within a week.",
	},
	"book_flight": {
		"There are three flights to {place} that day. The cheapest leaves at 7:40 and has one stop.",
		"The direct flight to {place} leaves at 10:15. Shall I book it?",
	},
	"greeting": {
		"Hello! I can help with the weather, an order, a refund or a flight.",
		"Good to hear from you. What can I do for you?",
	},
	"": {
		"{Subject}: begin with what you see, leave out what you were told, and stop before you have said it all.",
		"{Subject}: many have written about it, few have looked. Look first, then write one true sentence, then the next.",
	},
}

var (
	place  = regexp.MustCompile(`\b(?:in|to|for|at) (\p{Lu}\p{L}+)`)
	number = regexp.MustCompile(`\b\d{3,}\b`)
)

// complete returns the tokens that follow a prompt, each with the space before it.
func complete(prompt string) ([]string, error) {
	topic, words, ok := strings.Cut(prompt, ": ")
	if !ok {
		topic, words = "", prompt
	}
	words = strings.TrimRight(words, "?!. ")
	if words == "" {
		return nil, status.New(codes.InvalidArgument, "PROMPT_EMPTY", "there is nothing to continue",
			status.Violation("prompt", "REQUIRED", "a prompt has at least one word"))
	}
	known, ok := texts[topic]
	if !ok {
		known = texts[""]
	}
	facts := []string{
		"{place}", found(place.FindStringSubmatch(words), "your area"),
		"{number}", found(number.FindStringSubmatch(words), "of yours"),
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(topic + strings.Join(facts, " "))) // never fails
	text := known[int(h.Sum32()%uint32(len(known)))]
	return tokens(strings.NewReplacer(append(facts, "{Subject}", capital(words))...).Replace(text)), nil
}

// found is what a pattern has found last, or another text.
func found(match []string, otherwise string) string {
	if len(match) == 0 {
		return otherwise
	}
	return match[len(match)-1]
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func tokens(text string) []string {
	words := strings.Fields(text)
	for i := range words[1:] {
		words[i+1] = " " + words[i+1]
	}
	return words
}
