package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/explain"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// demo is what all situations have in common.
type demo struct {
	dir             string
	policies        string   // the text of examples/recourse.yaml
	only            []string // numbers of situations; none: all
	server, backend *process
	style           explain.Style

	guided link // a client with recourse
	narrow link // one that takes no more than 8 KiB of headers
	plain  link // one without recourse

	marks int // see settle
}

// stage is where one situation is played: it shows what the user sees, and notes what is not as it should be.
type stage struct {
	*demo
	id          string // request ids of the situation begin with it
	differences []string
	cleanup     []func()
}

// as returns a context for calls of a user.
func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

const ada, quinn, otto = "token-of-ada", "token-of-quinn", "token-of-otto"

// screen shows what the user sees, line by line.
func (st *stage) screen(text string) {
	for line := range strings.Lines(text) {
		fmt.Println("    " + st.paint(dim, "│") + strings.TrimRight(" "+line, " \n"))
	}
}

// error shows an error as the user sees it.
func (st *stage) error(err error) { st.screen(explain.Error(err, st.style)) }

// log shows where an operator finds a failure, and notes if the cause is not told there.
func (st *stage) log(ctx context.Context, whose string, p *process, err error, cause string) {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	e, _ := status.From(err)
	r, ok := p.logged(ctx, failed, e.RequestID())
	if !ok {
		st.differ("the log of the %s has no request %q", whose, e.RequestID())
		return
	}
	st.show(whose, r)
	st.check(strings.Contains(r.Cause, cause), "the log of the %s does not tell that %s", whose, cause)
}

func (st *stage) show(whose string, r record) {
	fmt.Printf("    %s request_id=%s error_code=%s\n", st.paint(dim, whose+"'s log"), r.RequestID, r.ErrorCode)
	fmt.Printf("    %*s cause=%q\n", len(whose+"'s log"), "", status.Display(r.Cause, 130))
}

func (st *stage) differ(format string, args ...any) {
	st.differences = append(st.differences, fmt.Sprintf(format, args...))
}

func (st *stage) check(ok bool, format string, args ...any) {
	if !ok {
		st.differ(format, args...)
	}
}

// verdict ends a situation and reports whether it was as it should be.
func (st *stage) verdict(so string) bool {
	if len(st.differences) == 0 {
		fmt.Println("    " + st.paint(green, "✓") + " " + so)
		return true
	}
	for _, d := range st.differences {
		fmt.Println("    " + st.paint(red, "✗") + " " + d)
	}
	return false
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

func (d *demo) paint(color, text string) string {
	if !d.style.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// want is what an error should be.
type want struct {
	code       codes.Code
	errorCode  string
	suggestion string
	verdict    recoursev1.RetryAdvice_Verdict
	actions    []string // the types of action in order, "label" for one without a type
	fields     []string // with violations
	local      bool     // the server never answered: no request id
}

// private is what nobody outside may read: it stands in panics, in the errors of databases and dependencies, and in
// stacks.
var private = []string{
	"hunter2", "postgres://", "10.0.0.7", "save history",
	"index out of range", "runtime error", "goroutine", ".go:", "faults.go",
	"/mnt/models", "gpu-7", "cuda",
}

// compare notes where an error differs from what it should be.
func (st *stage) compare(err error, got *seen, w want) {
	e, ok := status.From(err)
	if !ok {
		st.differ("got %v, want an error with a status", err)
		return
	}
	st.check(e.Code() == w.code, "code is %v, should be %v", e.Code(), w.code)
	st.check(e.ErrorCode() == w.errorCode, "error code is %q, should be %q", e.ErrorCode(), w.errorCode)
	st.check(e.Suggestion() == w.suggestion, "suggestion is %q, should be %q", e.Suggestion(), w.suggestion)
	st.check(e.Verdict() == w.verdict, "verdict is %v, should be %v", e.Verdict(), w.verdict)
	st.check(w.local || e.RequestID() != "", "there is no request id")
	actions := types(e.RecoveryActions())
	st.check(slices.Equal(actions, w.actions), "actions are %q, should be %q", actions, w.actions)
	var fields []string
	for bad := range status.Details[*errdetails.BadRequest](e) {
		for _, v := range bad.GetFieldViolations() {
			fields = append(fields, v.GetField())
		}
	}
	st.check(slices.Equal(fields, w.fields), "fields are %q, should be %q", fields, w.fields)
	if e.Domain() != "" { // the server answered, so this has to be there to be seen
		st.check(len(got.contains([]string{strings.ToLower(w.errorCode)})) == 1, "the error code did not come over the network")
	}
	st.discreet(err, got)
}

// discreet notes what an error told that it should not have, wherever it stood.
func (st *stage) discreet(err error, got *seen) {
	found := got.contains(private)
	for _, text := range private {
		if strings.Contains(strings.ToLower(err.Error()+explain.Error(err, explain.Style{})), text) {
			found = append(found, text)
		}
	}
	st.check(len(found) == 0, "the client could read %q", found)
	size := got.trailerSize()
	st.check(size <= status.DefaultTrailerBytes, "the trailers have %d bytes, more than %d", size, status.DefaultTrailerBytes)
}

// types returns the kinds of actions as the contract names them.
func types(actions []*recoursev1.RecoveryAction) []string {
	var names []string
	for _, a := range actions {
		m := a.ProtoReflect()
		if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("action")); field != nil {
			names = append(names, string(field.Name()))
		} else {
			names = append(names, "label")
		}
	}
	return names
}
