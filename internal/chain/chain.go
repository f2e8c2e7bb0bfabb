// Package chain reads what led to a failure, for records that show what no caller may see.
package chain

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// MaxText is the most of a text that a record shows, in bytes.
const MaxText = 4 << 10

// maxCauses is how far a chain is followed: it may lead back to itself.
const maxCauses = 8

// Append appends the text of what led to e: of cause, or of e itself where that is nil, and
// since a *status.Error never shows its cause, of the causes behind. Said is e.Error(), for
// whoever knows it already; "" if not. It survives methods that panic.
func Append(to []byte, e *status.Error, said string, cause error) []byte {
	if cause == nil { // of an answer that was made for want of one, or read without any
		cause = e
	}
	if own, ok := cause.(*status.Error); ok {
		if p, ok := own.Unwrap().(*status.PanicError); ok {
			return fmt.Append(to, p) // what stands for a panic says nothing
		}
	}
	start := len(to)
	to, e = told(to, e, said, cause)
	for range maxCauses {
		next := e.Unwrap()
		if next == nil || same(next, cause) || readFrom(e, next) {
			break
		}
		end := len(to)
		var of *status.Error
		to, of = told(append(to, ": "...), e, "", next)
		if bytes.Equal(to[end+len(": "):], to[start:end]) {
			return to[:end]
		}
		cause, e = next, of
	}
	return to
}

// told appends the text of an error, the cause of e or what e was made of, and returns what
// it is read as: nil where there is nothing behind it. What grpc-go makes of an answer has
// the message in it as it came, with what may be for this service alone.
func told(to []byte, e *status.Error, said string, err error) ([]byte, *status.Error) {
	if reflect.TypeOf(err) == plain {
		st := grpcstatus.Convert(err)
		to = append(append(to, "rpc error: code = "...), st.Code().String()...)
		return append(append(to, " desc = "...), message(e, st, err)...), nil
	}
	if own, ok := err.(*status.Error); ok {
		if own != e || said == "" {
			said = own.Error()
		}
		return append(to, said...), own
	}
	start := len(to)
	to = fmt.Append(to, err)
	of, _ := status.From(err)
	if shown, whole := shown(of); !whole {
		text := string(to[start:])
		came := cmp.Or(of.GRPCStatus().Message(), of.Message())
		// As it came, and as it is read. In one go: what is shown may have either in it.
		to = append(to[:start], strings.NewReplacer(came, shown, of.Message(), shown).Replace(text)...)
	}
	return to, of
}

// message is that of a status of grpc-go's, as it may be shown. What e says in full needs
// no look at the details.
func message(e *status.Error, st *grpcstatus.Status, err error) string {
	if !e.Received() && e.Message() == st.Message() {
		return st.Message()
	}
	of, _ := status.From(err)
	if shown, whole := shown(of); !whole {
		return shown
	}
	return st.Message()
}

// shown is the message of an error that was received, and whether that is all of it.
func shown(e *status.Error) (message string, whole bool) {
	if !e.Received() || e.Message() == "" {
		return "", true
	}
	message = strings.TrimPrefix(e.Error(), e.Code().String()+" "+e.ErrorCode()+": ")
	return message, message == e.Message()
}

// readFrom reports whether e is what was made of err, an error of grpc-go's that says
// nothing else.
func readFrom(e *status.Error, err error) bool {
	if reflect.TypeOf(err) != plain {
		return false
	}
	st := grpcstatus.Convert(err)
	return st.Code() == e.Code() && st.Message() == e.Message()
}

// plain is the type of grpc-go's own errors.
var plain = reflect.TypeOf(grpcstatus.Error(codes.Unknown, ""))

// Panic finds the panic behind an error, where packages interceptors and status put it.
func Panic(err error) *status.PanicError {
	for range maxCauses {
		switch e := err.(type) {
		case *status.PanicError:
			return e
		case Afterwards:
			if p := Panic(e.Was); p != nil {
				return p
			}
			err = e.Err
		case interface{ Unwrap() []error }: // of fallbacks that have failed too
			for _, one := range e.Unwrap() {
				if p, ok := one.(*status.Error); ok {
					one = p.Unwrap()
				}
				if p, ok := one.(*status.PanicError); ok {
					return p
				}
			}
			return nil
		default:
			if reflect.TypeOf(err) == plain {
				return nil
			}
			inner, ok := status.From(err)
			if !ok || same(inner.Unwrap(), err) { // it was read from err itself
				return nil
			}
			err = inner.Unwrap()
		}
	}
	return nil
}

// same reports whether two errors are one. Those that cannot be compared are not.
func same(a, b error) (is bool) {
	defer func() { _ = recover() }()
	return a == b
}

// Afterwards is a fault of a hook that was told of an error: neither may be lost.
type Afterwards struct{ Err, Was error }

func (a Afterwards) Error() string {
	return fmt.Sprintf("%v, when told of: %s", a.Err, Append(nil, nil, "", a.Was))
}
func (a Afterwards) Unwrap() error { return a.Err }
