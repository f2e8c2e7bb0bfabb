package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mistake is an error of whoever typed the command.
type mistake struct{ error }

// findMethod finds a method by its name, written as gRPC does or with dots. One that is not there is a mistake, whose
// text offers names nearby.
func findMethod(ctx context.Context, s schema, name string) (protoreflect.MethodDescriptor, error) {
	service, method, ok := splitMethod(name)
	if !ok {
		return nil, mistake{fmt.Errorf("%q is no method: write package.Service/Method%s", name, meant(nearMethods(ctx, s, name)))}
	}
	d, err := s.find(ctx, service)
	if err != nil && !errors.Is(err, errUnknown) {
		return nil, err
	}
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		names, listErr := s.services(ctx)
		if listErr != nil {
			names = nil
		}
		return nil, mistake{fmt.Errorf("there is no service %s%s", service, orAll(near(string(service), names), names, "has none", "services"))}
	}
	if m := sd.Methods().ByName(method); m != nil {
		if missing := placeholderIn(m); missing != "" {
			return nil, mistake{fmt.Errorf("the type %s is missing among the descriptors: name a whole set with -set", missing)}
		}
		return m, nil
	}
	var names []string
	for i := range sd.Methods().Len() {
		names = append(names, string(sd.Methods().Get(i).Name()))
	}
	return nil, mistake{fmt.Errorf("%s has no method %s%s", service, method, orAll(near(string(method), names), names, "has none", "methods"))}
}

// splitMethod takes "pkg.Service/Method", with a slash before it or not, or "pkg.Service.Method".
func splitMethod(name string) (protoreflect.FullName, protoreflect.Name, bool) {
	name = strings.TrimPrefix(name, "/")
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		i = strings.LastIndexByte(name, '.')
	}
	if i < 0 {
		return "", "", false
	}
	service, method := protoreflect.FullName(name[:i]), protoreflect.Name(name[i+1:])
	return service, method, service.IsValid() && method.IsValid()
}

// orAll offers the names nearby, or all if there are few.
func orAll(nearby, all []string, none, what string) string {
	switch {
	case len(nearby) > 0:
		return meant(nearby)
	case len(all) == 0 || len(all) > 10:
		return ""
	}
	return "; its " + what + " are " + strings.Join(all, ", ")
}

// nearMethods are the full names of methods that somebody may have meant.
func nearMethods(ctx context.Context, s schema, name string) []string {
	services, err := s.services(ctx)
	if err != nil {
		return nil
	}
	var found []string
	for _, service := range services[:min(len(services), 50)] {
		d, err := s.find(ctx, protoreflect.FullName(service))
		if err != nil {
			continue
		}
		sd, ok := d.(protoreflect.ServiceDescriptor)
		if !ok {
			continue
		}
		for i := range sd.Methods().Len() {
			if m := string(sd.Methods().Get(i).Name()); len(near(name, []string{m})) > 0 {
				found = append(found, service+"/"+m)
			}
		}
	}
	return found[:min(len(found), 3)]
}

// placeholderIn is the name of a type that a method needs and nobody has described, empty if there is none.
func placeholderIn(m protoreflect.MethodDescriptor) string {
	seen := map[protoreflect.FullName]bool{}
	var missing func(protoreflect.MessageDescriptor) string
	missing = func(d protoreflect.MessageDescriptor) string {
		switch {
		case d.IsPlaceholder():
			return status.Display(string(d.FullName()), 200)
		case seen[d.FullName()]:
			return ""
		}
		seen[d.FullName()] = true
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			if e := f.Enum(); e != nil && e.IsPlaceholder() {
				return status.Display(string(e.FullName()), 200)
			}
			if inner := f.Message(); inner != nil {
				if name := missing(inner); name != "" {
					return name
				}
			}
		}
		return ""
	}
	if name := missing(m.Input()); name != "" {
		return name
	}
	return missing(m.Output())
}

// A listed service, and what there is to know of its methods.
type listedService struct {
	Service string         `json:"service"`
	Methods []listedMethod `json:"methods"`
}

type listedMethod struct {
	Method        string        `json:"method"`
	Input         string        `json:"input"`
	Output        string        `json:"output"`
	ClientStreams bool          `json:"clientStreams,omitempty"`
	ServerStreams bool          `json:"serverStreams,omitempty"`
	Errors        []listedError `json:"errors,omitempty"`
}

type listedError struct {
	ErrorCode string `json:"errorCode"`
	Domain    string `json:"domain"`
	Code      string `json:"code"`
	Title     string `json:"title,omitempty"`
}

// listServices describes the services, or the one that is named.
func listServices(ctx context.Context, s schema, only string) ([]listedService, error) {
	names, err := s.services(ctx)
	if err != nil {
		return nil, err
	}
	if only != "" {
		if !slices.Contains(names, only) {
			return nil, mistake{fmt.Errorf("there is no service %s%s", only, orAll(near(only, names), names, "", "services"))}
		}
		names = []string{only}
	}
	list := []listedService{}
	for _, name := range names {
		d, err := s.find(ctx, protoreflect.FullName(name))
		if err != nil && !errors.Is(err, errUnknown) {
			return nil, err
		}
		service, _ := d.(protoreflect.ServiceDescriptor)
		list = append(list, listed(ctx, s, name, service))
	}
	return list, nil
}

// listed describes a service, of which nothing but its name may be known.
func listed(ctx context.Context, s schema, name string, service protoreflect.ServiceDescriptor) listedService {
	l := listedService{Service: name, Methods: []listedMethod{}}
	if service == nil {
		return l
	}
	declared := map[string][]listedError{}
	if c := declarationsOf(ctx, s, service); c != nil {
		for _, m := range c.Methods {
			for _, key := range m.Errors {
				if e := c.Find(key); e != nil {
					declared[m.Name] = append(declared[m.Name], listedError{
						status.Display(e.Reason, 63), status.Display(e.Domain, 253), e.GRPCCode().String(), status.Display(e.Title, 100),
					})
				}
			}
		}
	}
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		l.Methods = append(l.Methods, listedMethod{
			Method: string(m.Name()), Input: string(m.Input().FullName()), Output: string(m.Output().FullName()),
			ClientStreams: m.IsStreamingClient(), ServerStreams: m.IsStreamingServer(),
			Errors: declared[name+"/"+string(m.Name())],
		})
	}
	return l
}

// text is the list for people.
func (l listedService) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, l.Service)
	for _, m := range l.Methods {
		fmt.Fprintf(&b, "  %s(%s) returns (%s)\n", m.Method, streamOf(m.ClientStreams, m.Input), streamOf(m.ServerStreams, m.Output))
		for _, e := range m.Errors {
			fmt.Fprintf(&b, "    %-28s %-20s %s\n", e.ErrorCode, e.Code, e.Title)
		}
	}
	return b.String()
}

func streamOf(streams bool, message string) string {
	if streams {
		return "stream " + message
	}
	return message
}
