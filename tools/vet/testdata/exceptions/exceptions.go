// Package exceptions is right to break rules, or says so.
package exceptions

import (
	"context"
	"errors"
	"fmt"

	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type shop struct{ shopv1.UnimplementedShopServer }

func (shop) Order(_ context.Context, req *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	err := context.Cause(context.Background())
	switch req.GetSku() {
	case "on the line":
		return nil, status.Error(codes.Internal, "") //lint:ignore CODE_UNDECLARED an example of a plain error
	case "on the line before":
		//lint:ignore CODE_UNDECLARED an example of a plain error
		return nil, status.Error(codes.Internal, "")
	case "with more to say":
		//lint:ignore CODE_UNDECLARED an example of a plain error
		// that says more.
		return nil, status.Error(codes.Internal, "")
	case "several":
		//lint:ignore SA1000,CODE_UNDECLARED,CODE_CAUSE_LOST an example of a plain error
		return nil, errors.Join(status.Error(codes.Internal, ""), fmt.Errorf("%v", err))
	case "without a reason":
		//lint:ignore CODE_UNDECLARED // want `^CODE_LINT_EXCEPTION: the exception from CODE_UNDECLARED does not say why: give the reason$`
		return nil, status.Error(codes.Internal, "")
	case "of another rule":
		//lint:ignore CODE_CAUSE_LOST an example of a plain error // want `CODE_LINT_EXCEPTION: CODE_CAUSE_LOST finds nothing here: take the exception out`
		return nil, status.Error(codes.Internal, "") // want `CODE_UNDECLARED`
	case "stale":
		//lint:ignore CODE_CAUSE_LOST an example of a plain error // want `CODE_LINT_EXCEPTION: CODE_CAUSE_LOST finds nothing here: take the exception out`
		return nil, fmt.Errorf("%w", err)
	case "misspelt":
		//lint:ignore CODE_UNDELCARED an example of a plain error // want `CODE_LINT_EXCEPTION: "CODE_UNDELCARED" is no rule: write the id as findings show it`
		return nil, status.Error(codes.Internal, "") // want `CODE_UNDECLARED`
	case "of an exception":
		//lint:ignore CODE_LINT_EXCEPTION an example // want `CODE_LINT_EXCEPTION: CODE_LINT_EXCEPTION has no exceptions: take it out`
		return nil, nil
	case "too far away":
		//lint:ignore CODE_UNDECLARED an example of a plain error // want `CODE_LINT_EXCEPTION: CODE_UNDECLARED finds nothing here`

		return nil, status.Error(codes.Internal, "") // want `CODE_UNDECLARED`
	case "of another linter":
		//lint:ignore SA1000 it is no regular expression
		return nil, nil
	}
	return nil, nil
}
