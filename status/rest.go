package status

import (
	"bytes"
	"slices"
)

// rest is what stands behind the details that differ from call to call: those of other
// types, and the ErrorDetail. What a declaration says there is encoded once.
type rest struct {
	fields
	encoded []byte
}

// restOf encodes the rest of an error as most of those get it who may see it.
func (e *Error) restOf() rest {
	var d draft
	d.fill(e, &Rendering{Trust: Internal})
	return rest{d.fields, d.encodeRest(nil)}
}

// appendRest takes the rest of a declared error as it was encoded once, unless an option,
// the caller's trust, the request's id or the budget has changed anything in it.
func (d *draft) appendRest(b []byte) []byte {
	if of := d.declared; of != nil && !d.omitDetail && d.sameRest(&of.rest.fields) && !slices.ContainsFunc(d.actions, d.quotesRequest) {
		return append(b, of.rest.encoded...)
	}
	return d.encodeRest(b)
}

// sameRest compares all that encodeRest reads.
func (f *fields) sameRest(o *fields) bool {
	return f.errorCode == o.errorCode && f.domain == o.domain && f.suggestion == o.suggestion &&
		slices.Equal(f.actions, o.actions) && f.outcome == o.outcome && f.advice == o.advice &&
		f.operation == o.operation && slices.Equal(f.causes, o.causes) && f.elided == o.elided &&
		f.catalogVersion == o.catalogVersion && f.lead == o.lead &&
		slices.EqualFunc(f.others, o.others, rawDetail.equal)
}

func (r rawDetail) equal(o rawDetail) bool {
	return r.name == o.name && r.prefix == o.prefix && bytes.Equal(r.value, o.value)
}
