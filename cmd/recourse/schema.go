package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// The well-known types, all of them.
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// A schema knows services and types: those of a descriptor set, or what a server tells of itself.
type schema interface {
	// services lists the names of all services.
	services(ctx context.Context) ([]string, error)
	// find returns the descriptor of a name: errUnknown if there is none.
	find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error)
}

var errUnknown = errors.New("not known")

// errNoReflection is of a server that tells nothing of itself.
var errNoReflection = errors.New("the server has no reflection: name a descriptor set with -set (`buf build -o set.binpb`)")

// setSchema is a descriptor set.
type setSchema struct {
	list  []protoreflect.FileDescriptor
	files *protoregistry.Files
}

func readSet(name string) (*setSchema, error) {
	b, err := readFile(name, maxCatalog)
	if err != nil {
		return nil, err
	}
	s := &setSchema{files: new(protoregistry.Files)}
	if s.list, err = catalog.Load(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, f := range s.list {
		if err := s.files.RegisterFile(f); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

func (s *setSchema) services(context.Context) ([]string, error) {
	var names []string
	for _, f := range s.list {
		for i := range f.Services().Len() {
			names = append(names, string(f.Services().Get(i).FullName()))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (s *setSchema) find(_ context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	d, err := s.files.FindDescriptorByName(name)
	if err != nil {
		return nil, errUnknown
	}
	return d, nil
}

// wellKnown is the package of the types that JSON has forms of their own for. They are always this program's: with others
// of the same names a server could make it read fields that are not there.
const wellKnown = "google.protobuf"

// Bounds of what a server may tell of itself.
const (
	maxFiles      = 4096
	maxFilesBytes = 64 << 20
)

// reflected is what a server tells of itself, read when it is asked for.
type reflected struct {
	conn    grpc.ClientConnInterface
	version string // of the protocol, empty until one has answered

	mu      sync.Mutex // replies and requests look up types at the same time
	files   map[string]*descriptorpb.FileDescriptorProto
	bytes   int
	built   *protoregistry.Files           // of the files
	unknown map[protoreflect.FullName]bool // what the server has been asked for, and does not know
}

// versions of the protocol, whose messages are the same on the wire.
var versions = []string{"v1", "v1alpha"}

// ask sends one request. A stream for each is dear, and keeps what the server sends independent of what was asked before.
func (r *reflected) ask(ctx context.Context, request *reflectionv1.ServerReflectionRequest) (*reflectionv1.ServerReflectionResponse, error) {
	for _, version := range versions {
		if r.version != "" && r.version != version {
			continue
		}
		answer, err := r.askVersion(ctx, version, request)
		switch {
		case grpcstatus.Code(err) == codes.Unimplemented:
			continue
		case err != nil:
			return nil, err
		}
		r.version = version
		return answer, nil
	}
	return nil, errNoReflection
}

func (r *reflected) askVersion(
	ctx context.Context, version string, request *reflectionv1.ServerReflectionRequest,
) (*reflectionv1.ServerReflectionResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
		"/grpc.reflection."+version+".ServerReflection/ServerReflectionInfo", once())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(stream.SendMsg(request), stream.CloseSend()); err != nil && !errors.Is(err, io.EOF) { // RecvMsg says why
		return nil, err
	}
	answer := new(reflectionv1.ServerReflectionResponse)
	if err := stream.RecvMsg(answer); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errNoReflection
		}
		return nil, err
	}
	return answer, nil
}

// once keeps what only prepares a call from being repeated for long.
func once() grpc.CallOption {
	return interceptors.Override(func(p *policy.Policy) { p.MaxAttempts = 1 })
}

func (r *reflected) services(ctx context.Context) ([]string, error) {
	answer, err := r.ask(ctx, &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"}})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		if protoreflect.FullName(s.GetName()).IsValid() {
			names = append(names, s.GetName())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (r *reflected) find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.built != nil {
		if d, err := r.built.FindDescriptorByName(name); err == nil {
			return d, nil
		}
	}
	if r.unknown[name] {
		return nil, errUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, setUpTime) // a stream may have all the time in the world
	defer cancel()
	d, err := r.fetch(ctx, name)
	if errors.Is(err, errUnknown) && len(r.unknown) < maxFiles {
		if r.unknown == nil {
			r.unknown = map[protoreflect.FullName]bool{}
		}
		r.unknown[name] = true
	}
	return d, err
}

// fetch asks the server for the file of a name.
func (r *reflected) fetch(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	err := r.load(ctx, &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: string(name)}})
	if err != nil {
		return nil, err
	}
	if err := r.build(ctx); err != nil {
		return nil, err
	}
	d, err := r.built.FindDescriptorByName(name)
	if err != nil {
		return nil, errUnknown
	}
	return d, nil
}

// load takes the files of an answer.
func (r *reflected) load(ctx context.Context, request *reflectionv1.ServerReflectionRequest) error {
	answer, err := r.ask(ctx, request)
	if err != nil {
		return err
	}
	if answer.GetErrorResponse() != nil {
		return errUnknown
	}
	if r.files == nil {
		r.files = map[string]*descriptorpb.FileDescriptorProto{}
	}
	for _, b := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f := new(descriptorpb.FileDescriptorProto)
		if err := proto.Unmarshal(b, f); err != nil {
			return fmt.Errorf("the server's reflection sent a file that is none: %w", err)
		}
		if r.bytes += len(b); len(r.files) >= maxFiles || r.bytes > maxFilesBytes {
			return errors.New("the server's reflection sends more files than any service has")
		}
		switch {
		case r.files[f.GetName()] != nil || r.own(f.GetName()) && f.GetPackage() == wellKnown:
		case f.GetPackage() == wellKnown:
			return fmt.Errorf("the server's reflection has types of its own in the package %s", wellKnown)
		default:
			r.files[f.GetName()] = f
		}
	}
	return nil
}

// build makes descriptors of all files, after it has asked for those that are missing.
func (r *reflected) build(ctx context.Context) error {
	missing := map[string]bool{} // for good
	for again := true; again; {
		again = false
		for _, f := range r.sorted() {
			for _, name := range f.GetDependency() {
				if r.files[name] != nil || missing[name] {
					continue
				}
				err := r.load(ctx, &reflectionv1.ServerReflectionRequest{
					MessageRequest: &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: name}})
				if err != nil && !errors.Is(err, errUnknown) {
					return err
				}
				if r.files[name] == nil {
					missing[name] = !r.own(name)
				}
				again = true
			}
		}
	}
	// What nobody has is mostly a file of options. A type of it that matters is found to be missing later.
	files, err := protodesc.FileOptions{AllowUnresolvable: len(missing) > 0}.NewFiles(&descriptorpb.FileDescriptorSet{File: r.sorted()})
	if err != nil {
		return fmt.Errorf("what the server's reflection sends does not hold together: %w", err)
	}
	r.built = files
	return nil
}

// own takes a file that this program has itself.
func (r *reflected) own(name string) bool {
	f, err := protoregistry.GlobalFiles.FindFileByPath(name)
	if err != nil {
		return false
	}
	r.files[name] = protodesc.ToFileDescriptorProto(f)
	return true
}

func (r *reflected) sorted() []*descriptorpb.FileDescriptorProto {
	list := make([]*descriptorpb.FileDescriptorProto, 0, len(r.files))
	for _, f := range r.files {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *descriptorpb.FileDescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	return list
}

// declarationsOf reads what a service declares of its errors. Their catalogues need not be imported by its file: they
// are named, and looked for by name. It is nil where nothing is declared; what cannot be found is left out.
func declarationsOf(ctx context.Context, s schema, service protoreflect.ServiceDescriptor) *catalog.Catalog {
	files := []protoreflect.FileDescriptor{service.ParentFile()}
	for _, name := range declaredNames(service) {
		for _, full := range []protoreflect.FullName{service.ParentFile().Package().Append(protoreflect.Name(name)), protoreflect.FullName(name)} {
			d, err := s.find(ctx, full)
			if err != nil {
				continue
			}
			if !slices.ContainsFunc(files, func(f protoreflect.FileDescriptor) bool { return f.Path() == d.ParentFile().Path() }) {
				files = append(files, d.ParentFile())
			}
			break
		}
	}
	c, _ := catalog.Read(files) // mistakes are for the linter
	if len(c.Errors) == 0 {
		return nil
	}
	return c
}

// maxDeclared is how many declared names are looked for.
const maxDeclared = 1000

func declaredNames(service protoreflect.ServiceDescriptor) []string {
	names := errorsIn(service.Options(), recoursev1.E_Service)
	for i := range service.Methods().Len() {
		names = append(names, errorsIn(service.Methods().Get(i).Options(), recoursev1.E_Method)...)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !protoreflect.FullName(n).IsValid() })
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxDeclared)]
}

func errorsIn(options proto.Message, x protoreflect.ExtensionType) []string {
	if !proto.HasExtension(options, x) {
		return nil
	}
	declared, _ := proto.GetExtension(options, x).(*recoursev1.DeclaredErrors)
	return slices.Clone(declared.GetErrors())
}
