package status_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var update = flag.Bool("update", false, "write the golden files anew")

// situations are errors as services meet them, by the name of the golden file
// with what is sent of each.
func situations(t testing.TB) map[string]status.Encoded {
	const callerCode, client, endUser = recoursev1.RecoveryAction_ACTOR_CALLER_CODE, recoursev1.RecoveryAction_ACTOR_CLIENT, recoursev1.RecoveryAction_ACTOR_END_USER
	public := status.Rendering{Domain: domain, RequestID: "4bf92f35-77b3"}
	partner, internal := public, public
	partner.Trust, partner.PartnerDomains = status.Partner, []string{"shelf.example.com"}
	internal.Trust, internal.TechnicalDetails = status.Internal, true
	gateway, small, terse := public, public, public
	gateway.OmitErrorDetail = true
	small.TrailerBytes = 1000
	terse.OmitGuidance = true

	exhausted := remote(rpc(t, codes.Unavailable, "db 10.0.3.7 is down",
		&errdetails.ErrorInfo{Reason: "SHELF_DOWN", Domain: "shelf.example.com"}, &errdetails.RequestInfo{RequestId: "shelf-1"},
		&recoursev1.ErrorDetail{ErrorCode: "SHELF_DOWN", Domain: "shelf.example.com",
			Retry:  &recoursev1.RetryAdvice{Verdict: never, Why: recoursev1.RetryAdvice_WHY_RETRIES_EXHAUSTED, Attempts: 3, ExhaustedBy: "shelf.v1.Shelf"},
			Causes: []*recoursev1.CauseLink{{Service: "db.v1.DB", Domain: "db.example.com", ErrorCode: "DISK_FULL", Code: 8, RequestId: "db-1"}}}))
	panicked := &status.PanicError{Value: "index out of range [5] with length 3", Stack: []byte("goroutine 7 [running]:\nlibrary.(*Desk).Lend(...)\n\t/src/desk.go:12 +0x1d\n")}

	return map[string]status.Encoded{
		"book-not-found": status.New(codes.NotFound, "BOOK_NOT_FOUND", "no book with the ISBN 978-3-16-148410-0", status.Meta("isbn", "978-3-16-148410-0"),
			status.Attach(&errdetails.ResourceInfo{ResourceType: "library.v1.Book", ResourceName: "books/978-3-16-148410-0"})).Encode(public),
		"request-invalid": status.New(codes.InvalidArgument, "REQUEST_INVALID", "2 fields are invalid", status.Outcome(recoursev1.Outcome_OUTCOME_NOT_APPLIED),
			status.Violation("items[0].copies", "TOO_MANY", "at most 3 copies"), status.Violation("reader", "REQUIRED", "a reader is required"),
			status.Recover(status.Action(callerCode, "Correct the request", &recoursev1.FixFields{Fixes: []*recoursev1.FixFields_Fix{
				{Field: "items[0].copies", Reason: "TOO_MANY", SuggestedValue: "3"}, {Field: "reader", Reason: "REQUIRED"}}})),
			status.Help("What a request may ask for", "https://library.example.com/lend")).Encode(public),
		"quota-used-up": status.New(codes.ResourceExhausted, "TOO_MANY_SEARCHES", "100 searches in a minute are used up", status.Meta("limitPerMinute", "100"),
			status.RetryAfter(30*time.Second), status.Attach(&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "reader:7", Description: "searches per minute"}}}),
			status.Recover(status.Action(client, "Try again in half a minute", &recoursev1.WaitForQuota{QuotaId: "searches", ResetsAt: &timestamppb.Timestamp{Seconds: 1800000000}}))).Encode(public),
		"session-expired": status.New(codes.Unauthenticated, "TOKEN_EXPIRED", "the access token has expired",
			status.Recover(status.Action(client, "Refresh the token", &recoursev1.Reauthenticate{Kind: recoursev1.Reauthenticate_KIND_REFRESH}))).Encode(public),
		"changed-meanwhile": status.New(codes.Aborted, "ETAG_MISMATCH", "somebody else changed the book", status.Outcome(recoursev1.Outcome_OUTCOME_NOT_APPLIED),
			status.Recover(status.Action(callerCode, "Read the book again", &recoursev1.Refresh{Resource: "books/1", StaleField: "etag"}))).Encode(public),
		"overloaded": status.New(codes.Unavailable, "OVERLOADED", "too many requests at once", status.Outcome(recoursev1.Outcome_OUTCOME_NOT_APPLIED),
			status.Retry(sameRequest, recoursev1.RetryAdvice_WHY_OVERLOADED), status.RetryAfter(1500*time.Millisecond)).Encode(public),
		"retries-exhausted":              status.Classify(exhausted).Encode(public),
		"retries-exhausted-for-partner":  status.Classify(exhausted).Encode(partner),
		"retries-exhausted-for-internal": status.Classify(exhausted).Encode(internal),
		"panic":                          status.Classify(panicked).Encode(public),
		"panic-for-internal":             status.Classify(panicked).Encode(internal),
		"deadline-passed":                status.Timeout(context.DeadlineExceeded).Encode(public),
		"caller-gone":                    status.Classify(context.Canceled).Encode(public),
		"dependency-not-found":           status.Classify(remote(rpc(t, codes.NotFound, "shelf B12 does not exist"))).Encode(internal),
		"dependency-overloaded":          status.Classify(remote(rpc(t, codes.ResourceExhausted, "quota", &errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)}))).Encode(public),
		"status-of-grpc":                 status.Classify(fmt.Errorf("lend: %w", rich(t, codes.FailedPrecondition, "the library is closed"))).Encode(public),
		"passed-on": status.Classify(status.PassThrough(remote(rpc(t, codes.NotFound, "no such shelf",
			&errdetails.ErrorInfo{Reason: "SHELF_NOT_FOUND", Domain: "shelf.example.com", Metadata: map[string]string{"shelf": "B12"}})))).Encode(public),
		"operation-failed": status.Operation("intent classification", io.ErrUnexpectedEOF).Encode(public),
		"without-guidance": status.New(codes.PermissionDenied, "", "").Encode(terse),
		"behind-a-gateway": everything().Encode(gateway),
		"everything":       everything().Encode(internal),
		"little-room":      laden().Encode(small),
	}
}

func TestGoldenWire(t *testing.T) {
	all := situations(t)
	for name, enc := range all {
		t.Run(name, func(t *testing.T) {
			got := arrived(t, enc)
			file := filepath.Join("testdata", name+".txtpb")
			if *update {
				if err := os.WriteFile(file, textOf(t, got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; if the situation is new, run go test -update", err)
			}
			want := new(spb.Status)
			if err := prototext.Unmarshal(text, want); err != nil {
				t.Fatal(err)
			}
			if d := diff(want, got); d != "" {
				t.Errorf("%s is not what is sent; if that is meant, run go test -update (-want +got):\n%s", file, d)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := all[filepath.Base(file[:len(file)-len(".txtpb")])]; !ok {
			t.Errorf("%s is of no situation", file)
		}
	}
}

// prototext puts one or two spaces behind a colon, so that nobody relies on it.
var colon = regexp.MustCompile(`(?m)^( *(?:[a-z_0-9]+|\[[^]]+\])):  `)

func textOf(t testing.TB, p *spb.Status) []byte {
	t.Helper()
	b, err := prototext.MarshalOptions{Multiline: true, Indent: "  "}.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat([]byte("# proto-file: google/rpc/status.proto\n# proto-message: google.rpc.Status\n\n"), colon.ReplaceAll(b, []byte("$1: ")))
}
