package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Layer changes the policies of all methods, of a service or of a method. It is made
// by [Defaults], [Service], [Method] or [ServiceConfig]; the zero Layer changes
// nothing.
//
// The function of a layer gets the policy as the layers below it left it, and sets
// what it wants to be different. It is called for each service and method that has
// layers, and again whenever a file is read anew: it must do the same every time, and
// must not keep the pointer. A panic in it is an error of whoever called it.
type Layer struct {
	rules []rule
	err   error
}

// Defaults changes what holds for every method.
func Defaults(change func(*Policy)) Layer {
	return layer(target{}, change, nil)
}

// Service changes what holds for the methods of one service, "pkg.Service".
func Service(name string, change func(*Policy)) Layer {
	t, err := parseService(name)
	return layer(t, change, err)
}

// Method changes what holds for one method, "/pkg.Service/Method".
func Method(fullName string, change func(*Policy)) Layer {
	t, err := parseMethod(fullName)
	return layer(t, change, err)
}

func layer(t target, change func(*Policy), err error) Layer {
	if err == nil && change == nil {
		err = fmt.Errorf("the layer of %v has no function: write one, or remove the layer", t)
	}
	if err != nil {
		return Layer{err: fmt.Errorf("policy: %w", err)}
	}
	return Layer{rules: []rule{{target: t, change: change}}}
}

// target is what a layer is for: all methods, or those of a service, or one method.
type target struct{ service, method string }

func (t target) String() string {
	switch {
	case t.service == "":
		return "the defaults"
	case t.method == "":
		return "service " + t.service
	}
	return "/" + t.service + "/" + t.method
}

// levels lists the targets whose layers t has, the most specific last.
func (t target) levels() []target {
	return slices.Compact([]target{{}, {service: t.service}, t})
}

func (t target) compare(other target) int {
	if c := strings.Compare(t.service, other.service); c != 0 {
		return c
	}
	return strings.Compare(t.method, other.method)
}

func parseService(name string) (target, error) {
	if !validName(name) {
		return target{}, fmt.Errorf(`%s is not the name of a service: write "pkg.Service"`, quote(name))
	}
	return target{service: name}, nil
}

func parseMethod(name string) (target, error) {
	service, method := split(name)
	if !validName(service) || !validName(method) {
		return target{}, fmt.Errorf(`%s is not the full name of a method: write "/pkg.Service/Method"`, quote(name))
	}
	return target{service: service, method: method}, nil
}

// parseTarget reads the name of a service or of a method.
func parseTarget(name string) (target, error) {
	if t, err := parseMethod(name); err == nil {
		return t, nil
	}
	t, err := parseService(name)
	if err != nil {
		return t, fmt.Errorf(`%s is no service and no method: write "pkg.Service" or "/pkg.Service/Method"`, quote(name))
	}
	return t, nil
}

// split parts a full method name at its last slash, as gRPC does. The leading slash
// may be missing; without another one the service is empty.
func split(name string) (service, method string) {
	name = strings.TrimPrefix(name, "/")
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}

// validName reports whether s is letters, digits, dashes and underscores, in parts
// between single dots.
func validName(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
		}) {
			return false
		}
	}
	return true
}
