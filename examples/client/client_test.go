package main

import (
	"regexp"
	"testing"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
)

func TestTokens(t *testing.T) {
	tests := []struct {
		name    string
		refresh string
		kind    recoursev1.Reauthenticate_Kind
		want    string // the header afterwards
	}{
		{"renewed", "new", recoursev1.Reauthenticate_KIND_REFRESH, "Bearer new"},
		{"of no particular kind", "new", recoursev1.Reauthenticate_KIND_UNSPECIFIED, "Bearer new"},
		{"a person has to", "new", recoursev1.Reauthenticate_KIND_LOGIN, "Bearer old"},
		{"nothing to go on with", "", recoursev1.Reauthenticate_KIND_REFRESH, "Bearer old"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tokens := &tokens{token: "old", refresh: test.refresh}
			err := tokens.renew(t.Context(), &recoursev1.Reauthenticate{Kind: test.kind}, nil)
			md, _ := tokens.GetRequestMetadata(t.Context())
			if got := md["authorization"]; got != test.want || (err == nil) != (got == "Bearer new") {
				t.Errorf("error %v, then %q, want %q", err, got, test.want)
			}
		})
	}
}

func TestDial(t *testing.T) {
	conn, err := dial("127.0.0.1:0", "../recourse.yaml", &tokens{})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestResumeAsksForTheRest(t *testing.T) {
	req := after(&assistantv1.GenerateRequest{Prompt: "the sea"}, position(&assistantv1.GenerateResponse{Position: 4}))
	if req.GetStartPosition() != 5 || req.GetPrompt() != "the sea" {
		t.Errorf("got %v, want what follows position 4", req)
	}
}

func TestNewUUID(t *testing.T) {
	version4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if a, b := newUUID(), newUUID(); !version4.MatchString(a) || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}
