package breaking_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/breaking"
)

const document = `{
	"schema": 1,
	"errors": [
		{
			"domain": "shop.example.com", "reason": "QUOTA", "code": "RESOURCE_EXHAUSTED", "title": "Too many", "message": "Too many orders.",
			"retry": "SAME_REQUEST", "retryDelay": "30s", "visibility": "PARTNER",
			"translations": [{"locale": "de", "message": "Zu viele Bestellungen."}],
			"params": [{"key": "plan", "type": "STRING", "sensitivity": "INTERNAL"}],
			"enum": "shop.v1.ShopError", "value": "SHOP_ERROR_QUOTA", "number": 2
		},
		{
			"domain": "shop.example.com", "reason": "SOLD_OUT", "code": "FAILED_PRECONDITION", "title": "Sold out",
			"description": "The warehouse is empty.", "message": "{sku} is sold out.", "suggestion": "Choose another.", "outcome": "NOT_APPLIED",
			"translations": [{"locale": "de", "message": "{sku} ist ausverkauft."}, {"locale": "pt-BR", "message": "{sku} está esgotado."}],
			"retry": "NEVER", "visibility": "PUBLIC", "page": "https://docs.example.com/SOLD_OUT",
			"params": [{"key": "sku", "type": "STRING", "sensitivity": "PUBLIC"}, {"key": "who", "type": "STRING", "sensitivity": "PERSONAL"},
				{"key": "unsaid", "type": "STRING", "sensitivity": ""}],
			"actions": [{"label": "Choose", "actor": "ACTOR_END_USER"}, {"label": "Read", "refresh": {}}],
			"methods": ["shop.v1.Shop/Order"], "enum": "shop.v1.ShopError", "value": "SHOP_ERROR_SOLD_OUT", "number": 1
		}
	],
	"methods": [{"name": "shop.v1.Shop/Order", "errors": ["shop.example.com/SOLD_OUT"]}],
	"silent": ["shop.v1.Shop/Return"],
	"enums": [{
		"name": "shop.v1.ShopError", "domain": "shop.example.com",
		"reservedNames": ["SHOP_ERROR_CLOSED"], "reservedNumbers": [{"first": 5, "last": 7}]
	}],
	"retired": ["shop.example.com/LONG_GONE"]
}`

func parse(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// another declares an error more.
func another(c *catalog.Catalog, value, reason string, number int32) {
	c.Errors = append(c.Errors, &catalog.Error{
		Domain: "shop.example.com", Reason: reason, Code: "NOT_FOUND", Visibility: "PUBLIC", Enum: "shop.v1.ShopError", Value: value, Number: number,
	})
}

// A change of the document, and what it breaks: severity, rule, key and the beginning of the text.
var changes = []struct {
	name   string
	change func(c *catalog.Catalog, quota, soldOut *catalog.Error)
	want   []string
}{
	{"nothing", func(*catalog.Catalog, *catalog.Error, *catalog.Error) {}, nil},
	{"deleted", func(c *catalog.Catalog, _, _ *catalog.Error) { c.Errors = c.Errors[:1] },
		[]string{"error BREAK_DELETED shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT is no longer declared"}},
	{"number", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Number = 9 },
		[]string{"error BREAK_NUMBER shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has the number 9 and had 1"}},
	{"reason", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Reason = "OUT" },
		[]string{"error BREAK_REASON shop.example.com/OUT: SHOP_ERROR_SOLD_OUT has the error code OUT and had SOLD_OUT"}},
	{"reason and name", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Reason, e.Value = "OUT", "SHOP_ERROR_OUT" },
		[]string{"error BREAK_REASON shop.example.com/OUT: SHOP_ERROR_OUT has the error code OUT"}},
	{"domain", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Domain = "store.example.com" },
		[]string{"error BREAK_DOMAIN store.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has the domain store.example.com and had shop.example.com"}},
	{"another enum and name", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Enum, e.Value, e.Number = "shop.v1.Other", "OTHER_SOLD_OUT", 8
	}, nil},
	{"code", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Code = "NOT_FOUND" },
		[]string{"error BREAK_CODE shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has the code NOT_FOUND and had FAILED_PRECONDITION"}},
	{"code, and with it the verdict", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.Code, e.Retry, e.RetryDelay = "UNAVAILABLE", "", "" },
		[]string{"error BREAK_CODE", "warning BREAK_RETRY"}},
	{"parameter removed", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params = e.Params[1:] },
		[]string{"error BREAK_PARAM_REMOVED shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has no parameter sku any more"}},
	{"parameter renamed", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[0].Key = "unit" },
		[]string{"info BREAK_PARAM_ADDED", "error BREAK_PARAM_REMOVED"}},
	{"parameter added", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params = append(e.Params, catalog.Param{Key: "left"}) },
		[]string{"info BREAK_PARAM_ADDED shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has the new parameter left"}},
	{"parameters reordered", func(_ *catalog.Catalog, _, e *catalog.Error) { slices.Reverse(e.Params) }, nil},
	{"type", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[0].Type = "INT64" },
		[]string{"error BREAK_PARAM_TYPE shop.example.com/SOLD_OUT: the parameter sku of SHOP_ERROR_SOLD_OUT is INT64 and was STRING"}},
	{"shown to strangers", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[1].Sensitivity = "INTERNAL" },
		[]string{"error BREAK_PARAM_SENSITIVITY shop.example.com/SOLD_OUT: the parameter who of SHOP_ERROR_SOLD_OUT is INTERNAL and was PERSONAL"}},
	{"shown to strangers, of an error that is for everybody unless it says more", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Visibility, e.Params[1].Sensitivity = "", "PUBLIC"
	},
		[]string{"error BREAK_PARAM_SENSITIVITY"}},
	{"shown to partners", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.Params[0].Sensitivity = "PUBLIC" },
		[]string{"warning BREAK_PARAM_SENSITIVITY"}},
	{"shown to strangers, and said nothing", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[2].Sensitivity = "PUBLIC" },
		[]string{"error BREAK_PARAM_SENSITIVITY shop.example.com/SOLD_OUT: the parameter unsaid of SHOP_ERROR_SOLD_OUT is PUBLIC and was unset"}},
	{"says nothing any more", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[0].Sensitivity = "" },
		[]string{"warning BREAK_PARAM_SENSITIVITY shop.example.com/SOLD_OUT: the parameter sku of SHOP_ERROR_SOLD_OUT is unset and was PUBLIC"}},
	{"says what unset means", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[2].Sensitivity = "INTERNAL" }, nil},
	{"hidden", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Params[0].Sensitivity = "SECRET" },
		[]string{"warning BREAK_PARAM_SENSITIVITY"}},
	{"never to always", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Retry = "SAME_REQUEST" },
		[]string{"error BREAK_RETRY shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT tells clients to send the same request again"}},
	{"never to a delay", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Retry, e.RetryDelay = "", "1s" }, []string{"error BREAK_RETRY"}},
	{"always to never", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.Retry = "NEVER" }, []string{"warning BREAK_RETRY"}},
	{"never to after an action", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Retry = "" }, []string{"warning BREAK_RETRY"}},
	{"sooner", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.RetryDelay = "1s" },
		[]string{"warning BREAK_RETRY shop.example.com/QUOTA: SHOP_ERROR_QUOTA may be repeated after 1s and was after 30s"}},
	{"later", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.RetryDelay = "1m" }, nil},
	{"outcome", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Outcome = "INDETERMINATE" },
		[]string{"error BREAK_OUTCOME shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT says that the outcome is INDETERMINATE and said NOT_APPLIED"}},
	{"outcome unsaid", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Outcome = "" }, []string{"error BREAK_OUTCOME"}},
	{"outcome said", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.Outcome = "NOT_APPLIED" }, []string{"info BREAK_OUTCOME"}},
	{"visible to fewer", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Visibility = "PARTNER" },
		[]string{"error BREAK_VISIBILITY shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT is visible to PARTNER callers and was to PUBLIC"}},
	{"visible to more", func(_ *catalog.Catalog, e, _ *catalog.Error) { e.Visibility = "PUBLIC" }, []string{"info BREAK_VISIBILITY"}},
	{"title", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Title = "Gone" },
		[]string{`warning BREAK_TEXT shop.example.com/SOLD_OUT: the title of SHOP_ERROR_SOLD_OUT has changed from "Sold out" to "Gone"`}},
	{"message", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Message = "{sku} is gone." }, []string{"warning BREAK_TEXT"}},
	{"suggestion", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Suggestion = "" }, []string{"warning BREAK_TEXT"}},
	{"action removed", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Actions = e.Actions[:1] },
		[]string{"warning BREAK_ACTIONS shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT offers 1 of its 2 recovery actions still"}},
	{"actions reordered", func(_ *catalog.Catalog, _, e *catalog.Error) { slices.Reverse(e.Actions) }, []string{"warning BREAK_ACTIONS"}},
	{"action added", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Actions = append(e.Actions, json.RawMessage(`{"openLink":{}}`))
	}, []string{"info BREAK_ACTIONS"}},
	{"label of an action", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Actions[1] = json.RawMessage(`{"label":"See","refresh":{}}`)
	}, []string{"warning BREAK_TEXT"}},
	{"documentation", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Description, e.Page, e.Links, e.DeprecatedSince = "", "", []catalog.Link{{}}, "2027.01"
	}, []string{"info BREAK_DOCS shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has another explanation and another page and another links and another deprecation"}},
	{"error added", func(c *catalog.Catalog, _, _ *catalog.Error) { another(c, "SHOP_ERROR_NEW", "NEW", 8) },
		[]string{"info BREAK_ERROR_ADDED"}},
	{"reserved name", func(c *catalog.Catalog, _, _ *catalog.Error) { another(c, "SHOP_ERROR_CLOSED", "SHUT", 8) },
		[]string{"info BREAK_ERROR_ADDED", "error BREAK_RESERVED shop.example.com/SHUT: SHOP_ERROR_CLOSED has a name that was reserved"}},
	{"a key that was retired", func(c *catalog.Catalog, _, _ *catalog.Error) { another(c, "SHOP_ERROR_NEW", "LONG_GONE", 8) },
		[]string{"info BREAK_ERROR_ADDED", "error BREAK_RESERVED shop.example.com/LONG_GONE: SHOP_ERROR_NEW has the error code LONG_GONE"}},
	{"a reservation lost", func(c *catalog.Catalog, _, _ *catalog.Error) {
		c.Enums[0].ReservedNames, c.Enums[0].ReservedNumbers = nil, []catalog.Numbers{{First: 6, Last: 7}, {First: 1, Last: 4}}
	}, []string{"warning BREAK_RESERVED : shop.v1.ShopError does not reserve SHOP_ERROR_CLOSED, 5 to 7 any more"}},
	{"a reservation in parts", func(c *catalog.Catalog, _, _ *catalog.Error) {
		c.Enums[0].ReservedNumbers = []catalog.Numbers{{First: 6, Last: 9}, {First: 5, Last: 5}}
	}, nil},
	{"reserved number", func(c *catalog.Catalog, _, _ *catalog.Error) { another(c, "SHOP_ERROR_NEW", "NEW", 6) },
		[]string{"info BREAK_ERROR_ADDED", "error BREAK_RESERVED shop.example.com/NEW: SHOP_ERROR_NEW has the number 6, which was reserved"}},
	{"reason of a reserved name", func(c *catalog.Catalog, _, _ *catalog.Error) { another(c, "SHOP_ERROR_NEW", "CLOSED", 8) },
		[]string{"info BREAK_ERROR_ADDED", "error BREAK_RESERVED shop.example.com/CLOSED: SHOP_ERROR_NEW has the error code CLOSED"}},
	{"a reserved number in another enum", func(c *catalog.Catalog, _, _ *catalog.Error) {
		another(c, "OTHER_NEW", "NEW", 6)
		c.Errors[2].Enum = "shop.v1.Other"
	}, []string{"info BREAK_ERROR_ADDED"}},
	{"reused after a deletion", func(c *catalog.Catalog, _, e *catalog.Error) {
		e.Reason, e.Number = "SHUT", 7
		e.Value = "SHOP_ERROR_SHUT"
	},
		[]string{"info BREAK_ERROR_ADDED", "error BREAK_RESERVED", "error BREAK_DELETED"}},
	{"a text in another language gone", func(_ *catalog.Catalog, _, e *catalog.Error) { e.Translations = e.Translations[1:] },
		[]string{"warning BREAK_LOCALE shop.example.com/SOLD_OUT: SHOP_ERROR_SOLD_OUT has no text in de any more"}},
	{"a language gone", func(_ *catalog.Catalog, quota, e *catalog.Error) {
		quota.Translations, e.Translations = nil, e.Translations[1:]
	},
		[]string{"warning BREAK_LOCALE : no error has a text in de any more, and 2 had"}},
	{"no languages any more", func(_ *catalog.Catalog, quota, e *catalog.Error) { quota.Translations, e.Translations = nil, nil },
		[]string{"warning BREAK_LOCALE : no error has a text in de any more, and 2 had", "warning BREAK_LOCALE : no error has a text in pt-BR any more, and 1 had"}},
	{"a language spelt otherwise, and other words", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Translations[1] = catalog.Translation{Locale: "pt-br", Message: "acabou"}
	}, nil},
	{"a language more", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Translations = append(e.Translations, catalog.Translation{Locale: "fr", Message: "épuisé"})
	}, nil},
	{"a text gone, of an error that nothing answers with", func(_ *catalog.Catalog, _, e *catalog.Error) {
		e.Translations, e.DeprecatedSince = e.Translations[1:], "2"
	},
		[]string{"info BREAK_DOCS"}},
	{"method answers with more", func(c *catalog.Catalog, _, _ *catalog.Error) {
		c.Methods[0].Errors = append(c.Methods[0].Errors, "shop.example.com/QUOTA")
	},
		[]string{"warning BREAK_METHOD_ERRORS shop.example.com/QUOTA: shop.v1.Shop/Order may answer with an error that it did not"}},
	{"method answers with less", func(c *catalog.Catalog, _, _ *catalog.Error) { c.Methods[0].Errors = nil },
		[]string{"info BREAK_METHOD_ERRORS"}},
	{"method declares its errors, and declared nothing", func(c *catalog.Catalog, _, _ *catalog.Error) {
		c.Silent = nil
		c.Methods = append(c.Methods, &catalog.Method{Name: "shop.v1.Shop/Return", Errors: []string{"shop.example.com/QUOTA"}})
	},
		[]string{"warning BREAK_METHOD_ERRORS shop.example.com/QUOTA: shop.v1.Shop/Return may answer with an error that it did not"}},
	{"method declares nothing any more", func(c *catalog.Catalog, _, _ *catalog.Error) {
		c.Methods, c.Silent = nil, append(c.Silent, "shop.v1.Shop/Order")
	},
		[]string{"info BREAK_METHOD_ERRORS shop.example.com/SOLD_OUT: shop.v1.Shop/Order does not declare the error any more"}},
	{"method added", func(c *catalog.Catalog, _, _ *catalog.Error) {
		c.Methods = append(c.Methods, &catalog.Method{Name: "shop.v1.Shop/Sell", Errors: []string{"shop.example.com/QUOTA"}})
	}, nil},
}

func TestCompare(t *testing.T) {
	tested := map[string]bool{}
	for _, test := range changes {
		t.Run(test.name, func(t *testing.T) {
			newer := parse(t)
			test.change(newer, newer.Errors[0], newer.Errors[1])
			var got []string
			for _, f := range breaking.Compare(parse(t), newer) {
				got = append(got, f.Severity.String()+" "+f.Rule+" "+f.Error+": "+f.Text)
				tested[f.Rule] = true
			}
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("got %s\nwant %s", strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
			}
		})
	}
	for _, r := range breaking.Rules() {
		if !tested[r.ID] {
			t.Errorf("no change breaks %s", r.ID)
		}
	}
}

// FuzzCompare takes documents from anywhere, as a pull request brings them.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(document), []byte(`{"schema": 1}`))
	f.Add([]byte(document), []byte(strings.ReplaceAll(document, "SOLD_OUT", "GONE")))
	f.Add([]byte(`{"schema": 1, "errors": [{"reason": "A"}, {"reason": "A"}], "enums": [{"name": "."}]}`), []byte(document))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		older, err := catalog.Parse(a)
		if err != nil {
			return
		}
		newer, err := catalog.Parse(b)
		if err != nil {
			return
		}
		for _, finding := range breaking.Compare(older, newer) {
			if finding.Text == "" || finding.Rule == "" {
				t.Errorf("an empty finding: %+v", finding)
			}
		}
		if diff := cmp.Diff([]catalog.Finding(nil), breaking.Compare(older, older)); diff != "" && unique(older) {
			t.Errorf("a catalogue breaks itself: %s", diff)
		}
	})
}

// unique tells whether nothing is declared twice, which lint finds.
func unique(c *catalog.Catalog) bool {
	seen := map[string]bool{}
	for _, e := range c.Errors {
		if seen[e.Key()] {
			return false
		}
		seen[e.Key()] = true
		params := map[string]bool{}
		for _, p := range e.Params {
			if params[p.Key] {
				return false
			}
			params[p.Key] = true
		}
		actions := map[string]bool{}
		for _, a := range e.Actions {
			if actions[string(a)] {
				return false
			}
			actions[string(a)] = true
		}
	}
	methods := map[string]bool{}
	for _, m := range c.Methods {
		if methods[m.Name] {
			return false
		}
		methods[m.Name] = true
	}
	return true
}
