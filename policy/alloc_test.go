//go:build !race

// The race detector allocates by itself; make test runs this file without it.

package policy_test

import (
	"fmt"
	"testing"

	"github.com/recourse-dev/recourse/policy"
)

// A look-up costs nothing, whichever layers its method has.
func TestForAllocatesNothing(t *testing.T) {
	layers := []policy.Layer{policy.Service("a.B", attempts(4))}
	for i := range 100 {
		layers = append(layers, policy.Method(fmt.Sprintf("/a.B/M%d", i), attempts(5)))
	}
	many := newSet(t, layers...)
	var none *policy.Set
	for name, set := range map[string]*policy.Set{"none": none, "no layers": newSet(t), "many": many} {
		for _, method := range []string{"/a.B/M42", "a.B/M42", "/a.B/Unknown", "/x.Y/Z", "", "/a/b/c"} {
			if got := testing.AllocsPerRun(100, func() { set.For(method) }); got != 0 {
				t.Errorf("%s, %q: %v allocations", name, method, got)
			}
		}
	}
}

func BenchmarkFor(b *testing.B) {
	layers := []policy.Layer{policy.Service("a.B", attempts(4))}
	for i := range 100 {
		layers = append(layers, policy.Method(fmt.Sprintf("/a.B/M%d", i), attempts(5)))
	}
	set, err := policy.New(layers...)
	if err != nil {
		b.Fatal(err)
	}
	for _, method := range []string{"/a.B/M42", "/a.B/Unknown", "/x.Y/Z"} {
		b.Run(method[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set.For(method)
			}
		})
	}
}
