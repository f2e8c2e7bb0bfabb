package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dev/recourse/explain"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// The situations in which something is done about a failure. Each has services of its own, since budgets remember.
var recoveries = []situation{
	{"A busy service says when to come back",
		`client process "Will it rain in Oslo? demo:busy": the model says "not before 250 ms"`, busy,
		"the assistant waited that long and asked again; the person just got the answer"},
	{"A hundred people meet an outage",
		"100 texts, ten at a time; the model is down, and each hop may try three times", storm,
		"repeats stopped soon: three attempts on both hops, without end, are 900 calls of the model"},
	{"A fallback answers", `client process "Will it rain in Oslo? demo:down": the model is down`, fallback,
		"an answer, marked as not the real one; whoever wants that or none gets the error"},
	{"The last good answer", "the same question twice, and the assistant's process is stopped in between", lastGood,
		"the earlier answer with its age, once three attempts had failed"},
	{"A text breaks off, and nobody notices", `client generate "the sea at night demo:break", with Resume`, resume,
		"the client asked for the rest: every piece once and in order"},
	{"The token has expired, and nobody notices",
		`client -token token-of-2019 -refresh token-of-ada process "Hello"`, renew,
		"refused once, renewed once, repeated once; without -refresh the person has to sign in"},
	{"The third failure in a row", "three texts, one after the other, while the model is down", escalate,
		"the third error sends the person to support, with the id to quote there"},
	{"Three hops, and the last one is dead", "client, assistant, router, model: each hop may try three times", threeHops,
		"6 calls of the model where others make 27, and the error names who gave up"},
	{"A wait that does not fit",
		`client -timeout 3s generate "the sea demo:full": the model says "not before 10 s"`, noTime,
		"nobody waited in vain: the real error at once, with the delay"},
	{"A handler is stuck", `the assistant allows 0.4 s, and the handler of "Hello demo:stuck" sleeps for 2 s`, stuck,
		"answered in time; the handler was left behind and returned later, to nobody"},
	{"More calls than the server takes",
		"an assistant that takes one call at once is busy, and another call comes", overload,
		"refused within a moment, nothing was done, and it says when to come back"},
}

// busyWait is what the model asks for in an error.
const busyWait = 250 * time.Millisecond

func busy(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	out, code := st.shellAt(ctx, f, "process", "Will it rain in Oslo? demo:busy")
	st.screen(out)
	st.check(code == 0 && strings.Contains(out, "Oslo"), "exit code is %d", code)
	st.hop(ctx, "client → assistant", f.assistant, 1)
	calls := st.arrivals(ctx, f.model, st.id)
	if len(calls) != 2 {
		st.differ("%d calls of the model, should be 2", len(calls))
		return
	}
	waited := calls[1].Time.Sub(calls[0].Time).Round(time.Millisecond)
	st.count("assistant → model", len(calls), fmt.Sprintf(", the second %v after the first", waited))
	st.check(calls[1].Attempt == 2, "the second says that it is attempt %d", calls[1].Attempt)
	st.check(waited >= busyWait, "the assistant waited %v, should be %v at least", waited, busyWait)
}

// shellAt runs the client as a person would, against a fleet. Its calls are those of the situation.
func (st *stage) shellAt(ctx context.Context, f fleet, args ...string) (out string, code int) {
	return st.shell(ctx, append([]string{"-addr", f.assistant.addr, "-request-id", st.id}, args...)...)
}

// persistent is the options of a client that repeats, as the policies of the example say.
func (st *stage) persistent(more ...interceptors.DialOption) []grpc.DialOption {
	policies, err := policy.Parse([]byte(st.policies))
	st.check(err == nil, "the policies are wrong: %v", err)
	return interceptors.DialOptions(append(more, interceptors.Policies(policies))...)
}

func storm(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	l, ok := st.connect(f.assistant, st.persistent()...)
	if !ok {
		return
	}
	const people, atOnce = 100, 10
	errs := make([]error, people)
	var callers sync.WaitGroup
	for first := range atOnce {
		callers.Go(func() {
			for i := first; i < people; i += atOnce {
				_, errs[i] = generate(named(as(ctx, ada), fmt.Sprintf("%s-%d", st.id, i)), l, "the sea demo:down", 0)
			}
		})
	}
	callers.Wait()
	spent := 0
	for i, err := range errs {
		e, _ := status.From(err)
		st.check(e.Code() == codes.Unavailable, "call %d: %v", i, err)
		if e.RetryAdvice().GetWhy() == recoursev1.RetryAdvice_WHY_BUDGET_SPENT {
			spent++
		}
	}
	st.error(errs[people-1])
	st.check(spent >= people/2, "%d errors say that too many calls fail, should be most of them", spent)
	// A budget of 20 repeats on each hop, and half of the client's is not for what the assistant has given up.
	st.hopUpTo(ctx, "clients → assistant", f.assistant, people, people+20)
	st.hopUpTo(ctx, "assistant → model", f.model, people+15, people+45)

	text, err := generate(as(ctx, ada), l, "the sea", 0)
	st.check(err == nil && text != "", "once the outage is over: %q, %v", text, err)
}

func fallback(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	out, code := st.shellAt(ctx, f, "process", "Will it rain in Oslo? demo:down")
	st.screen(out)
	st.check(code == 0 && strings.Contains(out, "assistant.example.com/weather"), "exit code %d", code)
	st.hop(ctx, "client → assistant", f.assistant, 1)
	st.hop(ctx, "assistant → model", f.model, 3)

	l, ok := st.connect(f.assistant, interceptors.DialOptions()...)
	if !ok {
		return
	}
	var d *recoursev1.Degraded
	req := &assistantv1.ProcessRequest{Query: "Will it rain in Oslo? demo:down"}
	_, err := l.assistant().Process(as(ctx, ada), req, interceptors.Degraded(&d))
	st.check(err == nil, "the second call failed: %v", err)
	because := d.GetErrorCode() == status.CodeDependencyUnavailable && d.GetDomain() == "assistant.example.com"
	st.check(because && d.GetKind() == recoursev1.Degraded_KIND_SUBSTITUTE && d.GetSource() == "apology" &&
		d.GetSuggestion() == later, "the mark is %v", d)
	_, err = l.assistant().Process(as(ctx, ada), req, interceptors.DegradedAsError())
	e, _ := status.From(err)
	st.check(e.Code() == codes.Unavailable && e.ErrorCode() == status.CodeDependencyUnavailable,
		"with DegradedAsError: %v", err)
}

func lastGood(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	l, ok := st.connect(f.assistant, st.persistent(interceptors.Fallback(assistantv1.Assistant_Process_FullMethodName,
		interceptors.LastGood[*assistantv1.ProcessRequest](time.Minute, nil)))...)
	if !ok {
		return
	}
	var d *recoursev1.Degraded
	ask := func() (string, *seen) {
		ctx, got := watch(named(as(ctx, ada), st.id))
		reply, err := l.assistant().Process(ctx, &assistantv1.ProcessRequest{Query: "Will it rain in Oslo?"},
			interceptors.Degraded(&d))
		st.check(err == nil, "the call failed: %v", err)
		st.screen(reply.GetAnswer())
		return reply.GetAnswer(), got
	}
	began := time.Now()
	first, _ := ask()
	st.check(d == nil, "the first answer is marked: %v", d)
	f.assistant.stop()
	again, got := ask()
	st.screen(explain.Degraded(d, st.style))
	age := d.GetAge().AsDuration()
	st.check(again == first && first != "", "the second answer is %q", again)
	st.check(d.GetKind() == recoursev1.Degraded_KIND_STALE && d.GetErrorCode() == "UNAVAILABLE", "the mark is %v", d)
	st.check(age > 0 && age <= time.Since(began), "the answer is %v old", age)
	st.hop(ctx, "client → assistant", f.assistant, 1)
	st.count("", got.made(), " more, that nobody was there for")
	st.check(got.made() == 3, "%d attempts, should be 3", got.made())
	st.hop(ctx, "assistant → model", f.model, 1)
}

func resume(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	whole, code := st.shell(ctx, "-addr", f.assistant.addr, "generate", "the sea at night")
	st.check(code == 0 && len(strings.Fields(whole)) > 12, "without the lever: %q, exit code %d", whole, code)
	out, code := st.shellAt(ctx, f, "generate", "the sea at night demo:break")
	st.screen(out)
	st.check(code == 0 && out == whole, "exit code %d, and the text should be %q", code, whole)
	st.hop(ctx, "client → assistant", f.assistant, 2)
	st.hop(ctx, "assistant → model", f.model, 2)
	logCtx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	r, ok := f.model.logged(logCtx, failed, st.id)
	st.check(ok && strings.Contains(r.Cause, "cuda"), "the model did not fail: %v", r)
	if ok {
		st.show("model", r)
	}
}

func renew(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	out, code := st.shellAt(ctx, f, "-token", "token-of-2019", "-refresh", ada, "process", "Hello")
	st.screen(out)
	st.check(code == 0 && out != "" && !strings.Contains(out, "error"), "exit code %d", code)
	calls := st.hop(ctx, "client → assistant", f.assistant, 2)
	st.check(len(calls) == 2 && calls[1].Attempt == 2, "the second call is no repeat: %v", calls)
	st.hop(ctx, "assistant → model", f.model, 1)
	out, code = st.shell(ctx, "-addr", f.assistant.addr, "-token", "token-of-2019", "process", "Hello")
	st.check(code == 1 && strings.Contains(out, "TOKEN_EXPIRED"), "without -refresh: exit code %d, %q", code, out)
}

func escalate(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	l, ok := st.connect(f.assistant, interceptors.DialOptions()...)
	if !ok {
		return
	}
	for i := range 3 {
		id := fmt.Sprintf("%s-%d", st.id, i+1)
		ctx, got := watch(named(as(ctx, ada), id))
		_, err := generate(ctx, l, "the sea demo:down", 0)
		e, _ := status.From(err)
		if i < 2 {
			st.screen(fmt.Sprintf("error: %s  (request id %s)", e.Message(), e.RequestID()))
			actions := types(e.RecoveryActions())
			st.check(slices.Equal(actions, []string{"retry_after"}), "failure %d: the actions are %q", i+1, actions)
			continue
		}
		st.error(err)
		st.compare(err, got, want{codes.Unavailable, status.CodeDependencyUnavailable, later, e.Verdict(),
			[]string{"contact_support", "retry_after"}, nil, false})
		for _, a := range e.RecoveryActions()[:min(1, len(e.RecoveryActions()))] {
			s := a.GetContactSupport()
			st.check(s.GetReference() == id && s.GetChannel() == "support@example.com", "support is %v", s)
		}
	}
	st.hop(ctx, "client → assistant", f.assistant, 3)
	st.hop(ctx, "assistant → model", f.model, 9)
}

func threeHops(ctx context.Context, st *stage) {
	model, err := st.startModel(ctx)
	if err != nil {
		st.differ("no model: %v", err)
		return
	}
	st.later(model.stop)
	router, err := st.startModel(ctx, "-next", model.addr)
	if err != nil {
		st.differ("no router: %v", err)
		return
	}
	st.later(router.stop)
	assistant, ok := st.assistant(ctx, router)
	if !ok {
		return
	}
	l, ok := st.connect(assistant, st.persistent()...)
	if !ok {
		return
	}
	ctx, got := watch(named(as(ctx, otto), st.id)) // one of our own people: others do not learn what is behind
	_, err = generate(ctx, l, "the sea demo:down", 0)
	st.error(err)
	st.compare(err, got, want{codes.Unavailable, status.CodeDependencyUnavailable, later, status.Never, nil, nil, false})
	e, _ := status.From(err)
	advice := e.RetryAdvice()
	st.check(advice.GetExhaustedBy() == "router.example.com" && advice.GetAttempts() == 3, "the advice is %v", advice)
	st.hop(ctx, "client → assistant", assistant, 1)
	st.hop(ctx, "assistant → router", router, 2)
	st.hop(ctx, "router → model", model, 6)
}

func noTime(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx)
	if !ok {
		return
	}
	l, ok := st.connect(f.assistant, st.persistent()...)
	if !ok {
		return
	}
	const allowed, asked = 3 * time.Second, 10 * time.Second
	short, cancel := context.WithTimeout(named(as(ctx, ada), st.id), allowed)
	defer cancel()
	short, got := watch(short)
	began := time.Now()
	_, err := generate(short, l, "the sea demo:full", 0)
	took := time.Since(began)
	st.error(err)
	st.compare(err, got, want{codes.Unavailable, status.CodeDependencyUnavailable, later,
		status.SameRequest, []string{"retry_after"}, nil, false})
	e, _ := status.From(err)
	delay, _ := e.RetryDelay()
	st.check(delay == asked, "the delay is %v, should be %v", delay, asked)
	st.check(took < allowed && short.Err() == nil, "it took %v", took)
	st.line("the answer came", "after %v", took.Round(time.Millisecond))
	st.hop(ctx, "client → assistant", f.assistant, 1)
	st.hop(ctx, "assistant → model", f.model, 1)
}

func stuck(ctx context.Context, st *stage) {
	quick, err := st.policyFile("quick", "    timeout_seconds: 10", "    timeout_seconds: 0.4")
	if err != nil {
		st.differ("no policies: %v", err)
		return
	}
	f, ok := st.fleet(ctx, "-policy", quick)
	if !ok {
		return
	}
	l, ok := st.connect(f.assistant, interceptors.DialOptions()...)
	if !ok {
		return
	}
	call, got := watch(named(as(context.WithoutCancel(ctx), ada), st.id)) // without a deadline: the server sets one
	began := time.Now()
	_, err = l.assistant().Process(call, &assistantv1.ProcessRequest{Query: "Hello demo:stuck"})
	took := time.Since(began)
	st.error(err)
	st.line("the answer came", "after %v", took.Round(10*time.Millisecond))
	st.compare(err, got, want{codes.DeadlineExceeded, status.CodeTimeout, later, status.Never, nil, nil, false})
	st.hop(ctx, "client → assistant", f.assistant, 1)
	answered, found := f.assistant.logged(ctx, failed, st.id)
	back, late := f.assistant.logged(ctx, returned, st.id)
	st.check(found && late && back.Time.After(answered.Time), "the handler had returned when the call was answered")
	st.check(took >= 400*time.Millisecond, "answered after %v, before the time was up", took)
	st.line("the handler returned", "%v after that", back.Time.Sub(answered.Time).Round(100*time.Millisecond))
}

func overload(ctx context.Context, st *stage) {
	f, ok := st.fleet(ctx, "-at-once", "1")
	if !ok {
		return
	}
	l, ok := st.connect(f.assistant, interceptors.DialOptions()...)
	if !ok {
		return
	}
	busy, stop := context.WithCancel(named(as(ctx, ada), st.id+"-first"))
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = l.assistant().Process(busy, &assistantv1.ProcessRequest{Query: "Will it rain? demo:slow"})
	}()
	_, ok = f.model.logged(ctx, arrived, st.id+"-first") // it has the only place
	st.check(ok, "the first call did not arrive")
	second, got := watch(named(as(ctx, ada), st.id+"-second"))
	_, err := l.assistant().Process(second, &assistantv1.ProcessRequest{Query: "Will it rain?"})
	st.error(err)
	st.compare(err, got, want{codes.Unavailable, "SERVER_OVERLOADED", later,
		status.SameRequest, []string{"retry_after"}, nil, false})
	e, _ := status.From(err)
	delay, ok := e.RetryDelay()
	st.check(ok && delay > 0 && e.Outcome() == status.NotApplied, "delay %v, outcome %v", delay, e.Outcome())
	stop()
	<-over
	st.hop(ctx, "client → assistant", f.assistant, 2)
	st.hop(ctx, "assistant → model", f.model, 1)
	ids := map[string]bool{}
	for _, r := range st.arrivals(ctx, f.model, st.id) {
		ids[r.RequestID] = true
	}
	st.check(maps.Equal(ids, map[string]bool{st.id + "-first": true}), "the model got %v", ids)
}
