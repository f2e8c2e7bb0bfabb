package errorpath

import "strconv"

// Names of cases that the report refers to.
const (
	Busy  = "error/busy"
	Panic = "error/panic"
	// DeclaredStatus is to make an error of a catalogue and encode it into a status of
	// grpc-go, Declared to go on to the text of its trailer.
	DeclaredStatus = "error/build/declared"
	Declared       = "error/encode/declared"
	Logged         = "error/logged"
)

// Build, Encode, Find and Call are cases with an error of so many details.
func Build(details int) string  { return "error/build/" + strconv.Itoa(details) }
func Encode(details int) string { return "error/encode/" + strconv.Itoa(details) }
func Find(details int) string   { return "error/find/" + strconv.Itoa(details) }
func Call(details int) string   { return "error/call/" + strconv.Itoa(details) }

// Names of contenders that the report refers to. This library's are three: its errors
// alone, its interceptors without policies, and with them.
const (
	Bare                     = "bare"
	Status                   = "recourse-status"
	StatusStatic             = Status + "-static"
	Answers                  = "recourse-answers"
	AnswersStatic            = Answers + "-static"
	AnswersStaticUnavailable = AnswersStatic + "-unavailable"
	AnswersDefault           = Answers + "-default"
	AnswersDefaultStatic     = AnswersDefault + "-static"
	Policies                 = "recourse-policies"
	WithDetails              = "grpc-withdetails"
	WithAll                  = WithDetails + "-all"
	Details                  = "grpc-details"
	UnknownFields            = "grpc-unknownfields"
	GRPCStatic               = "grpc-static"
	GRPCDefault              = "grpc-default"
	GRPCDefaultStatic        = GRPCDefault + "-static"
	Long                     = "-2KB"
	Read                     = "-read"
	Unread                   = "-unread"
	Handwritten              = "wire-handwritten"
	Connect                  = "connect"
	Gax                      = "gax"
	Gomw                     = "gomw-nolog"
	GomwStack                = "gomw-nolog-stack"
	Observed                 = "recourse-telemetry"
	ObservedLogging          = Observed + "-log"
	ObservedLogOff           = Observed + "-log-off"
	GomwLogging              = "gomw-log"
	GomwLogOff               = GomwLogging + "-off"
)

// About is a contender of the error path in half a sentence.
type About struct{ Name, Text string }

// Abouts are all of them. A 2KB is 2000 bytes or a little more.
var Abouts = []About{
	{Bare, "gRPC by itself, an error without details"},
	{"bare-deadline", "the same, each call with a deadline of its caller"},
	{Status, "package status by itself, without interceptors: what a handler makes, what a server encodes, what a client reads"},
	{Status + "-plain", "only what the others send: no guidance, no ErrorDetail; verdict and outcome stay in the metadata"},
	{Status + "-attach", "help and violations attached as messages, not written as options"},
	{StatusStatic, "an error that is made once"},
	{Status + Unread, "what the client's interceptor does with each error that arrives; a reading minus this is to find one detail"},
	{Status + "-full", "the same reading of an error with all that this library's server sends"},
	{Status + "-full" + Unread, "that error, not read"},
	{Status + "-from", "status.From and a reading: for who has no interceptors, all that it takes"},
	{Status + "-detail", "status.Detail: the message of google.rpc, decoded"},
	{Answers, "interceptors on both sides without policies: errors are completed, sent and read, and nothing else is done"},
	{Answers + Read, "the same, and the caller reads one detail"},
	{Answers + "-plain", "the same, but the server leaves out ErrorDetail"},
	{AnswersStatic, "an error that is made once and says RESOURCE_EXHAUSTED, in which nothing differs from call to call"},
	{AnswersStaticUnavailable, "an error that is made once and says UNAVAILABLE: the server adds a RequestInfo with the call's id"},
	{Answers + "-server-only", "interceptors on the server only; a client of grpc-go"},
	{Answers + "-server-only-bare", "the same with an error that grpc-go made: what they add to it"},
	{AnswersDefault, "interceptors without policies, the error a handler makes without more: ErrorInfo, RetryInfo and ours"},
	{AnswersDefault + "-plain", "the same, but the server leaves out ErrorDetail"},
	{AnswersDefaultStatic, "the same error, made once, RESOURCE_EXHAUSTED"},
	{AnswersDefaultStatic + "-unavailable", "the same error, made once, UNAVAILABLE"},
	{Answers + Long, "an error of 2 KB, made anew for each call"},
	{Answers + Long + "-static", "an error of 2 KB, made once, RESOURCE_EXHAUSTED"},
	{Policies, "interceptors and policies on both sides; a deadline is set, so that bare-deadline is what it builds on"},
	{WithDetails, "grpc-go: status.WithDetails, as its documentation says"},
	{WithDetails + Read, "the same, and the caller reads one detail with Details()"},
	{WithAll, "the same, saying all that an error of this library says: its ErrorDetail made before, and in calls both trailers"},
	{Details, "grpc-go: status.Details()"},
	{UnknownFields, "grpc-go: what never changes is encoded once and sent as unknown fields"},
	{GRPCStatic, "grpc-go: an error that is made once"},
	{GRPCDefault, "grpc-go: ErrorInfo and RetryInfo, made anew for each call"},
	{GRPCDefaultStatic, "the same error, made once"},
	{"grpc" + Long, "grpc-go: an error of 2 KB, made anew for each call"},
	{"grpc" + Long + "-static", "the same error, made once"},
	{Handwritten, "the bytes of the status and nothing else, assembled by hand: the least that the work takes"},
	{Connect, "connect-go; to encode, its ErrorWriter, which writes the other headers of HTTP as well"},
	{Gax, "gax-go: apierror"},
	{Gomw, "go-grpc-middleware: its recovery as it comes; the answer is UNKNOWN and has the stack in it"},
	{GomwStack, "the same with a handler that keeps the stack and answers INTERNAL"},
	{Observed, "interceptors and policies on both sides with telemetry that records nothing and has no log"},
	{ObservedLogging, "the same with a log of package log/slog in JSON that goes nowhere: one record a side"},
	{ObservedLogOff, "the same with that log at a level above all that is written"},
	{GomwLogging, "go-grpc-middleware: its logging alone, of the end of each call, to the same log: one record a side"},
	{GomwLogOff, "the same at a level above all that is written"},
}
