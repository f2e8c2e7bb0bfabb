// Package fallback is when another answer is better than none, and how that answer
// is marked.
package fallback

import (
	"slices"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// ServerFault tells failures of a service from those that its caller can mend: the
// codes that Envoy's admission control does not count as success, with UNKNOWN.
func ServerFault(c codes.Code) bool {
	switch c {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted,
		codes.Internal, codes.Unknown, codes.DataLoss:
		return true
	}
	return false
}

// MeantFor reports whether a fallback is for a failure: one with one of its error
// codes, or, if it names none, any of a service.
func MeantFor(errorCodes []string, e *status.Error) bool {
	if len(errorCodes) > 0 {
		return slices.Contains(errorCodes, e.ErrorCode())
	}
	return ServerFault(e.Code())
}

// Mark is the mark of an answer that was found after a call had failed with cause. It says
// what everybody may see of that: whoever made the call reads it.
func Mark(kind recoursev1.Degraded_Kind, source string, cause *status.Error) *recoursev1.Degraded {
	if public, ok := status.From(cause.GRPCStatus().Err()); ok {
		cause = public
	}
	return &recoursev1.Degraded{
		Kind: kind, Source: source, ErrorCode: cause.ErrorCode(), Domain: cause.Domain(),
		Suggestion: cause.Suggestion(), RecoveryActions: cause.RecoveryActions(),
	}
}
