// Package params fills in what callers read.
package params

import (
	"errors"
	"fmt"
	elsewhere "golden/own"
	"io"
	"strings"

	shopv1 "github.com/recourse-dev/recourse/examples/catalogue/gen/shop/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

var errOwn = errors.New("these are this package's own words")

type own struct{}

func (own) Error() string { return "so are these" }

type pointer struct{}

func (*pointer) Error() string { return "and these" }

func parameters(err error, path *io.PipeReader) []error {
	later := shopv1.OutOfStock{}
	later.SKU = err.Error() // want `^CODE_CAUSE_SHOWN: the text of another error becomes a parameter of OutOfStock, and callers read it: give that error as status.Cause\(err\), and say what callers are meant to know$`
	text := "unknown"
	if err != nil {
		text = err.Error() // want `CODE_CAUSE_SHOWN`
	}
	return []error{
		later.Err(),
		shopv1.OutOfStock{SKU: text}.Err(),
		shopv1.OutOfStock{SKU: "cause: " + err.Error()}.Err(),                               // want `CODE_CAUSE_SHOWN`
		shopv1.OutOfStock{SKU: fmt.Sprintf("%d: %v", 1, err)}.Err(),                         // want `CODE_CAUSE_SHOWN`
		shopv1.OutOfStock{SKU: fmt.Sprint(err)}.Err(),                                       // want `CODE_CAUSE_SHOWN`
		shopv1.OutOfStock{SKU: strings.ToLower(err.Error())}.Err(),                          // want `CODE_CAUSE_SHOWN`
		shopv1.OutOfStock{SKU: fmt.Sprintf("%T", err)}.Err(status.Cause(err)),               // a type is no text
		shopv1.OutOfStock{SKU: errOwn.Error() + own{}.Error() + (&pointer{}).Error()}.Err(), // nor a secret what is said here
		shopv1.OutOfStock{SKU: fmt.Sprint(errOwn, own{})}.Err(),
	}
}

func texts(err error) []any {
	return []any{
		status.New(codes.Internal, "BROKEN", err.Error()),                               // want `CODE_CAUSE_SHOWN: the text of another error becomes the message of an error`
		status.New(codes.Internal, "BROKEN", "broken", status.Meta("why", err.Error())), // want `CODE_CAUSE_SHOWN: .* the metadata`
		status.New(codes.Internal, "BROKEN", "broken", status.Suggest(err.Error())),     // want `CODE_CAUSE_SHOWN: .* a suggestion`
		status.Sentinel(io.EOF, codes.Internal, "BROKEN", io.EOF.Error()),               // want `CODE_CAUSE_SHOWN: .* the message`
		status.Violation("sku", "MALFORMED", err.Error()),                               // want `CODE_CAUSE_SHOWN: .* the description of a field`
		status.Action(status.ByEndUser, "Mend "+err.Error(), nil),                       // want `CODE_CAUSE_SHOWN: .* the label of an action`
		status.New(codes.Internal, "BROKEN", "broken", status.Cause(err)),
		status.Suggest(elsewhere.Message{}.Error(1)), // that is no error
	}
}

// OutOfStock has the name of a declared error.
type OutOfStock struct{ SKU string }

type Declared[P any] struct{}

var ErrOutOfStock = &Declared[OutOfStock]{}

func undeclared(err error) OutOfStock { return OutOfStock{SKU: err.Error()} }
