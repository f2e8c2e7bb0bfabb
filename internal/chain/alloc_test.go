//go:build !race

package chain_test

import (
	"testing"

	"github.com/recourse-dev/recourse/internal/chain"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// The causes that nearly all failures have are found and written without an allocation.
func TestCommonCausesAllocateNothing(t *testing.T) {
	plain := grpcstatus.Error(codes.Unavailable, "busy")
	served, read := status.Classify(plain), status.Received(plain, "/a.B/C", "", false)
	buf := make([]byte, 0, 512)
	for name, f := range map[string]func(){
		"a handler's":        func() { chain.Append(buf, served, "", plain) },
		"a client's":         func() { chain.Append(buf, read, "Unavailable UNAVAILABLE: busy", read) },
		"no panic, served":   func() { chain.Panic(served) },
		"no panic, received": func() { chain.Panic(read) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
