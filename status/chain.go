package status

import (
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// Errors come from anywhere: their methods may panic, and their chain may lead
// back to itself, where errors.Is and errors.As would not return. What follows
// reads chains with neither.

// Bounds of what is looked at. A chain that leads back to itself is deeper than
// any that somebody meant; a wide tree is what errors.Join makes of a batch.
const (
	maxDepth = 256
	maxTree  = 1 << 16
)

// Finite returns err if its tree of causes comes to an end, and otherwise an
// error with its text alone, so that errors.Is and errors.As may be used on the
// result. [Classify] and the interceptors apply it to what they are given, before
// they show it to anybody's code. A tree of more than 65536 errors, or one that is
// more than 256 deep, counts as one without end.
func Finite(err error) error {
	w := walker{budget: maxTree, visit: func(error) bool { return true }}
	if w.walk(err, maxDepth); !w.cut {
		return err
	}
	return errors.New(textOf(err))
}

// walk shows the errors in a tree to visit, each before those that it wraps,
// until visit returns false.
func walk(err error, visit func(error) bool) {
	w := walker{budget: maxTree, visit: visit}
	w.walk(err, maxDepth)
}

type walker struct {
	visit  func(error) bool
	budget int
	cut    bool // there was more
}

func (w *walker) walk(err error, depth int) bool {
	if err == nil {
		return true
	}
	if depth == 0 || w.budget == 0 {
		w.cut = true
		return false
	}
	w.budget--
	if !w.visit(err) {
		return false
	}
	several, one := unwrap(err)
	if one != nil {
		return w.walk(one, depth-1)
	}
	for _, inner := range several {
		if !w.walk(inner, depth-1) {
			return false
		}
	}
	return true
}

// unwrap returns what err wraps: several errors, one, or none.
func unwrap(err error) (several []error, one error) {
	defer func() {
		if recover() != nil {
			several, one = nil, nil
		}
	}()
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		return nil, u.Unwrap()
	case interface{ Unwrap() []error }:
		return u.Unwrap(), nil
	}
	return nil, nil
}

// is reports what errors.Is does.
func is(err, target error) (found bool) {
	walk(err, func(err error) bool {
		found = isOne(err, target)
		return !found
	})
	return found
}

func isOne(err, target error) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	if reflect.TypeOf(err).Comparable() && err == target {
		return true
	}
	i, ok := err.(interface{ Is(error) bool })
	return ok && i.Is(target)
}

// as finds what errors.As does.
func as[T error](err error) (found T, ok bool) {
	walk(err, func(err error) bool {
		found, ok = asOne[T](err)
		return !ok
	})
	return found, ok
}

func asOne[T error](err error) (found T, ok bool) {
	defer func() {
		if recover() != nil {
			var none T
			found, ok = none, false
		}
	}()
	if found, ok = err.(T); ok {
		return found, true
	}
	if a, can := err.(interface{ As(any) bool }); can {
		return found, a.As(&found)
	}
	return found, false
}

// statusOf returns the status that err itself carries, unless it says that
// nothing failed.
func statusOf(err error) (st *grpcstatus.Status, ok bool) {
	defer func() {
		if recover() != nil {
			st, ok = nil, false
		}
	}()
	s, is := err.(interface{ GRPCStatus() *grpcstatus.Status })
	if !is {
		return nil, false
	}
	st = s.GRPCStatus()
	return st, st != nil && st.Code() != codes.OK
}

// textOf is err.Error(), whatever err does: fmt survives a panic in it.
func textOf(err error) string { return fmt.Sprint(err) }
