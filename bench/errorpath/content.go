package errorpath

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// What every way to make an error says. With one detail it is the ErrorInfo alone,
// with three a delay and a text for people join it, with five a link and what is
// wrong with the request.
const (
	code    = codes.Unavailable
	message = "the model is busy"
	reason  = "MODEL_BUSY"
	domain  = "models.example.com"
	idKey   = "requestId"

	delay = 2 * time.Second

	locale = "en-US"
	text   = "The model is busy at the moment. Please try again in a few seconds, or choose a smaller model."

	linkText = "How to choose a model"
	link     = "https://docs.example.com/models/choosing"

	field1, reason1, text1 = "input.max_tokens", "TOO_MANY", "must not be more than 4096"
	field2, reason2, text2 = "input.temperature", "OUT_OF_RANGE", "must be between 0 and 2"
)

var counts = []int{1, 3, 5}

var lastID atomic.Uint64

// newID makes the id of a request, as unlike the one before as a cheap one can be:
// random ones would cost all contenders the same, and blur what they differ in.
func newID() string {
	var id [26]byte
	for i := range id {
		id[i] = 'A' + byte(i)
	}
	strconv.AppendUint(id[:0], lastID.Add(1)*0x9E3779B97F4A7C15|1<<63, 36)
	return string(id[:])
}

// messages are all details as messages of google.rpc, without an id.
func messages() []proto.Message {
	return []proto.Message{errorInfo(""), retryInfo(), localized(), help(), badRequest()}
}

func errorInfo(id string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: map[string]string{idKey: id}}
}

func retryInfo() *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

func help() *errdetails.Help {
	return &errdetails.Help{Links: []*errdetails.Help_Link{{Description: linkText, Url: link}}}
}

func localized() *errdetails.LocalizedMessage {
	return &errdetails.LocalizedMessage{Locale: locale, Message: text}
}

func badRequest() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: field1, Reason: reason1, Description: text1},
		{Field: field2, Reason: reason2, Description: text2},
	}}
}

// long is a detail that makes an error one of 2 KB. Its texts are clean as they are,
// so that this library sends them unchanged.
var long = func() *errdetails.BadRequest {
	m := &errdetails.BadRequest{}
	for i := range 12 {
		m.FieldViolations = append(m.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: fmt.Sprintf("input.messages[%d].content", i), Reason: "TOO_LONG",
			Description: strings.Repeat("words that nobody will read ", 4) + "but count",
		})
	}
	return m
}()
