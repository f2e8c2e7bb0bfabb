// Fleet shows by simulation which clients recover from a burst of twice what their
// server can do, and how soon.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/recourse-dev/recourse/bench/fleet"
)

func main() {
	seed := flag.Uint64("seed", 1, "of everything that is random")
	clients := flag.Int("clients", 100, "that share the load")
	watch := flag.Duration("watch", 120*time.Second, "how long to look after the burst")
	flag.Parse()
	p := program{*seed, *watch}
	if err := p.run(*clients); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type program struct {
	seed  uint64
	watch time.Duration
}

func (p program) run(clients int) error {
	fmt.Printf(`Clients of a server that can do 1000 calls a second send it 2000 for 10s. Before and after, they send 600, 800 or 900.
A call has 1s. The tables say how many seconds after the burst it takes until 95 %% succeed in each second that follows,
for each of the three loads: 0 is best. NEVER is not within %v (simulated, seed %d).

naive           works on all calls in order, in a queue of 4000, whether or not anybody still waits
deadline-aware  the same, but leaves out a call that is too late when its turn comes
ours            the limiter of this library

`, p.watch, p.seed)
	if err := p.table("Others", clients, fleet.Peers); err != nil {
		return err
	}
	if err := p.table("Every setting of this library", clients, fleet.Settings()); err != nil {
		return err
	}
	for _, n := range []int{1, 10, 1000, 5000} {
		if err := p.table("Other fleets", n, fleet.Usual); err != nil {
			return err
		}
	}
	return nil
}

func (p program) table(title string, clients int, settings []fleet.Client) error {
	fmt.Printf("%s, clients: %d\n\n", title, clients)
	results := fleet.Compare(func(_ fleet.Server, load float64) fleet.Scenario {
		s := fleet.Default(p.seed, load)
		s.Clients, s.Watch = clients, p.watch
		return s
	}, settings)
	if err := fleet.Print(os.Stdout, settings, results); err != nil {
		return err
	}
	fmt.Println()
	return nil
}
