package golden

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Reader is Go's. Neither connection does anything about an error: it is to be read, not to be put right.
type Reader struct {
	stock *grpc.ClientConn // grpc-go's own client
	ours  *grpc.ClientConn // with package interceptors
}

// Dial makes a reader of what a server with [Handler] replays.
func Dial(target string, opts ...grpc.DialOption) (*Reader, error) {
	opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	stock, err := grpc.NewClient(target, opts...)
	if err != nil {
		return nil, err
	}
	ours, err := grpc.NewClient(target, append(interceptors.DialOptions(), opts...)...)
	if err != nil {
		_ = stock.Close()
		return nil, err
	}
	return &Reader{stock, ours}, nil
}

// InMemory makes a reader of cases that cross no network. Close ends their server too.
func InMemory(cases []Case) (r *Reader, closeBoth func() error, err error) {
	lis := bufconn.Listen(1 << 20)
	r, err = Dial("passthrough:golden", grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		return nil, nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: Handler(cases), Protocols: protocols}
	served := make(chan error, 1)
	go func() { served <- web.Serve(lis) }()
	return r, func() error {
		err := errors.Join(r.Close(), web.Close())
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}, nil
}

// Close ends the connections.
func (r *Reader) Close() error { return errors.Join(r.stock.Close(), r.ours.Close()) }

// Read makes the call of a case twice, and reads its error from what grpc-go returns, and from what the interceptors
// make of that. It fails where the two are not the same. One that is for files only is read as it stands there.
func (r *Reader) Read(ctx context.Context, c Case) (Report, error) {
	if c.FileOnly != "" {
		st := new(spb.Status)
		if err := proto.Unmarshal(c.Call.Status, st); err != nil {
			return Report{}, err
		}
		e, _ := status.From(status.FromProto(st))
		return Of(e, nil)
	}
	var trailer metadata.MD
	e, err := call(ctx, r.stock, c, grpc.Trailer(&trailer))
	if err != nil {
		return Report{}, err
	}
	if e != nil {
		e = WithTrailer(e, trailer)
	}
	stock, err := Of(e, interceptors.DegradedIn(trailer))
	if err != nil {
		return Report{}, err
	}
	var degraded *recoursev1.Degraded
	if e, err = call(ctx, r.ours, c, interceptors.Degraded(&degraded)); err != nil {
		return Report{}, err
	}
	ours, err := Of(e, degraded)
	if err != nil {
		return Report{}, err
	}
	// Our client knows which method failed, and notes why it did not try again.
	ours.Operation, ours.Why, ours.Attempts = stock.Operation, stock.Why, stock.Attempts
	return ours, ours.Compare(stock)
}

// WithTrailer reads an error of grpc-go again, with what it does not have of the trailers: the request id.
func WithTrailer(e *status.Error, trailer metadata.MD) *status.Error {
	return status.Received(e.Unwrap(), "", strings.Join(trailer["x-request-id"], ""), false)
}

// call returns the error as package status reads it, nil where the call has none.
func call(ctx context.Context, conn *grpc.ClientConn, c Case, opts ...grpc.CallOption) (*status.Error, error) {
	err := conn.Invoke(ctx, "/"+Service+"/"+c.Name, new(emptypb.Empty), new(emptypb.Empty), opts...)
	if (err != nil) != (c.Call.Code != 0) {
		return nil, fmt.Errorf("the call ended with %v, should end with code %d", err, c.Call.Code)
	}
	e, _ := status.From(err)
	return e, nil
}

// Compare fails where a report is not the one that is wanted.
func (r Report) Compare(want Report) error {
	a, err := text(r)
	if err != nil {
		return err
	}
	b, err := text(want)
	if err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("read %s, want %s", a, b)
	}
	return nil
}
