package template_test

import (
	"math"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/status/template"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 1500 * time.Millisecond: "1.5s", -1500 * time.Millisecond: "-1.5s", -1: "-0.000000001s", 90 * time.Minute: "5400s",
		105*24*time.Hour + 1: "9072000.000000001s", math.MaxInt64: "9223372036.854775807s", math.MinInt64: "-9223372036.854775808s",
	} {
		got := template.Duration(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%d: %q, want %q; read again %d, %v", d, got, want, back, err)
		}
	}
}

func TestTimestamp(t *testing.T) {
	utc := func(year int, nanos int) time.Time { return time.Date(year, time.May, 1, 2, 3, 4, nanos, time.UTC) }
	last := time.Date(9999, time.December, 31, 23, 59, 59, 999999999, time.UTC)
	for _, test := range []struct {
		of   time.Time
		want string
		is   time.Time
	}{
		{utc(2026, 0), "2026-05-01T02:03:04Z", utc(2026, 0)},
		{utc(2026, 1), "2026-05-01T02:03:04.000000001Z", utc(2026, 1)},
		{utc(2026, 0).In(time.FixedZone("", 3600)), "2026-05-01T02:03:04Z", utc(2026, 0)},
		{time.Time{}, "0001-01-01T00:00:00Z", time.Time{}},
		{utc(-3, 0), "0001-01-01T00:00:00Z", time.Time{}},
		{utc(10000, 0), "9999-12-31T23:59:59.999999999Z", last},
		{last.In(time.FixedZone("", 3600)), "9999-12-31T23:59:59.999999999Z", last},
	} {
		got := template.Timestamp(test.of)
		if back, err := time.Parse(time.RFC3339Nano, got); got != test.want || err != nil || !back.Equal(test.is) {
			t.Errorf("%v: %q, want %q; read again %v, %v", test.of, got, test.want, back, err)
		}
	}
}
