package shop

import (
	"errors"
	"net"
	"strings"
	"testing"

	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// What the guide promises: the declared error arrives with its parameters, and says what to
// do to people and to programs.
func TestTheGuide(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := NewServer(&Shop{stock: map[string]int64{"TEAPOT-2": 3}})
	go func() { _ = srv.Serve(listener) }()
	defer srv.Stop()
	conn, err := Dial(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := shopv1.NewShopClient(conn)

	for quantity, want := range map[int64]string{2: "Thank you. Your order is 1\n", 5: "There are only 3 left. Order those?\n"} {
		var out strings.Builder
		if err := Order(t.Context(), client, &out, &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: quantity}); err != nil || out.String() != want {
			t.Errorf("%d: %v, %q", quantity, err, out.String())
		}
	}
	_, err = client.Order(t.Context(), &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: 5})
	e, ok := status.From(err)
	if !ok || e.Suggestion() != "Order fewer pieces, or try again tomorrow." || e.Message() != "only 3 pieces of TEAPOT-2 are left" {
		t.Errorf("%v: %q, %q", ok, e.Message(), e.Suggestion())
	}
	actions := e.RecoveryActions()
	if len(actions) != 1 || actions[0].GetFixFields().GetFixes()[0].GetSuggestedValue() != "3" {
		t.Errorf("actions %v", actions)
	}
	if !errors.Is(err, shopv1.ErrOutOfStock) || e.Verdict() != status.AfterAction || e.Outcome() != status.NotApplied {
		t.Errorf("%v, %v", e.Verdict(), e.Outcome())
	}
}

// Before, the same error is a code and a sentence.
func TestBefore(t *testing.T) {
	_, err := (&Shop{}).before(t.Context(), &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: 1})
	if err == nil || errors.Is(err, shopv1.ErrOutOfStock) {
		t.Errorf("got %v", err)
	}
}
