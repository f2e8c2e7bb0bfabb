package status_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/recourse-dev/recourse/status"
)

const placed = `
	code: CODE_FAILED_PRECONDITION title: "Out of stock"
	message: "at {warehouse} for {buyer}"
	suggestion: "Ask {warehouse} about {sku}"
	params {key: "sku" sensitivity: SENSITIVITY_PUBLIC}
	params {key: "warehouse" sensitivity: SENSITIVITY_INTERNAL}
	params {key: "buyer" sensitivity: SENSITIVITY_PERSONAL}
	actions {actor: ACTOR_CALLER_CODE label: "Order less {sku}"}
	actions {actor: ACTOR_END_USER label: "Write to {warehouse}"}`

func stranger(t *testing.T, name string, err error) {
	t.Helper()
	e, _ := status.From(err)
	b, _ := json.Marshal(e)
	out := map[string]string{"json": string(b), "grpc": fmt.Sprint(e.GRPCStatus().Proto()), "toproto": fmt.Sprint(status.ToProto(err)),
		"encode": fmt.Sprint(e.Encode(status.Rendering{}).Status.Proto())}
	sent := overTheWire(t, err, status.Rendering{})
	s, _ := status.From(sent)
	out["wire"] = fmt.Sprint(s.Message(), s.Suggestion(), s.RecoveryActions(), s.Metadata())
	for k, v := range out {
		if strings.Contains(v, "north") || strings.Contains(v, "Ada") {
			t.Errorf("%s: %s leaks: %s", name, k, v)
		}
	}
}

func TestDeclaredValuesStayFromThePublic(t *testing.T) {
	d := status.Declare(declare(t, placed), "OUT_OF_STOCK", func(v map[string]string) (map[string]string, bool) { return v, true })
	mk := func(o ...status.Option) *status.Error {
		e, _ := status.From(d.Make(o, "SKU", "north", "Ada"))
		return e
	}
	stranger(t, "plain", mk())
	stranger(t, "meta sku", mk(status.Meta("sku", "other")))
	stranger(t, "with meta", mk().With(status.Meta("warehouse", "south")))
	stranger(t, "passthrough", status.PassThrough(mk()))
	stranger(t, "wrapped", fmt.Errorf("x: %w", mk()))
	stranger(t, "joined", errors.Join(mk(), mk(status.Violation("a", "B", "c"))))
	stranger(t, "cause", status.New(5, "FOO_BAR", "m", status.Cause(mk())))
	stranger(t, "escalate", mk().With(status.Escalate("c", "r")))
	stranger(t, "attach status", status.New(5, "FOO_BAR", "m", status.Attach(mk().GRPCStatus().Proto())))
	stranger(t, "attach internal", mk(status.Domain("other.example.com")))
	vis := status.Declare(declare(t, `code: CODE_NOT_FOUND title: "x" message: "north secret" visibility: VISIBILITY_INTERNAL`), "HIDDEN_ONE", func(v map[string]string) (string, bool) { return "", true })
	stranger(t, "visibility", vis.Make(nil))
	stranger(t, "visibility+helps", vis.Make([]status.Option{status.Suggest("Ada"), status.Violation("Ada", "A_B", "Ada"), status.Cause(errors.New("Ada"))}))
}

func TestDeclaredEscalated(t *testing.T) {
	d := status.Declare(declare(t, placed), "OUT_OF_STOCK", func(v map[string]string) (map[string]string, bool) { return v, true })
	e, _ := status.From(d.Make([]status.Option{status.Escalate("help@x", "r")}, "SKU", "north", "Ada"))
	s, _ := status.From(overTheWire(t, e, status.Rendering{}))
	if got := s.RecoveryActions(); len(got) != 3 || got[0].GetContactSupport() == nil {
		t.Errorf("got %v", got)
	}
}

func TestDeclaredSharesNothing(t *testing.T) {
	d := status.Declare(declare(t, placed+` links {description:"a" url:"https://a.example"}`), "OUT_OF_STOCK", func(v map[string]string) (map[string]string, bool) { return v, true })
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 200 {
				opts := []status.Option{status.Violation(fmt.Sprint(g), "A_B", "c"), status.Help("x", "https://x"), status.Meta(fmt.Sprintf("k%d", g), "x"), status.Retry(status.Never), status.RetryAfter(3), status.Suggest("Grr"), status.Escalate("a", "b")}
				e, _ := status.From(d.Make(opts, "SKU", "north", "Ada"))
				e.With(opts...).Encode(status.Rendering{Trust: status.Trust(g % 3), OmitErrorDetail: g%2 == 0, TrailerBytes: 300 + 50*g})
				p, _ := status.From(d.Make(nil, "SKU", "north", "Ada"))
				p.With(opts...)
				p.Encode(status.Rendering{Trust: status.Trust(g % 3), OmitErrorDetail: g%2 == 0, TrailerBytes: 300 + 50*g})
				_ = p.RecoveryActions()
				d.From(p)
				_, _ = p.MarshalJSON()
			}
		}()
	}
	wg.Wait()
}

func TestDeclaredLabelIsCut(t *testing.T) {
	d := status.Declare(declare(t, placed), "OUT_OF_STOCK", func(v map[string]string) (map[string]string, bool) { return v, true })
	e, _ := status.From(d.Make(nil, strings.Repeat("x", 500), "north", "Ada"))
	if n := len(e.RecoveryActions()[0].GetLabel()); n > 80 {
		t.Errorf("label has %d bytes", n)
	}
}

func TestDeclaredLinks(t *testing.T) {
	d := status.Declare(declare(t, placed+` links {description:"a" url:"https://a.example/{sku}"} links {description:"b" url:"https://b.example/{warehouse}"}`), "OUT_OF_STOCK", func(v map[string]string) (map[string]string, bool) { return v, true })
	e, _ := status.From(d.Make(nil, "../S K?", "north", "Ada"))
	if !strings.Contains(fmt.Sprint(e.GRPCStatus().Details()...), "https://a.example/..%2FS%20K%3F") {
		t.Errorf("no link: %v", e.GRPCStatus().Details())
	}
	if strings.Contains(fmt.Sprint(e.GRPCStatus().Details()...), "b.example") {
		t.Errorf("a link to what not everybody may see: %v", e.GRPCStatus().Details())
	}
}
