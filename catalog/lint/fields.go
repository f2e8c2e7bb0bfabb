package lint

import (
	"fmt"
	"slices"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const maxCopied = 10 // fields that a CallMethod copies

// declaredBy are the names that a service or a method lists.
func declaredBy(d protoreflect.Descriptor, x protoreflect.ExtensionType) []string {
	if !proto.HasExtension(d.Options(), x) {
		return nil
	}
	list, _ := proto.GetExtension(d.Options(), x).(*recoursev1.DeclaredErrors)
	return list.GetErrors()
}

// actionFields checks what actions point to: fields of the request, of each method that declares the error, and other methods.
func (l *linter) actionFields(s *subject) {
	var requests []request
	for _, name := range s.Methods {
		if m := l.methods[name]; m != nil && m.Descriptor() != nil {
			requests = append(requests, request{name, m.Descriptor().Input()})
		}
	}
	for _, a := range s.opts.GetActions() {
		for _, fix := range a.GetFixFields().GetFixes() {
			if fix.GetField() == "" {
				l.fail(s, ruleFields, "an action of %s asks to fix a field and names none: set field", s.Value)
				continue
			}
			l.path(s, requests, fix.GetField())
		}
		l.path(s, requests, a.GetReduceBatch().GetField())
		l.path(s, requests, a.GetRefresh().GetStaleField())
		l.call(s, requests, a.GetCallMethod())
	}
}

const ruleFields = "CAT_ACTION_FIELDS"

type request struct {
	method  string
	message protoreflect.MessageDescriptor
}

// path checks a path in all requests, with examples in it where it is a template.
func (l *linter) path(s *subject, requests []request, path string) {
	if path == "" {
		return
	}
	for _, r := range requests {
		if problem := walk(r.message, s.render(path)); problem != "" {
			l.fail(s, ruleFields,
				"an action of %s names the field %s, which the request of %s does not have: %s", s.Value, path, r.method, problem)
		}
	}
}

// call checks another method that is to be called.
func (l *linter) call(s *subject, requests []request, call *recoursev1.CallMethod) {
	if call == nil {
		return
	}
	name, full := strings.CutPrefix(call.GetMethod(), "/")
	service, method, ok := strings.Cut(name, "/")
	if !full || !ok {
		l.fail(s, ruleFields,
			"an action of %s calls %q: write the full name of the method, as in /shop.v1.Shop/GetOrder", s.Value, call.GetMethod())
		return
	}
	m := l.find(protoreflect.FullName(service), protoreflect.Name(method))
	switch {
	case m == nil:
		l.fail(s, ruleFields,
			"an action of %s calls %s, which is nowhere: correct the name, or add the file of the method", s.Value, call.GetMethod())
		return
	case m.IsStreamingClient() || m.IsStreamingServer():
		l.fail(s, ruleFields, "an action of %s calls %s, which streams: a client calls a unary method alone", s.Value, call.GetMethod())
	}
	if len(call.GetCopyFields()) > maxCopied {
		l.fail(s, ruleFields, "an action of %s copies more than %d fields: leave out what the caller has at hand", s.Value, maxCopied)
	}
	for _, from := range sorted(call.GetCopyFields()) {
		l.path(s, requests, from)
		if problem := walk(m.Input(), call.GetCopyFields()[from]); problem != "" {
			l.fail(s, ruleFields, "an action of %s copies to the field %q, which the request of %s does not have: %s",
				s.Value, call.GetCopyFields()[from], call.GetMethod(), problem)
		}
	}
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// find returns a method of the files, nil if there is none.
func (l *linter) find(service protoreflect.FullName, method protoreflect.Name) protoreflect.MethodDescriptor {
	for _, f := range l.files {
		for i := range f.Services().Len() {
			if s := f.Services().Get(i); s.FullName() == service {
				return s.Methods().ByName(method)
			}
		}
	}
	return nil
}

// walk follows a path as google.rpc.BadRequest has them: proto names with dots between them, and after those of lists and
// maps an index or a key in brackets. It returns what is wrong with it.
func walk(m protoreflect.MessageDescriptor, path string) string {
	for rest := path; ; {
		if open(m) {
			return ""
		}
		end := strings.IndexAny(rest, ".[")
		name := rest
		if end >= 0 {
			name = rest[:end]
		}
		f := m.Fields().ByName(protoreflect.Name(name))
		if f == nil {
			if j := m.Fields().ByJSONName(name); j != nil {
				return fmt.Sprintf("write %s, as proto files do", j.Name())
			}
			return fmt.Sprintf("%s has no field %q", m.FullName(), name)
		}
		rest = strings.TrimPrefix(rest, name)
		indexed := strings.HasPrefix(rest, "[")
		if indexed {
			var index string
			if index, rest, indexed = strings.Cut(rest[1:], "]"); !indexed {
				return "a bracket is open"
			}
			switch {
			case !f.IsList() && !f.IsMap():
				return name + " is not repeated"
			case f.IsList() && !digits(index):
				return fmt.Sprintf("the index of %s is a number from 0", name)
			}
		}
		if rest == "" {
			return ""
		}
		if rest[0] != '.' {
			return "after a bracket comes a dot"
		}
		rest = rest[1:]
		if (f.IsList() || f.IsMap()) && !indexed {
			return fmt.Sprintf("say which of %s is meant: %s[{index}].%s, with a parameter", name, name, rest)
		}
		if f.IsMap() {
			f = f.MapValue()
		}
		if m = f.Message(); m == nil {
			return name + " has no fields"
		}
	}
}

// open tells the messages that may hold anything.
func open(m protoreflect.MessageDescriptor) bool {
	switch m.FullName() {
	case "google.protobuf.Any", "google.protobuf.ListValue", "google.protobuf.Struct", "google.protobuf.Value":
		return true
	}
	return false
}

func digits(index string) bool {
	return index != "" && strings.Trim(index, "0123456789") == ""
}
