package conformance_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/conformance/internal/golden"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

// The table of README.md is what package status knows.
func TestTableOfCodesIsCurrent(t *testing.T) {
	const path, head = "README.md", "| code | verdict | suggestion | action |\n|---|---|---|---|\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := bytes.Cut(page, []byte(head))
	if !ok {
		t.Fatalf("%s has no table of codes", path)
	}
	var b strings.Builder
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		r, err := golden.Of(status.New(c, "", ""), nil)
		if err != nil {
			t.Fatal(err)
		}
		does := ""
		for _, a := range r.Actions {
			does = fmt.Sprintf("`%s` by %s: %q", a.Type, a.Actor, a.Label)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Code, r.Verdict, r.Suggestion, does)
	}
	want := string(before) + head + b.String()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Errorf("%s is not current: run go test ./conformance -update", path)
	}
}
