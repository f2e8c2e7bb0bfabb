package errorpath

import (
	"errors"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// A way makes errors and encodes them.
type way struct {
	name string
	// with returns what makes an error of so many details; nil: this way has none.
	with func(details int) func() error
	// encode makes of an error the value of the header grpc-status-details-bin.
	encode func(error) string
	static bool // the same error each time, made before
}

const statusPlain = Status + "-plain"

// ways are all that are compared. The first is what the documentation of grpc-go
// says to do.
var ways = []way{
	{name: WithDetails, with: withDetails, encode: encodeGRPC},
	{name: WithAll, with: withAll, encode: encodeGRPC},
	{name: Status, with: own, encode: encodeOwn},
	{name: statusPlain, with: own, encode: encodePlain},
	{name: Status + "-attach", with: ownAttached, encode: encodeOwn},
	{name: Connect, with: connectDetails, encode: encodeConnect},
	{name: UnknownFields, with: unknownFields, encode: encodeGRPC},
	{name: Handwritten, with: handwritten, encode: encodeHandwritten},
	{name: GRPCStatic, with: static(withDetails), encode: encodeGRPC, static: true},
	{name: StatusStatic, with: static(own), encode: encodeOwn, static: true},
}

func makingCases() []harness.Case {
	var cases []harness.Case
	for _, n := range counts {
		build := harness.Case{Name: Build(n), Baseline: ways[0].name}
		encode := harness.Case{Name: Encode(n), Baseline: ways[0].name}
		for _, w := range ways {
			makeError := w.with(n)
			if makeError == nil {
				continue
			}
			if w.name != statusPlain { // it differs in the encoding only
				build.Contenders = append(build.Contenders, endless(w.name, func() { sink.err = makeError() }))
			}
			encode.Contenders = append(encode.Contenders, endless(w.name, func() { sink.text = w.encode(makeError()) }))
		}
		cases = append(cases, build, encode)
	}
	return cases
}

// withDetails spells the lists out, so that there is nothing to pay but what
// grpc-go costs.
func withDetails(n int) func() error {
	switch n {
	case 1:
		return func() error { return statusError(grpcstatus.New(code, message).WithDetails(errorInfo(newID()))) }
	case 3:
		return func() error {
			return statusError(grpcstatus.New(code, message).WithDetails(errorInfo(newID()), retryInfo(), localized()))
		}
	default:
		return func() error {
			return statusError(grpcstatus.New(code, message).WithDetails(errorInfo(newID()), retryInfo(), localized(), help(), badRequest()))
		}
	}
}

func statusError(st *grpcstatus.Status, err error) error {
	if err != nil {
		return err
	}
	return st.Err()
}

// own says the same in this library's words. The domain is the server's, and
// comes with the encoding.
func own(n int) func() error {
	switch n {
	case 1:
		return func() error { return status.New(code, reason, message, status.Meta(idKey, newID())) }
	case 3:
		return func() error {
			return status.New(code, reason, message, status.Meta(idKey, newID()),
				status.RetryAfter(delay), status.Attach(localized()))
		}
	default:
		return func() error {
			return status.New(code, reason, message, status.Meta(idKey, newID()),
				status.RetryAfter(delay), status.Attach(localized()), status.Help(linkText, link),
				status.Violation(field1, reason1, text1), status.Violation(field2, reason2, text2))
		}
	}
}

// ownAttached is for who has the violations in one message already.
func ownAttached(n int) func() error {
	if n < 5 {
		return nil
	}
	return func() error {
		return status.New(code, reason, message, status.Meta(idKey, newID()), status.RetryAfter(delay),
			status.Attach(localized(), help(), badRequest()))
	}
}

func connectDetails(n int) func() error {
	return func() error {
		err := connect.NewError(connect.CodeUnavailable, errors.New(message))
		add(err, errorInfo(newID()))
		if n >= 3 {
			add(err, retryInfo())
			add(err, localized())
		}
		if n >= 5 {
			add(err, help())
			add(err, badRequest())
		}
		return err
	}
}

func add(to *connect.Error, m proto.Message) {
	if d, err := connect.NewErrorDetail(m); err == nil {
		to.AddDetail(d)
	}
}

// unknownFields encodes what never changes once, and hands it to grpc-go as fields
// that it does not know: it sends them as they are. Within the server the status
// has one detail only.
func unknownFields(n int) func() error {
	var rest []byte
	for _, m := range messages()[1:n] {
		rest = appendDetail(rest, m)
	}
	return func() error {
		first, err := anypb.New(errorInfo(newID()))
		if err != nil {
			return err
		}
		p := &spb.Status{Code: int32(code), Message: message, Details: []*anypb.Any{first}}
		p.ProtoReflect().SetUnknown(rest)
		return grpcstatus.FromProto(p).Err()
	}
}

// static keeps the error, not what it is made of: so does whoever declares it.
func static(make func(int) func() error) func(int) func() error {
	return func(n int) func() error { return once(make(n)) }
}

func once(fail func() error) func() error {
	err := fail()
	return func() error { return err }
}
