package proxies

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/status"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A kind is an error with everything that an error can have, and room for more.
type kind struct {
	name     string
	code     codes.Code
	advice   status.Option
	pushback string
	details  int
}

const delay = 20 * time.Second // which no call of these tests waits for

var (
	// No call has as much time, so a client that retries by itself is told not to.
	later = kind{"later", codes.ResourceExhausted, status.RetryAfter(delay), "-1", 10}
	// A client's retry policy lists its code, and is told not to. The server is at fault, so it has a RequestInfo.
	never = kind{"never", codes.Unavailable, status.Retry(status.Never), "-1", 10}

	kinds = []kind{later, never}
)

const suggestion = "Ask for less, or come back once the others have had their turn."

func (k kind) error(filling []byte) *status.Error {
	return status.New(k.code, "TOO_MUCH", "there is more than fits: 漢字 and 100 %",
		k.advice, status.Outcome(status.NotApplied), status.Suggest(suggestion), status.Meta("shelf", "42"),
		status.Recover(
			status.Action(status.ByCallerCode, "Ask for less", &recoursev1.ReduceBatch{Field: "books", MaxItems: 10}),
			status.Action(status.ByAdmin, "Buy more", &recoursev1.WaitForQuota{QuotaId: "books-per-day"}),
			status.Action(status.ByEndUser, "Ask somebody", &recoursev1.ContactSupport{Channel: "desk@example.com"})),
		status.Violation("books[0].title", "REQUIRED", "the book has no title"),
		status.Help("How much fits", "https://example.com/how-much"),
		status.Attach(
			&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: "SHELF", Subject: "42", Description: "full"}}},
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "project:7", Description: "10 a day"}}},
			&errdetails.ResourceInfo{ResourceType: "shelf", ResourceName: "shelves/42", Description: "the shelf"},
			&errdetails.LocalizedMessage{Locale: "de-DE", Message: "es ist zu viel"},
			wrapperspb.Bytes(filling)))
}

// A filling takes room. Header fields are compressed on the way (RFC 7541): text by about a quarter, and what is chosen
// with malice not at all.
type filling struct {
	name    string
	pattern []byte
}

var (
	text  = filling{"text", []byte("the shelf is full, and so is the one below it; ")}
	dense = filling{"dense", []byte{0x5d, 0x96, 0x57}} // in Base64 XZZX, two letters that Huffman's code makes no shorter

	fillings = []filling{text, dense}
)

func (f filling) bytes(n, shift int) []byte {
	b := make([]byte, 0, n+len(f.pattern))
	b = append(b, make([]byte, min(shift, n))...)
	for len(b) < n {
		b = append(b, f.pattern...)
	}
	return b[:n]
}

// largest finds the largest error that a server sends whole: one byte more in the filling, and something is left out.
func (s *stage) largest(t testing.TB, k kind, f filling, budget int) error {
	t.Helper()
	conn := plain.dial(t, s.address)
	// Where in a group of Base64 the filling starts decides how well it compresses; take the worst.
	var worst error
	most := uint64(0)
	for shift := range 3 {
		whole := func(n int) (*status.Error, call, bool) {
			e := k.error(f.bytes(n, shift))
			c := s.call(t, conn, rpctest.Shapes[0], fails(e))
			sent := s.sentAs(c.id)
			return e, c, sent.Elided == 0 && sent.Size > 0
		}
		low, high := 0, budget
		for low+1 < high {
			n := (low + high) / 2
			if _, _, ok := whole(n); ok {
				low = n
			} else {
				high = n
			}
		}
		e, c, ok := whole(low)
		if size := s.sentAs(c.id).Size; !ok || size > budget || size < budget-8 {
			t.Fatalf("the largest error takes %d bytes of %d, whole: %v", size, budget, ok)
		}
		if n := compressed(t, c.Err); n > most {
			worst, most = e, n
		}
	}
	return worst
}

// compressed is how long the details of an error are on the wire, at the least.
func compressed(t testing.TB, err error) uint64 {
	t.Helper()
	raw, err := proto.Marshal(grpcstatus.Convert(err).Proto())
	if err != nil {
		t.Fatal(err)
	}
	return hpack.HuffmanEncodeLength(base64.RawStdEncoding.EncodeToString(raw))
}

// beyond is more than any of the buffers takes.
const beyond = 20 << 10

// bare is the status of a service that does not count: as many bytes of trailers as asked for, or a few less.
func bare(t testing.TB, size int) error {
	t.Helper()
	// The fixed fields as HTTP/2 counts them: :status, content-type, grpc-status, grpc-message, grpc-status-details-bin.
	const message = "there is more than fits"
	room := size - (7 + 3 + 32) - (12 + 16 + 32) - (11 + 1 + 32) - (12 + len(message) + 32) - (23 + 32)
	var worst error
	most := uint64(0)
	for shift := range 3 {
		st, err := grpcstatus.New(codes.FailedPrecondition, message).WithDetails(
			&errdetails.ErrorInfo{Reason: "TOO_MUCH", Domain: domain},
			wrapperspb.Bytes(dense.bytes(room/4*3-200, shift)))
		if err != nil {
			t.Fatal(err)
		}
		if rest := room - base64.RawStdEncoding.EncodedLen(proto.Size(st.Proto())); rest < 0 || rest > 200 {
			t.Fatalf("%d bytes off the %d", rest, size)
		}
		if n := compressed(t, st.Err()); n > most {
			worst, most = st.Err(), n
		}
	}
	return worst
}

// whole says what of an error has not arrived.
func (k kind) whole(c call, direct error) error {
	e, ok := status.From(c.Err)
	if !ok {
		return errors.New("no error has arrived")
	}
	var missing []error
	expect := func(ok bool, what string) {
		if !ok {
			missing = append(missing, errors.New(what))
		}
	}
	expect(e.Code() == k.code, "code "+e.Code().String())
	expect(e.ErrorCode() == "TOO_MUCH" && e.Domain() == domain, "identity "+e.ErrorCode())
	expect(e.Suggestion() == suggestion, "suggestion "+e.Suggestion())
	expect(len(e.RecoveryActions()) == 3, "actions")
	expect(e.Outcome() == status.NotApplied, "outcome")
	if d, ok := e.RetryDelay(); k.code == later.code {
		expect(ok && d == delay && e.Verdict() == status.SameRequest, "delay")
	} else {
		expect(!ok && e.Verdict() == status.Never, "verdict")
	}
	expect(slices.Equal(c.Trailer["x-request-id"], []string{c.id}), "request id")
	pushback := c.Trailer["grpc-retry-pushback-ms"]
	expect(len(pushback) == 1 && pushback[0] == k.pushback, "pushback")
	got, want := grpcstatus.Convert(c.Err).Proto(), grpcstatus.Convert(direct).Proto()
	expect(got.GetMessage() == want.GetMessage(), "message "+got.GetMessage())
	expect(len(want.GetDetails()) == k.details && len(got.GetDetails()) == k.details, "details")
	for i, d := range want.GetDetails() {
		if i < len(got.GetDetails()) && k.code == later.code { // else a RequestInfo differs from call to call
			expect(proto.Equal(d, got.GetDetails()[i]), "detail "+d.GetTypeUrl())
		}
	}
	if k.code == never.code {
		expect(e.RequestID() == c.id, "RequestInfo "+e.RequestID())
	}
	return errors.Join(missing...)
}
