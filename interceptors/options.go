package interceptors

import (
	"context"
	"errors"
	"slices"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
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
	s := newServer(opts...)
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
	}
}

func newServer(opts ...ServerOption) *server {
	s := &server{onFailure: logFailure}
	for _, o := range opts {
		if o != nil {
			o.applyServer(s)
		}
	}
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
	return []grpc.DialOption{
		grpc.WithMaxHeaderListSize(maxHeaderListSize),
		grpc.WithChainUnaryInterceptor(c.unary),
		grpc.WithChainStreamInterceptor(c.stream),
	}
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

// TechnicalDetails shows the text of causes, and the stacks of panics, to callers
// that Trust takes for status.Internal, as google.rpc.DebugInfo.
func TechnicalDetails() ServerOption {
	return serverOption(func(s *server) { s.rendering.TechnicalDetails = true })
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

// OnFailure calls f for every call that fails, with everything that is known, and
// replaces what a server does by default: it writes failures whose cause nobody
// else is shown to slog.Default, the server's own faults as errors and warnings,
// a caller's with a cause behind them as information. f runs before the error is
// sent and must not block; a panic in it is ignored.
func OnFailure(f func(ctx context.Context, failure Failure)) Option {
	return bothOption{
		server: func(s *server) { s.onFailure = f },
		client: func(c *client) { c.onFailure = f },
	}
}

// Use adds policies, outermost first. They run inside of everything that this
// package does itself, and outside of interceptors installed after it: a policy
// that looks at messages does so before such an interceptor has asked who calls.
// A nil policy is none.
func Use(policies ...Policy) Option {
	policies = slices.DeleteFunc(slices.Clone(policies), func(p Policy) bool { return p == nil })
	return bothOption{
		server: func(s *server) { s.policies = append(s.policies, policies...) },
		client: func(c *client) { c.policies = append(c.policies, policies...) },
	}
}

var (
	errLost     = errors.New("a policy returned nil for an error")
	errNoStream = errors.New("an interceptor returned neither a stream nor an error")
	errNoReply  = errors.New("the handler returned neither a reply nor an error")
)
