package telemetry

import (
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// Keys of attributes that OpenTelemetry's conventions have no name for.
const (
	keyMethod = "grpc.method" // gRFC A66
	keyTarget = "grpc.target"
	keyStatus = "grpc.status"

	keyPrevious = "previous-rpc-attempts" // gRFC A72

	keyReason    = "recourse.reason"
	keyDelay     = "recourse.delay"
	keySource    = "recourse.fallback.source"
	keyOutcome   = "recourse.fallback.outcome"
	keyKind      = "recourse.degraded.kind"
	keyOrigin    = "recourse.degraded.origin"
	keyService   = "recourse.service"
	keyErrorCode = "recourse.error_code"
	keyRequestID = "recourse.request_id"
	keyAttempts  = "recourse.attempts"
	keyElided    = "recourse.elided"
)

// names are those of google.rpc.Code, which OpenTelemetry's conventions ask for.
var names = [...]string{
	codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
	codes.DataLoss: "DATA_LOSS", codes.Unauthenticated: "UNAUTHENTICATED",
}

func canonical(c codes.Code) string {
	if int(c) < len(names) {
		return names[c]
	}
	return names[codes.Unknown]
}

// errorType is domain/ERROR_CODE, or what there is of it.
func errorType(e *status.Error, domain string) string {
	code := clean(e.ErrorCode())
	if code == "" {
		code = canonical(e.Code())
	}
	if domain = clean(domain); domain != "" {
		return domain + "/" + code
	}
	return code
}

// clean is a name of somebody else's, fit for an attribute.
func clean(name string) string { return status.Display(name, 128) }

// kindOf is "stale", "default" and so on, "degraded" if it is not said.
func kindOf(d *recoursev1.Degraded) string {
	if d.GetKind() == recoursev1.Degraded_KIND_UNSPECIFIED {
		return "degraded"
	}
	return strings.ToLower(strings.TrimPrefix(d.GetKind().String(), "KIND_"))
}
