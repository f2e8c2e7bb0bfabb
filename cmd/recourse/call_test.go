package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// assistant answers as its methods' tests need it.
type assistant struct {
	assistantv1.UnimplementedAssistantServer
	calls atomic.Int32
}

func (a *assistant) ClassifyIntent(ctx context.Context, in *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	n := a.calls.Add(1)
	switch in.GetQuery() {
	case "third time":
		if n < 3 {
			return nil, status.New(codes.Unavailable, "MODEL_OVERLOADED", "too much to do", status.RetryAfter(time.Millisecond))
		}
	case "quota":
		return nil, assistantv1.QuotaUsedUp{CallsPerMinute: 2}.Err()
	case "hostile":
		return nil, status.New(codes.FailedPrecondition, "", evil, status.Suggest(evil))
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "degraded":
		err := interceptors.SetDegraded(ctx, &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE, Age: durationpb.New(time.Minute), Source: "cache"})
		if err != nil {
			return nil, err
		}
	case "metadata":
		md, _ := metadata.FromIncomingContext(ctx)
		return &assistantv1.ClassifyIntentResponse{Intent: strings.Join(append(md.Get("x-who"), md.Get("x-raw-bin")...), " ")},
			grpc.SetHeader(ctx, metadata.Pairs("x-answer", "yes", "x-bytes-bin", "\x00\xff"))
	}
	return &assistantv1.ClassifyIntentResponse{Intent: in.GetQuery(), Confidence: 0.5}, nil
}

// Process fails the first time, and does not say whether it did anything.
func (a *assistant) Process(context.Context, *assistantv1.ProcessRequest) (*assistantv1.ProcessResponse, error) {
	if a.calls.Add(1) == 1 {
		return nil, status.New(codes.Unavailable, "MODEL_OVERLOADED", "too much to do", status.RetryAfter(time.Millisecond))
	}
	return &assistantv1.ProcessResponse{Answer: "42"}, nil
}

func (a *assistant) Generate(in *assistantv1.GenerateRequest, stream grpc.ServerStreamingServer[assistantv1.GenerateResponse]) error {
	for i := range uint32(3) {
		if i == 2 && in.GetPrompt() == "break" {
			return assistantv1.TextBrokeOff{}.Err()
		}
		if err := stream.Send(&assistantv1.GenerateResponse{Text: in.GetPrompt(), Position: i}); err != nil {
			return err
		}
	}
	return nil
}

func (a *assistant) Transcribe(stream grpc.ClientStreamingServer[assistantv1.TranscribeRequest, assistantv1.TranscribeResponse]) error {
	out := new(assistantv1.TranscribeResponse)
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(out)
		}
		if err != nil {
			return err
		}
		out.Chunks++
		out.Transcript += in.GetText()
	}
}

func (a *assistant) Chat(stream grpc.BidiStreamingServer[assistantv1.ChatRequest, assistantv1.ChatResponse]) error {
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if in.GetMessage() == "full" {
			return assistantv1.ChatFull{}.Err()
		}
		if err := stream.Send(&assistantv1.ChatResponse{Message: "re: " + in.GetMessage()}); err != nil {
			return err
		}
	}
}

// serving starts an assistant on the loopback and returns its address.
func serving(t *testing.T, register func(*grpc.Server)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain("assistant.example.com"), interceptors.Policies(nil),
		interceptors.OnFailure(func(context.Context, interceptors.Failure) {}))...)
	assistantv1.RegisterAssistantServer(server, new(assistant))
	register(server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() { server.Stop(); <-done })
	return listener.Addr().String()
}

func reflecting(s *grpc.Server) { reflection.Register(s) }

func called(stdin, target string, args ...string) ran {
	return recourseOf(stdin, append([]string{"call", "-plaintext", target}, args...)...)
}

const service = "assistant.v1.Assistant"

func TestCallEveryShape(t *testing.T) {
	target := serving(t, reflecting)
	_, set := catalogFiles(t)
	for _, from := range [][]string{nil, {"-set", set}} {
		for name, test := range map[string]struct {
			args        []string
			stdin, want string
		}{
			"unary":         {[]string{service + "/ClassifyIntent", "-d", `{"query": "weather"}`}, "", `{"intent":"weather","confidence":0.5}`},
			"dots":          {[]string{service + ".ClassifyIntent", "-d", `{"query": "a"}`}, "", `{"intent":"a","confidence":0.5}`},
			"slash":         {[]string{"/" + service + "/ClassifyIntent"}, "", `{"confidence":0.5}`},
			"server stream": {[]string{service + "/Generate", "-d", `{"prompt": "x"}`}, "", `{"text":"x"}{"text":"x","position":1}{"text":"x","position":2}`},
			"client stream": {[]string{service + "/Transcribe", "-d", "-"}, `{"text": "a"} {"text": "b"}` + "\n" + `{"audio": "AQ=="}`, `{"transcript":"ab","chunks":3}`},
			"bidi":          {[]string{service + "/Chat", "-d", `{"message": "a"}{"message": "b"}`}, "", `{"message":"re: a"}{"message":"re: b"}`},
			"no messages":   {[]string{service + "/Chat"}, "", ""},
		} {
			got := called(test.stdin, target, append(test.args, from...)...)
			if got.code != exitOK || compacted(got.out) != test.want || got.errout != "" {
				t.Errorf("%s %v: %+v", name, from, got)
			}
		}
	}
}

func compacted(text string) string {
	var out strings.Builder
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return out.String()
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		out.Write(b)
	}
}

func TestCallIsAGoodClient(t *testing.T) {
	target := serving(t, reflecting)
	got := called("", target, service+"/ClassifyIntent", "-d", `{"query": "third time"}`)
	if got.code != exitOK || got.errout != "attempts: 3\n" {
		t.Errorf("%+v", got)
	}
	got = called("", serving(t, reflecting), "-v", service+"/ClassifyIntent", "-d", `{"query": "third time"}`)
	if want := "repeat after attempt 2 ("; !strings.Contains(got.errout, want) {
		t.Errorf("%q is not in\n%s", want, got.errout)
	}
	got = called("", target, "-v", service+"/ClassifyIntent", "-d", `{"query": "metadata"}`, "-H", "X-Who: me", "-H", "x-raw-bin: AAE=")
	if compacted(got.out) != `{"intent":"me \u0000\u0001"}` {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"attempts: 1\n", "header: x-answer: yes\n", "header: x-bytes-bin: AP8=\n"} {
		if !strings.Contains(got.errout, want) {
			t.Errorf("%q is not in\n%s", want, got.errout)
		}
	}
	got = called("", target, service+"/ClassifyIntent", "-d", `{"query": "degraded"}`)
	if got.code != exitOK || !strings.Contains(got.errout, "this is an earlier answer, from 1m ago") || compacted(got.out) == "" {
		t.Errorf("degraded: %+v", got)
	}
}

func TestCallRepeatsOnlyWhatMayBeRepeated(t *testing.T) {
	got := called("", serving(t, reflecting), service+"/Process", "-d", `{"query": "a"}`)
	if got.code != exitFound || strings.Contains(got.errout, "attempts") || !strings.Contains(got.errout, "MODEL_OVERLOADED") {
		t.Errorf("without an id: %+v", got)
	}
	got = called("", serving(t, reflecting), service+"/Process", "-d", `{"query": "a", "requestId": "7"}`)
	if got.code != exitOK || got.errout != "attempts: 2\n" {
		t.Errorf("with an id: %+v", got)
	}
}

func TestCallExplainsFailures(t *testing.T) {
	target := serving(t, reflecting)
	got := called("", target, service+"/ClassifyIntent", "-d", `{"query": "quota"}`)
	if got.code != exitFound || got.out != "" {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{
		"error: all 2 calls of this minute are used up\n", "QUOTA_USED_UP@assistant.example.com (ResourceExhausted)", "parameter   callsPerMinute = 2",
		"declared    The calls of this minute are used up", "method      assistant.v1.Assistant/ClassifyIntent",
	} {
		if !strings.Contains(got.errout, want) {
			t.Errorf("%q is not in\n%s", want, got.errout)
		}
	}
	got = called("", target, service+"/ClassifyIntent", "-d", `{"query": "quota"}`, "-format", "json")
	var document struct {
		ErrorCode string
		Declared  struct{ Title string }
	}
	if err := json.Unmarshal([]byte(got.errout), &document); err != nil || document.ErrorCode != "QUOTA_USED_UP" || document.Declared.Title == "" {
		t.Errorf("%v: %+v", err, got)
	}
	got = called("", target, service+"/ClassifyIntent", "-d", `{"query": "hostile"}`)
	harmless(t, got.errout)
	if got.code != exitFound {
		t.Errorf("%+v", got)
	}

	got = called("", target, service+"/Generate", "-d", `{"prompt": "break"}`)
	if got.code != exitFound || compacted(got.out) != `{"text":"break"}{"text":"break","position":1}` || !strings.Contains(got.errout, "TEXT_BROKE_OFF") {
		t.Errorf("a stream that breaks: %+v", got)
	}
	got = called(`{"message": "a"} {"message": "full"} {"message": "b"}`, target, service+"/Chat", "-d", "-")
	if got.code != exitFound || compacted(got.out) != `{"message":"re: a"}` || !strings.Contains(got.errout, "CHAT_FULL") {
		t.Errorf("a chat that breaks: %+v", got)
	}

	start := time.Now()
	got = called("", target, service+"/ClassifyIntent", "-d", `{"query": "slow"}`, "-timeout", "200ms")
	if got.code != exitFound || !strings.Contains(got.errout, "(DeadlineExceeded)") || time.Since(start) > 5*time.Second {
		t.Errorf("a slow method, in %v: %+v", time.Since(start), got)
	}
}

func TestCallMistakes(t *testing.T) {
	target := serving(t, reflecting)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no method":           {[]string{service + "/ClasifyIntent"}, "did you mean ClassifyIntent?"},
		"nothing like it":     {[]string{service + "/X"}, "its methods are ClassifyIntent, Generate"},
		"no service":          {[]string{"assistant.v1.Asistant/Chat"}, "did you mean assistant.v1.Assistant?"},
		"method alone":        {[]string{"Generate"}, "did you mean assistant.v1.Assistant/Generate?"},
		"a message":           {[]string{"assistant.v1.ChatRequest/X"}, "there is no service"},
		"no JSON":             {[]string{service + "/Chat", "-d", "{"}, "message 1 is no JSON"},
		"not this message":    {[]string{service + "/Chat", "-d", `{"mesage": "a"}`}, "did you mean message?"},
		"later in a stream":   {[]string{service + "/Chat", "-d", `{"message": "a"} 7`}, "message 2 is no assistant.v1.ChatRequest"},
		"several for one":     {[]string{service + "/ClassifyIntent", "-d", `{} {}`}, "takes one message"},
		"file":                {[]string{service + "/ClassifyIntent", "-d", "@no/such/file"}, "no such file"},
		"set":                 {[]string{service + "/ClassifyIntent", "-set", "no/such/file"}, "no such file"},
		"header":              {[]string{service + "/ClassifyIntent", "-H", "x"}, "'name: value'"},
		"reserved header":     {[]string{service + "/ClassifyIntent", "-H", "grpc-timeout: 1S"}, "gRPC's own"},
		"header of letters":   {[]string{service + "/ClassifyIntent", "-H", "x: ä"}, "-bin"},
		"header of no base64": {[]string{service + "/ClassifyIntent", "-H", "x-bin: ???"}, "no base64"},
		"two targets":         {[]string{"a", "b"}, "name a target and a method"},
		"list of three":       {[]string{"-list", "a", "b"}, "-list takes"},
		"no such listed":      {[]string{"-list", "assistant.v1.Asistant"}, "did you mean assistant.v1.Assistant?"},
		"timeout":             {[]string{service + "/Chat", "-timeout", "-1s"}, "-timeout"},
		"plaintext and TLS":   {[]string{service + "/Chat", "-cacert", "x"}, "-plaintext goes with none"},
		"policy":              {[]string{service + "/Chat", "-policy", "no/such/file"}, "no such file"},
	} {
		if got := called("", target, test.args...); got.code != exitUsage || got.out != "" && name != "later in a stream" || !strings.Contains(got.errout, test.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestCallWithoutReflection(t *testing.T) {
	target := serving(t, func(*grpc.Server) {})
	if got := called("", target, service+"/ClassifyIntent"); got.code != exitUsage || !strings.Contains(got.errout, "the server has no reflection") {
		t.Errorf("%+v", got)
	}
	_, set := catalogFiles(t)
	if got := called("", target, service+"/ClassifyIntent", "-set", set, "-d", `{"query": "a"}`); got.code != exitOK {
		t.Errorf("with a set: %+v", got)
	}
}

func TestCallWithOldReflection(t *testing.T) {
	target := serving(t, func(s *grpc.Server) {
		reflectionv1alpha.RegisterServerReflectionServer(s, reflection.NewServer(reflection.ServerOptions{Services: s}))
	})
	if got := called("", target, service+"/ClassifyIntent", "-d", `{"query": "a"}`); got.code != exitOK {
		t.Errorf("%+v", got)
	}
}

func TestCallNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := listener.Addr().String()
	_ = listener.Close()
	got := called("", target, service+"/ClassifyIntent")
	if got.code != exitNoConnection || strings.Contains(got.errout, "recourse.Connect") || !strings.Contains(got.errout, "connection refused") {
		t.Errorf("%+v", got)
	}
	plain := serving(t, reflecting)
	if got := recourseOf("", "call", plain, service+"/ClassifyIntent"); got.code != exitNoConnection {
		t.Errorf("TLS with a server that has none: %+v", got)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	if got := called("", silent.Addr().String(), "-timeout", "100ms", service+"/ClassifyIntent"); got.code != exitNoConnection {
		t.Errorf("a server that says nothing: %+v", got)
	}
}

func TestCallLosesTheServer(t *testing.T) {
	var server *grpc.Server
	target := serving(t, func(s *grpc.Server) { server = s; reflection.Register(s) })
	in, out := io.Pipe()
	go func() {
		fmt.Fprint(out, `{"message": "a"}`)
		time.Sleep(100 * time.Millisecond)
		server.Stop()
		_ = out.Close()
	}()
	var stdout, stderr strings.Builder
	code := run([]string{"call", "-plaintext", target, service + "/Chat", "-d", "-"}, streams{in, &stdout, &stderr})
	if code != exitFound || compacted(stdout.String()) != `{"message":"re: a"}` || !strings.Contains(stderr.String(), "error: ") {
		t.Errorf("exit %d, %q, %q", code, stdout.String(), stderr.String())
	}
}

func TestCallList(t *testing.T) {
	target := serving(t, reflecting)
	_, set := catalogFiles(t)
	got := called("", target, "-list", service)
	golden(t, "../call/list", got.out)
	if fromSet := recourseOf("", "call", "-list", "-set", set); fromSet.out != got.out {
		t.Errorf("from a set: %+v, want\n%s", fromSet, got.out)
	}
	if all := called("", target, "-list"); !strings.Contains(all.out, "grpc.reflection.v1.ServerReflection\n") {
		t.Errorf("all services: %+v", all)
	}
	asJSON := called("", target, "-list", "-format=json", service)
	var list []listedService
	if err := json.Unmarshal([]byte(asJSON.out), &list); err != nil || len(list) != 1 || len(list[0].Methods) != 5 || len(list[0].Methods[0].Errors) != 6 {
		t.Errorf("%v: %+v", err, asJSON)
	}
}

func TestReplyJSON(t *testing.T) {
	nobody := func(protoreflect.FullName) (protoreflect.Descriptor, error) { return nil, errUnknown }
	inner, err := anypb.New(&spb.Status{Code: 1, Details: []*anypb.Any{{TypeUrl: "a.example/acme.v1.Secret", Value: []byte{1, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		message proto.Message
		want    string
	}{
		"unknown":     {&spb.Status{Details: []*anypb.Any{{TypeUrl: "a.example/acme.v1.Secret", Value: []byte{1, 2}}}}, `{"details":[{"@type":"a.example/acme.v1.Secret","value":"AQI="}]}`},
		"inside":      {&spb.Status{Details: []*anypb.Any{inner}}, `{"details":[{"@type":"type.googleapis.com/google.rpc.Status","code":1,"details":[{"@type":"a.example/acme.v1.Secret","value":"AQI="}]}]}`},
		"no bytes of": {&spb.Status{Details: []*anypb.Any{{TypeUrl: "a.example/google.rpc.Status", Value: []byte{0xff}}}}, `{"details":[{"@type":"a.example/google.rpc.Status","value":"/w=="}]}`},
		"empty":       {&spb.Status{Details: []*anypb.Any{{}}}, `{"details":[{}]}`},
		"itself":      {&anypb.Any{TypeUrl: "x", Value: []byte{1}}, `{"@type":"x","value":"AQ=="}`},
		"terminal":    {&spb.Status{Message: "\x1b[31m\u009b\u202e\U000e0001é"}, `{"message":"\u001b[31m\u009b\u202e\udb40\udc01é"}`},
		"no text":     {&spb.Status{Message: "\xff"}, `{"@type":"google.rpc.Status","value":"EgH/"}`},
	} {
		got := string(replyJSON(test.message, nobody))
		harmless(t, got)
		if compacted(got) != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// A type that only the server knows.
func TestReplyJSONOfATypeFromElsewhere(t *testing.T) {
	file, err := protodesc.NewFile(evilFile(".evil.v1.Nothing"), nil)
	if err != nil {
		t.Fatal(err)
	}
	find := func(name protoreflect.FullName) (protoreflect.Descriptor, error) {
		switch name {
		case "evil.v1.Nothing":
			return file.Messages().Get(0), nil
		case "evil.v1.Evil":
			return file.Services().Get(0), nil
		}
		return nil, errUnknown
	}
	m := &spb.Status{Details: []*anypb.Any{{TypeUrl: "a/evil.v1.Nothing"}, {TypeUrl: "a/evil.v1.Evil", Value: []byte{1}}}}
	if got, want := compacted(string(replyJSON(m, find))), `{"details":[{"@type":"a/evil.v1.Nothing"},{"@type":"a/evil.v1.Evil","value":"AQ=="}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCallReadsFiles(t *testing.T) {
	target := serving(t, reflecting)
	file := filepath.Join(t.TempDir(), "request.json")
	if err := os.WriteFile(file, []byte(`{"query": "a"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	policies := filepath.Join(t.TempDir(), "recourse.yaml")
	if err := os.WriteFile(policies, []byte("error_handling:\n  async:\n    max_retries: 0\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := called("", target, service+"/ClassifyIntent", "-d", "@"+file); got.code != exitOK {
		t.Errorf("%+v", got)
	}
	if got := called("", target, service+"/ClassifyIntent", "-d", `{"query": "third time"}`, "-policy", policies); got.code != exitFound {
		t.Errorf("a policy of one attempt: %+v", got)
	}
}
