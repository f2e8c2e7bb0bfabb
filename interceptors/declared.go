package interceptors

import (
	"cmp"
	"log/slog"
	"strings"
	"sync"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/locale"
	"github.com/recourse-dev/recourse/internal/chain"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// UndeclaredMode says what happens to an error that its method has not declared.
type UndeclaredMode uint8

// What to do about such an error, for [Undeclared].
const (
	// SendUndeclared sends it as it is: the default.
	SendUndeclared UndeclaredMode = iota
	// LogUndeclared sends it, and writes a warning to slog.Default: for development.
	LogUndeclared
	// RefuseUndeclared answers INTERNAL in its place, with the error as the cause: what
	// is not declared is not part of the contract.
	RefuseUndeclared
)

// Undeclared says what happens to errors that a method answers with but has not
// declared, by the options of recourse.v1's catalog.proto on the method or its service.
// Methods that declare nothing, not even that, answer with any error. What this library
// makes itself is always declared: deadlines, refusals, failures of dependencies, and
// errors that nobody has given a meaning.
func Undeclared(mode UndeclaredMode) ServerOption {
	return serverOption(func(s *server) { s.undeclared = mode })
}

// declarations are the errors of the methods that declare any, by the full name of the
// method.
var declarations = sync.OnceValue(func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, m := range catalog.Linked().Methods {
		keys := map[string]bool{}
		for _, key := range m.Errors {
			keys[key] = true
		}
		all["/"+m.Name] = keys
	}
	return all
})

// isUndeclared reports whether the method says of its errors which there are, and e is
// none of them.
func (c *serverCall) isUndeclared(e *status.Error) bool {
	if c.refused || ofLibrary(e) || ofGRPC(e) {
		return false
	}
	declared, some := declarations()[c.call.Method]
	return some && !declared[cmp.Or(e.Domain(), c.server.rendering.Domain)+"/"+e.ErrorCode()]
}

// Error codes that a handler may pass on: of a client in this process, and of a fallback.
const (
	codeDegraded   = "DEGRADED_ANSWER"
	codeNoReply    = "NO_REPLY"
	codeOverride   = "INVALID_OVERRIDE"
	codeSubstitute = "FALLBACK_TIMEOUT"
	codeThrottled  = "CLIENT_THROTTLED"
)

// ofLibrary tells the errors that this library makes.
func ofLibrary(e *status.Error) bool {
	switch e.ErrorCode() {
	case status.CodeUnexpected, status.CodeTimeout, status.CodeCancelled,
		status.CodeDependencyFailed, status.CodeDependencyUnavailable, status.CodeDependencyTimeout,
		codeDegraded, codeNoReply, codeOverride, codeSubstitute, codeThrottled,
		"OPERATIONS_STUCK": // of package async
		return true
	}
	operation := e.Operation()
	return operation != "" && e.Code() == codes.Internal && e.ErrorCode() == status.Operation(operation, nil).ErrorCode()
}

// ofGRPC tells the errors with which gRPC itself ends calls: they have no name but their code.
func ofGRPC(e *status.Error) bool {
	switch e.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unimplemented:
		return e.ErrorCode() == status.New(e.Code(), "", "").ErrorCode()
	}
	return false
}

// held is e, or what is answered in its place.
func (c *serverCall) held(e *status.Error) (_ *status.Error, undeclared bool) {
	s := c.server
	if s.undeclared == SendUndeclared && s.observer == nil || !c.isUndeclared(e) {
		return e, false
	}
	switch s.undeclared {
	case LogUndeclared:
		slog.WarnContext(c.outer(), "a method answered with an error that it has not declared: declare it with the option (recourse.v1.method), or answer with another",
			"method", c.call.Method, "error", status.Display(e.Error(), 0), "domain", cmp.Or(e.Domain(), s.rendering.Domain))
	case RefuseUndeclared:
		return status.Classify(undeclaredError{e}), true
	}
	return e, true
}

// undeclaredError is an error that nobody is to see. It does not unwrap: what it says
// would be taken for the answer.
type undeclaredError struct{ err *status.Error }

func (u undeclaredError) Error() string {
	return string(chain.Append([]byte("not declared by its method: "), u.err, "", nil))
}

// Translations sends a declared error in the caller's language too, where there is a text in
// one that the caller accepts: the metadata accept-language, as browsers and gateways
// send it. The message goes as google.rpc.LocalizedMessage, the suggestion in place of the
// English one. Without that metadata, or a text, errors stay as they are, and so does
// an error that has a LocalizedMessage of its own.
func Translations(texts *locale.Texts) ServerOption {
	return serverOption(func(s *server) { s.texts = texts })
}

// translated is e with what it says in the caller's language.
func (c *serverCall) translated(e *status.Error) *status.Error {
	if c.server.texts == nil {
		return e
	}
	accepted := metadata.ValueFromIncomingContext(c.Context, "accept-language")
	if len(accepted) == 0 {
		return e
	}
	text, ok := c.server.texts.RenderAs(e, c.domainOf(e), strings.Join(accepted, ","))
	if !ok {
		return e
	}
	if _, own := status.Detail[*errdetails.LocalizedMessage](e); own {
		return e
	}
	opts := []status.Option{status.Attach(&errdetails.LocalizedMessage{Locale: text.Locale, Message: text.Message})}
	if text.Suggestion != "" {
		opts = append(opts, status.Suggest(text.Suggestion))
	}
	return e.With(opts...)
}
