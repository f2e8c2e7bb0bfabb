package status

import (
	"slices"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

// Trust is how much of an error a caller may see.
type Trust uint8

const (
	// Public callers see nothing of what is behind the service: no causes, no
	// debug information.
	Public Trust = iota
	// Partner callers see causes within the domains that the operator lists, and
	// of others the code alone.
	Partner
	// Internal callers see every cause, and debug information where the operator
	// asked for it.
	Internal
)

// redact removes what the caller may not see, and adds what only it may.
func (d *draft) redact(e *Error, r *Rendering) {
	if r.Trust != Internal && strings.HasPrefix(d.operation, "/") {
		d.operation = "" // a method behind this service; its own the caller knows
	}
	showDebug := r.Trust == Internal && r.TechnicalDetails
	if !showDebug {
		d.dropDebugInfo()
	} else if e.received == nil {
		d.addDebugInfo(e.cause)
	}
	if r.Trust != Internal && d.advice.GetExhaustedBy() != "" {
		d.advice = proto.CloneOf(d.advice)
		d.advice.ExhaustedBy = ""
	}
	if r.Trust != Partner && r.Trust != Internal { // whatever a value outside of the three means
		d.causes = nil
		return
	}
	d.causes = slices.Clone(d.causes)
	if e.received == nil {
		d.addCausesOf(e.cause)
	}
	if r.Trust == Partner {
		for i, c := range d.causes {
			declared := declares(c.GetDomain(), c.GetErrorCode())
			if !slices.Contains(r.PartnerDomains, c.GetDomain()) || declared != nil && tooHigh(declared.spec.GetVisibility(), Partner) {
				d.causes[i] = &recoursev1.CauseLink{Code: c.GetCode(), Redaction: recoursev1.CauseLink_REDACTION_FULL}
			}
		}
	}
}

func (d *draft) dropDebugInfo() {
	for i := 0; i < len(d.others); i++ {
		if d.others[i].name == nameDebugInfo {
			d.dropOther(i)
			i--
		}
	}
}

// dropOther leaves the array that the Error shares as it is.
func (f *fields) dropOther(i int) {
	f.others = append(f.others[:i:i], f.others[i+1:]...)
	if i < f.lead {
		f.lead--
	}
}

// addCausesOf adds the hop that failed behind this error, and what that hop said
// of those behind it.
func (d *draft) addCausesOf(cause error) {
	e := deciding(search(cause).remote)
	if e == nil {
		return
	}
	own := d.causes
	d.causes = nil
	d.addCauses(e.link())
	d.addCauses(e.Causes()...)
	d.addCauses(own...)
}

// Bounds of debug information, before the budget has its say.
const (
	maxDebugText   = 1024
	maxStackFrames = 32
)

func (d *draft) addDebugInfo(cause error) {
	if cause == nil {
		return
	}
	info := &errdetails.DebugInfo{Detail: clean(textOf(cause), maxDebugText)}
	if p, ok := as[*PanicError](cause); ok && p != nil {
		for line := range strings.Lines(string(p.Stack)) {
			if len(info.StackEntries) == maxStackFrames {
				break
			}
			info.StackEntries = append(info.StackEntries, clean(line, maxSuggestion))
		}
	}
	if value, err := proto.Marshal(info); err == nil {
		d.others = slices.Clone(d.others)
		d.merge(rawDetail{typePrefix, nameDebugInfo, value})
	}
}
