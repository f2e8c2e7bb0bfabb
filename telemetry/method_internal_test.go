package telemetry

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A target is called what grpc-go's own metrics call it.
func TestTargets(t *testing.T) {
	tests := []struct{ target, address string }{
		{"localhost:50051", "localhost 50051"},
		{"books.example.com", "books.example.com"},
		{"127.0.0.1:50051", "127.0.0.1 50051"},
		{"[::1]:50051", "::1 50051"},
		{"dns:localhost:50051", "localhost 50051"},
		{"dns:///books.example.com:443", "books.example.com 443"},
		{"dns://8.8.8.8/books.example.com:443", "books.example.com 443"},
		{"passthrough:///bufnet", "bufnet"},
		{"unix:/run/books.sock", "/run/books.sock"},
		{"unix:///run/books.sock", "/run/books.sock"},
	}
	for _, test := range tests {
		cc, err := grpc.NewClient(test.target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := canonicalTarget(cc.Target()), cc.CanonicalTarget(); got != want {
			t.Errorf("%s is canonically %s, want %s", test.target, got, want)
		}
		_ = cc.Close()
		got := ""
		for i, a := range address(test.target) {
			if i > 0 {
				got += " "
			}
			got += a.Value.String()
		}
		if got != test.address {
			t.Errorf("%s is at %s, want %s", test.target, got, test.address)
		}
	}
}
