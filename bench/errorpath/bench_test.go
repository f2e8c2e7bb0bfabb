package errorpath

import (
	"strings"
	"testing"
)

// All cases: go test -run '^$' -bench . ./errorpath
func BenchmarkErrors(b *testing.B) {
	for _, c := range Cases() {
		b.Run(strings.TrimPrefix(c.Name, "error/"), func(b *testing.B) {
			for _, x := range c.Contenders {
				b.Run(x.Name, func(b *testing.B) {
					run, stop, err := x.Setup()
					if err != nil {
						b.Fatal(err)
					}
					defer stop()
					b.ReportAllocs()
					b.ResetTimer()
					run(b.N)
				})
			}
		})
	}
}
