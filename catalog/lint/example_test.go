package lint_test

import (
	"fmt"

	"github.com/recourse-dev/recourse/catalog/lint"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// What is linked into a program has no comments, and so no lines; the command recourse reads descriptors that have.
func ExampleRun() {
	for _, f := range lint.Run([]protoreflect.FileDescriptor{assistantv1.File_assistant_v1_errors_proto}) {
		fmt.Println(f.Severity, f.Rule, f)
	}
	// Output:
	// warning CAT_COMMENT assistant/v1/errors.proto: the descriptors were made without comments: use `buf build`, or protoc with --include_source_info
}
