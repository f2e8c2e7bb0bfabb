// Package vet checks the Go code of gRPC services: that their handlers answer with errors
// that are declared, and keep from callers what those were not meant to read.
package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/buildssa"
)

// Analyzer reports what its Doc lists. It follows errors through the functions of one
// package, and leaves generated files and tests alone.
var Analyzer = &analysis.Analyzer{
	Name: "recourse",
	Doc: `check what the handlers of gRPC services answer with

A handler is a method that implements a generated server interface; what it calls in its
own package is followed. The rules:

  CODE_UNDECLARED
    Checks that a handler answers with declared errors, and not with grpc's status.Error.
  CODE_CAUSE_LOST
    Checks that an error that a handler answers with is wrapped with %w.
  CODE_CAUSE_SHOWN
    Checks that the text of an error is no parameter, message or suggestion of another.
  CODE_LINT_EXCEPTION
    Checks that an exception to a rule is needed and says why.

CANCELLED, DEADLINE_EXCEEDED and UNIMPLEMENTED are gRPC's own, and need no declaration.

Code that is right to break a rule says so, and why, on its line or on the line before:

  //lint:ignore CODE_UNDECLARED it stands in for a server without declared errors`,
	URL:      "https://pkg.go.dev/github.com/recourse-dev/recourse/tools/vet",
	Requires: []*analysis.Analyzer{buildssa.Analyzer},
	Run:      run,
}

const (
	ruleUndeclared = "CODE_UNDECLARED"
	ruleLost       = "CODE_CAUSE_LOST"
	ruleShown      = "CODE_CAUSE_SHOWN"
	ruleException  = "CODE_LINT_EXCEPTION"
)

// rules are those that can have exceptions.
var rules = map[string]bool{ruleUndeclared: true, ruleLost: true, ruleShown: true}

type checker struct {
	*analysis.Pass
	ssa        *buildssa.SSA
	calls      map[token.Pos]token.Pos // of a call's parenthesis to its beginning
	exceptions map[line][]*exception
	reported   map[finding]bool
}

type line struct {
	file   string
	number int
}

type finding struct {
	at   token.Pos
	rule string
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{
		Pass: pass, ssa: pass.ResultOf[buildssa.Analyzer].(*buildssa.SSA),
		calls: map[token.Pos]token.Pos{}, exceptions: map[line][]*exception{}, reported: map[finding]bool{},
	}
	var all []*exception
	for _, f := range pass.Files {
		if ast.IsGenerated(f) || strings.HasSuffix(pass.Fset.File(f.FileStart).Name(), "_test.go") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				c.calls[call.Lparen] = call.Pos()
			}
			return true
		})
		all = append(all, c.exceptionsIn(f)...)
	}
	for _, handler := range c.handlers() {
		c.answers(handler)
	}
	for _, fn := range c.ssa.SrcFuncs {
		c.shown(fn)
	}
	for _, x := range all {
		c.checkException(x)
	}
	return nil, nil
}

// reportf reports a call, by the place of its parenthesis, unless there is an exception. Calls in files that are not
// checked are not in c.calls.
func (c *checker) reportf(paren token.Pos, rule, format string, args ...any) {
	at, ok := c.calls[paren]
	if !ok || c.reported[finding{at, rule}] {
		return
	}
	c.reported[finding{at, rule}] = true
	silent := false
	for _, x := range c.exceptions[c.lineOf(at)] {
		if x.rule == rule {
			x.used, silent = true, true
		}
	}
	if !silent {
		c.finding(at, rule, format, args...)
	}
}

func (c *checker) finding(at token.Pos, rule, format string, args ...any) {
	c.Report(analysis.Diagnostic{Pos: at, Category: rule, Message: rule + ": " + fmt.Sprintf(format, args...)})
}

func (c *checker) lineOf(at token.Pos) line {
	p := c.Fset.Position(at)
	return line{p.Filename, p.Line}
}

// exception is a comment that silences a rule.
type exception struct {
	at           token.Pos
	rule, reason string
	used         bool
}

// exceptionsIn finds the comments "//lint:ignore RULE,RULE reason" that name a rule of ours. Other linters have them too.
func (c *checker) exceptionsIn(f *ast.File) []*exception {
	var all []*exception
	for _, group := range f.Comments {
		for _, comment := range group.List {
			text, ok := strings.CutPrefix(comment.Text, "//lint:ignore ")
			if !ok {
				continue
			}
			names, reason, _ := strings.Cut(strings.TrimSpace(text), " ")
			if reason = strings.TrimSpace(reason); strings.HasPrefix(reason, "//") {
				reason = "" // that is another comment
			}
			for name := range strings.SplitSeq(names, ",") {
				if !strings.HasPrefix(name, "CODE_") {
					continue
				}
				x := &exception{at: comment.Pos(), rule: name, reason: reason}
				all = append(all, x)
				here := c.lineOf(comment.Pos())
				next := line{here.file, c.lineOf(group.End()).number + 1}
				c.exceptions[here] = append(c.exceptions[here], x)
				c.exceptions[next] = append(c.exceptions[next], x)
			}
		}
	}
	return all
}

// checkException comes last: only then is it known what it silenced.
func (c *checker) checkException(x *exception) {
	switch {
	case x.rule == ruleException:
		c.finding(x.at, ruleException, "%s has no exceptions: take it out", x.rule)
	case !rules[x.rule]:
		c.finding(x.at, ruleException, "%q is no rule: write the id as findings show it", x.rule)
	case x.reason == "":
		c.finding(x.at, ruleException, "the exception from %s does not say why: give the reason", x.rule)
	case !x.used:
		c.finding(x.at, ruleException, "%s finds nothing here: take the exception out", x.rule)
	}
}
