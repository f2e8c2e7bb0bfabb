package overload

import (
	"testing"
	"testing/synctest"
	"time"
)

func run(t *testing.T, s Scenario, c Contender) (r *Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = s.Run(c); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

func TestAll(t *testing.T) {
	var rs []*Result
	for _, c := range Contenders {
		start := time.Now()
		r := run(t, Default(1), c)
		t.Log(time.Since(start))
		rs = append(rs, r)
		t.Log(r.Seconds)
	}
	Print(t.Output(), rs)
}
