package lint_test

import (
	"testing"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/lint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// FuzzRun checks what anybody may have made: no set of descriptors stops the linter.
func FuzzRun(f *testing.F) {
	for _, test := range broken {
		s := newShop(f)
		test.spoil(s)
		f.Add(marshal(f, s.files(f)))
	}
	f.Add([]byte(`{"file": [{"name": "a.proto"}]}`))
	f.Add([]byte(`file { name: "a.proto" enum_type { name: "E" } }`))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := catalog.Load(b)
		if err != nil {
			return
		}
		for _, finding := range lint.Run(files) {
			if finding.Text == "" || finding.Rule == "" {
				t.Errorf("an empty finding: %+v", finding)
			}
		}
	})
}

// marshal writes files and all that they import.
func marshal(t testing.TB, files []protoreflect.FileDescriptor) []byte {
	t.Helper()
	set, seen := new(descriptorpb.FileDescriptorSet), map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i))
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	for _, f := range files {
		add(f)
	}
	b, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
