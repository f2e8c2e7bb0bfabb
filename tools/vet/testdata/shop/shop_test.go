package shop

import (
	"context"

	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// fake stands in for a server in tests, where any error is right.
type fake struct{ shopv1.UnimplementedShopServer }

func (fake) Order(context.Context, *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	return nil, status.Error(codes.Internal, "as others answer")
}
