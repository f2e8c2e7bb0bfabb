package template

import (
	"strconv"
	"strings"
	"time"
)

// Duration is the value of a parameter of type DURATION, as protobuf's JSON has it and
// time.ParseDuration reads it: seconds, exact to the nanosecond.
func Duration(d time.Duration) string {
	sign, seconds, nanos := "", int64(d/time.Second), int64(d%time.Second)
	if d < 0 {
		sign, seconds, nanos = "-", -seconds, -nanos
	}
	text := sign + strconv.FormatInt(seconds, 10)
	if nanos != 0 {
		digits := strconv.FormatInt(int64(time.Second)+nanos, 10)[1:]
		text += "." + strings.TrimRight(digits, "0")
	}
	return text + "s"
}

// What google.protobuf.Timestamp holds, and RFC 3339 can write.
var (
	firstTime = time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, time.December, 31, 23, 59, 59, 999999999, time.UTC)
)

// Timestamp is the value of a parameter of type TIMESTAMP, in the form of RFC 3339. A time
// before the year 1 or after 9999 becomes the first or the last that there is.
func Timestamp(t time.Time) string {
	switch {
	case t.Before(firstTime):
		t = firstTime
	case t.After(lastTime):
		t = lastTime
	}
	return t.UTC().Format(time.RFC3339Nano)
}
