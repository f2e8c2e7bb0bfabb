package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish", short: "write the completion of a shell",
		long: "Completion writes a script with which a shell completes the commands and their flags.",
		example: `recourse completion bash > /etc/bash_completion.d/recourse
recourse completion zsh > "${fpath[1]}/_recourse"
recourse completion fish > ~/.config/fish/completions/recourse.fish`,
		setup: func(*flag.FlagSet) func(streams, []string) int {
			return func(s streams, args []string) int {
				if len(args) != 1 {
					return s.fail("completion: name one shell: bash, zsh or fish")
				}
				write, ok := map[string]func(io.Writer){"bash": bash, "zsh": zsh, "fish": fish}[args[0]]
				if !ok {
					return s.fail("completion: %q is not known here: bash, zsh and fish are", args[0])
				}
				write(s.stdout)
				return exitOK
			}
		},
	}
}

// flagsOf lists the flags of a command.
func flagsOf(c command) []*flag.Flag {
	flags := newFlags(c)
	c.setup(flags)
	var list []*flag.Flag
	flags.VisitAll(func(f *flag.Flag) { list = append(list, f) })
	return list
}

// words are what may stand in place of an argument, beside files.
func words(c command) []string {
	switch c.name {
	case "help":
		var names []string
		for _, c := range commands() {
			names = append(names, c.name)
		}
		return names
	case "completion":
		return []string{"bash", "zsh", "fish"}
	}
	return nil
}

func bash(w io.Writer) {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	fmt.Fprintf(w, `# bash completion for recourse
_recourse() {
  local word="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W %q -- "$word"))
    return
  fi
  local flags="" words=""
  case "${COMP_WORDS[1]}" in
`, strings.Join(names, " "))
	for _, c := range commands() {
		var flags []string
		for _, f := range flagsOf(c) {
			flags = append(flags, "-"+f.Name)
		}
		fmt.Fprintf(w, "    %s) flags=%q words=%q ;;\n", c.name, strings.Join(flags, " "), strings.Join(words(c), " "))
	}
	fmt.Fprint(w, `  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$word") $([ -n "$words" ] || compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _recourse recourse
`)
}

func zsh(w io.Writer) {
	fmt.Fprint(w, "#compdef recourse\n\n_recourse() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "      %s\n", quote(c.name+":"+c.short))
	}
	fmt.Fprint(w, "    )\n    _describe command commands\n    return\n  fi\n  case $words[2] in\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "    %s) _arguments", c.name)
		for _, f := range flagsOf(c) {
			value := ":value:_files"
			if isSwitch(f) {
				value = ""
			}
			text := strings.NewReplacer("[", "(", "]", ")", ":", "\\:").Replace(firstLine(f.Usage))
			fmt.Fprintf(w, " %s", quote("-"+f.Name+"["+text+"]"+value))
		}
		if list := words(c); list != nil {
			fmt.Fprintf(w, " %s ;;\n", quote("*:word:("+strings.Join(list, " ")+")"))
			continue
		}
		fmt.Fprintf(w, " %s ;;\n", quote("*:file:_files"))
	}
	fmt.Fprint(w, "  esac\n}\n\n_recourse \"$@\"\n")
}

func fish(w io.Writer) {
	fmt.Fprint(w, "# fish completion for recourse\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "complete -c recourse -f -n __fish_use_subcommand -a %s -d %s\n", c.name, quote(c.short))
		here := quote("__fish_seen_subcommand_from " + c.name)
		for _, f := range flagsOf(c) {
			value := " -r"
			if isSwitch(f) {
				value = ""
			}
			fmt.Fprintf(w, "complete -c recourse -n %s -o %s%s -d %s\n", here, f.Name, value, quote(firstLine(f.Usage)))
		}
		if list := words(c); list != nil {
			fmt.Fprintf(w, "complete -c recourse -f -n %s -a %s\n", here, quote(strings.Join(list, " ")))
		}
	}
}

func isSwitch(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.ReplaceAll(text, "`", ""), "\n")
	return line
}

// quote is for the shells that this package writes for, fish as well: what is between
// single quotes stands for itself, but for the quote and in fish the backslash.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
}
