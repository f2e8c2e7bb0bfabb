package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/policy"
)

// FuzzParse reads any file at all: an error of the promised form, or valid policies.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "recourse.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	name := regexp.MustCompile(`[\w./-]+`)
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := policy.Parse(text)
		again, errAgain := policy.Parse(text)
		if err != nil {
			wellFormed(t, err.Error())
			if errAgain == nil || errAgain.Error() != err.Error() {
				t.Errorf("%v\nand then %v", err, errAgain)
			}
			return
		}
		if errAgain != nil {
			t.Fatal(errAgain)
		}
		for _, method := range append(name.FindAll(text, -1), nil, []byte("a.B/C")) {
			for _, suffix := range []string{"", "/X"} {
				p := set.For(string(method) + suffix)
				if err := p.Validate(); err != nil {
					t.Errorf("%s: %v", method, err)
				}
				if diff := cmp.Diff(p, again.For(string(method)+suffix)); diff != "" {
					t.Errorf("%s, read twice: %s", method, diff)
				}
			}
		}
	})
}

// FuzzServiceConfig reads any JSON at all.
func FuzzServiceConfig(f *testing.F) {
	for _, config := range []string{
		`{}`, `{"methodConfig": [{"name": [{}, {"service": "a.B", "method": "C"}], "timeout": "1.5s",
` + retryPolicy + `}]}`,
		`{"methodConfig": [{"name": [{"service": "a.B"}], "hedgingPolicy": {},
			"retryPolicy": {"maxAttempts": 1e999}}]}`,
	} {
		f.Add([]byte(config))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		layer, err := policy.ServiceConfig(config)
		if err != nil {
			return
		}
		set, err := policy.New(layer)
		if err != nil {
			return
		}
		for _, method := range []string{"/a.B/C", "/a.B/D", "/x.Y/Z"} {
			if err := set.For(method).Validate(); err != nil {
				t.Errorf("%s: %v", method, err)
			}
		}
	})
}
