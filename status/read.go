package status

import (
	"iter"

	"google.golang.org/protobuf/proto"
)

// From returns the Error that err is, wraps or, as a status of grpc-go, can be
// read as. It reports false for nil and for errors without a status; [Classify]
// gives those one. Of several statuses in an errors.Join it reads the one that
// Classify would send.
func From(err error) (*Error, bool) {
	if err == nil {
		return nil, false
	}
	if e, ok := err.(*Error); ok {
		return e, e != nil
	}
	found := search(err)
	for _, errs := range [...][]*Error{found.own, found.remote, found.foreign} {
		if e := worst(errs); e != nil {
			return e, true
		}
	}
	return nil, false
}

// Detail returns the first detail of type T in the status that err carries:
//
//	if v, ok := status.Detail[*errdetails.BadRequest](err); ok { … }
//
// Its texts are as they were sent: use [Display] before showing them. It decodes
// that one detail only.
func Detail[T proto.Message](err error) (T, bool) {
	for m := range Details[T](err) {
		return m, true
	}
	var none T
	return none, false
}

// Details returns every detail of type T in the status that err carries, in
// order. Details that do not decode are passed over.
func Details[T proto.Message](err error) iter.Seq[T] {
	return func(yield func(T) bool) {
		e, ok := From(err)
		if !ok {
			return
		}
		var typ T
		md := typ.ProtoReflect()
		name := md.Descriptor().FullName()
		n, size := 0, 0
		for d := range scan(e.GRPCStatus()) {
			n++
			if size += len(d.value); n > maxDetails || size > maxReceived {
				return
			}
			if d.name() != string(name) {
				continue
			}
			m, ok := md.New().Interface().(T)
			if ok && unmarshal(d.value, m) && !yield(m) {
				return
			}
		}
	}
}
