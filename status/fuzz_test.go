package status_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// FuzzReceived reads what a stranger sent, and sends it on.
func FuzzReceived(f *testing.F) {
	for _, enc := range situations(f) {
		b, err := proto.Marshal(enc.Status.Proto())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)*2/3])
	}
	var every []proto.Message
	for _, m := range known() {
		every = append(every, broken(string(m.ProtoReflect().Descriptor().FullName())), m)
	}
	for _, p := range []*spb.Status{
		rpc(f, 5, "m", every...), {}, {Code: -1}, {Code: 99, Message: "\x1b"}, {Code: 2, Details: []*anypb.Any{nil, {}, unknownAny("\xff")}},
		rpc(f, 14, "m", unknownAny("x"), &errdetails.ErrorInfo{Reason: "A_B", Metadata: map[string]string{"recourseRetry": "?", "recourseOutcome": "APPLIED"}}),
	} {
		b, err := proto.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := new(spb.Status)
		if proto.Unmarshal(b, p) != nil {
			return
		}
		st := grpcstatus.FromProto(p)
		examine(t, status.Received(st.Err(), "/a.B/C", "id\n", false))
		if e := restored(p); e != nil {
			examine(t, e)
		}
		if err := st.Err(); err != nil {
			examine(t, read(t, err))
			examine(t, read(t, status.PassThrough(fmt.Errorf("a: %w", err))))
			examine(t, status.Classify(err))
			examine(t, status.Classify(errors.Join(err, remote(p), err)))
		}
	})
}

// examine asks an error everything and encodes it for everybody.
func examine(t *testing.T, e *status.Error) {
	t.Helper()
	if e == nil || e.Code() == codes.OK || e.Code() > codes.Unauthenticated {
		t.Fatalf("not a failure: %v", e)
	}
	if wait, _ := e.RetryDelay(); wait < 0 {
		t.Errorf("a delay of %v", wait)
	}
	if _, known := recoursev1.RetryAdvice_Verdict_name[int32(e.Verdict())]; !known || e.Verdict() == 0 {
		t.Errorf("verdict %v", e.Verdict())
	}
	if _, known := recoursev1.Outcome_name[int32(e.Outcome())]; !known {
		t.Errorf("outcome %v", e.Outcome())
	}
	type text struct {
		name, text string
		limit      int
	}
	texts := []text{
		{"Error", e.Error(), 400}, {"ErrorCode", e.ErrorCode(), status.MaxErrorCode}, {"Domain", e.Domain(), status.MaxDomain},
		{"Message", e.Message(), status.MaxMessage}, {"Suggestion", e.Suggestion(), status.MaxSuggestion}, {"RequestID", e.RequestID(), status.MaxRequestID},
		{"Operation", e.Operation(), 256}, {"CatalogVersion", e.CatalogVersion(), 32}, {"exhausted by", e.RetryAdvice().GetExhaustedBy(), 128},
	}
	for k, v := range e.Metadata() {
		texts = append(texts, text{"key", k, 64}, text{"value", v, status.MaxReceived})
	}
	for _, c := range e.Causes() {
		texts = append(texts, text{"service", c.GetService(), 128}, text{"domain", c.GetDomain(), status.MaxDomain}, text{"id", c.GetRequestId(), 128}, text{"code", c.GetErrorCode(), 63})
	}
	for _, a := range e.RecoveryActions() {
		texts = append(texts, text{"label", a.GetLabel(), status.MaxLabel}, text{"link", a.GetOpenLink().GetUrl(), 0}, text{"reference", a.GetContactSupport().GetReference(), 0})
	}
	for _, text := range texts {
		if err := clean(text.text, text.limit); err != nil {
			t.Errorf("%s: %v", text.name, err)
		}
	}
	if len(e.RecoveryActions()) > status.MaxActions || len(e.Causes()) > status.MaxCauses || len(e.Metadata()) > status.MaxMeta || e.Elided() < 0 {
		t.Errorf("%d actions, %d causes, %d entries, %d elided", len(e.RecoveryActions()), len(e.Causes()), len(e.Metadata()), e.Elided())
	}
	if !json.Valid([]byte(marshalJSON(t, e))) {
		t.Error("invalid JSON")
	}
	for range status.Details[*errdetails.BadRequest](e) {
	}
	status.Detail[*recoursev1.ErrorDetail](e)
	if got := grpcstatus.Code(e); got == codes.OK {
		t.Error("grpc-go takes it for a success")
	}
	if p := status.ToProto(e); p.GetCode() == 0 {
		t.Error("stored as a success")
	}
	for _, r := range []status.Rendering{
		{}, {TrailerBytes: 1}, {Trust: status.Internal, TechnicalDetails: true, TrailerBytes: status.MaxTrailerBytes, RequestID: "r"},
		{Trust: status.Partner, PartnerDomains: []string{e.Domain()}, OmitErrorDetail: true, TrailerBytes: 700},
	} {
		encoded(t, e, r)
	}
}

// encoded holds one encoding to all that is promised of every one.
func encoded(t *testing.T, e *status.Error, r status.Rendering) *spb.Status {
	t.Helper()
	enc := e.Encode(r)
	p := arrived(t, enc)
	if codes.Code(p.GetCode()) != e.Code() {
		t.Errorf("%v became %v", e.Code(), codes.Code(p.GetCode()))
	}
	if err := clean(p.GetMessage(), status.MaxMessage); err != nil {
		t.Errorf("message: %v", err)
	}
	if got := trailerBlock(enc.Status.Proto()) + max(r.Reserved, 0); got != enc.Size {
		t.Errorf("Size = %d, the status takes %d", enc.Size, got)
	}
	if len(p.GetDetails()) == 0 && r.Reserved > 0 {
		return p // other trailers left room for the code alone
	}
	budget := r.TrailerBytes
	if budget <= 0 {
		budget = status.DefaultTrailerBytes
		if r.Reserved > 0 { // the default is caution, not the limit
			budget = status.MaxTrailerBytes
		}
	}
	if budget = min(budget, status.MaxTrailerBytes); enc.Size > budget {
		least := r
		least.TrailerBytes = 1
		if enc.Size > e.Encode(least).Size {
			t.Errorf("takes %d of %d, and could take less", enc.Size, budget)
		}
	}
	seen := map[string]bool{}
	for _, d := range p.GetDetails() {
		name := d.GetTypeUrl()[strings.LastIndexByte(d.GetTypeUrl(), '/')+1:]
		if seen[name] {
			t.Errorf("two details of type %s", name)
		}
		seen[name] = true
	}
	if len(p.GetDetails()) > status.MaxDetails {
		t.Errorf("%d details", len(p.GetDetails()))
	}
	info := detail[*errdetails.ErrorInfo](t, p)
	if info.GetReason() != e.ErrorCode() {
		t.Errorf("error code %q became %q", e.ErrorCode(), info.GetReason())
	}
	if r.Trust != status.Internal && detail[*errdetails.DebugInfo](t, p) != nil {
		t.Error("a stranger sees debug information")
	}
	own := detail[*recoursev1.ErrorDetail](t, p)
	if own != nil && (own.GetErrorCode() != info.GetReason() || own.GetDomain() != info.GetDomain()) {
		t.Errorf("ErrorDetail of %s %s beside ErrorInfo of %s %s", own.GetErrorCode(), own.GetDomain(), info.GetReason(), info.GetDomain())
	}
	if r.Trust == status.Public && (len(own.GetCauses()) > 0 || own.GetRetry().GetExhaustedBy() != "") {
		t.Errorf("a stranger sees causes: %v", own)
	}
	for _, d := range p.GetDetails() {
		m, err := d.UnmarshalNew()
		if err != nil {
			continue // of a type that nobody here knows
		}
		everyText(m.ProtoReflect(), 60, func(s string) {
			if err := clean(s, 0); err != nil {
				t.Errorf("%s: %v", d.MessageName(), err)
			}
		})
	}
	// What is sent is read as what it was.
	back := remote(p)
	if back.Verdict() != e.Verdict() || back.Outcome() != e.Outcome() || back.Code() != e.Code() || back.ErrorCode() != e.ErrorCode() {
		t.Errorf("%v with %v and %v is read as %v with %v and %v", e, e.Verdict(), e.Outcome(), back, back.Verdict(), back.Outcome())
	}
	return p
}

func everyText(m protoreflect.Message, depth int, see func(string)) {
	if depth == 0 {
		return
	}
	one := func(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
		switch {
		case fd.Message() != nil:
			everyText(v.Message(), depth-1, see)
		case fd.Kind() == protoreflect.StringKind:
			see(v.String())
		}
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsList():
			for i := range v.List().Len() {
				one(fd, v.List().Get(i))
			}
		case fd.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				one(fd.MapKey(), k.Value())
				one(fd.MapValue(), v)
				return true
			})
		default:
			one(fd, v)
		}
		return true
	})
}

// FuzzDetail decodes any bytes as each of the types that this package treats in
// a way of its own.
func FuzzDetail(f *testing.F) {
	types := known()
	for i, m := range types {
		f.Add(i, []byte{}, byte(0))
		f.Add(i, []byte{0x0a, 0x03, 0xff, 'a', 'b'}, byte(1))
		f.Add(i, []byte{0x0a, 0x04, 0x08, 0x01, 0x10, 0xff}, byte(2))
		for _, d := range sent(f, everything(), status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}).GetDetails() {
			if d.MessageIs(m) {
				f.Add(i, d.GetValue(), byte(3))
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, b []byte, place byte) {
		name := string(types[uint(i)%uint(len(types))].ProtoReflect().Descriptor().FullName())
		a := &anypb.Any{TypeUrl: "type.googleapis.com/" + name, Value: b}
		info := packed(t, &errdetails.ErrorInfo{Reason: "X_Y", Domain: "d"})
		p := &spb.Status{Code: 14, Message: "m", Details: [][]*anypb.Any{{a}, {info, a}, {a, info}, {info, a, a}}[place%4]}
		examine(t, remote(p))
		examine(t, status.Classify(plain(p)))
		examine(t, status.New(codes.Unavailable, "X_Y", "m", status.Attach(a)))
		examine(t, status.New(codes.Unavailable, "X_Y", "m", status.Recover(status.Action(0, "l", a))))
	})
}

// FuzzEncode makes errors of any texts and fits them into any budget.
func FuzzEncode(f *testing.F) {
	f.Add(uint32(5), "BOOK_LENT", "the book is lent", domain, "text", uint16(0), int64(0), 0, 0, byte(0))
	f.Add(uint32(0), "", "", "", "", uint16(0xffff), int64(-1), 512, 0, byte(0xff))
	f.Add(uint32(14), "\xff", "\x1b[31m", "\n", strings.Repeat("語", 3000), uint16(0x0f0f), int64(1<<62), 8192, 100, byte(0x55))
	f.Add(uint32(13), strings.Repeat("a", 100), strings.Repeat("%", 300), strings.Repeat("d", 300), "a\u202eb", uint16(0xff00), int64(1e9), 1, 5000, byte(0x12))
	f.Add(uint32(1<<31), "X Y", "é", "x", "key", uint16(0x1), int64(1), 1<<40, -7, byte(0x20))
	f.Fuzz(func(t *testing.T, code uint32, errorCode, message, dom, text string, what uint16, wait int64, budget, reserved int, trust byte) {
		reserved %= 1 << 20
		var opts []status.Option
		for i, opt := range []status.Option{
			status.Domain(dom), status.Suggest(text), status.Meta("key", text), status.Meta(text, message), status.Cause(errors.New(text)),
			status.Recover(status.Action(recoursev1.RecoveryAction_Actor(trust), text, &recoursev1.CallMethod{Method: text, CopyFields: map[string]string{text: message, message: text}})),
			status.Recover(status.Action(0, message, unknownAny(text)), status.Action(0, text, nil)),
			status.Retry(recoursev1.RetryAdvice_Verdict(int8(trust)), recoursev1.RetryAdvice_Why(int8(what))), status.RetryAfter(time.Duration(wait)),
			status.Outcome(recoursev1.Outcome(int8(trust))), status.Violation(text, errorCode, message), status.Help(text, "https://"+text),
			status.Attach(&errdetails.DebugInfo{Detail: text, StackEntries: []string{text, message}}, &errdetails.LocalizedMessage{Message: text}),
			status.Attach(&errdetails.ErrorInfo{Reason: text, Domain: message}, &recoursev1.ErrorDetail{ErrorCode: errorCode, Domain: dom, Causes: []*recoursev1.CauseLink{{Service: text, Code: int32(trust)}}}),
			status.Attach(&anypb.Any{TypeUrl: text, Value: []byte(message)}, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: wait, Nanos: int32(wait)}}),
			status.Attach(&errdetails.RequestInfo{RequestId: text}, &errdetails.ResourceInfo{ResourceName: text}),
		} {
			if what&(1<<i) != 0 {
				opts = append(opts, opt, opt)
			}
		}
		e := status.New(codes.Code(code), errorCode, message, opts...)
		p := encoded(t, e, status.Rendering{
			Domain: text, RequestID: message, Trust: status.Trust(trust & 3), PartnerDomains: []string{dom}, TechnicalDetails: trust&4 != 0,
			OmitErrorDetail: trust&8 != 0, OmitGuidance: trust&16 != 0, TrailerBytes: budget, Reserved: reserved,
		})
		if want, ok := e.RetryDelay(); ok && e.Verdict() != never && len(p.GetDetails()) > 0 {
			got := detail[*errdetails.RetryInfo](t, p)
			if d := got.GetRetryDelay().AsDuration() - want; got == nil || d > time.Millisecond || d < -time.Millisecond {
				t.Errorf("a delay of %v is sent as %v", want, got)
			}
		}
		if code := codes.Code(code); code > codes.OK && code <= codes.Unauthenticated && e.Code() != code {
			t.Errorf("%v became %v", code, e.Code())
		}
		examine(t, e)
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"", "plain", " a ", "\x1b[31mred", "a\r\nb", "a\u202eb", "\ufeff", "👩\u200d👩\u200d👧", "می\u200cخواهم", "a\xffb", "\xe8\xaa", "\u2028", "a\U000e0041", "\u3164",
		strings.Repeat("語 ", 200), "\ufffd", "a\u00a0", "\u200d", "...",
	} {
		f.Add(s, 0)
		f.Add(s, 8)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := status.Clean(s, limit)
		if err := clean(got, limit); err != nil {
			t.Error(err)
		}
		if again := status.Clean(got, limit); again != got {
			t.Errorf("%q cleaned again is %q", got, again)
		}
		if !status.IsClean(got) {
			t.Errorf("%q is not clean", got)
		}
		if got != strings.TrimSpace(got) || strings.ContainsAny(got, "\n\r\t") {
			t.Errorf("%q is not one trimmed line", got)
		}
		if status.IsClean(s) && (limit <= 0 || len(s) <= limit) && got != s {
			t.Errorf("%q, which is clean, became %q", s, got)
		}
		if display := status.Display(s, 0); strings.Trim(display, " ") != status.Clean(s, 0) {
			t.Errorf("Display gives %q, clean %q", display, status.Clean(s, 0))
		}
	})
}

// FuzzMend repairs encoded messages whose strings are not valid UTF-8.
func FuzzMend(f *testing.F) {
	for i, m := range known() {
		f.Add(i, []byte{0x0a, 0x01, 0xff})
		f.Add(i, []byte{0x1a, 0x06, 0x0a, 0x01, 0xff, 0x12, 0x01, 0xfe})
		f.Add(i, []byte{0x0b, 0x0a, 0x01, 0xff, 0x0c})
		f.Add(i, []byte{0x0a, 0x05, 0xff})
		for _, d := range sent(f, everything(), status.Rendering{Trust: status.Internal, TrailerBytes: status.MaxTrailerBytes}).GetDetails() {
			if d.MessageIs(m) {
				f.Add(i, d.GetValue())
				f.Add(i, bytes.ReplaceAll(d.GetValue(), []byte("e"), []byte{0xff}))
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		types := known()
		m := types[uint(i)%uint(len(types))]
		before := bytes.Clone(b)
		unmarshal := func(b []byte) (proto.Message, bool) {
			got := m.ProtoReflect().New().Interface()
			err := proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(b, got)
			return got, err == nil
		}
		want, valid := unmarshal(b)
		fixed, ok := status.Mend(b, m)
		if !bytes.Equal(b, before) {
			t.Fatal("the input was changed")
		}
		if !ok {
			// Of what is fine, only nesting deeper than any detail's is refused; a
			// level takes two bytes.
			if valid && len(b) < 2*60 {
				t.Errorf("%T: refuses %x, which is fine", m, b)
			}
			return
		}
		got, can := unmarshal(fixed)
		if valid && (!can || !proto.Equal(want, got)) {
			t.Errorf("%T: %x, which is fine, became %x", m, b, fixed)
		}
		if can {
			everyText(got.ProtoReflect(), 100, func(s string) {
				if !utf8.ValidString(s) {
					t.Errorf("%T: %q is left", m, s)
				}
			})
		}
		if again, ok := status.Mend(fixed, m); !ok || !bytes.Equal(again, fixed) {
			t.Errorf("%T: mended again, %x became %x", m, fixed, again)
		}
	})
}

const canary = "CANARY"

// FuzzClassify builds an error by a program of bytes: a stack machine whose
// operations push, wrap and join.
func FuzzClassify(f *testing.F) {
	for _, program := range []string{
		"", "a", "ab|", "abc|w", "p", "pw", "rg|", "rrg||", "no|x", "tcd", "kk|", "yw", "zb|", "sw", "S", "ggggg|||", "rvw|", "mM|", "Nw", "uaw|", "qQ|", "ep|h",
		"ry", "iy", "iw", "ii|", "ir|o|", "ax", "rw", "oQ", "K", "aKz", "gi|v",
	} {
		f.Add([]byte(program), byte(5))
		f.Add([]byte(program), byte(13))
		f.Add([]byte(program), byte(14))
	}
	f.Fuzz(func(t *testing.T, program []byte, code byte) {
		if len(program) > 60 {
			return
		}
		err, passed := build(t, program, codes.Code(code%17))
		e := status.Classify(err, status.Sentinel(io.EOF, codes.NotFound, "NO_MORE", "no more"), func(error) *status.Error { return nil })
		if err == nil {
			if e != nil {
				t.Errorf("nil became %v", e)
			}
			return
		}
		examine(t, e)
		if !passed {
			for name, p := range map[string]*spb.Status{
				"encoded": sent(t, e, status.Rendering{}), "for a partner": sent(t, e, status.Rendering{Trust: status.Partner, TechnicalDetails: true}),
				"stored": status.ToProto(err), "for grpc-go": e.GRPCStatus().Proto(),
			} {
				if b, merr := proto.Marshal(p); merr != nil || bytes.Contains(b, []byte(canary)) {
					t.Errorf("%q, %s: %q, %v", program, name, b, merr)
				}
			}
			if strings.Contains(e.Error(), canary) {
				t.Errorf("%q: Error() = %q", program, e.Error())
			}
		}
		first, again := status.Classify(err), status.Classify(fmt.Errorf(canary+": %w", err))
		if first.Code() != again.Code() || first.ErrorCode() != again.ErrorCode() {
			t.Errorf("%q: wrapped it becomes %v, was %v", program, again, first)
		}
		if from, ok := status.From(err); ok != (from != nil) {
			t.Errorf("%q: From = %v, %v", program, from, ok)
		}
	})
}

// build runs a program. It reports whether an error was passed on, which is the
// one way to send the text of another.
func build(t *testing.T, program []byte, code codes.Code) (err error, passed bool) {
	var stack []error
	push := func(err error) { stack = append(stack, err) }
	pop := func() error {
		if len(stack) == 0 {
			return nil
		}
		err := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return err
	}
	var none *status.Error
	for _, op := range program {
		switch op {
		case 'a':
			push(errors.New(canary))
		case 'b':
			push(context.DeadlineExceeded)
		case 'c':
			push(context.Canceled)
		case 'd':
			push(os.ErrDeadlineExceeded)
		case 'e':
			push(io.EOF)
		case 'g': // grpc-go's, with a code that was chosen: its text was, too
			push(plain(rpc(t, code, "m", &errdetails.DebugInfo{Detail: canary})))
		case 'i': // grpc-go's, whose text was meant for a log
			push(plain(rpc(t, codes.Internal, canary, &errdetails.LocalizedMessage{Message: canary}, &errdetails.ErrorInfo{Reason: "X_Y", Metadata: map[string]string{"key": canary}},
				&recoursev1.ErrorDetail{ErrorCode: "X_Y", Suggestion: canary, Operation: canary, RecoveryActions: []*recoursev1.RecoveryAction{{Label: canary}}})))
		case 'k':
			push(&cycle{canary})
		case 'K':
			push(&bush{canary})
		case 'm':
			push(statusError{})
		case 'M':
			push(statusError{grpcstatus.New(codes.OK, canary)})
		case 'n':
			push(nil)
		case 'N':
			push(none)
		case 'o':
			push(status.New(code, "OWN", "own", status.Cause(errors.New(canary)), status.Attach(&errdetails.DebugInfo{Detail: canary})))
		case 'p':
			push(&panicsOn{true, true, true, true, true})
		case 'q':
			push(&status.PanicError{Value: canary, Stack: []byte(canary)})
		case 'Q':
			push(status.Panicked(pop()))
		case 'r':
			push(remote(rpc(t, code, canary, &errdetails.LocalizedMessage{Message: canary}, unknownAny(canary), &errdetails.ErrorInfo{Reason: "X_Y", Metadata: map[string]string{"key": canary}},
				&recoursev1.ErrorDetail{ErrorCode: "X_Y", Suggestion: canary, Retry: &recoursev1.RetryAdvice{Verdict: never, ExhaustedBy: canary}, Causes: []*recoursev1.CauseLink{{Service: canary}}})))
		case 's':
			push(syscall.ECONNREFUSED)
		case 't':
			push(status.Timeout(pop()))
		case 'u':
			push(status.Operation("op", pop()))
		case 'v':
			push(&statusAround{grpcstatus.New(codes.Unknown, canary), pop()})
		case 'w':
			push(fmt.Errorf(canary+": %w", pop()))
		case 'x':
			push(&wrapped{pop()})
		case 'y':
			inner := pop()
			_, has := status.From(inner)
			passed = passed || has
			push(status.PassThrough(inner))
		case 'z':
			push(incomparable{pop(), pop()})
		case '|':
			push(errors.Join(pop(), pop()))
		}
	}
	return errors.Join(stack...), passed
}
