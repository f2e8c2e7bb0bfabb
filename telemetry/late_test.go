package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/telemetry"
)

// Nobody waits any more for a handler that was left behind, but its panic is no secret.
func TestALatePanicIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(lines)
		_, observe := observing(t, telemetry.Config{Logger: log.logger()})
		set, err := policy.New(policy.Defaults(func(p *policy.Policy) { p.Timeout, p.HardStop = time.Second, true }))
		if err != nil {
			t.Fatal(err)
		}
		conn := rpctest.Start(t, func(context.Context, rpctest.Exchange) error {
			time.Sleep(time.Minute)
			panic("too late")
		}, interceptors.ServerOptions(interceptors.Policies(set), observe))
		rpctest.Do(t.Context(), conn, rpctest.Shapes[0])
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		records := log.take(t)
		if len(records) != 2 {
			t.Fatalf("%d records: %v", len(records), records)
		}
		late := records[1]
		if late["msg"] != "handler panicked after its call had ended" || late["request_id"] != records[0]["request_id"] || late["request_id"] == "" ||
			!strings.Contains(fmt.Sprint(late["cause"]), "too late") || !strings.Contains(fmt.Sprint(late["stack"]), "goroutine") {
			t.Errorf("got %v", late)
		}
	})
}
