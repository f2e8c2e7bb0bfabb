package status_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// TestSizeIsWhatHTTP2Counts holds Encoded.Size to what HTTP/2 counts,
// where 5936 bytes of details and a message of 32 make 8192.
func TestSizeIsWhatHTTP2Counts(t *testing.T) {
	tests := []struct {
		name    string
		code    codes.Code
		message string
		encoded int // of the message, as a header
	}{
		{"one digit", codes.NotFound, strings.Repeat("m", 32), 32},
		{"two digits", codes.Unauthenticated, strings.Repeat("m", 32), 32},
		{"no message", codes.NotFound, "", 0},
		{"percent and tilde", codes.NotFound, "100 % ~", 9},
		{"not ASCII", codes.NotFound, "é語🙂", 3 * 9},
		{"full", codes.NotFound, strings.Repeat("語", 85), 9 * 85},
	}
	for _, test := range tests {
		for pad := range 7 {
			e := status.New(test.code, "X_Y", test.message, status.Meta("pad", strings.Repeat("p", pad)))
			enc := e.Encode(status.Rendering{Reserved: 100})
			n := proto.Size(enc.Status.Proto())
			digits := len(fmt.Sprint(int(test.code)))
			want := 42 + 60 + 43 + digits + 44 + test.encoded + 55 + (4*n+2)/3 + 100
			if enc.Size != want {
				t.Errorf("%s: Size = %d, want %d", test.name, enc.Size, want)
			}
			if got := base64.RawStdEncoding.EncodedLen(n); got != (4*n+2)/3 {
				t.Errorf("the formula counts %d bytes of base64 for %d, want %d", (4*n+2)/3, n, got)
			}
		}
	}

	pad := func(n int) status.Encoded {
		return status.New(codes.NotFound, "X_Y", strings.Repeat("m", 32), status.Meta("pad", strings.Repeat("p", n))).Encode(status.Rendering{TrailerBytes: status.MaxTrailerBytes})
	}
	n := 5936 - proto.Size(pad(3000).Status.Proto()) + 3000
	if enc := pad(n); proto.Size(enc.Status.Proto()) != 5936 || enc.Size != 8192 || enc.Elided != 0 {
		t.Errorf("%d bytes of details take %d with %d elided, want 5936, 8192 and 0", proto.Size(enc.Status.Proto()), enc.Size, enc.Elided)
	}
	if enc := pad(n + 1); enc.Size > 8192 || enc.Elided == 0 {
		t.Errorf("one byte more takes %d with %d elided", enc.Size, enc.Elided)
	}
}

func TestEncodeFitsItsBudget(t *testing.T) {
	e := status.New(codes.Unavailable, "X_Y", strings.Repeat("m", 256), status.Attach(wrapperspb.String(strings.Repeat("語", 5000))),
		status.Meta("pad", strings.Repeat("x", 6000)), status.Violation("f", "F", strings.Repeat("d", 1000)))
	least := e.Encode(status.Rendering{TrailerBytes: 1}).Size
	tests := []struct {
		name             string
		budget, reserved int
		limit            int
	}{
		{"the default", 0, 0, status.DefaultTrailerBytes},
		{"negative is the default", -1, 0, status.DefaultTrailerBytes},
		{"the highest", status.MaxTrailerBytes, 0, status.MaxTrailerBytes},
		{"more than the highest", 1 << 40, 0, status.MaxTrailerBytes},
		{"another", 1000, 0, 1000},
		{"reserved", 2000, 500, 2000},
		{"reserved of the default", 0, 3000, status.DefaultTrailerBytes},
		{"reserved more than there is", 1000, 5000, 5000 + least},
		{"reserved less than nothing", status.MaxTrailerBytes, -10000, status.MaxTrailerBytes},
		{"too little for the identity", 100, 0, least},
		{"next to nothing", 1, 0, least},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			enc := e.Encode(status.Rendering{TrailerBytes: test.budget, Reserved: test.reserved})
			if enc.Size > test.limit {
				t.Errorf("Size = %d, want at most %d", enc.Size, test.limit)
			}
			p := arrived(t, enc)
			if got := trailerBlock(enc.Status.Proto()) + max(test.reserved, 0); got != enc.Size {
				t.Errorf("Size = %d, the status takes %d", enc.Size, got)
			}
			if test.reserved > test.budget && test.budget > 0 {
				if codes.Code(p.GetCode()) != codes.Unavailable || len(p.GetDetails()) > 0 || enc.Fits {
					t.Errorf("without any room: %v, fits %v", p, enc.Fits)
				}
				return
			}
			if codes.Code(p.GetCode()) != codes.Unavailable || detail[*errdetails.ErrorInfo](t, p).GetReason() != "X_Y" {
				t.Errorf("code or identity is lost: %v", p)
			}
		})
	}
}

// laden has some of everything that can be left out, and just fits MaxTrailerBytes.
func laden() *status.Error {
	var stack []string
	for i := range 20 {
		stack = append(stack, fmt.Sprintf("library.example.com/lend.(*Desk).Lend(0x%08x)", i))
	}
	opts := []status.Option{
		status.Domain(domain), status.Suggest(strings.Repeat("Ask the librarian. ", 6)),
		status.Outcome(recoursev1.Outcome_OUTCOME_PARTIALLY_APPLIED), status.RetryAfter(90e9), status.Retry(atHigherLevel, recoursev1.RetryAdvice_WHY_OVERLOADED),
		status.Attach(&errdetails.DebugInfo{StackEntries: stack, Detail: strings.Repeat("debug ", 20)}),
		status.Attach(&errdetails.LocalizedMessage{Locale: "ja", Message: strings.Repeat("貸出中", 10)}),
		status.Attach(&errdetails.ResourceInfo{ResourceType: "book", ResourceName: strings.Repeat("books/", 10)}),
		status.Attach(wrapperspb.String(strings.Repeat("foreign", 60)), unknownAny(strings.Repeat("unknown", 60))),
		status.Attach(&errdetails.RequestInfo{RequestId: "0f5c1d4e-request"}),
		status.Attach(&recoursev1.ErrorDetail{ErrorCode: "BOOK_LENT", Domain: domain, Operation: "/library.v1.Library/Lend", CatalogVersion: "2026.11",
			Causes: []*recoursev1.CauseLink{{Service: "one.v1.One"}, {Service: "two.v1.Two"}, {Service: "three.v1.Three"}, {Service: "four.v1.Four"}, {Service: "five.v1.Five"}}}),
	}
	for i, body := range []proto.Message{
		&recoursev1.RetryAfter{MaxAttempts: 2}, wrapperspb.String(strings.Repeat("custom", 10)), &recoursev1.Refresh{Resource: strings.Repeat("r", 40)},
		wrapperspb.Bytes(make([]byte, 60)), &recoursev1.ContactSupport{Channel: "desk"},
	} {
		opts = append(opts, status.Recover(status.Action(recoursev1.RecoveryAction_ACTOR_CLIENT, fmt.Sprint("action ", i), body)))
	}
	for i := range 14 {
		opts = append(opts, status.Violation(fmt.Sprintf("items[%d].copies", i), "TOO_MANY", "at most 3"))
	}
	for i := range 12 {
		opts = append(opts, status.Attach(
			&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: "CARD", Subject: fmt.Sprintf("reader/%d", i)}}},
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: fmt.Sprintf("reader/%d", i), Description: "3 books"}}}))
	}
	for i := range 3 {
		opts = append(opts, status.Help(fmt.Sprint("link ", i), "https://library.example.com/help"))
	}
	for i := range 6 {
		opts = append(opts, status.Meta(fmt.Sprintf("key%d", i), strings.Repeat("v", 10*i)))
	}
	return status.New(codes.Unavailable, "BOOK_LENT", strings.Repeat("the book is lent ", 12), opts...)
}

// A part of an error that can be left out: how much of it is there beyond what
// an earlier step leaves.
type part struct {
	name string
	left func(t testing.TB, p *spb.Status) int
}

// within is how many of n lie between the two: what this step takes of a list
// from which an earlier one has taken already.
func within(n, keep, earlier int) int { return max(min(n, earlier)-keep, 0) }

func violations(keep, earlier int) func(t testing.TB, p *spb.Status) int {
	return func(t testing.TB, p *spb.Status) int {
		return within(len(detail[*errdetails.BadRequest](t, p).GetFieldViolations()), keep, earlier) +
			within(len(detail[*errdetails.PreconditionFailure](t, p).GetViolations()), keep, earlier) +
			within(len(detail[*errdetails.QuotaFailure](t, p).GetViolations()), keep, earlier)
	}
}

func actions(custom bool, keep, earlier int) func(t testing.TB, p *spb.Status) int {
	return func(t testing.TB, p *spb.Status) int {
		n := 0
		for _, a := range detail[*recoursev1.ErrorDetail](t, p).GetRecoveryActions() {
			if (a.GetCustom() != nil) == custom {
				n++
			}
		}
		return within(n, keep, earlier)
	}
}

const all = 1 << 20

// parts is the order in which an error is trimmed, with the steps that follow when
// even those do not suffice.
var parts = []part{
	{"stack", func(t testing.TB, p *spb.Status) int {
		return len(detail[*errdetails.DebugInfo](t, p).GetStackEntries())
	}},
	{"DebugInfo", present[*errdetails.DebugInfo]},
	{"causes", func(t testing.TB, p *spb.Status) int {
		return len(detail[*recoursev1.ErrorDetail](t, p).GetCauses())
	}},
	{"custom actions", actions(true, 0, all)},
	{"foreign details", func(t testing.TB, p *spb.Status) int {
		n := 0
		for _, name := range names(p) {
			if !strings.HasPrefix(name, "google.rpc.") && name != "recourse.v1.ErrorDetail" {
				n++
			}
		}
		return n
	}},
	{"actions beyond 2", actions(false, 2, all)},
	{"links beyond 1", func(t testing.TB, p *spb.Status) int {
		return within(len(detail[*errdetails.Help](t, p).GetLinks()), 1, all)
	}},
	{"violations beyond 10", violations(10, all)},
	{"suggestion", func(t testing.TB, p *spb.Status) int {
		return len(detail[*recoursev1.ErrorDetail](t, p).GetSuggestion())
	}},
	{"LocalizedMessage", present[*errdetails.LocalizedMessage]},
	{"violations beyond 3", violations(3, 10)},
	{"Help", present[*errdetails.Help]},
	{"message", func(t testing.TB, p *spb.Status) int { return within(len(p.GetMessage()), 32, all) }},
	{"metadata values", func(t testing.TB, p *spb.Status) int {
		n := 0
		for k, v := range detail[*errdetails.ErrorInfo](t, p).GetMetadata() {
			if !strings.HasPrefix(k, "recourse") {
				n += within(len(v), 13, all)
			}
		}
		return n
	}},
	{"violations beyond 1", violations(1, 3)},
	{"ResourceInfo", present[*errdetails.ResourceInfo]},
	{"actions", actions(false, 0, 2)},
	{"violations", violations(0, 1)},
	{"operation", func(t testing.TB, p *spb.Status) int {
		return len(detail[*recoursev1.ErrorDetail](t, p).GetOperation())
	}},
	{"catalogue version", func(t testing.TB, p *spb.Status) int {
		return len(detail[*recoursev1.ErrorDetail](t, p).GetCatalogVersion())
	}},
	{"metadata", func(t testing.TB, p *spb.Status) int {
		n := 0
		for k := range detail[*errdetails.ErrorInfo](t, p).GetMetadata() {
			if !strings.HasPrefix(k, "recourse") {
				n++
			}
		}
		return n
	}},
	{"RequestInfo", present[*errdetails.RequestInfo]},
	{"ErrorDetail", present[*recoursev1.ErrorDetail]},
}

func present[T proto.Message](t testing.TB, p *spb.Status) int {
	if any(detail[T](t, p)) == any(*new(T)) {
		return 0
	}
	return 1
}

func TestThingsAreLeftOutInAFixedOrder(t *testing.T) {
	e := laden()
	render := status.Rendering{Trust: status.Internal, TechnicalDetails: true, TrailerBytes: status.MaxTrailerBytes}
	whole := e.Encode(render)
	if whole.Elided != 0 || whole.Size < 7000 {
		t.Fatalf("the whole error takes %d with %d elided; it should nearly fill %d", whole.Size, whole.Elided, status.MaxTrailerBytes)
	}
	full := make([]int, len(parts))
	for i, part := range parts {
		if full[i] = part.left(t, arrived(t, whole)); full[i] == 0 {
			t.Fatalf("the error has no %s", part.name)
		}
	}
	// One byte less than an encoding takes leads to the next, until nothing more
	// can be left out.
	states := []status.Encoded{whole}
	left := full
	for {
		last := states[len(states)-1]
		render.TrailerBytes = last.Size - 1
		enc := e.Encode(render)
		if enc.Size >= last.Size {
			break
		}
		states = append(states, enc)
		p := arrived(t, enc)
		name := fmt.Sprintf("state %d, %d bytes", len(states), enc.Size)
		if enc.Elided < last.Elided {
			t.Errorf("%s: elided %d, with more room %d", name, enc.Elided, last.Elided)
		}
		now, changed := make([]int, len(parts)), []string{}
		for i, part := range parts {
			now[i] = part.left(t, p)
			if now[i] > left[i] {
				t.Errorf("%s: of %s %d are back, there were %d", name, part.name, now[i], left[i])
			}
			if now[i] < left[i] {
				changed = append(changed, part.name)
			}
			for j := range i {
				if now[i] < full[i] && now[j] > 0 {
					t.Fatalf("%s: of %s %d are left of %d, although %d are left of %s", name, part.name, now[i], full[i], now[j], parts[j].name)
				}
			}
		}
		if len(changed) != 1 {
			t.Errorf("%s: %q were left out at once, want one thing after the other", name, changed)
		}
		left = now
		holdsTheEssence(t, name, p)
	}
	for i, part := range parts {
		if left[i] > 0 {
			t.Errorf("%s is never left out", part.name)
		}
	}

	// Any budget, in any order, gives the largest of these that fits.
	least := states[len(states)-1]
	var budgets []int
	for step, budget := 0, status.MaxTrailerBytes; budget >= 256; budget -= 1 + step%16 {
		step++
		budgets = append(budgets, budget)
	}
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(budgets), func(i, j int) { budgets[i], budgets[j] = budgets[j], budgets[i] })
	for _, budget := range budgets {
		want := least
		for _, s := range slices.Backward(states) {
			if s.Size <= budget {
				want = s
			}
		}
		render.TrailerBytes = budget
		got := e.Encode(render)
		if got.Size != want.Size || got.Elided != want.Elided || !proto.Equal(got.Status.Proto(), want.Status.Proto()) {
			t.Fatalf("budget %d: takes %d with %d elided, want %d and %d", budget, got.Size, got.Elided, want.Size, want.Elided)
		}
	}
}

// What is never left out of laden.
func holdsTheEssence(t *testing.T, name string, p *spb.Status) {
	t.Helper()
	info := detail[*errdetails.ErrorInfo](t, p)
	e := remote(p)
	wait, ok := e.RetryDelay()
	if codes.Code(p.GetCode()) != codes.Unavailable || info.GetReason() != "BOOK_LENT" || info.GetDomain() != domain || !ok || wait != 90e9 ||
		e.Verdict() != atHigherLevel || e.Outcome() != recoursev1.Outcome_OUTCOME_PARTIALLY_APPLIED || len(p.GetMessage()) < 24 {
		t.Errorf("%s: the essence is lost: %v %v %v %v %v", name, p, info, wait, e.Verdict(), e.Outcome())
	}
}

func TestTheNearestCauseStaysLongest(t *testing.T) {
	e := laden()
	want := []string{"one two three four five", "one two four five", "one two five", "one five", "one", ""}
	for budget := status.MaxTrailerBytes; budget > 3000; budget -= 8 {
		var got []string
		for _, c := range detail[*recoursev1.ErrorDetail](t, sent(t, e, status.Rendering{Trust: status.Internal, TrailerBytes: budget})).GetCauses() {
			got = append(got, strings.ToLower(strings.SplitN(c.GetService(), ".", 2)[0]))
		}
		s := strings.Join(got, " ")
		for len(want) > 0 && want[0] != s {
			want = want[1:]
		}
		if len(want) == 0 {
			t.Fatalf("budget %d: causes %q", budget, s)
		}
	}
	if want[0] != "" {
		t.Errorf("causes %q stay", want[0])
	}
}

func TestListsAreCappedWhateverTheBudget(t *testing.T) {
	var opts []status.Option
	for i := range 40 {
		opts = append(opts, status.Violation(fmt.Sprint("f", i), "", ""), status.Help("", "https://a"), status.Attach(
			&errdetails.PreconditionFailure{Violations: make([]*errdetails.PreconditionFailure_Violation, 1)},
			&errdetails.QuotaFailure{Violations: make([]*errdetails.QuotaFailure_Violation, 1)},
			unknown(i)))
	}
	e := status.New(codes.InvalidArgument, "X_Y", "", opts...)
	enc := e.Encode(status.Rendering{TrailerBytes: status.MaxTrailerBytes})
	p := arrived(t, enc)
	got := []int{
		len(detail[*errdetails.BadRequest](t, p).GetFieldViolations()), len(detail[*errdetails.PreconditionFailure](t, p).GetViolations()),
		len(detail[*errdetails.QuotaFailure](t, p).GetViolations()), len(detail[*errdetails.Help](t, p).GetLinks()),
	}
	if d := diff([]int{status.MaxViolations, status.MaxViolations, status.MaxViolations, status.MaxLinks}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := len(p.GetDetails()); got > status.MaxDetails {
		t.Errorf("%d details, a reader takes %d", got, status.MaxDetails)
	}
	if _, ok := status.Detail[*recoursev1.ErrorDetail](plain(p)); !ok {
		t.Error("the ErrorDetail is beyond what a reader takes")
	}
	if want := 3*15 + 37 + (40 + 4 + 2 - len(p.GetDetails())); enc.Elided != want {
		t.Errorf("elided %d, want %d", enc.Elided, want)
	}
	if got := detail[*errdetails.BadRequest](t, p).GetFieldViolations()[0].GetField(); got != "f0" {
		t.Errorf("the first violation is %s, want f0", got)
	}
}

func unknown(i int) *anypb.Any {
	a := unknownAny("x")
	a.TypeUrl += fmt.Sprint(i)
	return a
}

func TestHugeErrorsAreCutDownInFewSteps(t *testing.T) {
	const huge = 64 << 10
	text := strings.Repeat("語", huge/3)
	many := func(n int, opt func(i int) status.Option) (opts []status.Option) {
		for i := range n {
			opts = append(opts, opt(i))
		}
		return opts
	}
	var deep = structpb.NewStringValue(text)
	for range 60 {
		deep = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{deep}})
	}
	tests := map[string][]status.Option{
		"message":             nil,
		"suggestion":          {status.Suggest(text)},
		"domain":              {status.Domain(text)},
		"meta":                {status.Meta("key", text)},
		"many meta":           many(100, func(i int) status.Option { return status.Meta(fmt.Sprint("key", i), text) }),
		"violation":           {status.Violation(text, text, text)},
		"many violations":     many(3000, func(i int) status.Option { return status.Violation(fmt.Sprint("f", i), "R_R", "d") }),
		"large violations":    many(30, func(i int) status.Option { return status.Violation("f", "R_R", text) }),
		"help":                {status.Help(text, "https://"+text)},
		"many links":          many(3000, func(i int) status.Option { return status.Help("d", "https://a") }),
		"a violation of each": {status.Attach(&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Subject: text}}}, &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: text}}})},
		"debug":               {status.Attach(&errdetails.DebugInfo{Detail: text, StackEntries: []string{text, text}})},
		"many frames":         {status.Attach(&errdetails.DebugInfo{StackEntries: make([]string, 10000)})},
		"resource":            {status.Attach(&errdetails.ResourceInfo{Description: text})},
		"localized":           {status.Attach(&errdetails.LocalizedMessage{Message: text})},
		"request id":          {status.Attach(&errdetails.RequestInfo{RequestId: text})},
		"foreign":             {status.Attach(wrapperspb.String(text))},
		"unknown":             many(1000, func(i int) status.Option { return status.Attach(unknown(i)) }),
		"large unknown":       many(40, func(i int) status.Option { a := unknown(i); a.Value = []byte(text); return status.Attach(a) }),
		"deep":                {status.Attach(deep)},
		"actions": many(1000, func(i int) status.Option {
			return status.Recover(status.Action(0, text, &recoursev1.OpenLink{Url: text}))
		}),
		"custom actions": many(5, func(i int) status.Option { return status.Recover(status.Action(0, text, wrapperspb.String(text))) }),
		"copied fields":  {status.Recover(status.Action(0, "l", &recoursev1.CallMethod{CopyFields: map[string]string{text: text}}))},
		"causes": {status.Attach(&recoursev1.ErrorDetail{ErrorCode: "X_Y", Operation: text, CatalogVersion: text, Causes: slices.Repeat([]*recoursev1.CauseLink{{Service: text, Domain: text, ErrorCode: text}}, 10),
			Retry: &recoursev1.RetryAdvice{Verdict: sameRequest, ExhaustedBy: text}})},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			e := status.New(codes.Unavailable, "X_Y", text, append(opts, status.RetryAfter(90e9))...)
			for _, r := range []status.Rendering{{}, {Trust: status.Internal, TechnicalDetails: true, TrailerBytes: status.MaxTrailerBytes}, {OmitErrorDetail: true, TrailerBytes: 1500}, {TrailerBytes: 1}} {
				steps := 0
				restore := status.CountTrims(&steps)
				enc := e.Encode(r)
				restore()
				if steps > 300 {
					t.Errorf("%+v: %d steps", r, steps)
				}
				if r.TrailerBytes != 1 && enc.Size > status.MaxTrailerBytes {
					t.Errorf("%+v: takes %d", r, enc.Size)
				}
				p := arrived(t, enc)
				if wait, ok := remote(p).RetryDelay(); detail[*errdetails.ErrorInfo](t, p).GetReason() != "X_Y" || !ok || wait != 90e9 {
					t.Errorf("%+v: identity or delay is lost: %v", r, names(p))
				}
			}
		})
	}
}

// The same, for an error that somebody else sends and a proxy passes on.
func TestHugeErrorsOfOthersAreCutDown(t *testing.T) {
	text := strings.Repeat("x\x1b", 8<<10)
	kinds := []proto.Message{
		&errdetails.BadRequest{FieldViolations: slices.Repeat([]*errdetails.BadRequest_FieldViolation{{Field: "f\x00"}}, 5000)},
		&errdetails.Help{Links: slices.Repeat([]*errdetails.Help_Link{{Url: "https://a\n"}}, 3000)},
		&errdetails.DebugInfo{Detail: text}, &errdetails.LocalizedMessage{Message: text}, &errdetails.ResourceInfo{Description: text},
		&errdetails.RequestInfo{RequestId: text}, wrapperspb.String(text), unknownAny(text),
		&recoursev1.ErrorDetail{ErrorCode: "X_Y", Suggestion: text, Operation: text, Causes: slices.Repeat([]*recoursev1.CauseLink{{Service: "s\x00"}}, 2000)},
	}
	for _, m := range kinds {
		e := remote(rpc(t, codes.Unavailable, text, &errdetails.ErrorInfo{Reason: "X_Y"}, m))
		c, _ := status.From(status.PassThrough(e))
		for _, budget := range []int{status.MaxTrailerBytes, 0, 500} {
			enc := c.Encode(status.Rendering{Trust: status.Internal, TechnicalDetails: true, TrailerBytes: budget})
			if limit := max(budget, status.DefaultTrailerBytes); enc.Size > limit {
				t.Errorf("%T: takes %d of %d", m, enc.Size, limit)
			}
			if b, _ := proto.Marshal(arrived(t, enc)); strings.Contains(string(b), "\x1b") && !strings.Contains(string(b), "nobody.v1.Knows") {
				t.Errorf("%T: unclean text is sent", m)
			}
		}
	}
}
