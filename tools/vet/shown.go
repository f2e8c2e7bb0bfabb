package vet

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

const ownStatus = "github.com/recourse-dev/recourse/status"

// texts are the functions whose argument of that index callers read.
var texts = map[string]struct {
	arg  int
	what string
}{
	ownStatus + ".New":      {2, "the message of an error"},
	ownStatus + ".Sentinel": {3, "the message of an error"},
	ownStatus + ".Suggest":  {0, "a suggestion"},
	ownStatus + ".Meta":     {1, "the metadata of an error"},

	ownStatus + ".Violation": {2, "the description of a field"},
	ownStatus + ".Action":    {1, "the label of an action"},
}

// shown reports the text of errors where callers would read it.
func (c *checker) shown(fn *ssa.Function) {
	for _, block := range fn.Blocks {
		for _, instr := range block.Instrs {
			switch instr := instr.(type) {
			case *ssa.Store:
				if field, ok := instr.Addr.(*ssa.FieldAddr); ok {
					if declared := declaredBy(field.X.Type()); declared != "" {
						c.text(instr.Val, "a parameter of "+declared, map[ssa.Value]bool{})
					}
				}
			case *ssa.Call:
				if text, ok := texts[name(instr.Call.StaticCallee())]; ok {
					c.text(instr.Call.Args[text.arg], text.what, map[ssa.Value]bool{})
				}
			}
		}
	}
}

// declaredBy is the name of the struct with the parameters of a declared error that t points to.
func declaredBy(t types.Type) string {
	pointer, ok := t.Underlying().(*types.Pointer)
	if !ok {
		return ""
	}
	named, ok := types.Unalias(pointer.Elem()).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return ""
	}
	// As protoc-gen-recourse-go writes it: var ErrX = status.Declare[X](...)
	v, ok := named.Obj().Pkg().Scope().Lookup("Err" + named.Obj().Name()).(*types.Var)
	if !ok {
		return ""
	}
	if v.Type().String() != "*"+ownStatus+".Declared["+named.String()+"]" {
		return ""
	}
	return named.Obj().Name()
}

// text follows a text back to the errors that it is made of.
func (c *checker) text(v ssa.Value, what string, seen map[ssa.Value]bool) {
	if seen[v] {
		return
	}
	seen[v] = true
	switch v := v.(type) {
	case *ssa.Phi:
		for _, edge := range v.Edges {
			c.text(edge, what, seen)
		}
	case *ssa.BinOp:
		if v.Op == token.ADD {
			c.text(v.X, what, seen)
			c.text(v.Y, what, seen)
		}
	case *ssa.ChangeType:
		c.text(v.X, what, seen)
	case *ssa.Call:
		if err := errorCall(v); err != nil {
			if !c.ownWords(err) {
				c.reportShown(v, what)
			}
			return
		}
		c.formatted(v, what, seen)
	}
}

// formatted follows what makes a text out of others.
func (c *checker) formatted(call *ssa.Call, what string, seen map[ssa.Value]bool) {
	callee := call.Call.StaticCallee()
	var args []ssa.Value
	switch name(callee) {
	case "fmt.Sprint", "fmt.Sprintln":
		args = variadic(call)
	case "fmt.Sprintf":
		verbs, _ := verbsOf(call.Call.Args[0])
		all := variadic(call)
		for _, v := range verbs {
			if textual(v.letter) && v.arg < len(all) {
				args = append(args, all[v.arg])
			}
		}
	default:
		if callee != nil && callee.Package() != nil && callee.Package().Pkg.Path() == "strings" {
			args = call.Call.Args // strings.TrimPrefix(err.Error(), ...)
		}
	}
	for _, arg := range args {
		if isError(arg) && !c.ownWords(arg) {
			c.reportShown(call, what)
			continue
		}
		c.text(arg, what, seen)
	}
}

func (c *checker) reportShown(call *ssa.Call, what string) {
	c.reportf(call.Pos(), ruleShown,
		"the text of another error becomes %s, and callers read it: give that error as status.Cause(err), and say what callers are meant to know", what)
}

// errorCall is the error whose method Error a value is a call of.
func errorCall(v ssa.Value) ssa.Value {
	call, ok := v.(*ssa.Call)
	if !ok {
		return nil
	}
	var err ssa.Value
	switch callee := call.Call.StaticCallee(); {
	case call.Call.IsInvoke() && call.Call.Method.Name() == "Error":
		err = call.Call.Value
	case callee != nil && callee.Name() == "Error" && callee.Signature.Recv() != nil:
		err = call.Call.Args[0]
	}
	if err == nil || !isError(err) {
		return nil
	}
	return err
}

// ownWords reports whether the package itself has written what an error says: it is a variable or a type of it.
func (c *checker) ownWords(err ssa.Value) bool {
	err = plain(err)
	if load, ok := err.(*ssa.UnOp); ok && load.Op == token.MUL {
		if global, ok := load.X.(*ssa.Global); ok && global.Package() == c.ssa.Pkg {
			return true
		}
	}
	t := err.Type()
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() == c.Pkg
}
