// Command buf-plugin-recourse is a plugin of buf that checks the errors which services declare,
// see recourse/v1/catalog.proto, as `recourse lint` and `recourse breaking` do:
//
//	# buf.yaml
//	version: v2
//	lint:
//	  use:
//	    - STANDARD
//	    - RECOURSE
//	breaking:
//	  use:
//	    - FILE
//	    - RECOURSE_BREAKING
//	plugins:
//	  - plugin: buf-plugin-recourse
//
// Buf has no warnings. What is one here fails too, where it comes from lint; of what changes, only
// what breaks clients does, unless a rule such as BREAK_TEXT is asked for by its own name.
package main

import (
	"context"

	"buf.build/go/bufplugin/check"
	"buf.build/go/bufplugin/info"
	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/breaking"
	"github.com/recourse-dev/recourse/catalog/lint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() { check.Main(spec()) }

func spec() *check.Spec {
	s := &check.Spec{
		Categories: []*check.CategorySpec{
			{ID: "RECOURSE", Purpose: "Checks that declared errors make a good catalogue."},
			{ID: "RECOURSE_BREAKING", Purpose: "Checks that declared errors stay what clients rely on."},
		},
		Info: &info.Spec{
			Documentation: "Checks the errors that services declare with the options of recourse.v1.",
			SPDXLicenseID: "apache-2.0",
			LicenseURL:    "https://www.apache.org/licenses/LICENSE-2.0",
		},
		Before: before,
	}
	for _, r := range lint.Rules() {
		s.Rules = append(s.Rules, &check.RuleSpec{
			ID: r.ID, CategoryIDs: []string{"RECOURSE"}, Default: true, Purpose: r.Purpose, Type: check.RuleTypeLint,
			Handler: handler(r.ID, catalog.Info),
		})
	}
	for _, r := range breaking.Rules() {
		rule := &check.RuleSpec{ID: r.ID, Purpose: r.Purpose, Type: check.RuleTypeBreaking, Handler: handler(r.ID, r.Severity)}
		if r.Severity == catalog.Failure {
			rule.CategoryIDs, rule.Default = []string{"RECOURSE_BREAKING"}, true
		}
		s.Rules = append(s.Rules, rule)
	}
	return s
}

// found is what one run over all files found, for the handlers of all rules.
type found struct {
	findings []catalog.Finding
	places   map[catalog.Position]protoreflect.Descriptor
	imports  map[string]bool // files that are not the user's
}

type foundKey struct{}

func before(ctx context.Context, request check.Request) (context.Context, check.Request, error) {
	f := &found{places: map[catalog.Position]protoreflect.Descriptor{}, imports: map[string]bool{}}
	var files, against []protoreflect.FileDescriptor
	for _, file := range request.FileDescriptors() {
		d := file.ProtoreflectFileDescriptor()
		files, f.imports[d.Path()] = append(files, d), file.IsImport()
		f.remember(d)
	}
	for _, file := range request.AgainstFileDescriptors() {
		against = append(against, file.ProtoreflectFileDescriptor())
	}
	f.findings = lint.Run(files)
	if len(against) > 0 {
		older, _ := catalog.Read(against)
		newer, _ := catalog.Read(files)
		f.findings = append(f.findings, breaking.Compare(older, newer)...)
	}
	return context.WithValue(ctx, foundKey{}, f), request, nil
}

// remember notes where things are declared: buf wants to be told what a finding is about, and
// looks up the place itself.
func (f *found) remember(d protoreflect.FileDescriptor) {
	note := func(d protoreflect.Descriptor) {
		if at := catalog.PositionOf(d); at.Line > 0 {
			f.places[at] = d
		}
	}
	enums := func(all protoreflect.EnumDescriptors) {
		for i := range all.Len() {
			note(all.Get(i))
			for j := range all.Get(i).Values().Len() {
				note(all.Get(i).Values().Get(j))
			}
		}
	}
	var nested func(protoreflect.MessageDescriptors)
	nested = func(all protoreflect.MessageDescriptors) {
		for i := range all.Len() {
			enums(all.Get(i).Enums())
			nested(all.Get(i).Messages())
		}
	}
	enums(d.Enums())
	nested(d.Messages())
	for i := range d.Services().Len() {
		note(d.Services().Get(i))
		for j := range d.Services().Get(i).Methods().Len() {
			note(d.Services().Get(i).Methods().Get(j))
		}
	}
}

// handler reports what a rule found, from a severity on.
func handler(rule string, least catalog.Severity) check.RuleHandler {
	return check.RuleHandlerFunc(func(ctx context.Context, w check.ResponseWriter, _ check.Request) error {
		f, ok := ctx.Value(foundKey{}).(*found)
		if !ok {
			return nil
		}
		for _, finding := range f.findings {
			if finding.Rule != rule || finding.Severity < least || f.imports[finding.At.File] {
				continue
			}
			switch d := f.places[finding.At]; {
			case d != nil:
				w.AddAnnotation(check.WithMessage(finding.Text), check.WithDescriptor(d))
			case finding.At.File != "":
				w.AddAnnotation(check.WithMessage(finding.Text), check.WithFileName(finding.At.File))
			default:
				w.AddAnnotation(check.WithMessage(finding.Error + ": " + finding.Text))
			}
		}
		return nil
	})
}
