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

	// blamesServer: the caller needs the request id more than anything.
	blamesServer bool
	// unspecific: a program ends up with the code rather than chooses it, and
	// what it says was written for the log.
	unspecific bool
	// retried: retry policies list the code, so that clients which read no
	// details have to be told not to.
	retried bool
	// severity ranks an error among several: what forbids a repeat most decides,
	// since obeying the mildest would only meet the others. Who the caller is
	// comes first, so that nothing else is told to a stranger.
	severity int
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
	suggestNever   = "Repeating the request will not help now."
	suggestReport  = "Please report this issue to support."
	messageUnknown = "an unexpected error occurred"
)

// guidance is what to suggest for an error that suggests nothing itself. A verdict
// that the error states goes before its code: what contradicts it helps nobody.
func guidance(c codes.Code, stated recoursev1.RetryAdvice_Verdict) (string, []*recoursev1.RecoveryAction) {
	usual := defaultsOf(c)
	of := usual
	switch {
	case stated == recoursev1.RetryAdvice_VERDICT_UNSPECIFIED || stated == usual.verdict:
	case stated == SameRequest && (usual.verdict == AfterAction || usual.verdict == AtHigherLevel):
		of = defaultsOf(codes.Unavailable)
	case stated == AtHigherLevel:
		of = defaultsOf(codes.Aborted)
	case stated == Never && !usual.unspecific:
		return suggestNever, nil
	}
	return of.suggestion, of.actions
}

// byCode follows AIP-194 (what may be repeated) and the documentation of
// google.rpc.Code (what the code means). No action names a field, a resource or
// a link: the code does not know them.
var byCode = [...]defaults{
	codes.OK: {name: "OK"},
	codes.Canceled: {
		name: "CANCELLED", message: "the call was cancelled", verdict: Never,
		severity:   1,
		suggestion: "Nothing to do: the call was cancelled.",
	},
	codes.Unknown: {
		name: "UNKNOWN", message: messageUnknown, verdict: Never,
		severity: 12, blamesServer: true, unspecific: true, retried: true,
		suggestion: suggestReport, actions: contactSupport(),
	},
	codes.InvalidArgument: {
		name: "INVALID_ARGUMENT", message: "the request is invalid", verdict: AfterAction,
		severity:   10,
		suggestion: "Correct the request and send it again.",
		actions:    one(ByCallerCode, "Correct the request", &recoursev1.FixFields{}),
	},
	codes.DeadlineExceeded: {
		name: "DEADLINE_EXCEEDED", message: "the call did not finish in time", verdict: Never,
		severity: 3, retried: true,
		suggestion: suggestLater,
	},
	codes.NotFound: {
		name: "NOT_FOUND", message: "not found", verdict: Never,
		severity:   7,
		suggestion: "Check the name or id and try again.",
	},
	codes.AlreadyExists: {
		name: "ALREADY_EXISTS", message: "already exists", verdict: Never,
		severity:   8,
		suggestion: "Use what exists already, or choose another name.",
	},
	codes.PermissionDenied: {
		name: "PERMISSION_DENIED", message: "permission denied", verdict: AfterAction,
		severity:   15,
		suggestion: "Ask an administrator for access.",
		actions:    one(ByAdmin, "Request access", &recoursev1.RequestAccess{}),
	},
	codes.ResourceExhausted: {
		name: "RESOURCE_EXHAUSTED", message: "a limit is used up", verdict: Never,
		severity: 4, retried: true,
		suggestion: "Wait before you try again, or ask for a higher limit.",
		actions:    one(ByCallerCode, "Wait for the limit to renew", &recoursev1.WaitForQuota{}),
	},
	codes.FailedPrecondition: {
		name: "FAILED_PRECONDITION", message: "the system is not in the state that the request needs", verdict: AfterAction,
		severity:   6,
		suggestion: "Bring the system into the state that the request needs, then send it again.",
		actions:    one(ByCallerCode, "Read the current state", &recoursev1.Refresh{}),
	},
	codes.Aborted: {
		name: "ABORTED", message: "the operation was aborted by a conflict", verdict: AtHigherLevel,
		severity: 5, retried: true,
		suggestion: "Start the whole operation again.",
		actions:    one(ByCallerCode, "Restart the transaction", &recoursev1.RestartTransaction{}),
	},
	codes.OutOfRange: {
		name: "OUT_OF_RANGE", message: "a value is out of range", verdict: AfterAction,
		severity:   9,
		suggestion: "Correct the value and send the request again.",
		actions:    one(ByCallerCode, "Correct the value", &recoursev1.FixFields{}),
	},
	codes.Unimplemented: {
		name: "UNIMPLEMENTED", message: "not supported by this server", verdict: Never,
		severity:   11,
		suggestion: "Check the version of the client and of the server.",
		actions:    one(ByServiceOwner, "Update the client", &recoursev1.UpgradeClient{}),
	},
	codes.Internal: {
		name: "INTERNAL", message: messageUnknown, verdict: Never,
		severity: 13, blamesServer: true, unspecific: true, retried: true,
		suggestion: suggestReport, actions: contactSupport(),
	},
	codes.Unavailable: {
		name: "UNAVAILABLE", message: "the service is not available at the moment", verdict: SameRequest,
		severity: 2, blamesServer: true, retried: true,
		suggestion: suggestLater,
		actions:    one(ByClient, "Try again", &recoursev1.RetryAfter{}),
	},
	codes.DataLoss: {
		name: "DATA_LOSS", message: "data was lost or damaged", verdict: Never,
		severity: 14, blamesServer: true, unspecific: true,
		suggestion: suggestReport, actions: contactSupport(),
	},
	codes.Unauthenticated: {
		name: "UNAUTHENTICATED", message: "the caller is not signed in", verdict: AfterAction,
		severity:   16,
		suggestion: "Sign in again.",
		actions:    one(ByEndUser, "Sign in again", &recoursev1.Reauthenticate{}),
	},
}

func one(actor recoursev1.RecoveryAction_Actor, label string, body proto.Message) []*recoursev1.RecoveryAction {
	return []*recoursev1.RecoveryAction{Action(actor, label, body)}
}

func contactSupport() []*recoursev1.RecoveryAction {
	return one(ByEndUser, "Contact support", &recoursev1.ContactSupport{})
}
