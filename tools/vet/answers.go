package vet

import (
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

const (
	grpcStatus = "google.golang.org/grpc/status"
	statusType = "(*google.golang.org/grpc/internal/status.Status)" // what grpc's status.Status is an alias for
)

// answers reports what a handler should not answer with.
func (c *checker) answers(handler *ssa.Function) {
	t := &trace{checker: c, handler: handler.Name(), seen: map[any]bool{}}
	t.result(handler, handler.Signature.Results().Len()-1)
}

// trace follows errors back from where a handler returns them to where they were made. What it cannot follow, it takes
// for good: a variable that other goroutines or deferred functions may change, a field, what other packages return.
type trace struct {
	*checker
	handler string
	seen    map[any]bool
}

type result struct {
	fn *ssa.Function
	i  int
}

func (t *trace) again(what any) bool {
	again := t.seen[what]
	t.seen[what] = true
	return again
}

// result follows a result of a function of this package.
func (t *trace) result(fn *ssa.Function, i int) {
	if origin := fn.Origin(); origin != nil {
		fn = origin
	}
	if fn.Package() != t.ssa.Pkg || t.again(result{fn, i}) {
		return
	}
	for _, block := range fn.Blocks {
		if ret, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return); ok && i < len(ret.Results) {
			t.value(ret.Results[i])
		}
	}
}

// variable follows what is read from a variable: what the package gives it where that is declared, or, of a local one that
// only its own function writes to, what was stored last on each way to the place where it is read.
func (t *trace) variable(load *ssa.UnOp) {
	switch v := load.X.(type) {
	case *ssa.Global:
		if v.Package() == t.ssa.Pkg && !t.again(v) {
			for _, block := range v.Package().Func("init").Blocks {
				for _, instr := range block.Instrs {
					if store, ok := instr.(*ssa.Store); ok && store.Addr == v {
						t.value(store.Val)
					}
				}
			}
		}
	case *ssa.Alloc:
		if !writtenElsewhere(v) {
			block := load.Block()
			t.stored(v, block, slices.Index(block.Instrs, ssa.Instruction(load)), map[*ssa.BasicBlock]bool{})
		}
	}
}

// stored follows what a variable holds before an instruction of a block.
func (t *trace) stored(variable *ssa.Alloc, block *ssa.BasicBlock, before int, seen map[*ssa.BasicBlock]bool) {
	for _, instr := range slices.Backward(block.Instrs[:before]) {
		if store, ok := instr.(*ssa.Store); ok && store.Addr == variable {
			t.value(store.Val)
			return
		}
	}
	for _, p := range block.Preds {
		if !seen[p] {
			seen[p] = true
			t.stored(variable, p, len(p.Instrs), seen)
		}
	}
}

// writtenElsewhere reports whether anything but its own function may write to a variable.
func writtenElsewhere(v ssa.Value) bool {
	for _, use := range *v.Referrers() {
		switch use := use.(type) {
		case *ssa.UnOp, *ssa.DebugRef: // it is read
		case *ssa.Store:
			_, own := v.(*ssa.Alloc)
			if !own || use.Val == v {
				return true
			}
		case *ssa.MakeClosure:
			fn := use.Fn.(*ssa.Function)
			for i, bound := range use.Bindings {
				if bound == v && writtenElsewhere(fn.FreeVars[i]) {
					return true
				}
			}
		default:
			return true
		}
	}
	return false
}

// value follows an error.
func (t *trace) value(v ssa.Value) {
	if t.again(v) {
		return
	}
	switch v := v.(type) {
	case *ssa.Phi:
		for _, edge := range v.Edges {
			t.value(edge)
		}
	case *ssa.Extract:
		if call, ok := v.Tuple.(*ssa.Call); ok {
			t.call(call, v.Index)
		}
	case *ssa.Call:
		t.call(v, 0)
	case *ssa.UnOp:
		if v.Op == token.MUL {
			t.variable(v)
		}
	}
}

// call follows a result of a call.
func (t *trace) call(call *ssa.Call, i int) {
	callee := call.Call.StaticCallee()
	if callee == nil {
		return
	}
	switch name(callee) {
	case grpcStatus + ".Error", grpcStatus + ".Errorf":
		t.undeclared(call)
	case statusType + ".Err":
		t.status(call.Call.Args[0])
	case "fmt.Errorf":
		t.wrapped(call)
	case "errors.Join":
		for _, err := range variadic(call) {
			t.value(err)
		}
	default:
		t.result(callee, i)
	}
}

// status follows a status of grpc's.
func (t *trace) status(v ssa.Value) {
	if t.again(v) {
		return
	}
	switch v := v.(type) {
	case *ssa.Phi:
		for _, edge := range v.Edges {
			t.status(edge)
		}
	case *ssa.Extract:
		if call, ok := v.Tuple.(*ssa.Call); ok {
			t.status(call)
		}
	case *ssa.Call:
		switch callee := v.Call.StaticCallee(); name(callee) {
		case grpcStatus + ".New", grpcStatus + ".Newf":
			t.undeclared(v)
		case statusType + ".WithDetails":
			t.status(v.Call.Args[0])
		}
	}
}

// name is the full name of a function or method, or nothing where it is not known which one is called, or with which
// arguments: a method value has its receiver with it.
func name(fn *ssa.Function) string {
	if fn == nil || fn.Object() == nil || fn.Signature.Recv() == nil && fn.Object().(*types.Func).Signature().Recv() != nil {
		return ""
	}
	return fn.Object().(*types.Func).FullName()
}

func (t *trace) undeclared(call *ssa.Call) {
	if code, ok := call.Call.Args[0].(*ssa.Const); ok {
		switch code.Uint64() {
		case 0, 1, 4, 12: // no error; CANCELLED, DEADLINE_EXCEEDED and UNIMPLEMENTED, which gRPC itself answers with
			return
		}
	}
	t.reportf(call.Pos(), ruleUndeclared,
		"%s answers with an error that callers know only by its text: declare it in the proto file, and return what its Err() makes", t.handler)
}

// wrapped checks fmt.Errorf, and follows the errors that it wraps.
func (t *trace) wrapped(call *ssa.Call) {
	verbs, ok := verbsOf(call.Call.Args[0])
	if !ok {
		return
	}
	args := variadic(call)
	var lost byte
	wraps := false
	for _, v := range verbs {
		if v.arg >= len(args) {
			continue
		}
		switch arg := args[v.arg]; {
		case v.letter == 'w':
			wraps = true
			t.value(arg)
		case textual(v.letter) && (isError(arg) || errorCall(arg) != nil):
			lost = v.letter
		}
	}
	if lost != 0 && !wraps {
		t.reportf(call.Pos(), ruleLost,
			"%s answers with an error that has lost its cause to %%%c: wrap it with %%w, or declare an error and give it status.Cause(err)", t.handler, lost)
	}
}

type verb struct {
	letter byte
	arg    int
}

func textual(letter byte) bool { return letter == 'v' || letter == 's' || letter == 'q' }

// verbsOf are the verbs of a format that is a constant and numbers no arguments.
func verbsOf(format ssa.Value) (verbs []verb, ok bool) {
	c, ok := format.(*ssa.Const)
	if !ok || c.Value == nil || c.Value.Kind() != constant.String {
		return nil, false
	}
	text, arg := constant.StringVal(c.Value), 0
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		for i++; i < len(text); i++ {
			switch b := text[i]; {
			case b == '[':
				return nil, false
			case b == '*':
				arg++
				continue
			case b == '+' || b == '-' || b == '#' || b == ' ' || b == '.' || '0' <= b && b <= '9':
				continue
			}
			break
		}
		if i < len(text) && text[i] != '%' {
			verbs = append(verbs, verb{text[i], arg})
			arg++
		}
	}
	return verbs, true
}

// variadic are the last arguments of a call, as they were before they became any.
func variadic(call *ssa.Call) []ssa.Value {
	slice, ok := call.Call.Args[len(call.Call.Args)-1].(*ssa.Slice)
	if !ok {
		return nil
	}
	array, ok := slice.X.(*ssa.Alloc)
	if !ok {
		return nil
	}
	var args []ssa.Value // each is stored once, in order
	for _, use := range *array.Referrers() {
		if element, ok := use.(*ssa.IndexAddr); ok {
			for _, use := range *element.Referrers() {
				if store, ok := use.(*ssa.Store); ok {
					args = append(args, plain(store.Val))
				}
			}
		}
	}
	return args
}

// plain is a value without the interface that it is in.
func plain(v ssa.Value) ssa.Value {
	for {
		switch in := v.(type) {
		case *ssa.MakeInterface:
			v = in.X
		case *ssa.ChangeInterface:
			v = in.X
		default:
			return v
		}
	}
}

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func isError(v ssa.Value) bool { return types.Implements(v.Type(), errorType) }
