// Command recourse works with the errors that services declare, see recourse/v1/catalog.proto:
// it checks them, tells what a change of them breaks for clients, and more. `recourse help`
// lists the commands.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// What the program exits with.
const (
	exitOK    = 0
	exitFound = 1 // what was asked for was done, and the answer is bad
	exitUsage = 2 // it was called in a wrong way, or what it should read cannot be read
)

// A command is one word after `recourse`. Each has a file of its own.
type command struct {
	name    string
	args    string // its arguments, for the line of usage
	short   string // what it does, one line without a full stop
	long    string // the same at length
	example string // lines that can be typed in

	// setup defines the flags, and returns what runs once they are parsed: with the
	// arguments that are no flags, which may stand before, between and after flags.
	// It returns what the program exits with.
	setup func(flags *flag.FlagSet) func(in streams, args []string) int
}

// streams are what a command reads and writes.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// fail says what went wrong, and what to do.
func (s streams) fail(format string, args ...any) int {
	fmt.Fprintf(s.stderr, "recourse: "+format+"\n", args...)
	return exitUsage
}

// commands returns all commands in the order of the help. It is a function because help
// and completion list it themselves.
func commands() []command {
	return []command{
		lintCommand(), breakingCommand(), docsCommand(), explainCommand(), callCommand(), helpCommand(), completionCommand(),
	}
}

func main() { os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) }

func run(args []string, s streams) int {
	if len(args) == 0 {
		overview(s.stderr)
		return exitUsage
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	}
	c, ok := find(name)
	if !ok {
		return s.fail("there is no command %q: `recourse help` lists them", args[0])
	}
	flags := newFlags(c)
	do := c.setup(flags)
	rest, err := parse(flags, args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		describe(s.stdout, c)
		return exitOK
	case err != nil:
		return s.fail("%s: %v; see `recourse help %s`", c.name, err, c.name)
	}
	return do(s, rest)
}

func find(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

// newFlags is silent: run prints what it returns.
func newFlags(c command) *flag.FlagSet {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// parse takes flags wherever they stand; the package flag stops at the first argument that
// is none. After -- nothing is a flag.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		left := flags.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// overview lists the commands.
func overview(w io.Writer) {
	fmt.Fprint(w, "recourse works with the errors that gRPC services declare.\n\nUsage:\n\n  recourse <command> [flags] [arguments]\n\nCommands:\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s%s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\n`recourse help <command>` tells more.\n")
}

// describe writes the manual page of a command.
func describe(w io.Writer, c command) {
	flags := newFlags(c)
	c.setup(flags)
	usage := "recourse " + c.name
	some := false
	flags.VisitAll(func(*flag.Flag) { some = true })
	if some {
		usage += " [flags]"
	}
	if c.args != "" {
		usage += " " + c.args
	}
	fmt.Fprintf(w, "Usage:\n\n  %s\n\n%s\n", usage, strings.TrimSpace(c.long))
	if some {
		fmt.Fprint(w, "\nFlags:\n\n")
		flags.SetOutput(w)
		flags.PrintDefaults()
	}
	if c.example != "" {
		fmt.Fprint(w, "\nFor example:\n\n")
		for line := range strings.Lines(strings.Trim(c.example, "\n")) {
			fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, "\n"))
		}
	}
}

func helpCommand() command {
	return command{
		name: "help", args: "[command]", short: "tell what a command does",
		long:    "Help lists the commands, or tells about one of them.",
		example: "recourse help lint",
		setup: func(*flag.FlagSet) func(streams, []string) int {
			return func(s streams, args []string) int {
				switch {
				case len(args) == 0:
					overview(s.stdout)
					return exitOK
				case len(args) > 1:
					return s.fail("help: one command at a time")
				}
				c, ok := find(args[0])
				if !ok {
					return s.fail("help: there is no command %q: `recourse help` lists them", args[0])
				}
				describe(s.stdout, c)
				return exitOK
			}
		},
	}
}
