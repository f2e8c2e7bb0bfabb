// Command protoc-gen-recourse-go is a plugin of protoc and buf. It makes Go code of the
// errors that services declare, see recourse/v1/catalog.proto: for each a struct of its
// parameters that makes the error, and a value for errors.Is that reads them; constants
// for the error codes and the domain; and lists of the errors of each catalogue and
// method. It writes one file beside each file that has a catalogue or a method that
// declares errors.
package main

import (
	"flag"
	"fmt"
	"os"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "protoc-gen-recourse-go is started by protoc or buf:\n"+
			"  protoc --recourse-go_out=paths=source_relative:. errors.proto")
		os.Exit(2)
	}
	var flags flag.FlagSet
	protogen.Options{ParamFunc: flags.Set}.Run(func(p *protogen.Plugin) error {
		p.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL | pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)
		p.SupportedEditionsMinimum, p.SupportedEditionsMaximum = descriptorpb.Edition_EDITION_PROTO2, descriptorpb.Edition_EDITION_2024
		return generate(p)
	})
}
