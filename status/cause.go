package status

import (
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/grpc/codes"
)

// addCauses adds clean links and takes ownership of them.
func (f *fields) addCauses(links ...*recoursev1.CauseLink) {
	for _, l := range links {
		if l != nil && !f.hasCause(l) {
			f.causes = append(f.causes, l)
		}
	}
	for len(f.causes) > maxCauses {
		f.dropCause()
	}
}

// cleanCause holds a link to its limits, in place.
func cleanCause(l *recoursev1.CauseLink) {
	if l == nil {
		return
	}
	l.Service = clean(l.GetService(), maxService)
	l.Domain = clean(l.GetDomain(), maxDomain)
	l.ErrorCode = cleanErrorCode(l.GetErrorCode())
	l.RequestId = clean(l.GetRequestId(), maxRequestID)
	if l.GetCode() < 0 || l.GetCode() > int32(codes.Unauthenticated) {
		l.Code = int32(codes.Unknown)
	}
}

// hasCause tells a loop: the same service failed the same request.
func (f *fields) hasCause(l *recoursev1.CauseLink) bool {
	for _, c := range f.causes {
		if l.GetRequestId() != "" && c.GetService() == l.GetService() && c.GetRequestId() == l.GetRequestId() {
			return true
		}
	}
	return false
}

// dropCause removes the middle one: the nearest hop and the root tell most.
func (f *fields) dropCause() {
	i := len(f.causes) / 2
	f.causes = append(f.causes[:i:i], f.causes[i+1:]...)
	f.elided++
}

// link describes an error that another process returned, from what this side
// knows itself and the identity it claimed.
func (e *Error) link() *recoursev1.CauseLink {
	f := e.view()
	l := &recoursev1.CauseLink{
		Service:   serviceOf(e.received.method),
		Domain:    f.domain,
		ErrorCode: e.ErrorCode(),
		Code:      int32(e.code),
		RequestId: f.requestID,
	}
	cleanCause(l)
	return l
}

func serviceOf(method string) string {
	method = strings.TrimPrefix(method, "/")
	if i := strings.LastIndexByte(method, '/'); i >= 0 {
		return method[:i]
	}
	return method
}
