package shop

import (
	"errors"
	"net"
	"strings"
	"testing"

	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// start serves a shop, and connects to it.
func start(t *testing.T, srv *grpc.Server) shopv1.ShopClient {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(listener) }()
	t.Cleanup(srv.Stop)
	conn, err := Dial(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return shopv1.NewShopClient(conn)
}

// What the guide promises: the declared error arrives with its parameters, and says what to
// do to people and to programs.
func TestTheGuide(t *testing.T) {
	client := start(t, NewServer(&Shop{stock: map[string]int64{"TEAPOT-2": 3}}))
	for quantity, want := range map[int64]string{2: "Thank you. Your order is 1\n", 5: "There are only 3 left. Order those?\n"} {
		var out strings.Builder
		if err := Order(t.Context(), client, &out, &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: quantity}); err != nil || out.String() != want {
			t.Errorf("%d: %v, %q", quantity, err, out.String())
		}
	}
	_, err := client.Order(t.Context(), &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: 5})
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

// A caller that accepts German reads German; the error is the same.
func TestTheGuideInAnotherLanguage(t *testing.T) {
	srv, err := NewTranslatedServer(&Shop{stock: map[string]int64{"TEAPOT-2": 3}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "accept-language", "de-AT")
	_, err = start(t, srv).Order(ctx, &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: 5})
	text, _ := status.Detail[*errdetails.LocalizedMessage](err)
	if text.GetLocale() != "de" || text.GetMessage() != "von TEAPOT-2 sind nur noch 3 da" || !errors.Is(err, shopv1.ErrOutOfStock) {
		t.Errorf("%v: %v", err, text)
	}
}

// Before, the same error is a code and a sentence.
func TestBefore(t *testing.T) {
	_, err := (&Shop{}).before(t.Context(), &shopv1.OrderRequest{Sku: "TEAPOT-2", Quantity: 1})
	if err == nil || errors.Is(err, shopv1.ErrOutOfStock) {
		t.Errorf("got %v", err)
	}
}
