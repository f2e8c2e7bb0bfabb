// Command recourse-vet checks the Go code of gRPC services against the rules of package vet,
// by itself or for go vet:
//
//	go install github.com/recourse-dev/recourse/tools/vet/cmd/recourse-vet@latest
//	recourse-vet ./...
//	go vet -vettool="$(which recourse-vet)" ./...
package main

import (
	"github.com/recourse-dev/recourse/tools/vet"
	"golang.org/x/tools/go/analysis/singlechecker"
)

func main() { singlechecker.Main(vet.Analyzer) }
