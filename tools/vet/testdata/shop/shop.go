// Package shop has the handlers of a service of another package.
package shop

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"

	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	recourse "github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type direct struct {
	shopv1.UnimplementedShopServer
	codes []codes.Code
}

func (d *direct) Order(_ context.Context, req *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	switch req.GetSku() {
	case "error":
		return nil, status.Error(codes.NotFound, "gone") // want `^CODE_UNDECLARED: Order answers with an error that callers know only by its text: declare it in the proto file, and return what its Err\(\) makes$`
	case "errorf":
		return nil, status.Errorf(codes.NotFound, "%s is gone", req.GetSku()) // want `CODE_UNDECLARED`
	case "new":
		return nil, status.New(codes.NotFound, "gone").Err() // want `CODE_UNDECLARED`
	case "details":
		st, err := status.Newf(codes.NotFound, "%s is gone", req.GetSku()).WithDetails(&errdetails.ErrorInfo{Reason: "GONE"}) // want `CODE_UNDECLARED`
		if err != nil {
			st = status.New(codes.Internal, err.Error()) // want `CODE_UNDECLARED`
		}
		return nil, st.Err()
	case "some code":
		return nil, status.Error(d.codes[0], "gone") // want `CODE_UNDECLARED`
	case "wrapped":
		return nil, fmt.Errorf("order %v: %w", req, status.Error(codes.NotFound, "gone")) // want `CODE_UNDECLARED`
	case "joined":
		return nil, errors.Join(errLost, status.Error(codes.NotFound, "gone")) // want `CODE_UNDECLARED`
	case "gRPC's own":
		return nil, status.Error(codes.Unimplemented, "not yet")
	case "of the context":
		return nil, status.FromContextError(context.Canceled).Err()
	case "of another service":
		return nil, status.Convert(errLost).Err()
	case "no error":
		return nil, status.Error(codes.OK, "")
	case "made and not returned":
		log.Print(status.Error(codes.NotFound, "gone"))
	case "with a name":
		return nil, recourse.New(codes.NotFound, "GONE", "gone")
	}
	return nil, shopv1.OutOfStock{SKU: req.GetSku()}.Err()
}

var errLost = errors.New("lost")

// values has errors go through variables and functions.
type values struct {
	shopv1.UnimplementedShopServer
	last error
}

func (v values) Order(ctx context.Context, req *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	err := v.check(req)
	if req.GetQuantity() > 10 {
		err = status.Error(codes.InvalidArgument, "too many") // want `CODE_UNDECLARED: Order answers`
	}
	if err != nil {
		return nil, err
	}
	v.last = status.Error(codes.Internal, "kept in a field")
	err = status.Error(codes.Internal, "replaced before it is returned")
	log.Print(err)
	if err = declared(status.Error(codes.Internal, "given a meaning")); err != nil {
		return nil, err
	}
	if _, err := number(req); err != nil {
		return nil, err
	}
	unused(req)
	return v.reply(req)
}

func (v values) check(req *shopv1.OrderRequest) error {
	if req.GetSku() == "" {
		return status.Error(codes.InvalidArgument, "no SKU") // want `CODE_UNDECLARED: Order answers`
	}
	if req.GetSku() == "loop" {
		return v.check(nil)
	}
	return nil
}

func (v values) reply(*shopv1.OrderRequest) (_ *shopv1.OrderResponse, err error) {
	defer func() {
		if err != nil {
			log.Print(err)
		}
	}()
	return nil, status.Error(codes.Internal, "a deferred function reads it") // want `CODE_UNDECLARED`
}

func number(req *shopv1.OrderRequest) (n int, err error) {
	n, err = strconv.Atoi(req.GetSku())
	if err != nil {
		return 0, fmt.Errorf("%s is no number: %v", req.GetSku(), err) // want `^CODE_CAUSE_LOST: Order answers with an error that has lost its cause to %v: wrap it with %w, or declare an error and give it status.Cause\(err\)$`
	}
	return parse(func() error { return status.Error(codes.Internal, "given to another, who may do anything with it") })
}

func parse(f func() error) (int, error) {
	literal := func() error { return status.Error(codes.Internal, "of a function literal") } // want `CODE_UNDECLARED`
	if err := literal(); err != nil {
		return 0, err
	}
	return generic[int](f())
}

func generic[T any](err error) (t T, _ error) {
	if err != nil {
		return t, status.Error(codes.Internal, "of a generic function") // want `CODE_UNDECLARED`
	}
	return t, nil
}

// declared gives an error a meaning.
func declared(err error) error {
	if err == nil {
		return nil
	}
	return shopv1.OutOfStock{}.Err(recourse.Cause(err))
}

// unused makes errors that no handler returns.
func unused(*shopv1.OrderRequest) error {
	if err := fmt.Errorf("unused: %v", errLost); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return nil
}

// lost wraps errors.
type lost struct{ shopv1.UnimplementedShopServer }

func (lost) Order(_ context.Context, req *shopv1.OrderRequest) (_ *shopv1.OrderResponse, err error) {
	_, err = strconv.Atoi(req.GetSku())
	switch req.GetQuantity() {
	case 1:
		return nil, fmt.Errorf("order %d: %s", req.GetQuantity(), err) // want `CODE_CAUSE_LOST: .* lost its cause to %s`
	case 2:
		return nil, fmt.Errorf("%-*d%%: %+v", 3, req.GetQuantity(), err) // want `CODE_CAUSE_LOST: .* lost its cause to %v`
	case 3:
		return nil, fmt.Errorf("order: %s", err.Error()) // want `CODE_CAUSE_LOST`
	case 4:
		return nil, fmt.Errorf("order: %w", err)
	case 5:
		return nil, fmt.Errorf("%w: %v", errLost, err) // the one that decides is kept
	case 6:
		return nil, fmt.Errorf("order %v", req)
	case 7:
		return nil, fmt.Errorf("a %T", err)
	case 8:
		return nil, fmt.Errorf("%[2]d %[1]d %v %[3]T", 1, 2, err) // numbered arguments are not followed
	case 9:
		return nil, fmt.Errorf(req.GetSku()+": %v", err) // nor is a format that is no constant
	case 10:
		return nil, fmt.Errorf("order: %v", errLost) // want `CODE_CAUSE_LOST`
	case 11:
		return nil, values{}.check(req) // each place is reported once
	}
	return nil, err
}

var (
	errGone        = status.Error(codes.NotFound, "gone")  // want `CODE_UNDECLARED: Order answers`
	errOften, errN = often()                               // from a function
	errCompared    = status.Error(codes.NotFound, "other") // no handler answers with it
)

func often() (error, int) { return status.Error(codes.NotFound, "often"), 1 } // want `CODE_UNDECLARED: Order answers`

// named has its errors in variables.
type named struct{ shopv1.UnimplementedShopServer }

func (named) Order(_ context.Context, req *shopv1.OrderRequest) (_ *shopv1.OrderResponse, err error) {
	defer func() {
		if errors.Is(err, errCompared) {
			log.Print(err)
		}
	}()
	switch req.GetQuantity() {
	case 1:
		return nil, errGone
	case 2:
		return nil, fmt.Errorf("order: %w", errOften)
	case 3:
		f := status.New(codes.NotFound, "of a method value, which is not followed").Err
		return nil, f()
	}
	for err == nil {
		err = values{}.check(req)
	}
	if err != nil {
		return nil, err
	}
	err = status.Error(codes.Internal, "replaced before it is returned")
	log.Print(err)
	if err = declared(err); err != nil {
		return nil, err
	}
	err = status.Error(codes.Internal, "stored before, while a deferred function reads it") // want `CODE_UNDECLARED: Order answers`
	if req.GetQuantity() > 3 {
		return
	}
	return nil, err
}

// replaced changes its result at the end.
type replaced struct{ shopv1.UnimplementedShopServer }

func (replaced) Order(context.Context, *shopv1.OrderRequest) (_ *shopv1.OrderResponse, err error) {
	defer func() { err = declared(err) }()
	return nil, status.Error(codes.Internal, "a deferred function gives it a meaning")
}

// embedded has its handler in a part of it.
type embedded struct {
	unimplemented
	orders
}

type unimplemented struct{ shopv1.UnimplementedShopServer }

type orders struct{}

func (orders) Order(context.Context, *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	return nil, status.Error(codes.Internal, "promoted") // want `CODE_UNDECLARED`
}

func (embedded) Other() error { return status.Error(codes.Internal, "no method of the service") }

// generics has a type parameter.
type generics[T any] struct{ shopv1.UnimplementedShopServer }

func (generics[T]) Order(context.Context, *shopv1.OrderRequest) (*shopv1.OrderResponse, error) {
	return nil, status.Error(codes.Internal, "of a generic type") // want `CODE_UNDECLARED`
}

// client is no handler: it has another signature.
type client struct{}

func (client) Order(context.Context, *shopv1.OrderRequest) error {
	return status.Error(codes.Internal, "no method of a service")
}

func server() error { return status.Error(codes.Internal, "no method") }
