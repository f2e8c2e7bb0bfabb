package interceptors

import (
	"context"
	"errors"
	"slices"

	"github.com/recourse-dev/recourse/internal/escalation"
	"github.com/recourse-dev/recourse/internal/limit"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// ServerOption is an option of [ServerOptions].
type ServerOption interface{ applyServer(*server) }

// DialOption is an option of [DialOptions].
type DialOption interface{ applyClient(*client) }

// Option is an option of either side.
type Option interface {
	ServerOption
	DialOption
}

type serverOption func(*server)

func (o serverOption) applyServer(s *server) { o(s) }

type dialOption func(*client)

func (o dialOption) applyClient(c *client) { o(c) }

type bothOption struct {
	server func(*server)
	client func(*client)
}

func (o bothOption) applyServer(s *server) { o.server(s) }
func (o bothOption) applyClient(c *client) { o.client(c) }

// ServerOptions returns what makes a server answer every failure with an error
// that says what to do next. Pass it to grpc.NewServer before options of your
// own, so that interceptors installed after it are covered too.
func ServerOptions(opts ...ServerOption) []grpc.ServerOption {
	unary, stream := ServerInterceptors(opts...)
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(unary),
		grpc.ChainStreamInterceptor(stream),
	}
}

// ServerInterceptors returns what [ServerOptions] installs, for whoever serves methods
// of gRPC over another protocol. The context of a call must have a pointer as its
// grpc.ServerTransportStream, which gets the trailers that belong to the error; what
// the call had before shows in its methods Header() (metadata.MD, error) and
// Trailer() metadata.MD, where it has them. The error that comes back carries the
// status for this one caller, and its Unwrap the whole error.
func ServerInterceptors(opts ...ServerOption) (grpc.UnaryServerInterceptor, grpc.StreamServerInterceptor) {
	s := newServer(opts...)
	return s.unary, s.stream
}

func newServer(opts ...ServerOption) *server {
	raise(&anyServer)
	s := &server{logs: true, failures: escalation.New(failureEntries, failureWindow)}
	for _, o := range opts {
		if o != nil {
			o.applyServer(s)
		}
	}
	if s.logs && s.observer == nil {
		s.onFailure = logFailure
	}
	attach(s.observer, ServerSide, s, (*server).levels)
	return s
}

// DialOptions returns what makes a client read every failure as a *status.Error.
// Pass it to grpc.NewClient before options of your own.
//
// It also announces how large a header list the client accepts: grpc-go
// enforces a limit (16 MiB; 8 KiB is planned) but does not tell the server,
// and an error above the limit kills the connection with every call on it. The
// announced limit is grpc-go's own of 16 MiB; a grpc.WithMaxHeaderListSize that
// follows replaces it.
func DialOptions(opts ...DialOption) []grpc.DialOption {
	c := &client{}
	for _, o := range opts {
		if o != nil {
			o.applyClient(c)
		}
	}
	if len(c.resumes) > 0 && c.policies == nil {
		misuse("Resume does nothing without Policies: only a call that may be repeated can be resumed")
	}
	attach(c.observer, ClientSide, c, (*client).levels)
	dial := []grpc.DialOption{
		grpc.WithMaxHeaderListSize(maxHeaderListSize),
		grpc.WithChainUnaryInterceptor(c.unary),
		grpc.WithChainStreamInterceptor(c.stream),
	}
	if c.ownRetry {
		dial = append(dial, grpc.WithDisableRetry())
	}
	return dial
}

const maxHeaderListSize = 16 << 20

// Domain names the namespace of this server's error codes, normally the DNS name
// of the service. Errors that name a domain of their own keep it. Without one,
// error codes are comparable only by name.
func Domain(domain string) ServerOption {
	return serverOption(func(s *server) { s.rendering.Domain = domain })
}

// Trust decides how much of an error a caller may see, from its TLS identity or
// its metadata. Without it, and where f panics, every caller is status.Public.
func Trust(f func(ctx context.Context) status.Trust) ServerOption {
	return serverOption(func(s *server) { s.trust = f })
}

// PartnerDomains lists the domains whose causes a status.Partner may see.
func PartnerDomains(domains ...string) ServerOption {
	return serverOption(func(s *server) {
		s.rendering.PartnerDomains = append(s.rendering.PartnerDomains, domains...)
	})
}

// OmitErrorDetail leaves recourse.v1.ErrorDetail out of errors to callers of
// these classes: a gateway that cannot resolve the type answers 500 to all of
// them. Outcome and verdict travel in the ErrorInfo then, suggestion and actions
// do not.
func OmitErrorDetail(classes ...status.Trust) ServerOption {
	return serverOption(func(s *server) { s.omitDetail = append(s.omitDetail, classes...) })
}

// TrailerBytes is the most that the trailers of an error may take, counted as
// HTTP/2 does: for each field its name, its value and 32 bytes. The default,
// status.DefaultTrailerBytes, passes a stock nginx; without such a proxy on the
// way 7168 is safe too. It is held to at most status.MaxTrailerBytes.
func TrailerBytes(most int) ServerOption {
	return serverOption(func(s *server) { s.rendering.TrailerBytes = most })
}

// Classifiers give errors of other packages a meaning, see status.Classify. The
// first that knows an error decides.
func Classifiers(classifiers ...status.Classifier) ServerOption {
	return serverOption(func(s *server) { s.classifiers = append(s.classifiers, classifiers...) })
}

// OnFailure calls f for every call that fails, and for every one that a fallback
// has answered, with everything that is known, and replaces what is done by default.
// A server writes failures whose cause nobody else is shown to slog.Default, the
// server's own faults as errors and warnings, a caller's with a cause behind them as
// information; with a policy, all of a caller's faults or none (LogAllErrors). A
// client with a policy writes calls that a fallback has saved (LogRecovery), and leaves
// those that fail to its caller; what a repeat has saved it writes in any case. f runs before the error is
// sent and must not block; a panic in it is ignored.
func OnFailure(f func(ctx context.Context, failure Failure)) Option {
	return bothOption{
		server: func(s *server) { s.onFailure, s.logs = f, false },
		client: func(c *client) { c.onFailure = f },
	}
}

// Policies says what happens when calls fail: how long they may take, whether they
// are repeated, when a person is sent to support. The set may be used for servers
// and clients, and reloaded while they run. Without it nothing is bounded or
// repeated, and this package changes errors only.
//
// A client repeats what may be repeated: before a reply has been delivered, where
// the server's verdict or else the code says that the same request may succeed, and
// where sending it again can do no harm: the method's idempotency_level, a
// request_id in the request (AIP-155), the policy's Idempotent, the call option
// [Idempotent], an outcome of NOT_APPLIED, or the knowledge that nothing was sent. It
// waits as long as the server asks, or backs off, and returns the last error where
// the wait does not fit into the call's time. A budget that is shared by all calls
// of a service on one target keeps repeats from making an outage worse, and an
// adaptive throttle holds back calls from a server that is overloaded.
//
// A nil set holds the defaults of package policy.
func Policies(set *policy.Set) Option {
	if set == nil {
		set = new(policy.Set)
	}
	return bothOption{
		server: func(s *server) { s.policies = set },
		client: func(c *client) { c.policies = set },
	}
}

// Limit is how many calls a server runs at once: unary ones, and streams, each 0 for
// no limit. A call above it waits a moment for a place, 100 ms at most and less in a
// lasting overload, and not at all if it could not finish in its caller's time; then
// it is refused with UNAVAILABLE, an outcome of NOT_APPLIED and a delay. A handler
// that was left behind (HardStop) gives its place back.
func Limit(unary, streams int) ServerOption {
	return serverOption(func(s *server) {
		s.calls, s.streams = nil, nil
		if unary > 0 {
			s.calls = limit.New(limit.Config{Limit: unary})
		}
		if streams > 0 {
			s.streams = limit.New(limit.Config{Limit: streams})
		}
	})
}

// Caller tells callers apart, for what depends on who has failed before. Without it,
// and where f panics, a caller is its certificate, or else its network address.
func Caller(f func(ctx context.Context) string) ServerOption {
	return serverOption(func(s *server) { s.caller = f })
}

// Support is where people turn after several failures in a row, see the policy's
// ContactSupportThreshold: an address, a name or a phone number.
func Support(channel string) ServerOption {
	return serverOption(func(s *server) { s.support = channel })
}

// ReplaceRetryPolicy turns off gRPC's own retries on the connection, so that the
// methods to which its service config gives a retryPolicy are repeated by this
// package. Without it they are left to gRPC, and the log says so.
func ReplaceRetryPolicy() DialOption {
	return dialOption(func(c *client) { c.ownRetry = true })
}

// Use adds hooks, outermost first. They run inside of everything that this
// package does itself, and outside of interceptors installed after it: a hook
// that looks at messages does so before such an interceptor has asked who calls.
// A nil hook is none.
func Use(hooks ...Hook) Option {
	hooks = slices.DeleteFunc(slices.Clone(hooks), func(p Hook) bool { return p == nil })
	return bothOption{
		server: func(s *server) { s.hooks = append(s.hooks, hooks...) },
		client: func(c *client) { c.hooks = append(c.hooks, hooks...) },
	}
}

var (
	errLeft     = status.New(codes.DeadlineExceeded, status.CodeTimeout, "the time of the call is up; what its handler still does reaches nobody")
	errNoAnswer = status.New(codes.Unavailable, codeNoReply, "the stream ended without a reply", status.Outcome(status.Indeterminate))
	errLost     = errors.New("a hook returned nil for an error")
	errNoStream = errors.New("an interceptor returned neither a stream nor an error")
	errNoReply  = errors.New("the handler returned neither a reply nor an error")
)
