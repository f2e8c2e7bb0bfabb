package status

import (
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// defaults is what a gRPC code alone tells a caller. A server sends the guidance
// where an error brings none, a reader assumes it where the server sent none.
type defaults struct {
	name       string // the canonical spelling of the code
	message    string // for an error whose own text must not be shown
	suggestion string
	actions    []*recoursev1.RecoveryAction
	verdict    recoursev1.RetryAdvice_Verdict
}

func defaultsOf(c codes.Code) *defaults {
	if int(c) < len(byCode) {
		return &byCode[c]
	}
	return &byCode[codes.Unknown]
}

// Texts that stand for more than one code.
const (
	suggestLater   = "Try again in a few moments or check system status."
	suggestReport  = "Please report this issue to support."
	messageUnknown = "an unexpected error occurred"
)

const (
	sameRequest   = recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
	afterAction   = recoursev1.RetryAdvice_VERDICT_AFTER_ACTION
	atHigherLevel = recoursev1.RetryAdvice_VERDICT_AT_HIGHER_LEVEL
	never         = recoursev1.RetryAdvice_VERDICT_NEVER
)

// byCode follows AIP-194 (what may be repeated) and the documentation of
// google.rpc.Code (what the code means). No action names a field, a resource or
// a link: the code does not know them.
var byCode = [...]defaults{
	codes.OK: {name: "OK"},
	codes.Canceled: {
		name: "CANCELLED", message: "the call was cancelled", verdict: never,
		suggestion: "Nothing to do: the call was cancelled.",
	},
	codes.Unknown: {
		name: "UNKNOWN", message: messageUnknown, verdict: never,
		suggestion: suggestReport, actions: contactSupport(),
	},
	codes.InvalidArgument: {
		name: "INVALID_ARGUMENT", message: "the request is invalid", verdict: afterAction,
		suggestion: "Correct the request and send it again.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_CALLER_CODE, "Correct the request", &recoursev1.FixFields{}),
	},
	codes.DeadlineExceeded: {
		name: "DEADLINE_EXCEEDED", message: "the call did not finish in time", verdict: never,
		suggestion: suggestLater,
	},
	codes.NotFound: {
		name: "NOT_FOUND", message: "not found", verdict: never,
		suggestion: "Check the name or id and try again.",
	},
	codes.AlreadyExists: {
		name: "ALREADY_EXISTS", message: "already exists", verdict: never,
		suggestion: "Use what exists already, or choose another name.",
	},
	codes.PermissionDenied: {
		name: "PERMISSION_DENIED", message: "permission denied", verdict: afterAction,
		suggestion: "Ask an administrator for access.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_ADMIN, "Request access", &recoursev1.RequestAccess{}),
	},
	codes.ResourceExhausted: {
		name: "RESOURCE_EXHAUSTED", message: "a limit is used up", verdict: never,
		suggestion: "Wait before you try again, or ask for a higher limit.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_CALLER_CODE, "Wait for the limit to renew", &recoursev1.WaitForQuota{}),
	},
	codes.FailedPrecondition: {
		name: "FAILED_PRECONDITION", message: "the system is not in the state that the request needs", verdict: afterAction,
		suggestion: "Bring the system into the state that the request needs, then send it again.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_CALLER_CODE, "Read the current state", &recoursev1.Refresh{}),
	},
	codes.Aborted: {
		name: "ABORTED", message: "the operation was aborted by a conflict", verdict: atHigherLevel,
		suggestion: "Start the whole operation again.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_CALLER_CODE, "Restart the transaction", &recoursev1.RestartTransaction{}),
	},
	codes.OutOfRange: {
		name: "OUT_OF_RANGE", message: "a value is out of range", verdict: afterAction,
		suggestion: "Correct the value and send the request again.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_CALLER_CODE, "Correct the value", &recoursev1.FixFields{}),
	},
	codes.Unimplemented: {
		name: "UNIMPLEMENTED", message: "not supported by this server", verdict: never,
		suggestion: "Check the version of the client and of the server.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_SERVICE_OWNER, "Update the client", &recoursev1.UpgradeClient{}),
	},
	codes.Internal: {
		name: "INTERNAL", message: messageUnknown, verdict: never,
		suggestion: suggestReport, actions: contactSupport(),
	},
	codes.Unavailable: {
		name: "UNAVAILABLE", message: "the service is not available at the moment", verdict: sameRequest,
		suggestion: suggestLater,
		actions:    one(recoursev1.RecoveryAction_ACTOR_CLIENT, "Try again", &recoursev1.RetryAfter{}),
	},
	codes.DataLoss: {
		name: "DATA_LOSS", message: "data was lost or damaged", verdict: never,
		suggestion: suggestReport, actions: contactSupport(),
	},
	codes.Unauthenticated: {
		name: "UNAUTHENTICATED", message: "the caller is not signed in", verdict: afterAction,
		suggestion: "Sign in again.",
		actions:    one(recoursev1.RecoveryAction_ACTOR_END_USER, "Sign in again", &recoursev1.Reauthenticate{}),
	},
}

func one(actor recoursev1.RecoveryAction_Actor, label string, body proto.Message) []*recoursev1.RecoveryAction {
	return []*recoursev1.RecoveryAction{Action(actor, label, body)}
}

func contactSupport() []*recoursev1.RecoveryAction {
	return one(recoursev1.RecoveryAction_ACTOR_END_USER, "Contact support", &recoursev1.ContactSupport{})
}

// defaultVerdict is what the code says about a repeat where the server said
// nothing: AIP-194, with the rule of OpenTelemetry's protocol that an exhausted
// resource may be asked again only if the server named a delay.
func defaultVerdict(c codes.Code, f *fields) recoursev1.RetryAdvice_Verdict {
	switch {
	case c == codes.ResourceExhausted && f.hasDelay:
		return sameRequest
	case c == codes.DeadlineExceeded && f.outcome == recoursev1.Outcome_OUTCOME_NOT_APPLIED:
		return sameRequest
	}
	return defaultsOf(c).verdict
}

// serverFault reports whether the code blames the server or what is behind it:
// the caller then needs the request id more than anything.
func serverFault(c codes.Code) bool {
	switch c {
	case codes.Unknown, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

// unspecific reports whether code is one that a program ends up with rather than
// chooses: its text was written for the log.
func unspecific(c codes.Code) bool {
	return c == codes.Unknown || c == codes.Internal || c == codes.DataLoss
}

// severity orders codes for an error that has several: what forbids a repeat
// most decides, since obeying the mildest of them would only meet the others.
// Who the caller is comes first, so that nothing else is told to a stranger.
func severity(c codes.Code) int {
	for i, code := range [...]codes.Code{
		codes.Canceled, codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted,
		codes.Aborted, codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists,
		codes.OutOfRange, codes.InvalidArgument, codes.Unimplemented,
		codes.Unknown, codes.Internal, codes.DataLoss,
		codes.PermissionDenied, codes.Unauthenticated,
	} {
		if c == code {
			return i
		}
	}
	return -1
}
