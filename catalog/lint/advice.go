package lint

import (
	"slices"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Verdicts that agree with what a code means, see google.rpc.Code and AIP-194. A code that is not here agrees with all.
var fitting = map[codes.Code][]recoursev1.RetryAdvice_Verdict{
	codes.Canceled:           {status.Never},
	codes.InvalidArgument:    {status.AfterAction, status.Never},
	codes.NotFound:           {status.AfterAction, status.AtHigherLevel, status.Never},
	codes.AlreadyExists:      {status.AfterAction, status.AtHigherLevel, status.Never},
	codes.PermissionDenied:   {status.AfterAction, status.Never},
	codes.FailedPrecondition: {status.AfterAction, status.AtHigherLevel, status.Never},
	codes.Aborted:            {status.AtHigherLevel},
	codes.OutOfRange:         {status.AfterAction, status.AtHigherLevel, status.Never},
	codes.Unimplemented:      {status.AfterAction, status.Never},
	codes.Internal:           {status.AfterAction, status.AtHigherLevel, status.Never},
	codes.Unavailable:        {status.SameRequest, status.AfterAction, status.AtHigherLevel},
	codes.DataLoss:           {status.AfterAction, status.AtHigherLevel, status.Never},
	codes.Unauthenticated:    {status.AfterAction, status.Never},
}

// advice checks what a caller is told to do, and that it is told.
func (l *linter) advice(s *subject) {
	l.retry(s)
	l.outcome(s)
	if s.Retry == "AFTER_ACTION" && len(s.opts.GetActions()) == 0 {
		l.fail(s, "CAT_ACTIONABLE", "%s may succeed after an action and names none: add what would help", s.Value)
		return
	}
	if s.public() && s.Suggestion == "" && len(s.opts.GetActions()) == 0 && len(s.opts.GetLinks()) == 0 && s.Page == "" {
		l.fail(s, "CAT_ACTIONABLE", "%s leaves its caller alone: add a suggestion, an action or a link", s.Value)
	}
}

func (l *linter) retry(s *subject) {
	const rule = "CAT_RETRY_CODE"
	code, verdict := s.GRPCCode(), s.made.Verdict()
	delay := s.opts.GetRetryDelay()
	_, said := recoursev1.RetryAdvice_Verdict_name[int32(s.opts.GetRetry())]
	switch {
	case !said:
		l.fail(s, rule, "%s has a verdict on repeats that nobody knows: use one of recourse.v1.RetryAdvice", s.Value)
	case delay != nil && (delay.CheckValid() != nil || delay.AsDuration() < 0):
		l.fail(s, rule, "the retry_delay of %s is no time to wait: set it to more than nothing", s.Value)
	case delay != nil && verdict == status.Never:
		l.fail(s, rule, "%s says when to repeat the request, and never to repeat it: take out retry_delay, or set another verdict", s.Value)
	case fitting[code] != nil && !slices.Contains(fitting[code], verdict):
		l.fail(s, rule, "%s has the code %s and the verdict %s, and a client that knows the code alone does something else: %s",
			s.Value, s.Code, catalog.Word(verdict), remedy(code))
	case code == codes.ResourceExhausted && verdict == status.SameRequest && !waits(s):
		l.fail(s, rule,
			"%s says to send the same request again and not when, which uses up the limit anew: set retry_delay, or say in "+
				"an exception who adds it", s.Value)
	}
}

// remedy says how to make peace between a code and another verdict.
func remedy(code codes.Code) string {
	switch code {
	case codes.Aborted:
		return "set VERDICT_AT_HIGHER_LEVEL; what must not be repeated is FAILED_PRECONDITION, a single call that may be is UNAVAILABLE"
	case codes.Unavailable:
		return "set VERDICT_SAME_REQUEST; what must not be repeated is FAILED_PRECONDITION or INTERNAL"
	case codes.Canceled:
		return "set VERDICT_NEVER: who cancelled does not want it again"
	}
	return "set VERDICT_AFTER_ACTION or VERDICT_NEVER; what the same request may get over is UNAVAILABLE"
}

// waits tells whether an error itself says how long to wait.
func waits(s *subject) bool {
	return s.opts.GetRetryDelay().AsDuration() > 0 || slices.ContainsFunc(s.opts.GetActions(), func(a *recoursev1.RecoveryAction) bool {
		return a.GetRetryAfter().GetDelay().AsDuration() > 0
	})
}

// outcome asks the methods: what changes nothing has no outcome to report.
func (l *linter) outcome(s *subject) {
	const rule = "CAT_OUTCOME_REQUIRED"
	outcome := s.opts.GetOutcome()
	if _, known := recoursev1.Outcome_name[int32(outcome)]; !known {
		l.fail(s, rule, "%s has an outcome that nobody knows: use one of recourse.v1.Outcome", s.Value)
		return
	}
	for _, name := range s.Methods {
		m := l.methods[name]
		if m == nil || m.Descriptor() == nil {
			continue
		}
		level := idempotency(m.Descriptor())
		switch {
		case outcome == recoursev1.Outcome_OUTCOME_UNSPECIFIED && level != descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
			l.fail(s, rule,
				"%s does not say whether %s took effect: set outcome, or idempotency_level = NO_SIDE_EFFECTS on a method that "+
					"only reads", s.Value, name)
			return
		case outcome == status.Indeterminate && s.made.Verdict() == status.SameRequest &&
			level == descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN && !hasRequestID(m.Descriptor()):
			l.fail(s, rule, "%s may have taken effect and says to send the same request again, which %s may carry out twice: "+
				"give the request a request_id, set idempotency_level, or choose another verdict", s.Value, name)
			return
		}
	}
}

func idempotency(m protoreflect.MethodDescriptor) descriptorpb.MethodOptions_IdempotencyLevel {
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel()
}

// hasRequestID tells whether a repeat can be told from a second request (AIP-155).
func hasRequestID(m protoreflect.MethodDescriptor) bool {
	f := m.Input().Fields().ByName("request_id")
	return f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() && !m.IsStreamingClient()
}

// references checks the lists of services and methods. Names that are nowhere were found when the catalogue was read.
func (l *linter) references() {
	byValue := map[protoreflect.FullName]*subject{}
	for _, s := range l.subjects {
		byValue[s.Descriptor().FullName()] = s
	}
	for _, f := range l.files {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			shared := l.list(service, declaredBy(service, recoursev1.E_Service), byValue, nil)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				l.list(m, declaredBy(m, recoursev1.E_Method), byValue, shared)
			}
		}
	}
}

// list checks one list, given what the service declares for all of its methods.
func (l *linter) list(at protoreflect.Descriptor, names []string, byValue map[protoreflect.FullName]*subject, shared []*subject) []*subject {
	var seen []*subject
	for _, name := range names {
		s := byValue[at.ParentFile().Package().Append(protoreflect.Name(name))]
		if s == nil {
			s = byValue[protoreflect.FullName(name)]
		}
		if s == nil {
			continue
		}
		switch {
		case slices.Contains(seen, s):
			l.report(catalog.Failure, catalog.RuleMethodRef, catalog.PositionOf(at), []*subject{s}, "%s declares %s twice: take one out", at.Name(), name)
		case slices.Contains(shared, s):
			l.report(catalog.Failure, catalog.RuleMethodRef, catalog.PositionOf(at), []*subject{s},
				"%s declares %s, as its service does for every method: take one out", at.Name(), name)
		}
		seen = append(seen, s)
	}
	return seen
}
