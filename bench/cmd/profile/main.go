// Profile writes profiles of calls that succeed and of calls that fail, for go tool
// pprof: where CPU time goes, and where allocations are made.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/harness"
)

func main() {
	folder := flag.String("o", "profiles", "folder to write to")
	who := flag.String("contender", contender.CoreName, "whom to profile")
	long := flag.Duration("for", 5*time.Second, "how long to make calls of each kind")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log.SetFlags(0)
	log.SetOutput(os.Stderr)
	if err := os.MkdirAll(*folder, 0o755); err != nil {
		log.Fatal(err)
	}
	for _, c := range []harness.Case{cases.Success(), cases.Failure()} {
		if err := profile(c, *who, filepath.Join(*folder, c.Name), *long); err != nil {
			log.Fatal(err)
		}
	}
}

// profile makes calls for a while. Allocations before that are in a profile of their own,
// to be subtracted.
func profile(c harness.Case, who, file string, long time.Duration) error {
	for _, each := range c.Contenders {
		if each.Name != who {
			continue
		}
		run, stop, err := each.Setup()
		if err != nil {
			return err
		}
		defer stop()
		run(1000)
		before, err := os.Create(file + ".base")
		if err != nil {
			return err
		}
		cpu, err := os.Create(file + ".cpu")
		if err != nil {
			return err
		}
		allocs, err := os.Create(file + ".allocs")
		if err != nil {
			return err
		}
		runtime.GC() // a profile is as of the last collection
		err = pprof.Lookup("allocs").WriteTo(before, 0)
		err = errors.Join(err, pprof.StartCPUProfile(cpu))
		for end := time.Now().Add(long); time.Now().Before(end); {
			run(1000)
		}
		pprof.StopCPUProfile()
		runtime.GC()
		return errors.Join(err, pprof.Lookup("allocs").WriteTo(allocs, 0), before.Close(), cpu.Close(), allocs.Close())
	}
	return fmt.Errorf("%s: there is no contender %q", c.Name, who)
}
