package interceptors

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestDegradedLine(t *testing.T) {
	tests := []struct {
		d    *recoursev1.Degraded
		want string
	}{
		{&recoursev1.Degraded{}, "degraded"},
		{&recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL}, "partial"},
		{&recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE, Source: "catalog v1", Age: durationpb.New(12900 * time.Millisecond), ErrorCode: "DB_TIMEOUT"},
			`stale;src="catalog v1";age=12;reason=DB_TIMEOUT`},
		{&recoursev1.Degraded{Source: "a\"b\\c"}, `degraded;src="a\"b\\c"`},
		{&recoursev1.Degraded{Source: "schön"}, "degraded"}, // not ASCII
	}
	for _, test := range tests {
		if got := degradedLine(test.d); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

func TestADegradedMarkOfAnySizeIsSent(t *testing.T) {
	d := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, ErrorCode: strings.Repeat("X", 1000), Suggestion: strings.Repeat("s", 10_000)}
	for range 100 {
		d.RecoveryActions = append(d.RecoveryActions, status.Action(status.ByAdmin, strings.Repeat("l", 1000), &recoursev1.RequestAccess{Resource: strings.Repeat("r", 10_000)}))
	}
	md := degradedMetadata(tidyDegraded(d), "d.test")
	if n := len(md[degradedKey][0]); n > maxDegraded {
		t.Errorf("%d bytes, want at most %d", n, maxDegraded)
	}
	got := DegradedIn(md)
	if got.GetKind() != d.GetKind() || len(got.GetErrorCode()) > 63 || got.GetDomain() != "d.test" {
		t.Errorf("read %v", got)
	}
}

func FuzzDegraded(f *testing.F) {
	good, err := proto.Marshal(&recoursev1.Degraded{Kind: 1, ErrorCode: "DOWN", Suggestion: "Wait.", Source: "cache", Age: durationpb.New(time.Second),
		RecoveryActions: []*recoursev1.RecoveryAction{status.Action(status.ByClient, "Wait", &recoursev1.RetryAfter{})}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good), "stale", "2000")
	f.Add("\xff\x00", "\x00\r\nset-cookie: x", "-1")
	f.Fuzz(func(t *testing.T, mark, line, pushback string) {
		d := DegradedIn(metadata.MD{degradedKey: {mark}, degradedText: {line}})
		for _, s := range []string{d.GetErrorCode(), d.GetDomain(), d.GetSuggestion(), d.GetSource()} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(s) > 256 {
				t.Errorf("unclean: %q", s)
			}
		}
		if len(d.GetRecoveryActions()) > 5 || d.GetAge().AsDuration() < 0 {
			t.Errorf("%d actions, age %v", len(d.GetRecoveryActions()), d.GetAge())
		}
		for _, v := range degradedMetadata(d, "") {
			if len(v) != 1 || len(v[0]) > maxDegraded {
				t.Errorf("sent again it has %d bytes", len(v[0]))
			}
		}
		if wait, has, forbidden := pushbackIn(metadata.MD{pushbackKey: {pushback}}); wait < 0 || has == forbidden {
			t.Errorf("pushback %q: %v, %v, %v", pushback, wait, has, forbidden)
		}
	})
}
