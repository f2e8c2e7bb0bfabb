package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/recourse-dev/recourse/gateway/internal/web"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Config says how errors look. The zero value is right for callers that are not known.
type Config struct {
	// Body is the form of an error. A request whose Accept names application/problem+json
	// gets ProblemBody whatever it is.
	Body Body
	// Domain is that of the errors that the gateway makes itself, and of those that name
	// none.
	Domain string
	// Docs is what the addresses of the errors' pages begin with, "https://docs.example.com/errors/":
	// the type of a problem is Docs and the error code. Errors that no service has named, and
	// where Domain is set those of other domains, have no page there, and so has none without
	// Docs: their type is about:blank.
	Docs string
	// Trust decides how much of an error a caller may see, whatever the service has shown to
	// the gateway. Without it every caller is status.Public. It must be safe for concurrent
	// use.
	Trust func(r *http.Request) status.Trust
	// PartnerDomains lists the domains whose causes a status.Partner may see.
	PartnerDomains []string
	// OmitGuidance adds no suggestion and no actions to an error that has none of its own.
	OmitGuidance bool
	// Challenge is the WWW-Authenticate of a 401. Without it it is Bearer, with the error
	// invalid_token where the request had an Authorization (RFC 6750).
	Challenge string
	// Metadata says which of the service's headers its callers get, and under which names.
	// Without it they get none but what is about the outcome: see ExposedHeaders.
	Metadata runtime.HeaderMatcherFunc
}

// ExposedHeaders are the headers that a page of another origin has to be allowed to read:
// the value of Access-Control-Expose-Headers, as a list.
func ExposedHeaders() []string {
	return []string{"Recourse-Degraded", "Recourse-Degraded-Bin", "Retry-After", "X-Request-Id"}
}

// Options returns what makes a runtime.ServeMux answer errors. Pass it to
// runtime.NewServeMux before options of your own: of error handlers and header matchers the
// last one counts. A runtime.ForwardResponseRewriter does not see errors.
func (c Config) Options() []runtime.ServeMuxOption {
	return []runtime.ServeMuxOption{
		runtime.WithErrorHandler(c.handle),
		runtime.WithRoutingErrorHandler(c.route),
		runtime.WithStreamErrorHandler(c.streamError),
		runtime.WithMiddlewares(watch),
		runtime.WithForwardResponseOption(c.forward),
		runtime.WithOutgoingHeaderMatcher(c.outgoing),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithMetadata(incoming),
	}
}

// WriteError answers a request with an error of any kind, as the gateway does: for handlers
// and middleware around it.
func (c Config) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	c.reply(r.Context(), nil, w, r, err)
}

func (c Config) handle(ctx context.Context, _ *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	c.reply(ctx, m, w, r, err)
}

func (c Config) route(ctx context.Context, _ *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpStatus int) {
	c.reply(ctx, m, w, r, &runtime.HTTPStatusError{HTTPStatus: httpStatus, Err: errRouting})
}

var errRouting = errors.New("no method for the request")

func (c Config) reply(ctx context.Context, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	a := c.answer(ctx, r, err)
	h := w.Header()
	for _, name := range []string{"Trailer", "Transfer-Encoding", "Content-Length", "Content-Encoding", "Etag", "Last-Modified"} {
		h.Del(name) // of the reply that was not to be
	}
	c.pass(h, ctx)
	a.head(h)
	body := a.body()
	if m != nil && a.form == StatusBody && !isJSON(m.ContentType(a.status)) {
		if b, err := m.Marshal(a.status); err == nil {
			h.Set("Content-Type", m.ContentType(a.status))
			body = b
		}
	}
	w.WriteHeader(a.http)
	_, _ = w.Write(body) // fails if the caller is gone
}

// pass lets callers have what Metadata says.
func (c Config) pass(h http.Header, ctx context.Context) {
	md, _ := runtime.ServerMetadataFromContext(ctx)
	for k, values := range md.HeaderMD {
		if name, ok := c.outgoing(k); ok {
			h.Del(name) // grpc-gateway may have been here
			for _, v := range values {
				h.Add(name, v)
			}
		}
	}
}

func (c Config) outgoing(key string) (string, bool) {
	switch key {
	case web.Degraded, web.DegradedBin, web.RequestID:
		return "", false // forward writes the one, and answer the other
	}
	if c.Metadata == nil {
		return "", false
	}
	return c.Metadata(key)
}

// incoming hands on what gRPC's servers read, and grpc-gateway by itself keeps or renames.
func incoming(_ context.Context, r *http.Request) metadata.MD {
	md := metadata.MD{}
	if id := web.ID(r.Header.Values(web.RequestID)...); id != "" {
		md.Set(web.RequestID, id)
	}
	if l := r.Header.Get("Accept-Language"); web.Line(l) {
		md.Set("accept-language", l)
	}
	return md
}

// forward marks a degraded reply.
func (c Config) forward(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	md, ok := runtime.ServerMetadataFromContext(ctx)
	if !ok {
		return nil
	}
	text, bin := last(md, web.Degraded), last(md, web.DegradedBin)
	if text == "" && bin == "" {
		return nil
	}
	if !web.Line(text) {
		text = "degraded"
	}
	h := w.Header()
	h.Set(web.Degraded, text)
	if bin != "" && len(bin) <= maxDegraded {
		h.Set(web.DegradedBin, base64.RawStdEncoding.EncodeToString([]byte(bin)))
	}
	web.NoStore(h)
	return nil
}

// maxDegraded is what a mark may have as a header: half of what many servers allow for all.
const maxDegraded = 3 << 10

// last is the service's latest word: trailers come after headers.
func last(md runtime.ServerMetadata, key string) string {
	for _, from := range []metadata.MD{md.TrailerMD, md.HeaderMD} {
		if values := from[key]; len(values) > 0 {
			return values[len(values)-1]
		}
	}
	return ""
}

// answer is an error as one caller sees it.
type answer struct {
	form      Body
	docs      string // empty: the error has no page
	http      int
	err       *status.Error // as the caller would read it
	status    *spb.Status
	delay     time.Duration // negative: none
	requestID string
	challenge string
}

func (c Config) answer(ctx context.Context, r *http.Request, err error) answer {
	a := answer{form: c.form(r)}
	var e *status.Error
	e, a.http = read(err)
	trust := c.trust(r)
	if _, named := status.Detail[*errdetails.ErrorInfo](e); !named && a.http >= 500 && trust != status.Internal {
		e = unexplained(e, a.http)
	}
	a.requestID = c.requestID(ctx, r, e)
	enc := e.Encode(status.Rendering{
		Domain: c.Domain, RequestID: a.requestID, Trust: trust, PartnerDomains: c.PartnerDomains,
		OmitGuidance: c.OmitGuidance, TrailerBytes: status.MaxTrailerBytes,
	})
	a.status, a.delay = web.Whole(enc.Status), enc.RetryDelay
	a.err, _ = status.From(enc.Status.Err())
	if hasPage(a.err) && (c.Domain == "" || a.err.Domain() == c.Domain) {
		a.docs = c.Docs
	}
	if a.http == http.StatusUnauthorized {
		a.challenge = c.challenge(r)
	}
	return a
}

// read makes an Error of whatever the mux has, and finds its HTTP status.
func read(err error) (*status.Error, int) {
	chosen := 0
	if custom := (*runtime.HTTPStatusError)(nil); errors.As(err, &custom) && custom != nil {
		err = custom.Err // which it does not unwrap to
		if custom.HTTPStatus >= 400 && custom.HTTPStatus <= 599 {
			chosen = custom.HTTPStatus
		}
	}
	e, ok := status.From(err)
	switch {
	case !ok && chosen != 0:
		e = status.New(codeOf(chosen), "", title(chosen), status.Cause(err))
	case !ok:
		e = status.Classify(orNothing(err))
	}
	if chosen == 0 {
		chosen = runtime.HTTPStatusFromCode(e.Code())
	}
	return e, chosen
}

// hasPage reports whether a service has named the error: its error code is neither the
// name of its code nor one that package status gives to what nobody has described.
func hasPage(e *status.Error) bool {
	switch e.ErrorCode() {
	case codeName(e.Code()), status.CodeUnexpected, status.CodeTimeout, status.CodeCancelled,
		status.CodeDependencyFailed, status.CodeDependencyUnavailable, status.CodeDependencyTimeout:
		return false
	}
	return true
}

// orNothing keeps a nil that was passed for an error from being a success.
func orNothing(err error) error {
	if err == nil {
		return errNothing
	}
	return err
}

var errNothing = errors.New("the error is nil")

// unexplained stands for an error that nobody has given a name: its text was meant for a
// log. That of a connection that cannot be made names the service's address.
func unexplained(e *status.Error, http int) *status.Error {
	opts := []status.Option{status.Cause(e)}
	if d, ok := e.RetryDelay(); ok {
		opts = append(opts, status.RetryAfter(d))
	}
	return status.New(e.Code(), "", title(http), opts...)
}

// trust asks the operator's function, which may panic.
func (c Config) trust(r *http.Request) (t status.Trust) {
	if c.Trust == nil || r == nil {
		return status.Public
	}
	defer func() {
		if v := recover(); v != nil {
			t = status.Public
		}
	}()
	return c.Trust(r)
}

// requestID is what finds the call in the service's log: what the service said, or else
// what the caller had sent.
func (c Config) requestID(ctx context.Context, r *http.Request, e *status.Error) string {
	md, _ := runtime.ServerMetadataFromContext(ctx)
	if id := web.ID(e.RequestID(), last(md, web.RequestID)); id != "" || r == nil {
		return id
	}
	return web.ID(r.Header.Values(web.RequestID)...)
}

func (c Config) challenge(r *http.Request) string {
	switch {
	case c.Challenge != "":
		return c.Challenge
	case r != nil && r.Header.Get("Authorization") != "":
		return `Bearer error="invalid_token"`
	}
	return "Bearer"
}

// head sets the headers. None has a text of the error.
func (a *answer) head(h http.Header) {
	h.Set("Content-Type", "application/json")
	if a.form == ProblemBody {
		h.Set("Content-Type", problemType)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	web.NoStore(h)
	if a.requestID != "" {
		h.Set(web.RequestID, a.requestID)
	}
	if a.delay > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(a.delay.Seconds())), 10))
	}
	if a.challenge != "" {
		h.Set("WWW-Authenticate", a.challenge)
	}
}

// codeOf is the code of an HTTP status that somebody chose without one.
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound, http.StatusGone:
		return codes.NotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return codes.Unimplemented
	case http.StatusConflict:
		return codes.Aborted
	case http.StatusPreconditionFailed:
		return codes.FailedPrecondition
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case statusClientClosedRequest:
		return codes.Canceled
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return codes.Unavailable
	case http.StatusGatewayTimeout:
		return codes.DeadlineExceeded
	}
	if httpStatus < 500 {
		return codes.InvalidArgument
	}
	return codes.Internal
}

const statusClientClosedRequest = 499

func title(httpStatus int) string {
	if httpStatus == statusClientClosedRequest {
		return "Client Closed Request"
	}
	if text := http.StatusText(httpStatus); text != "" {
		return text
	}
	return "Error " + strconv.Itoa(httpStatus)
}
