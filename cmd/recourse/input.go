package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/recourse-dev/recourse/catalog"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxInput is more than the descriptors of the largest companies take.
const maxInput = 1 << 30

// What commands that read descriptors say about it.
const descriptorHelp = `The descriptors are what ` + "`buf build -o set.binpb`" + ` writes, or
` + "`protoc --include_imports --include_source_info -o set.binpb`" + `, binary, as JSON or as
text; - stands for standard input.`

// read reads a file; - is standard input.
func (s streams) read(name string) ([]byte, error) {
	var from io.Reader = s.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err == nil && len(b) > maxInput {
		err = errors.New(name + " is larger than 1 GiB")
	}
	return b, err
}

// readFiles reads descriptors.
func (s streams) readFiles(name string) ([]protoreflect.FileDescriptor, error) {
	b, err := s.read(name)
	if err != nil {
		return nil, err
	}
	return catalog.Load(b)
}

// readCatalog reads a catalogue, from its document or from descriptors.
func (s streams) readCatalog(name string) (*catalog.Catalog, []catalog.Problem, error) {
	b, err := s.read(name)
	if err != nil {
		return nil, nil, err
	}
	return catalogIn(b)
}

// catalogIn is a catalogue's document, or what descriptors declare.
func catalogIn(b []byte) (*catalog.Catalog, []catalog.Problem, error) {
	if isDocument(b) {
		c, err := catalog.Parse(b)
		return c, nil, err
	}
	files, err := catalog.Load(b)
	if err != nil {
		return nil, nil, err
	}
	c, problems := catalog.Read(files)
	return c, problems, nil
}

// isDocument tells a catalogue from descriptors in JSON.
func isDocument(b []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return false
	}
	var is struct {
		Schema *int `json:"schema"`
	}
	return json.Unmarshal(b, &is) == nil && is.Schema != nil
}
