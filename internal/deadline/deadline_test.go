package deadline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestReserve(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		0: 2 * time.Millisecond, 40 * time.Millisecond: 2 * time.Millisecond, 60 * time.Millisecond: 3 * time.Millisecond,
		time.Second: 50 * time.Millisecond, time.Hour: 100 * time.Millisecond,
	} {
		if got := Reserve(left); got != want {
			t.Errorf("of %v %v, want %v", left, got, want)
		}
	}
}

func TestPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if Passed(ctx) || Passed(t.Context()) {
			t.Error("passed at once")
		}
		if time.Sleep(time.Second); !Passed(ctx) {
			t.Error("not passed after its time")
		}
	})
}

func TestOutliving(t *testing.T) {
	type key struct{}
	tests := []struct {
		name   string
		cancel time.Duration // by the caller; 0: never
		want   time.Duration
	}{
		{"the budget", 0, 10 * time.Second},
		{"the caller gives up", time.Second, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				caller, giveUp := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), 5*time.Second)
				defer giveUp()
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, giveUp)
				}
				ctx, cancel := Outliving(caller, 10*time.Second)
				defer cancel()
				began := time.Now()
				<-ctx.Done()
				if took := time.Since(began); took != test.want || ctx.Value(key{}) != "value" {
					t.Errorf("ended after %v, want %v", took, test.want)
				}
			})
		})
	}
}
