package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/lint"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	atEnum  = "shop.proto:4:1: "
	atSold  = "shop.proto:8:3: "
	atDeny  = "shop.proto:15:3: "
	atOrder = "shop.proto:32:3: "
)

// Each breaks one rule once. Where nothing else is said, an exception of the error that it is about silences it.
var broken = []struct {
	name  string
	spoil func(s *shop)
	rule  string
	want  string // position and the beginning of the text
	loud  bool   // no exception silences it
}{
	{"no catalogue", func(s *shop) { s.catalog, s.denied, s.service, s.order = nil, nil, nil, nil }, "CAT_DECLARED",
		atSold + "SHOP_ERROR_SOLD_OUT declares an error, but its enum is no catalogue", true},
	{"a value without an error", func(s *shop) { s.denied, s.service = nil, nil },
		"CAT_DECLARED", atDeny + "SHOP_ERROR_ORDER_DENIED declares no error", true},

	{"reason in small letters", func(s *shop) { s.soldOut.Reason = "soldOut" },
		"CAT_REASON_FORMAT", atSold + `the error code "soldOut" is not in the form`, false},
	{"reason of two letters", func(s *shop) { s.soldOut.Reason = "SO" }, "CAT_REASON_FORMAT", atSold + `the error code "SO" is not`, false},
	{"reason ends in an underscore", func(s *shop) { s.soldOut.Reason = "SOLD_OUT_" }, "CAT_REASON_FORMAT", atSold, false},
	{"reason of a fix", func(s *shop) { s.soldOut.Actions[0].GetFixFields().Fixes[0].Reason = "too large" }, "CAT_REASON_FORMAT",
		atSold + `the reason "too large" of a field to fix`, false},
	{"generic reason", func(s *shop) { s.soldOut.Reason = "FAILED" },
		"CAT_REASON_GENERIC", atSold + "the error code FAILED says nothing", false},
	{"reason of five words", func(s *shop) { s.soldOut.Reason = "A_B_C_D_E" },
		"CAT_REASON_LENGTH", atSold + "the error code A_B_C_D_E has more than 4 words", false},
	{"reason of 64 bytes", func(s *shop) { s.soldOut.Reason = strings.Repeat("A", 64) }, "CAT_REASON_LENGTH", atSold, false},
	{"the same reason", func(s *shop) { s.soldOut.Reason = "ORDER_DENIED" }, "CAT_REASON_UNIQUE", "", false},
	{"the same number", func(s *shop) {
		s.file.EnumType[0].Options = &descriptorpb.EnumOptions{AllowAlias: proto.Bool(true)}
		s.file.EnumType[0].Value[2].Number = proto.Int32(1)
		s.denied.Params, s.denied.Message, s.denied.Code = s.soldOut.Params, s.soldOut.Message, s.soldOut.Code
	}, "CAT_REASON_UNIQUE", "", false},

	{"no domain", func(s *shop) { s.catalog.Domain = "" }, "CAT_DOMAIN_REQUIRED", atEnum + "ShopError has no domain", false},
	{"domain is no DNS name", func(s *shop) { s.catalog.Domain = "The Shop" },
		"CAT_DOMAIN_REQUIRED", atEnum + `the domain "The Shop" of ShopError is no DNS name`, false},
	{"domain of Google", func(s *shop) { s.catalog.Domain = "shop.googleapis.com" },
		"CAT_DOMAIN_RESERVED", atEnum + "the domain shop.googleapis.com", false},
	{"domain of two enums", func(s *shop) { s.billing = &recoursev1.CatalogOptions{Domain: "shop.example.com"} }, "CAT_DOMAIN_ONE_PER_ENUM",
		"", false},

	{"an error of the value 0", func(s *shop) {
		s.zero = proto.CloneOf(s.denied)
	}, "CAT_ZERO_UNSPECIFIED", "shop.proto:6:3: SHOP_ERROR_UNSPECIFIED is the value 0", false},
	{"no code", func(s *shop) { s.soldOut.Code = 0 }, "CAT_CODE_REQUIRED", atSold + "SHOP_ERROR_SOLD_OUT has no gRPC code", false},
	{"an unknown code", func(s *shop) { s.soldOut.Code = 99 }, "CAT_CODE_REQUIRED", atSold + "SHOP_ERROR_SOLD_OUT has no gRPC code", false},
	{"a code of gRPC's", func(s *shop) { s.soldOut.Code = recoursev1.ErrorOptions_CODE_UNKNOWN }, "CAT_CODE_REQUIRED",
		atSold + "SHOP_ERROR_SOLD_OUT has the code UNKNOWN, with which gRPC itself ends calls", false},
	{"no comment", func(s *shop) { s.file.SourceCodeInfo.Location[2].LeadingComments = nil },
		"CAT_COMMENT", atSold + "SHOP_ERROR_SOLD_OUT has no comment", false},
	{"replaced by nothing", func(s *shop) { s.soldOut.ReplacedBy = "GONE" },
		"CAT_REPLACED_BY", atSold + `SHOP_ERROR_SOLD_OUT is replaced by "GONE"`, false},

	{"message names no parameter", func(s *shop) { s.soldOut.Message += " {colour}" }, "CAT_TEMPLATE_PARAMS", "", false},
	{"a single brace", func(s *shop) { s.soldOut.Suggestion = "Lower { it." }, "CAT_TEMPLATE_PARAMS",
		atSold + "the suggestion of SHOP_ERROR_SOLD_OUT: a single brace", false},
	{"an action names no parameter", func(s *shop) { s.soldOut.Actions[0].Label = "Use {colour}" }, "CAT_TEMPLATE_PARAMS",
		atSold + "the label of an action of SHOP_ERROR_SOLD_OUT: {colour} is no declared parameter", false},
	{"a title is no template", func(s *shop) { s.soldOut.Title = "{sku} is sold out" },
		"CAT_TEMPLATE_PARAMS", atSold + "the title of SHOP_ERROR_SOLD_OUT has a brace", false},
	{"unused parameter", func(s *shop) {
		s.soldOut.Message = "Too many of {sku}."
		s.soldOut.Actions[0].GetFixFields().Fixes[0].SuggestedValue = ""
	}, "CAT_TEMPLATE_PARAMS",
		atSold + "no text of SHOP_ERROR_SOLD_OUT shows the parameter available", false},

	{"a key that cannot be sent", func(s *shop) { s.rename("Sku") },
		"CAT_PARAM_KEY", atSold + `the key "Sku" of SHOP_ERROR_SOLD_OUT cannot be sent`, false},
	{"a key of ours", func(s *shop) { s.rename("recourseRetry") }, "CAT_PARAM_KEY", atSold + `the key "recourseRetry"`, false},
	{"a key twice", func(s *shop) { s.soldOut.Params = append(s.soldOut.Params, s.soldOut.Params[0]) },
		"CAT_PARAM_KEY", atSold + `two parameters of`, false},
	{"a key in snake_case", func(s *shop) { s.rename("stock_unit") },
		"CAT_PARAM_CASE", atSold + "the key stock_unit of SHOP_ERROR_SOLD_OUT is not lowerCamelCase: write stockUnit", false},
	{"unit in the value", func(s *shop) { s.soldOut.Params[0].Example = "100ms" },
		"CAT_PARAM_UNIT", atSold + "the parameter sku of SHOP_ERROR_SOLD_OUT has its unit", false},
	{"example of another type", func(s *shop) { s.soldOut.Params[1].Example = "two" },
		"CAT_PARAM_EXAMPLE", atSold + `the example "two" of the parameter available`, false},
	{"example that is not a number", func(s *shop) {
		s.soldOut.Params[1].Type, s.soldOut.Params[1].Example = recoursev1.ErrorParameter_TYPE_DOUBLE, "NaN"
	}, "CAT_PARAM_EXAMPLE", atSold + `the example "NaN" of the parameter available`, false},
	{"example that no reader takes for a duration", func(s *shop) {
		s.soldOut.Params[1].Type, s.soldOut.Params[1].Example = recoursev1.ErrorParameter_TYPE_DURATION, "1e3s"
	}, "CAT_PARAM_EXAMPLE", atSold + `the example "1e3s" of the parameter available`, false},
	{"short and long", func(s *shop) {
		s.soldOut.Params[1].Key = "permissionId"
		s.denied.Params = append(s.denied.Params, &recoursev1.ErrorParameter{Key: "permissionIdentifier", Sensitivity: 1})
		s.denied.Suggestion = "Ask for {permissionIdentifier}."
		s.soldOut.Message = "Only {permissionId} of {sku} can be sold."
		s.soldOut.Actions[0].GetFixFields().Fixes[0].SuggestedValue = ""
	}, "CAT_PARAM_SYNONYM", atSold + "SHOP_ERROR_SOLD_OUT has the parameter permissionId, and SHOP_ERROR_ORDER_DENIED has permissionIdentifier", false},
	{"one key, two types", func(s *shop) {
		s.denied.Params = append(s.denied.Params, &recoursev1.ErrorParameter{Key: "available", Sensitivity: 1})
		s.denied.Suggestion = "Ask for {available}."
	}, "CAT_PARAM_SYNONYM", "", false},
	{"described alike", func(s *shop) {
		s.soldOut.Params[0].Description, s.denied.Params[1].Description = "What is ordered.", "what is ordered"
	}, "CAT_PARAM_SYNONYM", "", false},
	{"no sensitivity", func(s *shop) { s.soldOut.Params[0].Sensitivity = 0 },
		"CAT_PARAM_SENSITIVITY", atSold + "the parameter sku of SHOP_ERROR_SOLD_OUT does not say", false},
	{"personal in a public text", func(s *shop) { s.soldOut.Params[0].Sensitivity = recoursev1.ErrorParameter_SENSITIVITY_PERSONAL },
		"CAT_PARAM_SENSITIVITY",
		atSold + "the message of SHOP_ERROR_SOLD_OUT shows the parameter sku, which is PERSONAL", false},

	{"secret in a text of unknown visibility", func(s *shop) {
		s.soldOut.Visibility, s.soldOut.Params[0].Sensitivity = 77, recoursev1.ErrorParameter_SENSITIVITY_SECRET
	}, "CAT_PARAM_SENSITIVITY", atSold, false},
	{"too many parameters", func(s *shop) {
		for i := range 64 {
			key := fmt.Sprintf("key%d", i)
			s.soldOut.Params = append(s.soldOut.Params, &recoursev1.ErrorParameter{Key: key, Sensitivity: 1})
			s.soldOut.Links = []*recoursev1.ErrorLink{{Description: "X", Url: "https://x.example.com/"}}
		}
		for i := range 64 {
			s.soldOut.Links[0].Url += fmt.Sprintf("{key%d}", i)
		}
	}, "CAT_BUDGET", atSold, false},

	{"no title", func(s *shop) { s.soldOut.Title = "" }, "CAT_MESSAGE_STYLE", atSold + "SHOP_ERROR_SOLD_OUT has no title", false},
	{"no message", func(s *shop) { s.denied.Code, s.denied.Message, s.denied.Params, s.denied.Retry = 5, "", nil, 0 },
		"CAT_MESSAGE_STYLE", atDeny + "SHOP_ERROR_ORDER_DENIED has no message", false},
	{"long message", func(s *shop) { s.soldOut.Message += strings.Repeat("x", 230) },
		"CAT_MESSAGE_STYLE", atSold + "the message of SHOP_ERROR_SOLD_OUT has 258 bytes", false},
	{"long suggestion", func(s *shop) { s.soldOut.Suggestion = strings.Repeat("x", 257) },
		"CAT_MESSAGE_STYLE", atSold + "the suggestion of", false},
	{"long with the example", func(s *shop) { s.soldOut.Params[0].Example = strings.Repeat("x", 250) }, "CAT_MESSAGE_STYLE", atSold, false},
	{"three sentences", func(s *shop) { s.soldOut.Message += " It is. So be it." }, "CAT_MESSAGE_STYLE", atSold, false},
	{"not ASCII", func(s *shop) { s.soldOut.Message += " Ausverkauft wäre" }, "CAT_MESSAGE_STYLE", atSold, false},
	{"please", func(s *shop) { s.soldOut.Suggestion = "Please lower the quantity." }, "CAT_MESSAGE_STYLE", atSold, false},
	{"a format", func(s *shop) { s.soldOut.Message += " %v" }, "CAT_MESSAGE_STYLE", atSold, false},
	{"SQL", func(s *shop) { s.soldOut.Message += " The SQL failed." },
		"CAT_MESSAGE_STYLE", atSold + `the message of SHOP_ERROR_SOLD_OUT says "SQL"`, false},
	{"an address", func(s *shop) { s.soldOut.Message += " At 10.0.0.1 it is." }, "CAT_MESSAGE_STYLE", atSold, false},

	{"verdict against the code", func(s *shop) { s.soldOut.Retry = recoursev1.RetryAdvice_VERDICT_SAME_REQUEST }, "CAT_RETRY_CODE",
		atSold + "SHOP_ERROR_SOLD_OUT has the code FAILED_PRECONDITION and the verdict SAME_REQUEST", false},
	{"aborted is higher", func(s *shop) { s.soldOut.Code = recoursev1.ErrorOptions_CODE_ABORTED }, "CAT_RETRY_CODE", atSold, false},
	{"a limit without a delay", func(s *shop) {
		s.soldOut.Code, s.soldOut.Retry = recoursev1.ErrorOptions_CODE_RESOURCE_EXHAUSTED, recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
	}, "CAT_RETRY_CODE", atSold + "SHOP_ERROR_SOLD_OUT says to send the same request again and not when", false},
	{"a delay that forbids", func(s *shop) {
		s.soldOut.Retry, s.soldOut.RetryDelay = recoursev1.RetryAdvice_VERDICT_NEVER, durationpb.New(1e9)
	}, "CAT_RETRY_CODE", atSold, false},
	{"a negative delay", func(s *shop) { s.soldOut.RetryDelay = durationpb.New(-1) }, "CAT_RETRY_CODE", atSold, false},
	{"an unknown verdict", func(s *shop) { s.soldOut.Retry = 77 }, "CAT_RETRY_CODE", atSold, false},

	{"no outcome", func(s *shop) { s.soldOut.Outcome = 0 },
		"CAT_OUTCOME_REQUIRED", atSold + "SHOP_ERROR_SOLD_OUT does not say whether shop.v1.Shop/Order took effect", false},
	{"an unknown outcome", func(s *shop) { s.soldOut.Outcome = 77 }, "CAT_OUTCOME_REQUIRED", atSold, false},
	{"maybe applied, and again", func(s *shop) {
		s.soldOut.Code, s.soldOut.Retry = recoursev1.ErrorOptions_CODE_UNAVAILABLE, recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
		s.soldOut.Outcome = recoursev1.Outcome_OUTCOME_INDETERMINATE
	}, "CAT_OUTCOME_REQUIRED", atSold + "SHOP_ERROR_SOLD_OUT may have taken effect and says to send the same request again", false},

	{"after which action", func(s *shop) { s.soldOut.Actions = nil },
		"CAT_ACTIONABLE", atSold + "SHOP_ERROR_SOLD_OUT may succeed after an action and names none", false},
	{"nothing to do", func(s *shop) { s.catalog.DocBaseUrl = "" },
		"CAT_ACTIONABLE", atDeny + "SHOP_ERROR_ORDER_DENIED leaves its caller alone", false},

	{"no such field", field("colour"), "CAT_ACTION_FIELDS",
		atSold + `an action of SHOP_ERROR_SOLD_OUT names the field colour, which the request of shop.v1.Shop/Order`, false},
	{"a JSON name", field("firstItem"), "CAT_ACTION_FIELDS", atSold, false},
	{"not in the nested one", field("first_item.colour"), "CAT_ACTION_FIELDS", atSold, false},
	{"which of them", field("items.quantity"), "CAT_ACTION_FIELDS", atSold, false},
	{"no list", field("sku[0]"), "CAT_ACTION_FIELDS", atSold, false},
	{"no index", field("items[x].quantity"), "CAT_ACTION_FIELDS", atSold, false},
	{"open bracket", field("items[0"), "CAT_ACTION_FIELDS", atSold, false},
	{"after the bracket", field("items[0]quantity"), "CAT_ACTION_FIELDS", atSold, false},
	{"below a text", field("sku.length"), "CAT_ACTION_FIELDS", atSold, false},
	{"ends in a dot", field("first_item."), "CAT_ACTION_FIELDS", atSold, false},
	{"no field at all", field(""), "CAT_ACTION_FIELDS", atSold, false},
	{"too large a field", func(s *shop) {
		s.soldOut.Actions[0].Action = &recoursev1.RecoveryAction_ReduceBatch{ReduceBatch: &recoursev1.ReduceBatch{Field: "lines"}}
	}, "CAT_ACTION_FIELDS", atSold, false},
	{"a stale field", func(s *shop) {
		s.soldOut.Actions[0].Action = &recoursev1.RecoveryAction_Refresh{Refresh: &recoursev1.Refresh{StaleField: "etag"}}
	}, "CAT_ACTION_FIELDS", atSold, false},
	{"not a full name", call("Stock"), "CAT_ACTION_FIELDS", atSold, false},
	{"no such method", call("/shop.v1.Shop/Stocks"), "CAT_ACTION_FIELDS", atSold, false},
	{"no such service", call("/shop.v1.Store/Stock"), "CAT_ACTION_FIELDS", atSold, false},
	{"a stream", call("/shop.v1.Shop/Watch"), "CAT_ACTION_FIELDS", atSold, false},
	{"copied from nowhere", call("/shop.v1.Shop/Stock", "colour", "sku"), "CAT_ACTION_FIELDS", atSold, false},
	{"copied to nowhere", call("/shop.v1.Shop/Stock", "sku", "colour"), "CAT_ACTION_FIELDS", atSold, false},

	{"an http link", func(s *shop) {
		s.soldOut.Links = []*recoursev1.ErrorLink{{Url: "http://x.example.com", Description: "X"}}
	}, "CAT_LINK_HTTPS", atSold, false},
	{"a link to what", func(s *shop) { s.soldOut.Links = []*recoursev1.ErrorLink{{Url: "https://x.example.com"}} },
		"CAT_LINK_HTTPS", atSold, false},
	{"a link with markup", func(s *shop) {
		s.soldOut.Links = []*recoursev1.ErrorLink{{Url: "https://x.example.com", Description: "<b>X</b>"}}
	}, "CAT_LINK_HTTPS", atSold, false},
	{"an action opens http", func(s *shop) {
		s.soldOut.Actions[0].Action = &recoursev1.RecoveryAction_OpenLink{OpenLink: &recoursev1.OpenLink{Url: "http://x.example.com"}}
	}, "CAT_LINK_HTTPS", atSold, false},
	{"a page without https", func(s *shop) { s.catalog.DocBaseUrl = "docs/" }, "CAT_LINK_HTTPS", atEnum, false},
	{"a long version", func(s *shop) { s.catalog.Version = strings.Repeat("1", 33) }, "CAT_BUDGET", atEnum, false},

	{"no resource", func(s *shop) {
		s.denied.Params, s.denied.Message = s.denied.Params[:1], "'{permission}' denied (or it might not exist)."
	}, "CAT_PERMISSION_SHAPE", atDeny, false},
	{"resource not shown", func(s *shop) {
		s.denied.Message, s.denied.Suggestion = "'{permission}' denied (or it might not exist).", "Ask who owns {resource}."
	}, "CAT_PERMISSION_SHAPE", atDeny, false},
	{"it does exist", func(s *shop) { s.denied.Message = "Permission '{permission}' denied on resource '{resource}'." },
		"CAT_PERMISSION_SHAPE", atDeny, false},

	{"no such error", func(s *shop) { s.order.Errors = []string{"SHOP_ERROR_SOLD_OUT", "SHOP_ERROR_GONE"} }, "CAT_METHOD_REF",
		atOrder + `Order declares the error "SHOP_ERROR_GONE", which is nowhere`, true},
	{"declared twice", func(s *shop) { s.order.Errors = []string{"SHOP_ERROR_SOLD_OUT", "shop.v1.SHOP_ERROR_SOLD_OUT"} }, "CAT_METHOD_REF",
		atOrder + "Order declares shop.v1.SHOP_ERROR_SOLD_OUT twice", false},
	{"declared by the service too", func(s *shop) { s.order.Errors = append(s.order.Errors, "SHOP_ERROR_ORDER_DENIED") }, "CAT_METHOD_REF",
		atOrder + "Order declares SHOP_ERROR_ORDER_DENIED, as its service does", false},

	{"too large", func(s *shop) {
		for i := range 4 {
			a := proto.CloneOf(s.soldOut.Actions[0])
			a.GetFixFields().Fixes[0].AllowedValues = []string{strings.Repeat("x", 200), strings.Repeat("y", 150+i)}
			s.soldOut.Actions = append(s.soldOut.Actions, a)
		}
	}, "CAT_BUDGET", atSold + "SHOP_ERROR_SOLD_OUT takes ", false},
	{"too many actions", func(s *shop) {
		for range 5 {
			s.soldOut.Actions = append(s.soldOut.Actions, &recoursev1.RecoveryAction{Label: "Wait"})
		}
	}, "CAT_BUDGET", atSold + "SHOP_ERROR_SOLD_OUT has 6 actions, and only 5 are sent", false},
	{"a long label", func(s *shop) { s.soldOut.Actions[0].Label = strings.Repeat("x", 81) }, "CAT_BUDGET", atSold, false},
	{"a long text in an action", func(s *shop) {
		s.soldOut.Actions[0].GetFixFields().Fixes[0].SuggestedValue = strings.Repeat("x", 257)
	}, "CAT_BUDGET", atSold, false},

	{"an unknown rule", except("CAT_NO_SUCH", "so"), "CAT_LINT_EXCEPTION", atSold + `SHOP_ERROR_SOLD_OUT asks for an exception from "CAT_NO_SUCH", which is no rule`, true},
	{"nothing to silence", except("CAT_COMMENT", "so"), "CAT_LINT_EXCEPTION", atSold, true},
	{"from the exception", except("CAT_LINT_EXCEPTION", "so"), "CAT_LINT_EXCEPTION", atSold, true},
	{"why", func(s *shop) { except("CAT_MESSAGE_STYLE", "")(s); s.soldOut.Title = "" }, "CAT_LINT_EXCEPTION", atSold, true},
}

// rename gives the first parameter another key, in the texts too.
func (s *shop) rename(key string) {
	s.soldOut.Message = strings.ReplaceAll(s.soldOut.Message, "{sku}", "{"+key+"}")
	s.soldOut.Params[0].Key = key
}

func field(path string) func(*shop) {
	return func(s *shop) { s.soldOut.Actions[0].GetFixFields().Fixes[0].Field = path }
}

func call(method string, copied ...string) func(*shop) {
	c := &recoursev1.CallMethod{Method: method, CopyFields: map[string]string{}}
	for i := 0; i+1 < len(copied); i += 2 {
		c.CopyFields[copied[i]] = copied[i+1]
	}
	return func(s *shop) { s.soldOut.Actions[0].Action = &recoursev1.RecoveryAction_CallMethod{CallMethod: c} }
}

func except(rule, reason string) func(*shop) {
	return func(s *shop) {
		s.soldOut.Lint = append(s.soldOut.Lint, &recoursev1.LintException{Rule: rule, Reason: reason})
	}
}

func TestEachRuleOnce(t *testing.T) {
	for _, test := range broken {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t)
			test.spoil(s)
			findings := lint.Run(s.files(t))
			if len(findings) != 1 || findings[0].Rule != test.rule || !strings.HasPrefix(findings[0].String(), test.want) {
				t.Fatalf("want one finding of %s: %s\ngot %s", test.rule, test.want, list(findings))
			}
			want := catalog.Failure
			if test.name == "unused parameter" || test.name == "reason of five words" {
				want = catalog.Warning
			}
			if findings[0].Severity != want {
				t.Errorf("severity %s, want %s", findings[0].Severity, want)
			}
		})
	}
}

// The error that a finding is about silences it, and no other: there the exception is one too many.
func TestEachRuleSilenced(t *testing.T) {
	errorsOf := func(s *shop) []*recoursev1.ErrorOptions {
		return []*recoursev1.ErrorOptions{s.soldOut, s.denied, s.zero}
	}
	for _, test := range broken {
		t.Run(test.name, func(t *testing.T) {
			silenced := false
			for i := range errorsOf(newShop(t)) {
				s := newShop(t)
				test.spoil(s)
				e := errorsOf(s)[i]
				if e == nil {
					continue
				}
				e.Lint = append(e.Lint, &recoursev1.LintException{Rule: test.rule, Reason: "it is a test"})
				switch findings := lint.Run(s.files(t)); {
				case len(findings) == 0:
					silenced = true
				case test.rule == catalog.RuleDeclared: // what stands in no catalogue is not read
				case !slices.ContainsFunc(findings, func(f catalog.Finding) bool { return f.Rule == "CAT_LINT_EXCEPTION" }):
					t.Errorf("the exception neither silences nor is found: %s", list(findings))
				}
			}
			if silenced == test.loud {
				t.Errorf("silenced: %t", silenced)
			}
		})
	}
}

func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, test := range broken {
		tested[test.rule] = true
	}
	for _, r := range lint.Rules() {
		if !tested[r.ID] {
			t.Errorf("no test breaks %s", r.ID)
		}
	}
}

// What looks like a mistake and is none.
func TestRight(t *testing.T) {
	again := func(s *shop) {
		s.soldOut.Code, s.soldOut.Retry = recoursev1.ErrorOptions_CODE_UNAVAILABLE, recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
		s.soldOut.Outcome = recoursev1.Outcome_OUTCOME_INDETERMINATE
	}
	tests := []struct {
		name   string
		change func(s *shop)
	}{
		{"a field", field("sku")},
		{"a message", field("first_item")},
		{"a nested field", field("first_item.quantity")},
		{"a list", field("items")},
		{"an entry of a list", field("items[12]")},
		{"an entry that a parameter names", field("items[{available}].quantity")},
		{"an entry of a map", field("labels[a.b].quantity")},
		{"what is open", field("extra.anything[0].at.all")},
		{"a call", call("/shop.v1.Shop/Stock", "first_item.quantity", "items[0].quantity", "sku", "sku")},
		{"braces", func(s *shop) { s.soldOut.Suggestion = "Send {{}}." }},
		{"an older error", func(s *shop) { s.denied.ReplacedBy = "SOLD_OUT" }},
		{"no outcome of what only reads", func(s *shop) {
			s.soldOut.Outcome = 0
			s.file.Service[0].Method[0].Options = &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()}
		}},
		{"no outcome of what nothing declares", func(s *shop) { s.soldOut.Outcome, s.order = 0, nil }},
		{"maybe applied, and idempotent", func(s *shop) {
			again(s)
			s.file.Service[0].Method[0].Options = &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_IDEMPOTENT.Enum()}
		}},
		{"maybe applied, with a request id", func(s *shop) {
			again(s)
			s.file.MessageType[0].Field[0].Name = proto.String("request_id")
		}},
		{"a limit with its delay", func(s *shop) {
			s.soldOut.Code, s.soldOut.Retry = recoursev1.ErrorOptions_CODE_RESOURCE_EXHAUSTED, recoursev1.RetryAdvice_VERDICT_SAME_REQUEST
			s.soldOut.RetryDelay = durationpb.New(1e9)
		}},
		{"a duration", func(s *shop) {
			s.soldOut.Params[0].Type, s.soldOut.Params[0].Example = recoursev1.ErrorParameter_TYPE_DURATION, "1.5s"
		}},
		{"a moment", func(s *shop) {
			s.soldOut.Params[0].Type, s.soldOut.Params[0].Example = recoursev1.ErrorParameter_TYPE_TIMESTAMP, "2026-11-01T00:00:00Z"
		}},
		{"personal in an internal error", func(s *shop) {
			s.soldOut.Visibility = recoursev1.ErrorOptions_VISIBILITY_INTERNAL
			s.soldOut.Params[0].Sensitivity = recoursev1.ErrorParameter_SENSITIVITY_PERSONAL
		}},
		{"two sentences", func(s *shop) { s.soldOut.Message += " It is so." }},
		{"a link", func(s *shop) {
			s.soldOut.Links = []*recoursev1.ErrorLink{{Url: "https://x.example.com/{sku}", Description: "The item"}}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t)
			test.change(s)
			if findings := lint.Run(s.files(t)); len(findings) > 0 {
				t.Errorf("got %s", list(findings))
			}
		})
	}
}

func TestNothingToFind(t *testing.T) {
	if findings := lint.Run(newShop(t).files(t)); len(findings) > 0 {
		t.Errorf("the shop: %s", list(findings))
	}
	example := []protoreflect.FileDescriptor{assistantv1.File_assistant_v1_errors_proto, assistantv1.File_assistant_v1_assistant_proto}
	var findings []catalog.Finding
	for _, f := range lint.Run(example) {
		if f.Rule != "CAT_COMMENT" { // what is linked in has none
			findings = append(findings, f)
		}
	}
	if len(findings) > 0 {
		t.Errorf("the example: %s", list(findings))
	}
	if diff := cmp.Diff([]catalog.Finding(nil), lint.Run(nil)); diff != "" {
		t.Error(diff)
	}
}

// Descriptors without comments get one finding, not one for each error.
func TestNoComments(t *testing.T) {
	s := newShop(t)
	s.file.SourceCodeInfo = nil
	findings := lint.Run(s.files(t))
	if len(findings) != 1 || findings[0].Rule != "CAT_COMMENT" ||
		findings[0].Severity != catalog.Warning || findings[0].At.String() != "shop.proto" {
		t.Errorf("got %s", list(findings))
	}
}

func list(findings []catalog.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString("\n\t" + f.Severity.String() + " " + f.Rule + " " + f.String())
	}
	return b.String()
}
