package chain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/recourse-dev/recourse/internal/chain"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

func text(err error) string { return string(chain.Append(nil, nil, "", err)) }

// The text of grpc-go's errors is written without their Error method, which allocates.
func TestTheTextOfGRPC(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated+2; code++ {
		for _, message := range []string{"", "no such book", " 100% \n"} {
			err := grpcstatus.Error(code, message)
			for name, got := range map[string]string{
				"alone":       text(err),
				"of its own":  string(chain.Append(nil, status.Classify(err), "", err)),
				"of another":  string(chain.Append(nil, status.New(code, "SOME_CODE", "other"), "", err)),
				"as received": string(chain.Append(nil, status.Received(err, "/a.B/C", "", false), "", err)),
			} {
				if got != err.Error() {
					t.Errorf("%s: %q, want %q", name, got, err.Error())
				}
			}
		}
	}
}

type custom struct{ error } // with a status, as errors of others have

func (custom) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(codes.NotFound, "no row") }

type explosive struct{}

func (explosive) Error() string { panic("canary") }
func (explosive) Unwrap() error { panic("canary") }

type ouroboros struct{}

func (*ouroboros) Error() string   { return "round" }
func (o *ouroboros) Unwrap() error { return o }

type incomparable struct{ error }

func (i incomparable) Unwrap() []error { return []error{i.error} }

func TestText(t *testing.T) {
	db := errors.New("db is down")
	lost := func(cause error) *status.Error {
		return status.New(codes.Internal, "BOOK_LOST", "lost", status.Cause(cause))
	}
	busy := grpcstatus.Error(codes.Unavailable, "busy")
	long := grpcstatus.Error(codes.Unavailable, strings.Repeat("x", 300))
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"any":                        {db, "db is down"},
		"own":                        {lost(nil), "Internal BOOK_LOST: lost"},
		"a cause":                    {lost(db), "Internal BOOK_LOST: lost: db is down"},
		"causes":                     {lost(fmt.Errorf("open: %w", lost(db))), "Internal BOOK_LOST: lost: open: Internal BOOK_LOST: lost: db is down"},
		"wrapped":                    {fmt.Errorf("read: %w", lost(db)), "read: Internal BOOK_LOST: lost: db is down"},
		"grpc-go's as a cause":       {lost(busy), "Internal BOOK_LOST: lost: rpc error: code = Unavailable desc = busy"},
		"what was read of grpc-go's": {status.Received(busy, "/a.B/C", "", false), "Unavailable UNAVAILABLE: busy"},
		"what was cut when read":     {status.Received(long, "/a.B/C", "", false), "Unavailable UNAVAILABLE: " + strings.Repeat("x", 253) + "...: " + long.Error()},
		"another's status":           {custom{db}, "db is down"},
		"another's as a cause":       {lost(custom{db}), "Internal BOOK_LOST: lost: db is down"},
		"the same again":             {lost(lost(nil)), "Internal BOOK_LOST: lost"},
		"a panic":                    {status.Panicked(db), "panic: db is down"},
		"a panic without a value":    {status.New(codes.Internal, "A_B", "", status.Cause((*status.PanicError)(nil))), "<nil>"},
		"nil":                        {(*status.Error)(nil), "nil *status.Error"},
		"cannot be compared":         {lost(incomparable{errors.Join(db)}), "Internal BOOK_LOST: lost: db is down"},
		"without an end":             {lost(new(ouroboros)), "Internal BOOK_LOST: lost: round"},
		"afterwards":                 {chain.Afterwards{Err: db, Was: lost(db)}, "db is down, when told of: Internal BOOK_LOST: lost: db is down"},
	} {
		if got := text(test.err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := text(lost(explosive{})); !strings.HasPrefix(got, "Internal BOOK_LOST: lost: %!v(PANIC=Error method: canary)") {
		t.Errorf("an error whose methods panic: %q", got)
	}
}

// A chain may be longer than anybody reads.
func TestALongChain(t *testing.T) {
	err := status.New(codes.Internal, "A_B", "0")
	for i := range 100 {
		err = status.New(codes.Internal, "A_B", fmt.Sprint(i), status.Cause(err))
	}
	if n := strings.Count(text(err), "A_B"); n != 9 {
		t.Errorf("%d errors of a chain", n)
	}
}

// What is known already is not made again.
func TestSaid(t *testing.T) {
	cause := errors.New("db is down")
	e := status.New(codes.Internal, "BOOK_LOST", "lost", status.Cause(cause))
	for name, test := range map[string]struct {
		cause error
		want  string
	}{
		"of itself":    {nil, "known: db is down"},
		"of the error": {e, "known: db is down"},
		"of another":   {fmt.Errorf("read: %w", e), "read: Internal BOOK_LOST: lost: db is down"},
		"of its cause": {cause, "db is down"},
	} {
		if got := string(chain.Append([]byte("before "), e, "known", test.cause)); got != "before "+test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestPanic(t *testing.T) {
	p := &status.PanicError{Value: "boom"}
	own := func(cause error) error { return status.New(codes.Internal, "A_B", "", status.Cause(cause)) }
	for name, err := range map[string]error{
		"itself":          p,
		"behind an error": own(own(p)),
		"told of another": own(chain.Afterwards{Err: errors.New("x"), Was: own(p)}),
		"of a hook":       own(chain.Afterwards{Err: p, Was: errors.New("x")}),
		"of a fallback":   own(errors.Join(errors.New("x"), own(p))),
	} {
		if chain.Panic(err) != p {
			t.Errorf("%s: not found", name)
		}
	}
	for name, err := range map[string]error{
		"nil": nil, "none": own(errors.New("x")), "grpc-go's": own(grpcstatus.Error(codes.NotFound, "x")),
		"another's status": own(custom{errors.New("x")}), "methods that panic": own(explosive{}), "without an end": own(new(ouroboros)),
	} {
		if got := chain.Panic(err); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
