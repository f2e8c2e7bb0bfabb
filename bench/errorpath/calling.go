package errorpath

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A pair is a server whose handler fails, and a client that calls it.
type pair struct {
	name   string
	fail   func() error // what the handler returns
	server []grpc.ServerOption
	client []grpc.DialOption
	limit  time.Duration // the deadline that the caller sets; 0: none
	read   func(error)   // what the caller does with the error; nil: nothing
	code   codes.Code    // what must arrive; 0: that of the other pairs
}

// callingCases are one failing unary call at a time.
func callingCases() []harness.Case {
	var cases []harness.Case
	for _, n := range []int{0, 1, 3, 5} {
		c := harness.Case{Name: Call(n), Baseline: Bare}
		for _, p := range pairs(n) {
			c.Contenders = append(c.Contenders, p.contender(1))
		}
		cases = append(cases, c)
	}
	return cases
}

// pairs are all that are compared. The handlers of this library's do not add an id
// to the error: its server does, as google.rpc.RequestInfo and in a trailer. The method
// is not idempotent, so that policies repeat nothing; Policies set deadlines,
// and are to be compared with bare-deadline.
func pairs(n int) []pair {
	bare := func() error { return grpcstatus.Error(code, message) }
	answer := natural(n)
	out := []pair{
		{name: Bare, fail: bare},
		{name: "bare-deadline", fail: bare, limit: time.Minute},
		{name: Answers, fail: answer, server: serverOptions(), client: interceptors.DialOptions()},
		{name: Answers + Read, fail: answer, server: serverOptions(), client: interceptors.DialOptions(), read: readOwn},
		{name: Answers + "-plain", fail: answer, client: interceptors.DialOptions(),
			server: serverOptions(interceptors.OmitErrorDetail(status.Public))},
		{name: Policies, fail: answer, server: serverOptions(interceptors.Policies(policies())),
			client: interceptors.DialOptions(interceptors.Policies(policies()))},
		{name: AnswersStatic, fail: staticOwn(codes.ResourceExhausted, n), code: codes.ResourceExhausted,
			server: serverOptions(), client: interceptors.DialOptions()},
		{name: AnswersStaticUnavailable, fail: staticOwn(code, n), server: serverOptions(), client: interceptors.DialOptions()},
		{name: Answers + "-server-only", fail: answer, server: serverOptions()},
	}
	if n == 0 {
		return append(out, pair{name: Answers + "-server-only-bare", fail: bare, server: serverOptions()})
	}
	return append(out,
		pair{name: WithDetails, fail: withDetails(n)},
		pair{name: WithAll, fail: answerAll(n)},
		pair{name: WithDetails + Read, fail: withDetails(n), read: readGRPC},
		pair{name: GRPCStatic, fail: static(withDetails)(n)},
		pair{name: Handwritten, fail: handwritten(n)},
	)
}

// natural is the error as a handler makes it: the server adds id and domain.
func natural(n int) func() error {
	switch n {
	case 0, 1: // an ErrorInfo has every error
		return func() error { return status.New(code, reason, message) }
	case 3:
		return func() error {
			return status.New(code, reason, message, status.RetryAfter(delay), status.Attach(localized()))
		}
	default:
		return func() error {
			return status.New(code, reason, message, status.RetryAfter(delay), status.Attach(localized()),
				status.Help(linkText, link), status.Violation(field1, reason1, text1), status.Violation(field2, reason2, text2))
		}
	}
}

// staticOwn is declared once. Where the failure is the server's fault, the id goes into
// the details, which differ then; RESOURCE_EXHAUSTED is the caller's.
func staticOwn(c codes.Code, n int) func() error {
	e, _ := status.From(natural(n)())
	opts := []status.Option{status.Domain(domain)}
	if d, ok := e.RetryDelay(); ok {
		opts = append(opts, status.RetryAfter(d))
	}
	switch n {
	case 3:
		opts = append(opts, status.Attach(localized()))
	case 5:
		opts = append(opts, status.Attach(localized(), help(), badRequest()))
	}
	err := error(status.New(c, reason, message, opts...))
	return func() error { return err }
}

func serverOptions(more ...interceptors.ServerOption) []grpc.ServerOption {
	return interceptors.ServerOptions(append(more, interceptors.Domain(domain),
		interceptors.OnFailure(func(context.Context, interceptors.Failure) {}))...) // no log
}

// policies are the defaults, but for sending people to support after a few failures
// in a row: here all calls fail.
func policies() *policy.Set {
	set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.ContactSupportThreshold = 0 }))
	if err != nil {
		panic(err) // a constant
	}
	return set
}

func readOwn(err error) {
	if e, ok := errors.AsType[*status.Error](err); ok {
		d, _ := e.RetryDelay()
		consumed.Store(int64(d))
	}
}

func readGRPC(err error) {
	d, _ := findByDetails(err)
	consumed.Store(int64(d))
}

// contender makes calls at once, so many, or one after the other.
func (p pair) contender(concurrency int) harness.Contender {
	return harness.Contender{Name: p.name, Setup: func() (func(int), func(), error) {
		conn, stop, err := start(p.fail, p.server, p.client)
		if err != nil {
			return nil, nil, err
		}
		if err := p.check(conn); err != nil {
			stop()
			return nil, nil, err
		}
		return func(n int) { harness.Share(n, concurrency, func(n int) { p.calls(conn, n) }) }, stop, nil
	}}
}

// calls makes calls and asks for the code of each error, as all callers do.
func (p pair) calls(conn *grpc.ClientConn, n int) {
	want := p.want()
	in, out := new(emptypb.Empty), new(emptypb.Empty)
	for range n {
		err := p.call(conn, in, out)
		if c := grpcstatus.Code(err); c != want {
			panic(fmt.Sprintf("%s: %v, not %v", p.name, err, want))
		}
		if p.read != nil {
			p.read(err)
		}
	}
}

func (p pair) call(conn *grpc.ClientConn, in, out *emptypb.Empty) error {
	ctx := context.Background()
	if p.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.limit)
		defer cancel()
	}
	return conn.Invoke(ctx, method, in, out)
}

func (p pair) want() codes.Code {
	if p.code != 0 {
		return p.code
	}
	return code
}

// check makes one call, before anything is measured.
func (p pair) check(conn *grpc.ClientConn) error {
	err := p.call(conn, new(emptypb.Empty), new(emptypb.Empty))
	if c := grpcstatus.Code(err); c != p.want() {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}
