package catalog

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Linked is the catalogue of all that is linked into the program, read once, when it is
// asked for first. What cannot be read is left out. It must not be changed.
func Linked() *Catalog { return linked() }

var linked = sync.OnceValue(func() *Catalog {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		files = append(files, f)
		return true
	})
	c, _ := Read(files)
	return c
})
