package status

import (
	"cmp"
	"slices"
	"sync"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status/template"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// linkedValue is a declared error that no generated code has to know.
type linkedValue struct {
	enum   protoreflect.EnumDescriptor
	number protoreflect.EnumNumber
}

func (v linkedValue) Descriptor() protoreflect.EnumDescriptor { return v.enum }
func (v linkedValue) Type() protoreflect.EnumType             { return nil }
func (v linkedValue) Number() protoreflect.EnumNumber         { return v.number }

type identity struct{ domain, errorCode string }

// declares is the declaration of an error that came from elsewhere, if it is linked in and
// does not show everything to everybody.
func declares(domain, errorCode string) *declaration {
	d := linked()[identity{domain, errorCode}]
	if d != nil {
		d.parse()
	}
	return d
}

// linked are the declarations, in all proto files of the program, that do not show everything
// to everybody. They are found once, when an error that came from elsewhere is sent on first,
// and each is parsed by declares.
var linked = sync.OnceValue(func() map[identity]*declaration {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		files = append(files, f) // to be read once the registry is unlocked: reading options locks it again
		return true
	})
	all := map[identity]*declaration{}
	for _, f := range files {
		addLinked(all, f.Enums())
		addNested(all, f.Messages())
	}
	return all
})

func addNested(all map[identity]*declaration, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		addLinked(all, messages.Get(i).Enums())
		addNested(all, messages.Get(i).Messages())
	}
}

func addLinked(all map[identity]*declaration, enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		enum := enums.Get(i)
		catalog, _ := proto.GetExtension(enum.Options(), recoursev1.E_Catalog).(*recoursev1.CatalogOptions)
		if catalog.GetDomain() == "" {
			continue
		}
		for j := range enum.Values().Len() {
			value := enum.Values().Get(j)
			spec, _ := proto.GetExtension(value.Options(), recoursev1.E_Error).(*recoursev1.ErrorOptions)
			if !keepsBack(spec) {
				continue
			}
			code := cmp.Or(spec.GetReason(), template.Reason(string(enum.Name()), string(value.Name())))
			named := New(codes.Code(spec.GetCode()), code, "", Domain(catalog.GetDomain()))
			all[identity{named.Domain(), named.ErrorCode()}] = &declaration{value: linkedValue{enum, value.Number()}, errorCode: code}
		}
	}
}

func (f *fields) secrets() *declaration { return declares(f.domain, f.errorCode) }

// bind holds an error that came from elsewhere, with this message, to its declaration: the
// service that made the error may have shown this process more than the callers of this
// process may see. It returns the message to go on with.
func (f *fields) bind(message string) string {
	d := f.secrets()
	if d == nil {
		return message
	}
	f.declared, f.bound, f.visibility = d, true, d.spec.GetVisibility()
	f.suggests, f.filled = true, f.actions
	f.trimType(nameLocalized) // as with actions, nobody can tell which values are in it
	return clean(d.message.Render(f.shown(recoursev1.ErrorParameter_SENSITIVITY_INTERNAL)), maxMessage)
}

// instead are the declared actions in the place of those that came with a bound error, and
// what this process has added to them. Nobody can tell which of their texts have values in
// them, as the service may have another version of the catalogue.
func (d *draft) instead(declared []*recoursev1.RecoveryAction) []*recoursev1.RecoveryAction {
	var actions []*recoursev1.RecoveryAction
	placed := false
	for _, a := range d.actions {
		switch {
		case !slices.Contains(d.filled, a):
			actions = append(actions, a)
		case !placed:
			actions, placed = append(actions, declared...), true
		}
	}
	return actions[:min(len(actions), maxActions)]
}
