// Command client talks to the assistant of examples/server from a shell, and shows errors to people.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/recourse-dev/recourse/explain"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/metadata"
)

const usage = `Usage: client [flags] command text...

  classify    find out what a text is about
  process     answer a question; without one, those on the lines of the standard input
  generate    write about something, piece by piece
  transcribe  join the pieces of a recording; @file is a piece of sound
  chat        talk in turns, one for each argument or line of the standard input
  ask         answer a question, with the shortest client there is

Flags:
`

// Exit codes. Scripts may try again later on exitLater.
const (
	exitFailed = 1
	exitUsage  = 2
	exitLater  = 75 // EX_TEMPFAIL
)

func main() {
	c := &client{tokens: &tokens{}}
	flag.StringVar(&c.addr, "addr", "127.0.0.1:50051", "`address` of the assistant")
	flag.StringVar(&c.policy, "policy", "examples/recourse.yaml", "`file` that says what happens when calls fail")
	flag.StringVar(&c.tokens.token, "token", os.Getenv("ASSISTANT_TOKEN"), "bearer `token`; by default $ASSISTANT_TOKEN")
	flag.StringVar(&c.tokens.refresh, "refresh", "", "`token` to go on with once the other has expired")
	flag.StringVar(&c.user, "user", "", "whose history the query goes to")
	flag.StringVar(&c.requestID, "request-id", rand.Text(), "`id` of the calls in the servers' logs; by default a new one")
	flag.StringVar(&c.language, "language", "", "what to read errors in, where the server can: \"de-AT, de;q=0.9\", say; by default English")
	timeout := flag.Duration("timeout", 0, "how long to wait at most; by default as long as the policies say")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	slog.SetLogLoggerLevel(slog.LevelWarn) // a person need not know what was put right without them

	run, ok := commands[flag.Arg(0)]
	if !ok {
		flag.Usage()
		os.Exit(exitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	cancel := func() {}
	if *timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, *timeout)
	}
	err := c.call(ctx, run, flag.Args()[1:])
	cancel()
	stop()
	os.Exit(c.report(err))
}

type client struct {
	addr, policy, user string
	language           string // as the header accept-language has it
	requestID          string // sent along, so that there is one to quote even where no answer came
	tokens             *tokens
	assistantv1.AssistantClient
}

func (c *client) call(ctx context.Context, run command, args []string) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", c.requestID)
	if c.language != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "accept-language", c.language)
	}
	conn, err := dial(c.addr, c.policy, c.tokens)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	c.AssistantClient = assistantv1.NewAssistantClient(conn)
	return run(ctx, c, args)
}

// report explains an error and returns the exit code.
func (c *client) report(err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, errAsked) {
		return exitFailed
	}
	e, ok := status.From(err)
	if !ok {
		fmt.Fprint(os.Stderr, explain.Error(err, explain.For(os.Stderr)))
		return exitFailed
	}
	fmt.Fprint(os.Stderr, explain.Error(e, explain.For(os.Stderr)))
	if e.Verdict() == status.SameRequest {
		return exitLater
	}
	return exitFailed
}

type command func(ctx context.Context, c *client, args []string) error

var commands = map[string]command{
	"classify": classify, "process": process, "generate": generate, "transcribe": transcribe, "chat": chat, "ask": asked,
}

func classify(ctx context.Context, c *client, args []string) error {
	reply, err := c.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: strings.Join(args, " "), UserId: c.user})
	if err != nil {
		return err
	}
	fmt.Printf("%s (%.0f %%)\n", status.Display(reply.GetIntent(), 0), 100*reply.GetConfidence())
	for _, other := range reply.GetAlternatives() {
		fmt.Printf("or %s (%.0f %%)\n", status.Display(other.GetIntent(), 0), 100*other.GetConfidence())
	}
	return nil
}

func process(ctx context.Context, c *client, args []string) error {
	if len(args) > 0 {
		return c.answer(ctx, strings.Join(args, " "))
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() && ctx.Err() == nil {
		c.report(c.answer(ctx, lines.Text()))
	}
	return lines.Err()
}

// answer asks one question. With a request_id it may be sent again: it is recorded once.
func (c *client) answer(ctx context.Context, query string) error {
	var degraded *recoursev1.Degraded
	req := &assistantv1.ProcessRequest{Query: query, UserId: c.user, RequestId: newUUID()}
	reply, err := c.Process(ctx, req, interceptors.Degraded(&degraded))
	if err != nil {
		return err
	}
	fmt.Println(status.Display(reply.GetAnswer(), 0))
	fmt.Fprint(os.Stderr, explain.Degraded(degraded, explain.For(os.Stderr)))
	return nil
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])                      // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func generate(ctx context.Context, c *client, args []string) error {
	stream, err := c.Generate(ctx, &assistantv1.GenerateRequest{Prompt: strings.Join(args, " ")})
	if err != nil {
		return err
	}
	for {
		chunk, err := stream.Recv()
		if err != nil {
			fmt.Println()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Print(status.Display(chunk.GetText(), 0))
	}
}

func transcribe(ctx context.Context, c *client, args []string) error {
	stream, err := c.Transcribe(ctx)
	if err != nil {
		return err
	}
	for _, arg := range args {
		chunk := &assistantv1.TranscribeRequest{Chunk: &assistantv1.TranscribeRequest_Text{Text: arg}}
		if file, ok := strings.CutPrefix(arg, "@"); ok {
			sound, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			chunk.Chunk = &assistantv1.TranscribeRequest_Audio{Audio: sound}
		}
		if stream.Send(chunk) != nil {
			break // CloseAndRecv says why
		}
	}
	reply, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	fmt.Println(status.Display(reply.GetTranscript(), 0))
	return nil
}

func chat(ctx context.Context, c *client, args []string) error {
	stream, err := c.Chat(ctx)
	if err != nil {
		return err
	}
	var said io.Reader = os.Stdin
	if len(args) > 0 {
		said = strings.NewReader(strings.Join(args, "\n"))
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if err := stream.Send(&assistantv1.ChatRequest{Message: lines.Text()}); err != nil && err != io.EOF {
			return err
		}
		reply, err := stream.Recv()
		if err != nil {
			return err
		}
		fmt.Println(status.Display(reply.GetMessage(), 0))
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return err
	}
	return nil
}

// errAsked says that ask has shown its error already.
var errAsked = errors.New("asked")

func asked(ctx context.Context, c *client, args []string) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.tokens.token)
	if ask(ctx, c.addr, strings.Join(args, " ")) != nil {
		return errAsked
	}
	return nil
}
