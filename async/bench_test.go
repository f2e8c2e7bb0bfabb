package async_test

import (
	"context"
	"testing"

	"github.com/recourse-dev/recourse/async"
)

func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	o := &async.Operation[int]{Name: "work"}
	for b.Loop() {
		if _, err := o.Run(b.Context(), func(context.Context) (int, error) { return 1, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
