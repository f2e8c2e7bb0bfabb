package breaking_test

import (
	"fmt"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/breaking"
)

func ExampleCompare() {
	document := func(code string) *catalog.Catalog {
		return &catalog.Catalog{Schema: catalog.Schema, Errors: []*catalog.Error{{
			Domain: "shop.example.com", Reason: "SOLD_OUT", Code: code, Retry: "NEVER", Enum: "shop.v1.ShopError", Value: "SHOP_ERROR_SOLD_OUT",
		}}}
	}
	for _, f := range breaking.Compare(document("NOT_FOUND"), document("OUT_OF_RANGE")) {
		fmt.Println(f.Severity, f.Rule, f.Error)
		fmt.Println(f.Text)
	}
	// Output:
	// error BREAK_CODE shop.example.com/SOLD_OUT
	// SHOP_ERROR_SOLD_OUT has the code OUT_OF_RANGE and had NOT_FOUND, which is all that many clients read: change it back, or deprecate it and declare another
}
