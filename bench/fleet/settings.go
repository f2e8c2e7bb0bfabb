package fleet

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Kind is a rule for retries.
type Kind uint8

// The rules that are compared.
const (
	None          Kind = iota // no retries
	Plain                     // retries without a budget
	MinRate                   // a fifth of the calls, and ten a second
	GRPC                      // gRPC's own throttling of retries
	Ours                      // the budget of this library
	OursThrottled             // and its throttle, which is its default
)

// Client is a setting of a client.
type Client struct {
	Kind           Kind
	Attempts       int
	AttemptTimeout time.Duration // 0: the deadline of the call
	NoBackoff      bool
}

func (c Client) retrier() retrier {
	switch c.Kind {
	case Ours, OursThrottled:
		return newOurs(c)
	case MinRate:
		return &peer{c, new(shared)}
	case GRPC:
		return &peer{c, new(tokens)}
	default:
		return &peer{c, unlimited{}}
	}
}

func (c Client) String() string {
	name := [...]string{"no retries", "no budget", "20 % + 10/s (Finagle, Linkerd)", "gRPC's retryThrottling", "ours, budget only", "ours"}[c.Kind]
	if c.Kind == None {
		return name
	}
	name += fmt.Sprintf(", %d attempts", c.Attempts)
	if c.AttemptTimeout > 0 {
		name += fmt.Sprintf(" of %v", c.AttemptTimeout)
	}
	if c.NoBackoff {
		name += ", no back-off"
	}
	return name
}

const attemptTimeout = 400 * time.Millisecond

// Peers are what this library is compared with.
var Peers = []Client{
	{Kind: None, Attempts: 1},
	{Kind: Plain, Attempts: 3, AttemptTimeout: attemptTimeout},
	{Kind: MinRate, Attempts: 3, AttemptTimeout: attemptTimeout},
	{Kind: GRPC, Attempts: 3, AttemptTimeout: attemptTimeout},
}

// Settings are all the ways to set up this library.
func Settings() (all []Client) {
	for _, kind := range []Kind{OursThrottled, Ours} {
		for _, attempts := range []int{2, 3, 5} {
			for _, timeout := range []time.Duration{attemptTimeout, 0} {
				for _, none := range []bool{false, true} {
					all = append(all, Client{kind, attempts, timeout, none})
				}
			}
		}
	}
	return all
}

// Usual are settings that are likely, to compare fleets of other sizes.
var Usual = []Client{
	{Kind: None, Attempts: 1},
	{Kind: OursThrottled, Attempts: 3, AttemptTimeout: attemptTimeout},
	{Kind: OursThrottled, Attempts: 3},
	{Kind: Ours, Attempts: 3, AttemptTimeout: attemptTimeout},
}

// Loads are the loads before and after the burst.
var Loads = []float64{0.6, 0.8, 0.9}

// Compare runs the scenario for each client, server and load, several at a time.
// Results are by server and load.
func Compare(scenario func(v Server, load float64) Scenario, clients []Client) []map[Server][]Result {
	results := newResults(clients)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i, client := range clients {
		for _, server := range Servers {
			for j, load := range Loads {
				into := &results[i][server][j]
				slots <- struct{}{}
				group.Go(func() {
					*into = scenario(server, load).Run(server, client)
					<-slots
				})
			}
		}
	}
	group.Wait()
	return results
}

func newResults(clients []Client) []map[Server][]Result {
	results := make([]map[Server][]Result, len(clients))
	for i := range results {
		results[i] = map[Server][]Result{}
		for _, v := range Servers {
			results[i][v] = make([]Result, len(Loads))
		}
	}
	return results
}

// Print writes a table of how long it took to recover, in seconds, for each load.
func Print(w io.Writer, clients []Client, results []map[Server][]Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "client\t")
	for _, v := range Servers {
		fmt.Fprintf(table, "%v\t", v)
	}
	fmt.Fprintln(table)
	for i, c := range clients {
		fmt.Fprintf(table, "%v\t", c)
		for _, v := range Servers {
			fmt.Fprintf(table, "%s\t", recoveries(results[i][v]))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func recoveries(results []Result) string {
	var all []string
	for _, r := range results {
		if r.Recovery == Never {
			all = append(all, "NEVER")
			continue
		}
		all = append(all, fmt.Sprintf("%.0f", r.Recovery.Seconds()))
	}
	return strings.Join(all, " / ")
}
