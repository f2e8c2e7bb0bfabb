package status

import (
	"slices"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

// fit leaves things out, in order of what a caller misses least, until the
// trailer block is within the budget or nothing is left but the code, the
// identity, the retry delay, the verdict and the outcome. It returns the
// encoding.
func (d *draft) fit(details []byte, budget int) []byte {
	d.actions, d.meta = slices.Clone(d.actions), slices.Clone(d.meta) // the Error shares the arrays
	for _, step := range trimOrder {
		for d.block(details) > budget && step(d) {
			details = d.append(details[:0])
		}
	}
	return details
}

// trimOrder is the order of leaving things out. A step does one bit of its work
// and reports whether there was any.
var trimOrder = []func(*draft) bool{
	(*draft).trimStack,
	func(d *draft) bool { return d.trimType(nameDebugInfo) },
	(*draft).trimCause,
	(*draft).trimCustomAction,
	(*draft).trimForeign,
	func(d *draft) bool { return d.trimActions(2) },
	func(d *draft) bool { return d.trimList(nameHelp, 1) },
	func(d *draft) bool { return d.trimViolations(10) },
	func(d *draft) bool { return clearText(&d.suggestion, &d.elided) },
	func(d *draft) bool { return d.trimType(nameLocalized) },
	func(d *draft) bool { return d.trimViolations(3) },
	func(d *draft) bool { return d.trimType(nameHelp) },
	(*draft).trimMessage,
	(*draft).trimMetaValue,
	func(d *draft) bool { return d.trimViolations(1) },
	func(d *draft) bool { return d.trimType(nameResource) },
	func(d *draft) bool { return d.trimActions(0) },
	(*draft).trimStandard,
	func(d *draft) bool { return clearText(&d.operation, &d.elided) },
	func(d *draft) bool { return clearText(&d.catalogVersion, &d.elided) },
	(*draft).trimMeta,
	(*draft).trimRequestInfo,
	(*draft).trimDetail,
}

func (f *fields) indexOf(name string) int {
	return slices.IndexFunc(f.others, func(r rawDetail) bool { return r.name == name })
}

func (f *fields) trimType(name string) bool {
	i := f.indexOf(name)
	if i < 0 {
		return false
	}
	f.dropOther(i)
	f.elided++
	return true
}

func (d *draft) trimStack() bool {
	return editDetail(d, nameDebugInfo, func(m *errdetails.DebugInfo) int {
		n := len(m.GetStackEntries())
		m.StackEntries = nil
		return n
	})
}

func (d *draft) trimCause() bool {
	if len(d.causes) == 0 {
		return false
	}
	d.dropCause()
	return true
}

func (d *draft) trimCustomAction() bool {
	i := slices.IndexFunc(d.actions, func(a *recoursev1.RecoveryAction) bool { return a.GetCustom() != nil })
	if i < 0 {
		return false
	}
	d.actions = slices.Delete(d.actions, i, i+1)
	d.elided++
	return true
}

// trimForeign drops the last detail that is not of google.rpc: its readers are
// the fewest.
func (d *draft) trimForeign() bool {
	return d.trimLast(func(r rawDetail) bool { return !strings.HasPrefix(r.name, "google.rpc.") })
}

func (d *draft) trimStandard() bool {
	return d.trimLast(func(rawDetail) bool { return true })
}

func (d *draft) trimLast(match func(rawDetail) bool) bool {
	for i := len(d.others) - 1; i >= 0; i-- {
		if match(d.others[i]) {
			d.dropOther(i)
			d.elided++
			return true
		}
	}
	return false
}

func (d *draft) trimActions(keep int) bool {
	n := len(d.actions)
	if n <= keep {
		return false
	}
	d.actions = d.actions[:keep]
	d.elided = saturatingAdd(d.elided, uint32(n-keep))
	return true
}

func (d *draft) trimViolations(keep int) bool {
	for _, name := range [...]string{nameBadRequest, namePrecond, nameQuota} {
		if d.trimList(name, keep) {
			return true
		}
	}
	return false
}

// capLists holds every list to what a reader takes in, whatever the budget.
func (d *draft) capLists() {
	for _, r := range d.others { // of the details as they were: trimming does not write into their array
		if most, isList := maxItems(r.name); isList {
			d.trimList(r.name, most)
		}
	}
	// Three to five more stand beside these.
	for len(d.others) > maxDetails-5 && d.trimForeign() {
	}
}

// maxItems is the limit of a detail that is a list, and whether it is one.
func maxItems(name string) (most int, isList bool) {
	switch name {
	case nameHelp:
		return maxLinks, true
	case nameBadRequest, namePrecond, nameQuota:
		return maxViolations, true
	}
	return 0, false
}

// trimList shortens the list that makes up a detail of google.rpc, in each of
// them its field 1.
func (d *draft) trimList(name string, keep int) bool {
	if i := d.indexOf(name); i < 0 || count(d.others[i].value, 1) <= keep {
		return false
	}
	switch name {
	case nameHelp:
		return editDetail(d, name, func(m *errdetails.Help) int { return shorten(&m.Links, keep) })
	case nameBadRequest:
		return editDetail(d, name, func(m *errdetails.BadRequest) int { return shorten(&m.FieldViolations, keep) })
	case namePrecond:
		return editDetail(d, name, func(m *errdetails.PreconditionFailure) int { return shorten(&m.Violations, keep) })
	case nameQuota:
		return editDetail(d, name, func(m *errdetails.QuotaFailure) int { return shorten(&m.Violations, keep) })
	}
	return false
}

func shorten[T any](list *[]T, keep int) int {
	dropped := max(len(*list)-keep, 0)
	*list = (*list)[:len(*list)-dropped]
	return dropped
}

// editDetail decodes the detail of that name and lets edit change it; edit
// returns how many things it took out.
func editDetail[M any, P interface {
	*M
	proto.Message
}](d *draft, name string, edit func(P) int) bool {
	i := d.indexOf(name)
	if i < 0 {
		return false
	}
	m := P(new(M))
	if !unmarshal(d.others[i].value, m) {
		d.dropOther(i)
		d.elided++
		return true
	}
	dropped := edit(m)
	if dropped == 0 {
		return false
	}
	value, err := marshal(m)
	if err != nil {
		return false
	}
	d.others = slices.Clone(d.others) // the Error shares the array
	d.others[i].value = value
	d.elided = saturatingAdd(d.elided, uint32(dropped))
	return true
}

func clearText(s *string, elided *uint32) bool {
	if *s == "" {
		return false
	}
	*s = ""
	*elided++
	return true
}

// trimMessage halves the message, which is paid for twice.
func (d *draft) trimMessage() bool {
	const least = 32
	if len(d.message) <= least {
		return false
	}
	d.message = cut(d.message, max(len(d.message)/2, least))
	return true
}

// trimMetaValue empties the largest value. The key stays: a client may count on
// finding it (AIP-193).
func (d *draft) trimMetaValue() bool {
	const least = 13 // shorter ones are not worth it
	largest, size := -1, least
	for i, p := range d.meta {
		if len(p.value) > size && !isMirror(p.key) {
			largest, size = i, len(p.value)
		}
	}
	if largest < 0 {
		return false
	}
	d.meta[largest].value = ""
	d.elided++
	return true
}

func (d *draft) trimMeta() bool {
	for i := len(d.meta) - 1; i >= 0; i-- {
		if !isMirror(d.meta[i].key) {
			d.meta = slices.Delete(d.meta, i, i+1)
			d.elided++
			return true
		}
	}
	return false
}

// trimRequestInfo leaves the id to the trailer.
func (d *draft) trimRequestInfo() bool {
	was := d.requestInfo
	d.requestInfo = false
	return was
}

// trimDetail is for budgets that hold no second copy of the identity: outcome
// and verdict move into the metadata.
func (d *draft) trimDetail() bool {
	if d.omitDetail {
		return false
	}
	d.omitDetail = true
	d.mirror()
	return true
}
