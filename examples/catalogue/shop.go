// Package shop is the example of docs/catalogue.md: a service whose errors are declared, and
// a client that knows them.
package shop

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/locale"
	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// Shop has so many pieces of each thing.
type Shop struct {
	shopv1.UnimplementedShopServer
	stock map[string]int64
}

// before is how the handler was before its errors were declared.
func (s *Shop) before(_ context.Context, req *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	// [guide:before]
	if left := s.stock[req.GetSku()]; left < req.GetQuantity() {
		return nil, grpcstatus.Errorf(codes.FailedPrecondition, "only %d pieces of %s are left", left, req.GetSku())
	}
	// [/guide:before]
	return &shopv1.OrderResponse{OrderId: "1"}, nil
}

// [guide:handler]

// Order takes an order, or says what is wrong with it.
func (s *Shop) Order(_ context.Context, req *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	if left := s.stock[req.GetSku()]; left < req.GetQuantity() {
		return nil, shopv1.OutOfStock{SKU: req.GetSku(), Available: left}.Err()
	}
	return &shopv1.OrderResponse{OrderId: "1"}, nil
}

// [/guide:handler]

// NewServer serves the shop.
func NewServer(s *Shop) *grpc.Server {
	// [guide:server]
	srv := grpc.NewServer(interceptors.ServerOptions(interceptors.Domain(shopv1.ShopErrorDomain))...)
	shopv1.RegisterShopServer(srv, s)
	// [/guide:server]
	return srv
}

//go:embed texts/*.json
var files embed.FS

// NewTranslatedServer serves the shop in the languages of its callers.
func NewTranslatedServer(s *Shop) (*grpc.Server, error) {
	// [guide:translations]
	texts, err := locale.Load(catalog.Linked(), files, "texts/*.json")
	if err != nil {
		return nil, err // all that is wrong with them
	}
	srv := grpc.NewServer(interceptors.ServerOptions(
		interceptors.Domain(shopv1.ShopErrorDomain), interceptors.Translations(texts))...)
	// [/guide:translations]
	shopv1.RegisterShopServer(srv, s)
	return srv, nil
}

// Dial connects to a shop.
func Dial(target string, creds grpc.DialOption) (*grpc.ClientConn, error) {
	// [guide:dial]
	conn, err := grpc.NewClient(target, append(interceptors.DialOptions(), creds)...)
	// [/guide:dial]
	return conn, err
}

// Order places an order, and tells a person what became of it.
func Order(ctx context.Context, client shopv1.ShopClient, out io.Writer, req *shopv1.OrderRequest) error {
	// [guide:client]
	reply, err := client.Order(ctx, req)
	if errors.Is(err, shopv1.ErrOutOfStock) { // domain and error code, across the network
		p, _ := shopv1.ErrOutOfStock.From(err) // its parameters, with their types
		fmt.Fprintf(out, "There are only %d left. Order those?\n", p.Available)
		return nil
	}
	if e, ok := status.From(err); ok { // every other error, of any server
		fmt.Fprintln(out, e.Suggestion())
		return err
	}
	fmt.Fprintln(out, "Thank you. Your order is", reply.GetOrderId())
	// [/guide:client]
	return nil
}
