package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recourse-dev/recourse/bench/fleet"
	"github.com/recourse-dev/recourse/bench/overload"
)

// virtually runs f in a test: virtual time is for tests only.
func virtually(f func(t *testing.T)) {
	os.Args = os.Args[:1] // what is left are the flags of go test
	all := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "compare", F: f}}, nil, nil)
}

func playOverload(t *testing.T) (results []*overload.Result, err error) {
	for _, c := range overload.Contenders {
		synctest.Test(t, func(*testing.T) {
			r, failed := overload.Default(1).Run(c)
			results, err = append(results, r), errors.Join(err, failed)
		})
	}
	return results, err
}

func playFleet() (string, error) {
	results := fleet.Compare(func(_ fleet.Server, load float64) fleet.Scenario { return fleet.Default(1, load) }, fleet.Peers)
	var table strings.Builder
	err := fleet.Print(&table, fleet.Peers, results)
	return table.String(), err
}
