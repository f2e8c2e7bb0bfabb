package interceptors

import (
	"context"
	"net"
	"time"

	"github.com/recourse-dev/recourse/internal/escalation"
	"github.com/recourse-dev/recourse/internal/fallback"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Failures in a row are those with no success and no pause as long as this between
// them; the callers with most of them are remembered.
const (
	failureWindow  = 10 * time.Minute
	failureEntries = 10_000
)

// escalate sends the caller to support once it has failed as often in a row as the
// policy says, through no fault of its own.
func (c *serverCall) escalate(e *status.Error, requestID string) *status.Error {
	if c.policy == nil || c.refused || c.policy.ContactSupportThreshold <= 0 || !fallback.ServerFault(e.Code()) {
		return e
	}
	// All attempts at a call are one failure.
	again := len(metadata.ValueFromIncomingContext(c.Context, attemptsKey)) > 0
	if _, due := c.server.failures.Failed(time.Now(), c.failureKey(), c.policy.ContactSupportThreshold, again); !due {
		return e
	}
	return e.With(status.Escalate(c.server.support, requestID))
}

// succeed ends a call well.
func (c *serverCall) succeed(unary bool) {
	if c.policy != nil && c.policy.ContactSupportThreshold > 0 && !c.server.failures.Quiet() {
		c.server.failures.Succeeded(c.failureKey())
	}
	d := c.degraded.Load()
	if d == nil {
		return
	}
	md := degradedMetadata(d, c.server.rendering.Domain)
	stream := grpc.ServerTransportStreamFromContext(c.Context)
	if stream == nil {
		return
	}
	if unary {
		_ = stream.SetHeader(md) // fails where the handler has sent its own
	}
	_ = stream.SetTrailer(md)
}

func (c *serverCall) failureKey() escalation.Key {
	return escalation.Key{Caller: c.callerName(), Method: c.call.Method}
}

// callerName tells callers apart: as the operator says, or by their certificate, or
// their address.
func (c *serverCall) callerName() (name string) {
	if f := c.server.caller; f != nil {
		defer func() { _ = recover() }()
		return f(c.outer())
	}
	return peerName(c.Context)
}

func peerName(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if tls, ok := p.AuthInfo.(credentials.TLSInfo); ok {
		if tls.SPIFFEID != nil {
			return tls.SPIFFEID.String()
		}
		if certs := tls.State.PeerCertificates; len(certs) > 0 {
			return certs[0].Subject.String()
		}
	}
	if p.Addr == nil {
		return ""
	}
	if host, _, err := net.SplitHostPort(p.Addr.String()); err == nil {
		return host
	}
	return p.Addr.String()
}
