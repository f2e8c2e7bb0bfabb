package vet

import (
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// handlers are the methods of the package's types that implement a method of a gRPC service.
func (c *checker) handlers() []*ssa.Function {
	services := c.services()
	var all []*ssa.Function
	for _, name := range c.Pkg.Scope().Names() {
		named, ok := c.Pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || named.IsAlias() || types.IsInterface(named.Type()) {
			continue
		}
		pointer := types.NewPointer(named.Type())
		for _, service := range services {
			if !types.Implements(pointer, service) {
				continue
			}
			for method := range service.ExplicitMethods() {
				found, _, _ := types.LookupFieldOrMethod(pointer, false, c.Pkg, method.Name())
				fn, ok := found.(*types.Func)
				if !ok || fn.Pkg() != c.Pkg || !method.Exported() {
					continue // promoted from another package, or no handler
				}
				if handler := c.ssa.Pkg.Prog.FuncValue(fn); handler != nil { // no method of an embedded interface
					all = append(all, handler)
				}
			}
		}
	}
	return all
}

// services are the server interfaces that protoc-gen-go-grpc wrote, of this package and those that it imports: XServer,
// which a function RegisterXServer takes.
func (c *checker) services() []*types.Interface {
	var all []*types.Interface
	for _, pkg := range slices.Concat(c.Pkg.Imports(), []*types.Package{c.Pkg}) {
		for _, name := range pkg.Scope().Names() {
			server, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if !ok || !strings.HasSuffix(name, "Server") || !types.IsInterface(server.Type()) {
				continue
			}
			register, ok := pkg.Scope().Lookup("Register" + name).(*types.Func)
			if !ok {
				continue
			}
			params := register.Signature().Params()
			if params.Len() != 2 || !types.Identical(params.At(1).Type(), server.Type()) {
				continue
			}
			if registrar, ok := params.At(0).Type().(*types.Named); ok && inGRPC(registrar.Obj(), "ServiceRegistrar") {
				all = append(all, server.Type().Underlying().(*types.Interface))
			}
		}
	}
	return all
}

func inGRPC(obj types.Object, name string) bool {
	return obj.Name() == name && obj.Pkg() != nil && obj.Pkg().Path() == "google.golang.org/grpc"
}
