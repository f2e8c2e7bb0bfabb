// Overload shows what a burst of twice the capacity does to real gRPC clients and
// servers, with and without this library.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recourse-dev/recourse/bench/overload"
)

func main() {
	s := overload.Default(1)
	flags := flag.NewFlagSet("overload", flag.ExitOnError)
	flags.Uint64Var(&s.Seed, "seed", s.Seed, "of the arrivals")
	flags.IntVar(&s.Clients, "clients", s.Clients, "that share the load")
	flags.Float64Var(&s.Burst, "burst", s.Burst, "calls a second in the burst")
	flags.DurationVar(&s.Watch, "watch", s.Watch, "how long to look after the burst")
	only := flags.String("only", "", "part of the name of a client: leave out all others")
	real := flags.Bool("real", false, "in real time, which takes as long as it takes, instead of virtual time")
	_ = flags.Parse(os.Args[1:]) // it exits
	if *real {
		exit(run(s, *only, "real", overload.Scenario.Run))
	}
	virtually(func(t *testing.T) { exit(run(s, *only, "virtual", inBubble(t))) })
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// virtually runs f in a test: virtual time is for tests only.
func virtually(f func(t *testing.T)) {
	os.Args = os.Args[:1] // what is left are the flags of go test
	all := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "overload", F: f}}, nil, nil)
}

type play func(overload.Scenario, overload.Contender) (*overload.Result, error)

func inBubble(t *testing.T) play {
	return func(s overload.Scenario, c overload.Contender) (r *overload.Result, err error) {
		synctest.Test(t, func(*testing.T) { r, err = s.Run(c) })
		return r, err
	}
}

func run(s overload.Scenario, only, clock string, play play) error {
	fmt.Printf(`A server can do %.0f calls a second. It gets %.0f, then %.0f for %v, then %.0f again (%s time, seed %d, clients: %d).
A call has %v, an attempt %v, and there are %d attempts at most.

`, s.Capacity(), s.Base, s.Burst, s.Storm, s.Base, clock, s.Seed, s.Clients, s.Deadline, s.Attempt, s.Attempts)
	var results []*overload.Result
	for _, c := range overload.Contenders {
		if !strings.Contains(c.Name, only) {
			continue
		}
		r, err := play(s, c)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if err := overload.Print(os.Stdout, results); err != nil {
		return err
	}
	fmt.Print(`
goodput    answers in time in the burst, of what the server can do: 100 % is best
recovery   after the burst, until 95 % succeed in each second that follows: 0 s is best
wasted     share of the work whose answer nobody got, in the burst, and from its begin to the end: 0 % is best
failures   how long they took: the less the better, since they are certain
`)
	return nil
}
