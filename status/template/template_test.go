package template_test

import (
	"slices"
	"testing"

	"github.com/recourse-dev/recourse/status/template"
)

func TestParse(t *testing.T) {
	keys := []string{"sku", "left"}
	tests := []struct {
		text, want string
		params     []int
		err        string
	}{
		{text: "", want: ""},
		{text: "no stock", want: "no stock"},
		{text: "{left} of {sku}, {left}", want: "<1> of <0>, <1>", params: []int{1, 0, 1}},
		{text: "{{{sku}}}", want: "{<0>}", params: []int{0}},
		{text: "a {{sku}} is no parameter", want: "a {sku} is no parameter"},
		{text: "{colour}", err: "{colour} is no declared parameter"},
		{text: "{}", err: "{} is no declared parameter"},
		{text: "{sku", err: "a single brace: write {{ or }} for the character itself"},
		{text: "sku}", err: "a single brace: write {{ or }} for the character itself"},
	}
	for _, test := range tests {
		got, err := template.Parse(test.text, keys)
		if err != nil {
			if err.Error() != test.err {
				t.Errorf("%q: error %v, want %q", test.text, err, test.err)
			}
			continue
		}
		if test.err != "" {
			t.Errorf("%q: no error, want %q", test.text, test.err)
		}
		text := got.Render(func(param int) string { return []string{"<0>", "<1>"}[param] })
		if text != test.want || !slices.Equal(got.Params(), test.params) || got.Varies() != (test.params != nil) {
			t.Errorf("%q: got %q, params %v, varies %t", test.text, text, got.Params(), got.Varies())
		}
		if !got.Varies() && got.Text() != test.want {
			t.Errorf("%q: the text is %q, want %q", test.text, got.Text(), test.want)
		}
	}
	if fixed := template.Fixed("{oops"); fixed.Text() != "{oops" || fixed.Varies() {
		t.Errorf("got %q", fixed.Text())
	}
}
