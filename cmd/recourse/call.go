package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dev/recourse/explain"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// exitNoConnection is what call exits with where there is nobody to call.
const exitNoConnection = 3

func callCommand() command {
	return command{
		name: "call", args: "target [method]", short: "call a method, and explain the error if it fails",
		long: `Call calls a method of any shape, known from the server's reflection or a descriptor
set (-set). Requests are JSON; a method that takes a stream gets a sequence of JSON
values. Replies go to the standard output, each as JSON; everything else goes to the
standard error: that an answer is degraded, how often the call was made, and why it
failed, in the words of explain and of the catalogue that the server declares.

It behaves as clients with recourse do: it waits as long as the server says, and repeats
only what may be repeated: methods that declare an idempotency_level, requests with a
request_id, and whatever was not applied.

It exits with 0; 1 if the call failed; 2 if it was called in a wrong way, which a method
or a request that the server does not know is too; 3 if it could not connect.`,
		example: `recourse call -list localhost:8080 -plaintext
recourse call localhost:8080 -plaintext assistant.v1.Assistant/Process -d '{"query": "weather"}'
recourse call api.example.com:443 shop.v1.Shop/Import -H 'authorization: Bearer x' -d - < lines.json`,
		setup: func(flags *flag.FlagSet) func(streams, []string) int {
			c := new(caller)
			c.dialer.define(flags)
			c.view.define(flags)
			flags.StringVar(&c.data, "d", "", "the request as `JSON`; @file to read one, - to read the standard input")
			flags.StringVar(&c.set, "set", "", "the `file` of a descriptor set, instead of reflection")
			flags.BoolVar(&c.list, "list", false, "list services and methods, and the errors that they declare")
			flags.BoolVar(&c.verbose, "v", false, "show the response metadata, and what happens on the way")
			return c.run
		},
	}
}

// caller makes one call.
type caller struct {
	dialer  dialer
	view    view
	data    string
	set     string
	list    bool
	verbose bool

	s streams
}

func (c *caller) run(s streams, args []string) int {
	c.s = s
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch {
	case c.list && len(args) == 0 && c.set != "":
	case c.list && (len(args) == 1 || len(args) == 2):
	case !c.list && len(args) == 2:
	case c.list:
		return s.fail("call: -list takes a target and perhaps a service, or -set and no target")
	default:
		return s.fail("call: name a target and a method; see `recourse help call`")
	}
	if c.dialer.timeout < 0 {
		return s.fail("call: -timeout cannot be below 0")
	}
	if err := c.view.load(); err != nil {
		return s.fail("call: %v", err)
	}
	var known schema
	if c.set != "" {
		set, err := readSet(c.set)
		if err != nil {
			return s.fail("call: %v", err)
		}
		known = set
	}
	if c.list && known != nil {
		return c.listed(ctx, known, slices.Concat(args, []string{"", ""})[min(1, len(args))])
	}
	if c.dialer.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.dialer.timeout)
		defer cancel()
	}
	return c.reach(ctx, known, args)
}

// reach connects, and does what was asked for.
func (c *caller) reach(ctx context.Context, known schema, args []string) int {
	watch := &watcher{}
	conn, err := c.dialer.dial(args[0], watch)
	if err != nil {
		return c.s.fail("call: %s", status.Display(err.Error(), 0))
	}
	defer func() { _ = conn.Close() }()
	prepare, cancel := context.WithTimeout(ctx, setUpTime)
	defer cancel()
	if err := connect(prepare, conn); err != nil {
		fmt.Fprintf(c.s.stderr, "recourse: call: no connection to %s\n", status.Display(args[0], 256))
		if _, isStatus := status.From(err); !isStatus { // the time was up
			err = status.Classify(err)
		}
		c.explain(err, nil)
		return exitNoConnection
	}
	prepare = metadata.NewOutgoingContext(prepare, c.dialer.headers.MD)
	if known == nil {
		known = &reflected{conn: conn}
	}
	if c.list {
		return c.listed(prepare, known, slices.Concat(args, []string{""})[1])
	}
	m, err := findMethod(prepare, known, args[1])
	if err != nil {
		return c.unprepared(err)
	}
	return c.call(ctx, conn, known, m, watch)
}

// unprepared is for what goes wrong before the call.
func (c *caller) unprepared(err error) int {
	var wrong mistake
	if _, isStatus := status.From(err); isStatus && !errors.As(err, &wrong) {
		fmt.Fprintln(c.s.stderr, "recourse: call: the server's reflection failed")
		c.explain(err, nil)
		return exitFound
	}
	return c.s.fail("call: %s", status.Display(err.Error(), 2048))
}

func (c *caller) listed(ctx context.Context, known schema, only string) int {
	list, err := listServices(ctx, known, only)
	if err != nil {
		return c.unprepared(err)
	}
	if c.view.format == "json" {
		_, _ = c.s.stdout.Write(asJSON(list))
		return exitOK
	}
	for _, l := range list {
		_, _ = io.WriteString(c.s.stdout, l.text())
	}
	return exitOK
}

// call makes the call and tells of it.
func (c *caller) call(ctx context.Context, conn *grpc.ClientConn, known schema, m protoreflect.MethodDescriptor, watch *watcher) int {
	data, err := dataFrom(c.data, c.s.stdin)
	if err != nil {
		return c.s.fail("call: %v", err)
	}
	find := func(name protoreflect.FullName) (protoreflect.Descriptor, error) { return known.find(ctx, name) }
	in := &requests{decoder: json.NewDecoder(data), input: m.Input(), types: &types{find: find}}
	var tell io.Writer
	if c.verbose {
		tell = c.s.stderr
	}
	watch.follow(pathOf(m), tell)
	ctx = metadata.NewOutgoingContext(ctx, c.dialer.headers.MD)
	o := invoke(ctx, conn, m, in, func(reply proto.Message) { _, _ = c.s.stdout.Write(replyJSON(reply, find)) })
	if wrong := (mistake{}); errors.As(o.err, &wrong) {
		return c.s.fail("call: %s", status.Display(o.err.Error(), 2048))
	}
	// A document has the attempts of a call that failed, and should be all there is to read.
	if n := watch.attempts(); n > 1 && c.view.format == "text" || c.verbose {
		fmt.Fprintf(c.s.stderr, "attempts: %d\n", n)
	}
	if c.verbose {
		writeMetadata(c.s.stderr, "header", o.header)
		writeMetadata(c.s.stderr, "trailer", o.trailer)
	}
	if o.err == nil {
		if o.mark != nil {
			c.view.show(c.s.stderr, c.view.declared(explain.OfDegraded(o.mark)))
		}
		return exitOK
	}
	service, _ := m.Parent().(protoreflect.ServiceDescriptor)
	c.explain(o.err, func() {
		// The catalogue is worth another look at the server, but no long one, even if the call's own time is up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setUpTime/5)
		defer cancel()
		c.view.catalog = declarationsOf(ctx, known, service)
	})
	return exitFound
}

// explain shows an error as the command explain does. Without a catalogue of the user's own, declared may get one.
func (c *caller) explain(err error, declared func()) {
	if e, ok := status.From(err); ok && e.Domain() != "" && c.view.catalog == nil && declared != nil {
		declared()
	}
	c.view.show(c.s.stderr, c.view.document(err))
}

// writeMetadata writes what is safe to be written, and of what is binary its base64; errors and marks are shown
// elsewhere.
func writeMetadata(w io.Writer, what string, md metadata.MD) {
	for _, key := range slices.Sorted(maps.Keys(md)) {
		for _, value := range md[key] {
			switch {
			case key == headerDetails || key == headerDegraded:
				value = fmt.Sprintf("(%d bytes)", len(value))
			case strings.HasSuffix(key, "-bin"):
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			fmt.Fprintf(w, "%s: %s: %s\n", what, status.Display(key, 256), status.Display(value, 1024))
		}
	}
}

// watcher counts the attempts of one method, and tells what happens on the way.
type watcher struct {
	mu     sync.Mutex
	method string
	n      int
	tell   io.Writer // nil: nobody
}

// follow counts from here on, and tells somebody if there is anybody to tell.
func (w *watcher) follow(method string, tell io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.method, w.tell = method, tell
}

func (w *watcher) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// Attach implements [interceptors.Observer].
func (w *watcher) Attach(interceptors.Side, func() (interceptors.Levels, bool)) {}

// Begin implements [interceptors.Observer].
func (w *watcher) Begin(ctx context.Context, _ *interceptors.Observation) context.Context { return ctx }

// Attempt implements [interceptors.Observer].
func (w *watcher) Attempt(ctx context.Context, o *interceptors.Observation, n int) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.Method == w.method {
		w.n = max(w.n, n)
	}
	return ctx
}

// Event implements [interceptors.Observer].
func (w *watcher) Event(_ context.Context, o *interceptors.Observation, e interceptors.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tell == nil || o.Method != w.method {
		return
	}
	what := map[interceptors.EventKind]string{
		interceptors.EventRefused: "refused", interceptors.EventRepeat: "repeat", interceptors.EventGivenUp: "given up",
	}[e.Kind]
	if what == "" {
		return
	}
	text := fmt.Sprintf("%s after attempt %d (%s)", what, e.Attempt, e.Reason)
	if e.Delay > 0 {
		text += " in " + e.Delay.Round(time.Millisecond).String()
	}
	if e.Err != nil {
		text += ": " + cmp.Or(e.Err.Message(), e.Err.ErrorCode())
	}
	fmt.Fprintln(w.tell, text)
}

// End implements [interceptors.Observer].
func (w *watcher) End(context.Context, *interceptors.Observation, *interceptors.Failure) {}
