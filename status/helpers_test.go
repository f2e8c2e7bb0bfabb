package status_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const domain = "library.example.com"

const (
	sameRequest   = recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
	afterAction   = recoursev1.RetryAdvice_VERDICT_AFTER_ACTION
	atHigherLevel = recoursev1.RetryAdvice_VERDICT_AT_HIGHER_LEVEL
	never         = recoursev1.RetryAdvice_VERDICT_NEVER
)

// everyCode is all codes that an error can have.
func everyCode() []codes.Code {
	var all []codes.Code
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		all = append(all, c)
	}
	return all
}

// sent is what arrives of e: encoded, marshaled and unmarshaled again.
func sent(t testing.TB, e *status.Error, r status.Rendering) *spb.Status {
	t.Helper()
	return arrived(t, e.Encode(r))
}

func arrived(t testing.TB, enc status.Encoded) *spb.Status {
	t.Helper()
	b, err := proto.Marshal(enc.Status.Proto())
	if err != nil {
		t.Fatalf("the encoding does not marshal: %v", err)
	}
	p := new(spb.Status)
	if err := proto.Unmarshal(b, p); err != nil {
		t.Fatalf("the encoding does not unmarshal: %v", err)
	}
	if len(p.ProtoReflect().GetUnknown()) > 0 {
		t.Fatalf("the encoding has unknown fields: %x", p.ProtoReflect().GetUnknown())
	}
	return p
}

// plain is the error that grpc-go makes of a status that arrived.
func plain(p *spb.Status) error { return grpcstatus.FromProto(p).Err() }

// remote is the error that a client with this module's interceptors returns.
func remote(p *spb.Status) *status.Error {
	st := grpcstatus.FromProto(p)
	return status.Received(st.Err(), "/shelf.v1.Shelf/Find", "", false)
}

// restored is FromProto, nil where that is.
func restored(p *spb.Status) *status.Error {
	e, _ := status.From(status.FromProto(p))
	return e
}

// read is From of an error that has to have a status.
func read(t testing.TB, err error) *status.Error {
	t.Helper()
	e, ok := status.From(err)
	if !ok || e == nil {
		t.Fatalf("From(%v) found no status", err)
	}
	return e
}

// rpc makes a google.rpc.Status as any server might.
func rpc(t testing.TB, code codes.Code, message string, details ...proto.Message) *spb.Status {
	t.Helper()
	p := &spb.Status{Code: int32(code), Message: message}
	for _, d := range details {
		p.Details = append(p.Details, packed(t, d))
	}
	return p
}

func packed(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	if a, ok := m.(*anypb.Any); ok {
		return a
	}
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// broken is a detail whose bytes are not of the type that it names.
func broken(name string) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + name, Value: []byte{0xff, 0xff, 0xff}}
}

func unknownAny(value string) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.example.com/nobody.v1.Knows", Value: []byte(value)}
}

// names lists the types of the details in order.
func names(p *spb.Status) []string {
	out := []string{}
	for _, d := range p.GetDetails() {
		out = append(out, string(d.MessageName()))
	}
	return out
}

// detail returns the one detail of a type, nil if there is none.
func detail[T proto.Message](t testing.TB, p *spb.Status) T {
	t.Helper()
	var found T
	n := 0
	for _, d := range p.GetDetails() {
		m, err := d.UnmarshalNew()
		if err != nil {
			continue
		}
		if typed, ok := m.(T); ok {
			found = typed
			n++
		}
	}
	if n > 1 {
		t.Errorf("%d details of type %T, want at most one", n, found)
	}
	return found
}

func diff(want, got any) string { return cmp.Diff(want, got, protocmp.Transform()) }

// clean reports what is wrong with a text that was promised to be clean.
func clean(s string, limit int) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("%q is not valid UTF-8", s)
	case limit > 0 && len(s) > limit:
		return fmt.Errorf("%q has %d bytes, more than %d", s, len(s), limit)
	}
	for _, r := range s {
		if unicode.Is(unicode.Cf, r) && (r == '\u200c' || r == '\u200d') {
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return fmt.Errorf("%q has the character %U", s, r)
		}
	}
	return nil
}

// trailerBlock is the size of a reply that is an error alone, by the arithmetic
// of HTTP/2 and the fields that grpc-go writes, told from the status alone.
func trailerBlock(p *spb.Status) int {
	field := func(name, value int) int { return name + value + 32 }
	message := 0
	for _, c := range []byte(p.GetMessage()) {
		if c >= ' ' && c <= '~' && c != '%' {
			message++
		} else {
			message += len("%FF")
		}
	}
	code := len(fmt.Sprint(p.GetCode()))
	base64 := (proto.Size(p)*8 + 5) / 6 // without padding
	block := field(len(":status"), len("200")) +
		field(len("content-type"), len("application/grpc")) +
		field(len("grpc-status"), code) +
		field(len("grpc-message"), message)
	if proto.Size(p) > proto.Size(&spb.Status{Code: p.GetCode(), Message: p.GetMessage()}) {
		block += field(len("grpc-status-details-bin"), base64)
	}
	return block
}

// permutations yields every order of list.
func permutations[T any](list []T) func(func([]T) bool) {
	return func(yield func([]T) bool) {
		var permute func(n int) bool
		work := slices.Clone(list)
		permute = func(n int) bool {
			if n == len(work) {
				return yield(slices.Clone(work))
			}
			for i := n; i < len(work); i++ {
				work[n], work[i] = work[i], work[n]
				if !permute(n + 1) {
					return false
				}
				work[n], work[i] = work[i], work[n]
			}
			return true
		}
		permute(0)
	}
}

// everything is an error with all that an error can have.
func everything(opts ...status.Option) *status.Error {
	all := []status.Option{
		status.Domain(domain),
		status.Suggest("Ask the librarian."),
		status.Meta("shelf", "B12"), status.Meta("copies", "3"),
		status.Cause(io.ErrUnexpectedEOF),
		status.Recover(
			status.Action(recoursev1.RecoveryAction_ACTOR_CLIENT, "Try again", &recoursev1.RetryAfter{MaxAttempts: 2}),
			status.Action(recoursev1.RecoveryAction_ACTOR_CALLER_CODE, "Correct the request", &recoursev1.FixFields{
				Fixes: []*recoursev1.FixFields_Fix{{Field: "isbn", Reason: "MALFORMED", AllowedValues: []string{"978-"}}},
			}),
			status.Action(recoursev1.RecoveryAction_ACTOR_END_USER, "Ring the bell", &errdetails.LocalizedMessage{Locale: "en", Message: "ring"}),
			status.Action(recoursev1.RecoveryAction_ACTOR_END_USER, "Contact support", &recoursev1.ContactSupport{Channel: "desk"}),
		),
		status.Retry(atHigherLevel, recoursev1.RetryAdvice_WHY_OVERLOADED),
		status.RetryAfter(1500e6),
		status.Outcome(recoursev1.Outcome_OUTCOME_PARTIALLY_APPLIED),
		status.Violation("isbn", "MALFORMED", "not an ISBN"),
		status.Violation("items[0].copies", "TOO_MANY", "at most 3"),
		status.Help("How to lend", "https://example.com/lend"),
		status.Attach(
			&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: "CARD", Subject: "reader/7", Description: "no card"}}},
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "reader/7", Description: "3 books"}}},
			&errdetails.ResourceInfo{ResourceType: "book", ResourceName: "books/1"},
			&errdetails.LocalizedMessage{Locale: "de-CH", Message: "Das Buch ist ausgeliehen."},
			&errdetails.DebugInfo{StackEntries: []string{"lend.go:12", "desk.go:7"}, Detail: "debug"},
			&errdetails.RequestInfo{RequestId: "req-1"},
			&recoursev1.Degraded{Source: "cache"},
			&recoursev1.ErrorDetail{
				ErrorCode: "BOOK_LENT", Domain: domain,
				Operation: "/library.v1.Library/Lend", CatalogVersion: "2026.11", Elided: 1,
				Causes: []*recoursev1.CauseLink{
					{Service: "shelf.v1.Shelf", Domain: "shelf.example.com", ErrorCode: "SHELF_LOCKED", Code: 9, RequestId: "s-1"},
					{Service: "key.v1.Keys", Domain: "keys.example.com", ErrorCode: "KEY_LOST", Code: 5, RequestId: "k-1"},
				},
			},
		),
	}
	return status.New(codes.Unavailable, "BOOK_LENT", "the book is lent", append(all, opts...)...)
}

// Types of errors that misbehave.

type statusError struct{ st *grpcstatus.Status }

func (s statusError) Error() string                  { return "statusError" }
func (s statusError) GRPCStatus() *grpcstatus.Status { return s.st }

type wrapped struct{ inner error }

func (w *wrapped) Error() string { return "wrapped" }
func (w *wrapped) Unwrap() error { return w.inner }

type cycle struct{ text string }

func (c *cycle) Error() string { return c.text }
func (c *cycle) Unwrap() error { return c }

type bush struct{ text string }

func (b *bush) Error() string   { return b.text }
func (b *bush) Unwrap() []error { return []error{b, b} }

type panicsOn struct{ unwrap, text, is, as, grpc bool }

func (p *panicsOn) Unwrap() error {
	if p.unwrap {
		panic("unwrap")
	}
	return nil
}

func (p *panicsOn) Error() string {
	if p.text {
		panic("text")
	}
	return "secret text"
}

func (p *panicsOn) Is(error) bool {
	if p.is {
		panic("is")
	}
	return false
}

func (p *panicsOn) As(any) bool {
	if p.as {
		panic("as")
	}
	return false
}

func (p *panicsOn) GRPCStatus() *grpcstatus.Status {
	if p.grpc {
		panic("grpc")
	}
	return nil
}

var errPlain = errors.New("dial tcp 10.0.3.7: secret text")

func marshalJSON(t testing.TB, e *status.Error) string {
	t.Helper()
	b, err := e.MarshalJSON()
	if err != nil {
		t.Errorf("MarshalJSON: %v", err)
	}
	return string(b)
}

func rpcStatus(t testing.TB, code codes.Code, details ...proto.Message) *grpcstatus.Status {
	t.Helper()
	return grpcstatus.FromProto(rpc(t, code, "m", details...))
}

var nanValue = math.NaN()

// known is one of each type that this package treats in a way of its own, and
// some that it does not.
func known() []proto.Message {
	return []proto.Message{
		&errdetails.ErrorInfo{}, &errdetails.RetryInfo{}, &errdetails.RequestInfo{}, &errdetails.DebugInfo{}, &errdetails.Help{},
		&errdetails.BadRequest{}, &errdetails.PreconditionFailure{}, &errdetails.QuotaFailure{}, &errdetails.ResourceInfo{},
		&errdetails.LocalizedMessage{}, &recoursev1.ErrorDetail{}, &recoursev1.Degraded{}, &recoursev1.RecoveryAction{},
		&structpb.Struct{}, &wrapperspb.StringValue{}, &anypb.Any{}, &spb.Status{}, &durationpb.Duration{},
	}
}
