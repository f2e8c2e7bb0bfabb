// Compare measures all contenders in all cases, and writes down what it found.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dev/recourse/bench/amplification"
	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/errorpath"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/bench/report"
)

func main() {
	var p program
	flags := flag.NewFlagSet("compare", flag.ExitOnError)
	flags.IntVar(&p.Rounds, "rounds", 20, "in each of which every contender has its turn; at least 6")
	flags.DurationVar(&p.Slice, "slice", 80*time.Millisecond, "of a turn")
	flags.StringVar(&p.only, "only", "", "part of the names of cases: leave out all others, and the scenarios; not with -o or -check")
	flags.StringVar(&p.document, "o", "", "file to write the document to; without it, it is printed")
	flags.StringVar(&p.benchmarks, "bench", "", "file to write all rounds to, in the format of go test -bench")
	flags.BoolVar(&p.scenarios, "scenarios", true, "play overload and fleet too")
	flags.BoolVar(&p.brief, "brief", false, "print what is promised and where others cost less, not the whole document")
	flags.BoolVar(&p.check, "check", false, "fail where a number is outside of its gate, or a shortfall is not explained")
	_ = flags.Parse(os.Args[1:])                   // it exits
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what a contender logs by default would be measured too
	log.SetFlags(0)
	log.SetOutput(os.Stderr)
	virtually(func(t *testing.T) {
		if err := p.run(t); err != nil {
			log.Fatal(err)
		}
		os.Exit(0)
	})
}

type program struct {
	harness.Settings
	only, document, benchmarks string
	scenarios, brief, check    bool
}

// allCases is the one place where cases are put together.
func allCases() []harness.Case {
	return slices.Concat(cases.All(), errorpath.Cases())
}

// chosen are the cases to measure. What is promised is promised of all of them, so that
// a part is good for a look only.
func (p program) chosen() ([]harness.Case, error) {
	if p.only != "" && (p.document != "" || p.check) {
		return nil, errors.New("-only is for looking at a few cases: neither -o nor -check goes with it")
	}
	chosen := slices.DeleteFunc(allCases(), func(c harness.Case) bool { return !strings.Contains(c.Name, p.only) })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no case has %q in its name", p.only)
	}
	return chosen, nil
}

func (p program) run(t *testing.T) error {
	start := time.Now()
	chosen, err := p.chosen()
	if err != nil {
		return err
	}
	p.Progress = func(name string) { log.Printf("%5.0f s  %s", time.Since(start).Seconds(), name) }
	results, err := harness.Measure(chosen, p.Settings)
	if err != nil {
		return err
	}
	r := &report.Report{Results: results, Settings: p.Settings}
	if p.only == "" {
		if err := p.play(t, r); err != nil {
			return err
		}
	}
	log.Printf("%5.0f s  done", time.Since(start).Seconds())
	return p.publish(r)
}

// play adds the scenarios.
func (p program) play(t *testing.T, r *report.Report) error {
	p.Progress("amplification")
	for _, c := range contender.ForOutages() {
		a, err := amplification.Run(c)
		if err != nil {
			return err
		}
		r.Amplification = append(r.Amplification, a)
	}
	if !p.scenarios {
		return nil
	}
	p.Progress("overload")
	var err error
	if r.Overload, err = playOverload(t); err != nil {
		return err
	}
	p.Progress("fleet")
	r.Fleet, err = playFleet()
	return err
}

func (p program) publish(r *report.Report) error {
	show := r.Write
	if p.document != "" {
		if err := write(p.document, r.Write); err != nil {
			return err
		}
		show = r.Table
	}
	if p.brief {
		show = r.Brief
	}
	if err := show(os.Stdout); err != nil {
		return err
	}
	if p.benchmarks != "" {
		if err := write(p.benchmarks, r.Results.WriteBenchmarks); err != nil {
			return err
		}
	}
	outside, silent := r.Problems()
	if !p.brief { // which has said it
		for _, s := range outside {
			log.Print("outside of its gate: ", s)
		}
	}
	if !p.brief || p.check {
		for _, s := range silent {
			log.Print("not explained in bench/report/notes.md: ", s)
		}
	}
	if p.check && len(outside)+len(silent) > 0 {
		return fmt.Errorf("%d numbers are outside of their gates, and %d shortfalls not explained", len(outside), len(silent))
	}
	return nil
}

func write(name string, content func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}
