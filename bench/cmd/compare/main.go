package main

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/bench/cases"
	"github.com/recourse-dev/recourse/bench/harness"
)

func main() {
	var cs []harness.Case
	for _, c := range cases.All() {
		if len(os.Args) < 2 || strings.Contains(c.Name, os.Args[1]) {
			cs = append(cs, c)
		}
	}
	r, err := harness.Measure(cs, harness.Settings{Rounds: 6, Slice: 40 * time.Millisecond, Progress: func(n string) { fmt.Println(n, time.Now()) }})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range r.Cases {
		fmt.Println(c.Name)
		b := c.Find(c.Baseline)
		for i, m := range c.Measured {
			if c.Heap {
				fmt.Println("   ", c.Contenders[i].Name, m.Heap)
				continue
			}
			w := harness.Summarize(m.CPU)
			q := harness.Ratio(m.CPU, b.CPU)
			fmt.Printf("   %-20s %5.0f %7.0f  %9.0f ns  %.2f %.2f-%.2f  n=%d\n", c.Contenders[i].Name, m.Allocs, m.Bytes, w.Value, q.Value, q.Lo, q.Hi, m.N)
		}
	}
}
