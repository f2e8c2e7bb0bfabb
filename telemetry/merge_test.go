package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// say makes of records what the tests of merging compare.
func say(all []record) (got []string) {
	for _, r := range all {
		line := fmt.Sprint(r["msg"], ", ", r["grpc.code"], ", ", r["grpc.error"])
		if r["grpc.error"] == nil {
			line = fmt.Sprint(r["msg"], ", ", r["grpc.code"], ", ", r["cause"])
		}
		if r["repeated"] != nil {
			line += fmt.Sprint(", repeated ", r["repeated"])
		}
		got = append(got, line)
	}
	return got
}

func TestFailuresAlikeAreCounted(t *testing.T) {
	inBubble(t, func(t *testing.T, shape rpctest.Shape) {
		var log lines
		tel, observe := observing(t, telemetry.Config{Logger: log.logger(), Merge: 10 * time.Second})
		var failed error
		handler := func(ctx context.Context, x rpctest.Exchange) error { return failing(failed)(ctx, x) }
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(observe))
		fail := func(times int, code codes.Code, why string) {
			for range times {
				failed = status.New(code, "SOME_CODE", "", status.Cause(errors.New(why)))
				_ = rpctest.Do(t.Context(), conn, shape)
			}
		}
		expect := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, say(log.take(t))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		const full, lost = "call failed, Internal, Internal SOME_CODE", "call failed, DataLoss, DataLoss SOME_CODE"

		fail(1, codes.Internal, "disk full")
		expect(full)
		fail(3, codes.Internal, "disk full")
		expect()
		fail(2, codes.DataLoss, "disk full") // another code
		expect(lost)
		fail(1, codes.Internal, "disk gone") // another cause
		expect(full)
		time.Sleep(10*time.Second - time.Nanosecond)
		fail(1, codes.Internal, "disk full") // the last moment
		expect()
		time.Sleep(time.Nanosecond)
		fail(1, codes.Internal, "disk full") // its window is over, as is that of the other, which says so on its own
		expect("call failed again, DataLoss, DataLoss SOME_CODE: disk full, repeated 1", full+", repeated 4")
		fail(1, codes.Internal, "disk full")
		expect()

		tel.Flush()
		expect("call failed again, Internal, Internal SOME_CODE: disk full, repeated 1")
		tel.Flush()
		expect()
		fail(1, codes.Internal, "disk full")
		expect(full)
	})
}

// Panics of different places are different failures, whatever their callers are told.
func TestPanicsAreNotMergedWithOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		_, observe := observing(t, telemetry.Config{Logger: log.logger(), Merge: time.Hour})
		n := 0
		handler := func(context.Context, rpctest.Exchange) error {
			n++
			panic(fmt.Sprint("index ", n/2))
		}
		conn := rpctest.Start(t, handler, interceptors.ServerOptions(observe))
		for range 5 {
			_ = rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
		}
		var got []any
		for _, r := range log.take(t) {
			got = append(got, r["cause"])
		}
		if diff := cmp.Diff([]any{"panic: index 0", "panic: index 1", "panic: index 2"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Without a window a client's repeats of one call are one record on the server, and
// calls of different requests are not merged.
func TestTheRepeatsOfARequestAreOneRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var server, client lines
		tel, onServer := observing(t, telemetry.Config{Logger: server.logger()})
		_, onClient := observing(t, telemetry.Config{Logger: client.logger()})
		opts := policies(t, "", func(p *policy.Policy) { p.Idempotent, p.MaxAttempts, p.Backoff = true, 3, 0 })
		conn := rpctest.Start(t, failing(status.New(codes.Unavailable, "DOWN", "")), interceptors.ServerOptions(onServer),
			interceptors.DialOptions(append(opts.client, onClient)...)...)
		for _, id := range []string{"r-1", "r-2"} {
			_ = rpctest.Do(metadata.AppendToOutgoingContext(t.Context(), "x-request-id", id), conn, rpctest.Shapes[0])
			if r := client.one(t); r["attempts"] != 3.0 || r["request_id"] != id {
				t.Errorf("the client's record: %v", r)
			}
			if r := server.one(t); r["attempts"] != 1.0 || r["request_id"] != id || r["repeated"] != nil {
				t.Errorf("the server's record: %v", r)
			}
		}
		time.Sleep(time.Minute)
		_ = rpctest.Do(metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-3"), conn, rpctest.Shapes[0])
		var got []string
		for _, r := range server.take(t) {
			got = append(got, fmt.Sprint(r["msg"], " ", r["request_id"], " ", r["repeated"]))
		}
		if diff := cmp.Diff([]string{
			"call failed again r-1 2", "call failed again r-2 2", "call failed r-3 <nil>",
		}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		tel.Flush()
		if r := server.one(t); r["request_id"] != "r-3" || r["repeated"] != 2.0 {
			t.Errorf("flushed %v", r)
		}
	})
}

func TestNothingIsMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		tel, observe := observing(t, telemetry.Config{Logger: log.logger(), Merge: -1})
		conn := rpctest.Start(t, failing(errors.New("some fault")), interceptors.ServerOptions(observe))
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-1")
		for range 3 {
			_ = rpctest.Do(ctx, conn, rpctest.Shapes[0])
		}
		tel.Flush()
		if all := log.take(t); len(all) != 3 {
			t.Errorf("%d records, want 3", len(all))
		}
	})
}
