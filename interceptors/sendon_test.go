package interceptors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// depotError is the one value of a catalogue that is linked into the program, as one with generated code is.
type depotError struct{ enum protoreflect.EnumDescriptor }

func (d depotError) Descriptor() protoreflect.EnumDescriptor { return d.enum }
func (d depotError) Type() protoreflect.EnumType             { return nil }
func (d depotError) Number() protoreflect.EnumNumber         { return 1 }

var late = func() *status.Declared[string] {
	f := new(descriptorpb.FileDescriptorProto)
	err := prototext.Unmarshal([]byte(`
		name: "recourse/test/depot.proto" package: "recourse.test" syntax: "proto3" dependency: "recourse/v1/catalog.proto"
		enum_type {name: "DepotError" options {[recourse.v1.catalog] {domain: "depot.test"}}
			value {name: "DEPOT_ERROR_UNSPECIFIED" number: 0}
			value {name: "DEPOT_ERROR_LATE" number: 1 options {[recourse.v1.error] {
				code: CODE_FAILED_PRECONDITION message: "{what} for {buyer} waits in {hall}" suggestion: "Ask {buyer}, or in {hall}."
				params {key: "what" sensitivity: SENSITIVITY_PUBLIC}
				params {key: "buyer" sensitivity: SENSITIVITY_PERSONAL}
				params {key: "hall" sensitivity: SENSITIVITY_INTERNAL}
				actions {actor: ACTOR_END_USER label: "Write to {buyer} in {hall}"}}}}}`), f)
	if err != nil {
		panic(err)
	}
	file, err := protodesc.NewFile(f, protoregistry.GlobalFiles)
	if err == nil {
		err = protoregistry.GlobalFiles.RegisterFile(file)
	}
	if err != nil {
		panic(err)
	}
	return status.Declare(depotError{file.Enums().Get(0)}, "LATE", func(v map[string]string) (string, bool) { return v["buyer"], true })
}()

// A depot that trusts the shop tells it everything. The shop sends the error on, and its callers see what they may.
func TestAnErrorSentOnOverTwoHops(t *testing.T) {
	depot := rpctest.Serve(t, func(context.Context, rpctest.Exchange) error { return late.Make(nil, "teapot", "Ada", "north") },
		interceptors.ServerOptions(interceptors.Domain("depot.test"), trusted(status.Internal), interceptors.OnFailure(nil))...)
	for name, way := range map[string]struct {
		dial []grpc.DialOption
		pass func(error) error
	}{
		"passed through":                     {interceptors.DialOptions(), status.PassThrough},
		"from a client without interceptors": {nil, func(err error) error { return err }},
		"wrapped":                            {nil, func(err error) error { return fmt.Errorf("of the depot: %w", err) }},
	} {
		next := rpctest.Dial(t, depot, way.dial...)
		for trust, want := range map[status.Trust]string{
			status.Public:   "teapot for *** waits in *** Ask ***, or in ***. Write to *** in *** map[buyer: hall: what:teapot]",
			status.Partner:  "teapot for *** waits in north Ask ***, or in north. Write to *** in north map[buyer: hall:north what:teapot]",
			status.Internal: "teapot for Ada waits in north Ask Ada, or in north. Write to Ada in north map[buyer:Ada hall:north what:teapot]",
		} {
			for _, shape := range rpctest.Shapes {
				var logged interceptors.Failure
				shop := rpctest.Start(t, func(ctx context.Context, _ rpctest.Exchange) error {
					err := rpctest.Do(ctx, next, shape).Err
					if e, ok := status.From(err); !ok || e.Message() != "teapot for Ada waits in north" {
						t.Errorf("%s: the shop itself hears %v", shape.Name, err)
					}
					return way.pass(err)
				}, interceptors.ServerOptions(interceptors.Domain("shop.test"), trusted(trust),
					interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) { logged = f })))
				err := rpctest.Do(t.Context(), shop, shape).Err
				e, _ := status.From(err)
				info, _ := status.Detail[*errdetails.ErrorInfo](err)
				got := fmt.Sprintln(e.Message(), e.Suggestion(), e.RecoveryActions()[0].GetLabel(), info.GetMetadata())
				if strings.TrimSpace(got) != want || e.Domain() != "depot.test" {
					t.Errorf("%s, %s, trust %d:\n%s, want\n%s", name, shape.Name, trust, got, want)
				}
				if all := grpcstatus.Convert(err).Proto().String(); trust != status.Internal && strings.Contains(all, "Ada") {
					t.Errorf("%s, %s, trust %d: somewhere in %s", name, shape.Name, trust, all)
				}
				if s := logged.LogValue().String(); strings.Contains(s, "Ada") || logged.Err.Metadata()["buyer"] != "" {
					t.Errorf("%s, %s: to be logged: %s", name, shape.Name, s)
				}
			}
		}
	}
}

// What the depot tells this service alone does not get into its log, however it is passed on, and although the reading of
// it cleans the message, and cuts it.
func TestWhatADependencyToldIsNotLogged(t *testing.T) {
	sent := status.Classify(late.Make(nil, "teapot", "Ada", "north")).Encode(status.Rendering{Trust: status.Internal, Domain: "depot.test"}).Status.Proto()
	for _, message := range []string{
		sent.GetMessage(), sent.GetMessage() + "\n", strings.ReplaceAll(sent.GetMessage(), " ", "\t"), sent.GetMessage() + strings.Repeat(" and Ada", 99),
	} {
		sent.Message = message
		plain := grpcstatus.ErrorProto(sent)
		read, _ := status.From(plain)
		for name, err := range map[string]error{
			"as it came":          plain,
			"wrapped":             fmt.Errorf("of the depot: %w", plain),
			"received":            status.Received(plain, "/a.B/C", "", false),
			"read":                read,
			"amended":             read.With(status.Suggest("Ask the depot.")),
			"as a cause":          status.New(codes.Internal, "NO_TEAPOT", "no teapot", status.Cause(plain)),
			"wrapped, as a cause": status.New(codes.Internal, "NO_TEAPOT", "no teapot", status.Cause(fmt.Errorf("of the depot: %w", plain))),
		} {
			for _, f := range []interceptors.Failure{{Err: status.Classify(err), Cause: err}, {Err: read, Cause: err}} {
				if s := f.LogValue().String(); strings.Contains(s, "Ada") || !strings.Contains(s, "for *** waits in") {
					t.Errorf("%q, %s: to be logged: %s", message, name, s)
				}
			}
		}
	}
}

// A value that the depot left out is hidden once, not once more for what it is hidden with.
func TestWhatADependencyLeftOutIsHiddenOnce(t *testing.T) {
	left := status.Classify(late.Make(nil, "teapot", "Ada", "")).Encode(status.Rendering{Trust: status.Partner, Domain: "depot.test"}).Status
	err := fmt.Errorf("of the depot: %w", left.Err())
	f := interceptors.Failure{Err: status.Classify(err), Cause: err}
	if s := f.LogValue().String(); !strings.Contains(s, "teapot for *** waits in ***") || strings.Contains(s, "waits in *** ***") {
		t.Errorf("%q: to be logged: %s", left.Message(), s)
	}
}

// An answer in place of the real one says what has failed, and no more of it than the error would have.
func TestTheMarkOfAFallbackIsConfined(t *testing.T) {
	instead := interceptors.Answer(func(context.Context, *text, *status.Error) (*text, error) { return wrapperspb.String("later"), nil }).For("LATE")
	shape := rpctest.Shapes[0]
	own := late.Make(nil, "teapot", "Ada", "north")
	depot := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return own },
		interceptors.ServerOptions(trusted(status.Internal), interceptors.OnFailure(nil)), interceptors.DialOptions()...)
	for name, err := range map[string]error{"of this service": own, "sent on": status.PassThrough(rpctest.Do(t.Context(), depot, shape).Err)} {
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return err },
			interceptors.ServerOptions(interceptors.OnFailure(nil), interceptors.Fallback(shape.Method(), instead)), interceptors.DialOptions()...)
		var mark *recoursev1.Degraded
		err := conn.Invoke(t.Context(), shape.Method(), wrapperspb.String("x"), new(text), interceptors.Degraded(&mark))
		if s := mark.String(); err != nil || mark.GetErrorCode() != "LATE" || strings.Contains(s, "Ada") || strings.Contains(s, "north") {
			t.Errorf("%s: %v, %s", name, err, s)
		}
		if want := "Ask ***, or in ***."; mark.GetSuggestion() != want {
			t.Errorf("%s: %q, want %q", name, mark.GetSuggestion(), want)
		}
	}
}

// Of a wrapped error grpc-go sends the text, with what its Error method says.
func TestAnInterceptorAroundWrapsTheError(t *testing.T) {
	shape := rpctest.Shapes[0]
	for trust, want := range map[status.Trust]string{
		status.Public:  "audited: FailedPrecondition LATE: teapot for *** waits in ***",
		status.Partner: "audited: FailedPrecondition LATE: teapot for *** waits in north",
	} {
		around := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			reply, err := handler(ctx, req)
			if !errors.Is(err, late) {
				t.Errorf("it sees %v", err)
			}
			return reply, fmt.Errorf("audited: %w", err)
		}
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error { return late.Make(nil, "teapot", "Ada", "north") },
			append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(around)}, interceptors.ServerOptions(trusted(trust), interceptors.OnFailure(nil))...))
		if st := grpcstatus.Convert(rpctest.Do(t.Context(), conn, shape).Err); st.Message() != want {
			t.Errorf("trust %d: sent is %q, want %q", trust, st.Message(), want)
		}
	}
}
