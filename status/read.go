package status

import (
	"iter"

	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
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
	if e := worst(found.own); e != nil {
		return e, true
	}
	// Those of others stay as they are: merged, they would pass for this
	// process's own.
	for _, errs := range [...][]*Error{found.remote, found.foreign} {
		if e := deciding(errs); e != nil {
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
		st := statusIn(err)
		if st == nil {
			return
		}
		typ, name := messageType[T]()
		if typ == nil {
			return
		}
		n, size := 0, 0
		for d := range scan(st) {
			n++
			if size += d.size(); n > maxDetails || size > maxReceived {
				return
			}
			if d.name != name {
				continue
			}
			m, ok := typ.New().Interface().(T)
			if ok && unmarshal(d.value, m) && !yield(m) {
				return
			}
		}
	}
}

// statusIn returns the status of the Error that From finds, without making one
// where err is nothing but a status.
func statusIn(err error) *grpcstatus.Status {
	if st, ok := bareStatus(err); ok {
		return st
	}
	e, _ := From(err)
	return e.GRPCStatus()
}

// bareStatus returns the status of an error that is nothing else: neither an Error,
// nor wraps anything.
func bareStatus(err error) (*grpcstatus.Status, bool) {
	switch err.(type) {
	case *Error, interface{ Unwrap() error }, interface{ Unwrap() []error }:
		return nil, false
	}
	return statusOf(err)
}

// messageType returns T and its name; nil for an interface, or a type that has
// none before there is a value.
func messageType[T proto.Message]() (typ protoreflect.Message, name string) {
	defer func() {
		if recover() != nil {
			typ = nil
		}
	}()
	var none T
	typ = none.ProtoReflect()
	return typ, string(typ.Descriptor().FullName())
}
